#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a call of a program from Python costs over a call of the C interface.

    python_calls.py [--tq-compile tq-compile] [--rounds N]

A program of next to no work is called in three ways, in turn: a function of
the C interface with everything prepared, tq.Module with arrays of numpy, and
with tensors of torch, if that is there. Printed are medians in microseconds.
Also whether a program reads inputs and writes results where they are.
Needs numpy.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

import tq_program

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

import tq  # noqa: E402

CALLS = 2000
SOURCE = """\
!x = tensor<?x64xf32>
func.func @main(
    %a: !x {program.port = #program.port<"a", ["n", "64"]>},
    %b: !x {program.port = #program.port<"b", ["n", "64"]>})
    -> (!x {program.port = #program.port<"y", ["n", "64"]>}) {
  %y = tq.add %a, %b : (!x, !x) -> !x
  return %y : !x
}
"""


def microseconds(function):
    """The mean of many calls."""
    start = time.perf_counter()
    for _ in range(CALLS):
        function()
    return (time.perf_counter() - start) / CALLS * 1e6


def prepared(module, *inputs):
    """A call of the C interface with nothing left to do."""
    session = module._pool.take()
    arrays = (*inputs, np.empty_like(inputs[0]))
    for tensor, array in zip((*session.inputs, *session.outputs), arrays,
                             strict=True):
        tensor.data, tensor.rank = array.ctypes.data, array.ndim
        tensor.dims[:array.ndim] = array.shape
        tensor.dtype = 0
    arguments = (session.handle, session.inputs, len(session.inputs),
                 session.outputs, len(session.outputs))
    run = module._pool.library.run

    def call(kept=(session, arrays)):
        if run(*arguments) != 0:
            raise RuntimeError("the program failed")

    return call


def seen_pointers(module, *inputs):
    """What the C interface gets of a call, and the result."""
    library, seen = module._pool.library, []
    run = library.run

    def record(handle, given, count, results, number):
        seen.extend(tensor.data for tensor in (*given, *results))
        return run(handle, given, count, results, number)

    library.run = record
    try:
        result = module(*inputs)
    finally:
        library.run = run
    return seen, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tq-compile", type=pathlib.Path,
                        default=tq_program.default_compiler())
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    os.environ["TQ_COMPILE"] = str(args.tq_compile.resolve())
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "add.mlir"
        source.write_text(SOURCE)
        module = tq.compile(source, quantize="none", threads=1, cache=False)
    a, b = np.ones((1, 64), np.float32), np.ones((1, 64), np.float32)
    ways = {"C interface": prepared(module, a, b),
            "numpy": lambda: module(a, b)}
    pointers = {"numpy": (a.ctypes.data, b.ctypes.data)}
    results = {}
    module(a, b)
    found, result = seen_pointers(module, a, b)
    results["numpy"] = found, result.ctypes.data
    try:
        import torch
    except ImportError:
        torch = None
    if torch is not None:
        tensors = torch.ones(1, 64), torch.ones(1, 64)
        other = tq.Module.from_bytes(module.to_bytes(), threads=1)
        other(*tensors)
        pointers["torch"] = tuple(x.data_ptr() for x in tensors)
        found, result = seen_pointers(other, *tensors)
        results["torch"] = found, result.data_ptr()
        ways["torch"] = lambda: other(*tensors)
    times = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, way in ways.items():
            times[name].append(microseconds(way))
    base = statistics.median(times["C interface"])
    for name, row in times.items():
        own = statistics.median(row)
        line = f"{name:12} {own:6.2f} us, {own - base:5.2f} us over the first"
        if name in results:
            found, written = results[name]
            same = found == [*pointers[name], written]
            line += (f"; inputs at {', '.join(map(hex, pointers[name]))}, "
                     f"result at {written:#x}: "
                     f"{'read and written there' if same else 'COPIED'}")
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
