#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles what export.py wrote and compares with what PyTorch answered.

    check.py --exports DIR --tq-compile tq-compile [--only NAME ...] [--jobs N]

One row an archive: whether it compiles, what became of its attention, the
largest difference from PyTorch over all cases, relative to the largest number
of an output, and the least cosine of an output of the program in dynamic int8
to PyTorch. Both programs have to give the same bits with one and three threads
and with the code for each CPU that this machine can run, and for the first row
of a batch alone, where all inputs and outputs have one: "rows alone" says in
how many runs.

Modules that PyTorch has quantized round to integers: a last bit decides a tie,
and a whole step is what differs. Of them "in int8" counts kernels of linears in
integers, tq's own quantization off, "steps" has the largest difference as
steps of eight bits over the range of an output, and "nudged" what PyTorch itself
makes of floats that are off in the last places (see export_quantized.py).

The exit status is 1 where an archive does not compile, gives other bits, or
differs by more than 1e-4; a quantized one, by more than a step and than twice
the difference of the nudged module. Needs numpy.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import typing

import numpy

LIMIT = 1e-4
# Recipes of export_quantized.py whose parameters are those of the whole batch, so
# that a row alone has others, in PyTorch, too.
OF_THE_BATCH = (".x86-dynamic", ".xnnpack-dynamic")


def run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Wrong(Exception):
    """What is wrong of an archive."""


def last_error(result: subprocess.CompletedProcess) -> str:
    lines = result.stderr.strip().splitlines() or [f"exit {result.returncode}"]
    return next((line for line in lines if "error" in line), lines[-1])[:300]


class Program:
    """An archive, compiled."""

    def __init__(self, tq_compile: str, archive: pathlib.Path,
                 work: pathlib.Path, scheme: str, options: list[str]):
        self.path = work / scheme
        self.work = work
        result = run([tq_compile, str(archive), "-o", str(self.path),
                      f"--quantize={scheme}", *options])
        if result.returncode != 0:
            raise Wrong(last_error(result))
        info = json.loads(run([str(self.path), "--describe", "--json"]).stdout)
        self.inputs, self.outputs = info["inputs"], info["outputs"]
        schemes = [layer["scheme"] for layer in info["layers"]
                   if "linear_" in layer["kernel"]]
        self.linears = len(schemes)
        self.integer_linears = sum(name.startswith("int8") for name in schemes)
        self.cpus = [target["cpu"] for target in info["targets"]
                     if target["supported"]]

    def answer(self, inputs: dict, options: tuple[str, ...] = ()) -> list:
        """What it gives for arrays by name."""
        command = [str(self.path), *options]
        for name, array in inputs.items():
            file = self.work / f"in-{name}.npy"
            numpy.save(file, array)
            command += ["--input", f"{name}={file}"]
        files = []
        for i, port in enumerate(self.outputs):
            files.append(self.work / f"out{i}.npy")
            command += ["--output", f"{port['name']}={files[-1]}"]
        result = run(command)
        if result.returncode != 0:
            raise Wrong(last_error(result))
        return [numpy.load(file) for file in files]


def count_attention(tq_compile: str, archive: pathlib.Path) -> tuple[str, str]:
    """How many attentions are `tq.attention` after normalize, of how many, and
    why the others are not. Weights that are an output are a softmax, too."""
    result = run([tq_compile, str(archive), "--stop-after=normalize",
                  "--verbose"])
    raised = len(re.findall(r"= tq\.attention", result.stdout))
    left = len(re.findall(r"= tq\.softmax", result.stdout))
    reasons = set(re.findall(r"products and a softmax: (.*)", result.stderr))
    if left and not reasons:
        reasons = {"its weights are an output"}
    return f"{raised}/{raised + left}", "; ".join(sorted(reasons))


def read_inputs(folder: pathlib.Path, program: Program) -> dict:
    return {port["name"]: numpy.load(folder / f"{port['name']}.npy")
            for port in program.inputs
            if (folder / f"{port['name']}.npy").exists()}


def read_answers(folder: pathlib.Path, prefix: str) -> list:
    """PREFIX0.npy and so on; none where there are no such files."""
    files = (folder / f"{prefix}{i}.npy" for i in itertools.count())
    return [numpy.load(file)
            for file in itertools.takewhile(pathlib.Path.exists, files)]


def measure_error(found: list, expected: list) -> float:
    """The largest difference, relative to the largest number of an output."""
    worst = 0.0
    for got, wanted in zip(found, expected):
        if got.shape != wanted.shape:
            raise Wrong(f"shape {got.shape} instead of {wanted.shape}")
        got, wanted = got.astype(numpy.float64), wanted.astype(numpy.float64)
        if not numpy.array_equal(numpy.isfinite(got), numpy.isfinite(wanted)):
            raise Wrong("other numbers are finite")
        if wanted.size:
            scale = numpy.abs(wanted).max() or 1.0
            worst = max(worst, float(numpy.abs(got - wanted).max() / scale))
    return worst


def count_steps(found: list, expected: list) -> float:
    """The largest difference, in steps of 8 bits over an output's range."""
    worst = 0.0
    for got, wanted in zip(found, expected):
        got, wanted = got.astype(numpy.float64), wanted.astype(numpy.float64)
        if wanted.size and wanted.min() < wanted.max():
            step = (wanted.max() - wanted.min()) / 255
            worst = max(worst, float(numpy.abs(got - wanted).max() / step))
    return worst


def cosine(found: numpy.ndarray, expected: numpy.ndarray) -> float:
    """Of all numbers; 0 where one of both is 0."""
    a = found.astype(numpy.float64).ravel()
    b = expected.astype(numpy.float64).ravel()
    norms = numpy.linalg.norm(a) * numpy.linalg.norm(b)
    return float(a @ b / norms) if norms else 0.0


def measure_cosine(found: list, expected: list) -> float:
    """The least of all outputs of floats."""
    return min((cosine(got, wanted) for got, wanted in zip(found, expected)
                if wanted.dtype.kind == "f" and wanted.any()), default=1.0)


def are_equal(a: list, b: list) -> bool:
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b))


def check_bits(program: Program, inputs: dict, found: list, row: dict):
    """Other threads, other CPUs; the first row of the batch alone."""
    for cpu in program.cpus:
        for threads in ("1", "3"):
            options = ("--threads", threads, "--target-cpu", cpu)
            if not are_equal(found, program.answer(inputs, options)):
                raise Wrong(f"other bits with {' '.join(options)}")
    if any(recipe in row["name"] for recipe in OF_THE_BATCH):
        return
    ports = [port for port in program.inputs if port["name"] in inputs]
    # Modules that are not `batch_first` say so in their name.
    axis = 1 if "-seq" in row["name"] else 0
    sizes = {port["shape"][axis] if len(port["shape"]) > axis else None
             for port in [*ports, *program.outputs]}
    if len(sizes) != 1 or not isinstance(next(iter(sizes)), str):
        return  # not all of them have a batch
    alone = {name: array.take([0], axis) for name, array in inputs.items()}
    try:
        answer = program.answer(alone)
    except Wrong:
        return  # it was exported for larger batches
    row["alone"] += 1
    if not are_equal([array.take([0], axis) for array in found], answer):
        raise Wrong("other bits alone than in a batch")


def check(tq_compile: str, archive: pathlib.Path, options: list[str]) -> dict:
    title = archive.name.removesuffix(".pt2")
    folder = archive.parent / title.removesuffix(".core")
    row = {"name": title, "attention": "", "reason": "", "error": None,
           "cosine": None, "alone": 0, "problem": "", "steps": [],
           "nudged": [], "linears": ""}
    with tempfile.TemporaryDirectory() as work:
        try:
            program, integer = (
                Program(tq_compile, archive, pathlib.Path(work), scheme,
                        options) for scheme in ("none", "dynamic"))
            row["attention"], row["reason"] = count_attention(tq_compile,
                                                              archive)
            errors, cosines = [], []
            for case in sorted(folder.iterdir()):
                inputs = read_inputs(case, program)
                expected = read_answers(case, "out")
                found = program.answer(inputs)
                errors.append(measure_error(found, expected))
                if nudged := read_answers(case, "nudged"):
                    row["linears"] = (f"{program.integer_linears}/"
                                      f"{program.linears}")
                    row["steps"].append(count_steps(found, expected))
                    row["nudged"].append(count_steps(nudged, expected))
                check_bits(program, inputs, found, row)
                found = integer.answer(inputs)
                cosines.append(measure_cosine(found, expected))
                check_bits(integer, inputs, found, row)
            row["error"], row["cosine"] = max(errors), min(cosines)
        except Wrong as problem:
            row["problem"] = str(problem)
    return row


def agrees(row: dict) -> bool:
    """What was measured is within the limits."""
    if row["error"] is None or not row["nudged"]:
        return row["error"] is not None and row["error"] <= LIMIT
    return max(row["steps"]) <= max(1, 2 * max(row["nudged"]))


def columns(row: dict) -> list[str]:
    """Of the table."""
    error, steps, nudged = row["problem"], "", ""
    if row["error"] is not None:
        error = f"{row['error']:.1e}"
    if row["nudged"]:
        steps, nudged = f"{max(row['steps']):.3f}", f"{max(row['nudged']):.3f}"
    cosine_text = "" if row["cosine"] is None else f"{row['cosine']:.5f}"
    return [row["name"], row["attention"], error, row["linears"], steps, nudged,
            cosine_text, str(row["alone"]), row["reason"]]


HEADER = ("archive", "attention", "relative error", "in int8", "steps", "nudged",
          "int8 cosine", "rows alone", "left as products")
WIDTHS = (44, 9, 14, 7, 6, 6, 11, 10, 16)


def print_row(texts: typing.Iterable[str]):
    cells = (text.ljust(width) for text, width in zip(texts, WIDTHS))
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--exports", type=pathlib.Path, required=True)
    parser.add_argument("--tq-compile", required=True)
    parser.add_argument("--only", nargs="*", help="archives, without .pt2")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("options", nargs="*", help="options for tq-compile")
    args = parser.parse_args()
    archives = [file for file in sorted(args.exports.glob("*.pt2"))
                if not args.only or file.name.removesuffix(".pt2") in args.only]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        rows = pool.map(lambda file: check(args.tq_compile, file, args.options),
                        archives)
        print_row(HEADER)
        print_row("-" * width for width in WIDTHS)
        for row in rows:
            failed += not agrees(row)
            print_row(columns(row))
    print(f"{len(archives) - failed} of {len(archives)} compile and agree")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
