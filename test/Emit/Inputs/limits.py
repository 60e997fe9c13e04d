"""limits.py TQ_COMPILE INPUT DIRECTORY files|memory|disks: compiles with too little of
it. Every run is fine or ends in one line, leaves nothing and keeps what was there."""

import os
import pathlib
import resource
import subprocess
import sys

compiler, source, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
OUT, TMP = root / "out", root / "tmp"


def compile_with(limits=(), out=OUT, tmp=TMP):
    """The exit code and the line, "" if all went well."""

    def set_limits():
        for limit, value in limits:
            resource.setrlimit(limit, (value, value))

    program = out / "program"
    program.write_text("before")
    run = subprocess.run(
        [compiler, source, "-o", program, "--no-golden"],
        env={**os.environ, "TMPDIR": str(tmp)},
        capture_output=True,
        text=True,
        preexec_fn=set_limits,
    )
    where = f"{limits}: exit code {run.returncode}: {run.stderr}"
    if os.listdir(tmp) or os.listdir(out) != ["program"]:
        sys.exit(f"{where}: left {os.listdir(tmp)} {os.listdir(out)}")
    if run.returncode == 0:
        return 0, run.stderr
    if program.read_text() != "before":
        sys.exit(f"{where}: another program")
    if run.stderr.count("\n") != 1 or not run.stderr.startswith("error: "):
        sys.exit(f"{where}: expected one line")
    if "which is an error of tq" in run.stderr or "bug report" in run.stderr:
        sys.exit(f"{where}: this machine's fault, not tq's")
    return run.returncode, run.stderr.strip()


def check_file_sizes():
    for size in (4096, 65536):
        code, line = compile_with([(resource.RLIMIT_FSIZE, size)])
        print(f"files of at most {size} bytes: exit code {code} {line}")


def check_memory():
    """From too little for a thread on to enough."""
    failed, megabytes = 0, 450
    while megabytes < 16384:
        code, line = compile_with([(resource.RLIMIT_AS, megabytes << 20)])
        if code not in (0, 3, 4):
            sys.exit(f"{megabytes} MB: exit code {code}: {line}")
        failed += code != 0
        if code == 0:
            break
        megabytes += 50
    print(f"memory: {failed} runs without enough, each with a line")


def check_disks():
    """Small disks, for temporary files and for outputs."""
    disk = root / "disk"
    disk.mkdir()
    failed = 0
    for kilobytes in (16, 64, 256, 400):
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            return print("disks: skipped")
        try:
            results = [compile_with(out=disk)]
            (disk / "program").unlink()
            results.append(compile_with(tmp=disk))
        finally:
            subprocess.run(["umount", disk], check=True)
        for code, line in results:
            if code not in (0, 3):
                sys.exit(f"{kilobytes} kB: exit code {code}: {line}")
            failed += code != 0
    print(f"disks: {failed} runs on full ones, each with a line")


CHECKS = {"files": check_file_sizes, "memory": check_memory, "disks": check_disks}
CHECKS[sys.argv[4]]()
