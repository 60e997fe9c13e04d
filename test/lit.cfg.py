# Configuration of lit for tests of IR and of command lines.
#
# The checkout may lie in a folder of any name. So in RUN lines
# - %s, %S, %p, %t, %tq_src and %python are one word of the shell, whatever is in them:
#   write `%t/out` and `--input-file=%t/x`, and never put them between quotes (a script
#   for `%python -c` gets a path as an argument, or works in %t after `cd %t`);
# - tools are found in PATH, by their plain names;
# and no CHECK-NOT line matches a word that can be part of a path: `ls %t | count 0`
# asks whether a folder is empty.

import os
import shlex
import subprocess
import sys

import lit.formats
import lit.util
from lit.llvm import llvm_config

sys.path.insert(0, os.path.dirname(__file__))
import lit_quoting

config.name = "TQ"
config.test_format = lit_quoting.QuotedShTest(not llvm_config.use_lit_shell)
config.suffixes = [".mlir", ".test"]
# unit is GoogleTest, e2e has tests in Python, benchmark is measured by hand, fuzz is run
# by tools/dev/fuzz.
config.excludes = ["Inputs", "unit", "e2e", "benchmark", "fuzz"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.tq_build_dir, "test")

config.substitutions.append(("%tq_src", shlex.quote(config.tq_source_dir)))


def variants(cpu, system="x86_64"):
    """The pass that gives kernels a variant for a CPU."""
    return f"-program-add-variants='target={system}-linux-gnu target-cpu={cpu}'"


config.substitutions.append(("%variants", variants("x86-64-v3")))
for name, arguments in {
    "avx2": ["x86-64-v3"],
    "avxvnni": ["x86-64-v3+avxvnni"],
    "avx512": ["x86-64-v4"],
    "avx512vnni": ["x86-64-v4+avx512vnni"],
    "avx512bf16": ["x86-64-v4+avx512vnni+avx512bf16"],
    "amx": ["x86-64-v4+avx512vnni+amx-int8"],
    "amx-bf16": ["x86-64-v4+avx512vnni+avx512bf16+amx-int8+amx-bf16"],
    "generic": ["generic", "aarch64"],
}.items():
    config.substitutions.append((f"%{{plans:{name}}}", f"{variants(*arguments)} -tq-plan-kernels"))
config.substitutions.append(("%python", shlex.quote(config.python_executable)))

# Paths in front of those there are.
llvm_config.with_environment(
    "PATH", [config.tq_tools_dir, config.llvm_tools_dir], append_path=True
)


def cpu_flags():
    """Names of what the processor can do; empty where Linux does not say."""
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith(("flags", "Features")):
                    return set(line.split(":", 1)[1].split())
    except OSError:
        pass
    return set()


# Features a test can ask for with `REQUIRES:`.
flags = cpu_flags()
if "avx2" in flags and "fma" in flags:
    config.available_features.add("avx2")
if "avx512_vnni" in flags:
    config.available_features.add("avx512vnni")
for tool in ["tq-compile", "tq-lsp-server"]:
    if os.path.exists(os.path.join(config.tq_tools_dir, tool)):
        config.available_features.add(tool)
# What runs programs of other CPUs. It has no room for a sanitizer's shadow; the
# runtime for other architectures has no sanitizer.
for arch, loader in [("x86_64", "/"), ("aarch64", "/usr/aarch64-linux-gnu")]:
    emulator = lit.util.which("qemu-%s-static" % arch) or lit.util.which("qemu-" + arch)
    if emulator and not (config.sanitize and arch == "x86_64"):
        config.available_features.add("qemu-" + arch)
        config.substitutions.append(("%qemu-" + arch, "%s -L %s" % (emulator, loader)))
runtime = os.path.join(config.tq_build_dir, "lib", "aarch64-linux-gnu", "libtq_runtime.a")
if "qemu-aarch64" in config.available_features and os.path.exists(runtime):
    config.available_features.add("aarch64")

# A library that was built so cannot be part of a program that was not.
if config.sanitize:
    config.available_features.add("sanitized")

# What a compiler links with that finds neither clang nor gcc.
paths = config.environment["PATH"]
if all(lit.util.which(tool, paths) for tool in ["ld.lld", "clang-22"]):
    config.available_features.add("own-linker")

# Some sandboxes do not let a process filter its system calls.
without_tiles = os.path.join(os.path.dirname(__file__), "Emit/Inputs/without_tiles.py")
if subprocess.run([sys.executable, without_tiles, "true"], capture_output=True).returncode == 0:
    config.available_features.add("seccomp")
