#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run programs whose runtime ThreadSanitizer watches.

A tiny model in float, in int8, and with attention in int8 is linked with a runtime that
was built with -fsanitize=thread, and runs with 1, 2 and 7 threads: no race is reported,
and all give the same bits. Needs clang-22.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

import tiny_models
from programs_test import Failure, Program, make_inputs, require, run, same_bits
from tiny_models import Spec

SPEC = Spec(hidden=64, heads=2, ffn=96, layers=2, seed=21)
SCHEMES = (
    ("float", ["--quantize=none"]),
    ("int8", ["--quantize=dynamic"]),
    ("int8 attention", ["--quantize=dynamic", "--attention=int8"]),
)


def link(directory, tq_compile, runtime, options):
    """A program with the sanitized runtime."""
    code, path = directory / "program.o", directory / "program"
    run([tq_compile, directory / "model", "--emit=obj", "-o", code, *options])
    libraries = [runtime / "libtq_main.a", runtime / "libtq_runtime.a"]
    run(["clang-22", "-fsanitize=thread", "-fuse-ld=lld", "-pie", "-o", path, code, *libraries,
         "-lm", "-pthread"])  # fmt: skip
    return Program(path, ("last_hidden_state",))


def check(program):
    """Threads that race make the program exit with 66, which run() refuses."""
    inputs = make_inputs(SPEC, 24, 29, seed=1)
    expected = program(inputs)
    for threads in (2, 7):
        same_bits(program(inputs, threads), expected, f"{threads} threads")
    require(b"ThreadSanitizer" in program.path.read_bytes(), "the program is not watched")


def main():
    """All schemes; the closing line counts them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--tq-compile", "--runtime", "--work"):
        parser.add_argument(name, type=lambda text: pathlib.Path(text).resolve(), required=True)
    arguments = parser.parse_args()
    failed = 0
    for name, options in SCHEMES:
        directory = arguments.work / name.replace(" ", "-")
        shutil.rmtree(directory, ignore_errors=True)
        tiny_models.write_model(directory / "model", SPEC)
        try:
            check(link(directory, arguments.tq_compile, arguments.runtime, options))
        except (Failure, OSError, subprocess.SubprocessError) as error:
            failed += 1
            print(f"FAILED {name}: {error}", flush=True)
    print(f"{len(SCHEMES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
