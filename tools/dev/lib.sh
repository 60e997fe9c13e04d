# shellcheck shell=bash
#===- lib.sh - What the developer scripts share ---------------------------===#
#
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===-----------------------------------------------------------------------===#
#
# Sourced by the scripts beside it. A stage is one step of a script: it runs
# with its output in a log, prints one line, and its output only if it fails.
#
#===-----------------------------------------------------------------------===#

set -euo pipefail
export LC_ALL=C.UTF-8

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# All checkouts on a machine share what they have compiled: paths below the root
# count as relative ones.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=true
export CCACHE_SLOPPINESS=pch_defines,time_macros
preset=dev
venv=$root/build/venv
stage_log=
stage_begin=0

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The comment at the head of the script, below its name.
usage() {
  sed -n '/^# usage:/,/^$/s/^# \{0,1\}//p' "$0"
}

select_preset() {
  preset=$1
  grep -q "\"name\": \"$preset\", \"configurePreset\"" "$root/CMakePresets.json" ||
    die "--preset: expected a build preset of CMakePresets.json, but got '$preset'"
}

#===-----------------------------------------------------------------------===#
# Stages
#===-----------------------------------------------------------------------===#

now() { # microseconds
  printf '%s' "${EPOCHREALTIME/[.,]/}"
}

# seconds BEGIN: the time since then
seconds() {
  local tenths=$((($(now) - $1 + 50000) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

stage_start() {
  stage_begin=$(now)
  stage_log=$root/build/logs/$preset/${1// /-}.log
  mkdir -p "${stage_log%/*}"
}

# report NAME RESULT: the line of a stage
report() {
  printf '%-10s %-54s %6s s\n' "$1" "$2" "$(seconds "$stage_begin")"
}

# The last line of a growing log, over and over, while `logged` runs. Ends with
# the script: what runs in the background does not hear Ctrl-C.
follow() {
  local line
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    line=$(tail -n 1 "$1" | tr -d '\r' | tr -c '[:print:]\n' ' ' | cut -c 1-76)
    printf '\r\033[K%s\r' "$line"
  done
}

# logged COMMAND...: runs it with its output in the log of the stage; on a
# terminal, the log's last line shows that it goes on.
logged() {
  local status=0 follower
  : >"$stage_log"
  if [[ ! -t 1 ]]; then
    "$@" >>"$stage_log" 2>&1
    return
  fi
  follow "$stage_log" &
  follower=$!
  "$@" >>"$stage_log" 2>&1 || status=$?
  kill "$follower"
  wait "$follower" 2>/dev/null || true
  printf '\r\033[K'
  return "$status"
}

show_log() {
  local lines
  lines=$(wc -l <"$stage_log")
  if ((lines > 200)); then
    printf '... the last 200 of %s lines of %s:\n' "$lines" "$stage_log"
  fi
  tail -n 200 "$stage_log"
}

# stage NAME RESULT COMMAND...: fails, with the output, if the command does.
stage() {
  local name=$1 result=$2
  shift 2
  stage_start "$name"
  if logged "$@"; then
    report "$name" "$result"
  else
    report "$name" "FAILED"
    show_log
    return 1
  fi
}

#===-----------------------------------------------------------------------===#
# What has to be installed
#===-----------------------------------------------------------------------===#

packages() {
  sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/tools/dev/packages.txt"
}

missing_packages() { # COMMAND that lists what is needed
  command -v dpkg-query >/dev/null ||
    die "expected Debian 12 with dpkg; elsewhere, install what" \
      "tools/dev/packages.txt lists and build with CMakePresets.json"
  local installed
  # dpkg-query fails if it knows nothing of a package: then it is missing.
  # shellcheck disable=SC2016,SC2046
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' \
    $("$1") 2>/dev/null | sed -n 's/^installed //p' | sort -u) || true
  comm -23 <("$1" | sort -u) <(printf '%s\n' "$installed")
}

install_packages() {
  local -a missing=("$@") as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || {
      echo "expected root or sudo to install: ${missing[*]}"
      return 1
    }
    as_root=(sudo)
  fi
  # A source that cannot be reached may be one that is not needed.
  "${as_root[@]}" apt-get update || echo "going on with the lists there are"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install \
    --yes --no-install-recommends "${missing[@]}"
}

ensure_packages() { # [COMMAND that lists them]
  local -a missing
  local names
  names=$(missing_packages "${1:-packages}")
  mapfile -t missing < <(printf '%s' "$names")
  if ((${#missing[@]} == 0)); then
    stage "packages" "nothing is missing" true
  else
    # Here, where it can ask for a password, and not behind the log.
    if ((EUID != 0)) && command -v sudo >/dev/null; then
      sudo --validate || die "sudo is needed to install: ${missing[*]}"
    fi
    stage "packages" "${#missing[@]} installed" install_packages "${missing[@]}"
  fi
}

make_venv() {
  # Debian's own Python: the package python3-venv belongs to it.
  /usr/bin/python3 -m venv "$venv" &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
      --requirement "$root/tools/dev/requirements.txt" &&
    cp "$root/tools/dev/requirements.txt" "$venv/requirements.txt"
}

ensure_venv() {
  if cmp -s "$root/tools/dev/requirements.txt" "$venv/requirements.txt"; then
    stage "python" "build/venv is there" true
  else
    stage "python" "build/venv made" make_venv
  fi
}

# Debian's cross compiler brings no utf8proc. The lists of packages for another
# architecture go into a folder of their own: the system's stay as they are.
fetch_sysroot() { # ARCHITECTURE TRIPLE
  local state folder=$root/build/sysroot/$2
  state=$(mktemp -d)
  mkdir -p "$state/lists/partial" "$state/archives/partial" "$folder"
  local -a options=(-o "APT::Architecture=$1" -o "APT::Architectures=$1"
    -o "Dir::State=$state" -o "Dir::State::status=/dev/null"
    -o "Dir::Cache=$state" -o "APT::Sandbox::User=$(id -un)")
  (
    cd "$state" &&
      { apt-get "${options[@]}" update || echo "going on with what there is"; } &&
      apt-get "${options[@]}" download libutf8proc-dev &&
      dpkg-deb --extract libutf8proc-dev_*.deb "$folder"
  ) || { rm -rf "$state" && return 1; }
  rm -rf "$state"
}

ensure_sysroot() {
  if [[ $(dpkg --print-architecture) == arm64 ]]; then
    return
  elif [[ -e $root/build/sysroot/aarch64-linux-gnu/usr/include/utf8proc.h ]]; then
    stage "sysroot" "build/sysroot is there" true
  else
    stage "sysroot" "build/sysroot made" fetch_sysroot arm64 aarch64-linux-gnu
  fi
}

#===-----------------------------------------------------------------------===#
# Build
#===-----------------------------------------------------------------------===#

configure_and_build() {
  cd "$root" && cmake --preset "$preset" && cmake --build --preset "$preset"
}

build() {
  stage "build" "build/$preset" configure_and_build
}
