#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles what export.py wrote and compares with what PyTorch answered.

    check.py --exports DIR --tq-compile tq-compile [--only NAME ...] [--jobs N]

One row an archive: whether it compiles, what became of its attention, and the
largest difference from PyTorch over all cases, relative to the largest number
of an output. The exit status is 1 where an archive does not compile or differs
by more than 1e-4. Needs numpy.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy

LIMIT = 1e-4


def run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def describe(program: pathlib.Path) -> dict:
    result = run([str(program), "--describe", "--json"])
    return json.loads(result.stdout)


def count_attention(tq_compile: str, archive: pathlib.Path) -> str:
    """How many attentions are `tq.attention` after normalize, of how many."""
    result = run([tq_compile, str(archive), "--stop-after=normalize"])
    raised = len(re.findall(r"= tq\.attention", result.stdout))
    left = len(re.findall(r"= tq\.softmax", result.stdout))
    return f"{raised}/{raised + left}"


def compare(program: pathlib.Path, info: dict, case: pathlib.Path,
            work: pathlib.Path) -> float | str:
    entry = info["entries"][0] if "entries" in info else info
    command = [str(program)]
    for port in entry["inputs"]:
        file = case / f"{port['name']}.npy"
        if file.exists():
            command += ["--input", f"{port['name']}={file}"]
    outputs = [port["name"] for port in entry["outputs"]]
    files = [work / f"out{i}.npy" for i in range(len(outputs))]
    for name, file in zip(outputs, files):
        command += ["--output", f"{name}={file}"]
    result = run(command)
    if result.returncode != 0:
        return result.stderr.strip().splitlines()[-1][:200] if result.stderr else f"exit {result.returncode}"
    worst = 0.0
    for index, file in enumerate(files):
        expected = numpy.load(case / f"out{index}.npy").astype(numpy.float64)
        got = numpy.load(file).astype(numpy.float64)
        if got.shape != expected.shape:
            return f"shape {got.shape} instead of {expected.shape}"
        if not numpy.array_equal(numpy.isfinite(got), numpy.isfinite(expected)):
            return "other numbers are finite"
        if expected.size:
            scale = numpy.abs(expected).max() or 1.0
            worst = max(worst, float(numpy.abs(got - expected).max() / scale))
    return worst


def check(tq_compile: str, archive: pathlib.Path, options: list[str]) -> dict:
    title = archive.name.removesuffix(".pt2")
    cases = archive.parent / title.removesuffix(".core")
    row = {"name": title, "attention": "", "error": None, "problem": ""}
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        program = work / "program"
        result = run([tq_compile, str(archive), "-o", str(program), *options])
        if result.returncode != 0:
            lines = result.stderr.strip().splitlines() or [f"exit {result.returncode}"]
            row["problem"] = next((l for l in lines if "error" in l), lines[-1])[:400]
            return row
        row["attention"] = count_attention(tq_compile, archive)
        info = describe(program)
        errors = []
        for case in sorted(cases.iterdir()):
            error = compare(program, info, case, work)
            if isinstance(error, str):
                row["problem"] = f"case {case.name}: {error}"
                return row
            errors.append(error)
        row["error"] = max(errors)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--exports", type=pathlib.Path, required=True)
    parser.add_argument("--tq-compile", required=True)
    parser.add_argument("--only", nargs="*", help="archives, without .pt2")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("options", nargs="*", help="options for tq-compile",
                        default=["--quantize=none"])
    args = parser.parse_args()
    archives = [file for file in sorted(args.exports.glob("*.pt2"))
                if not args.only or file.name.removesuffix(".pt2") in args.only]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        rows = pool.map(lambda file: check(args.tq_compile, file, args.options),
                        archives)
        print(f"| {'archive':32} | attention | relative error |")
        print(f"|{'-' * 34}|-----------|----------------|")
        for row in rows:
            bad = row["error"] is None or row["error"] > LIMIT
            failed += bad
            figure = row["problem"] if row["error"] is None else f"{row['error']:.1e}"
            print(f"| {row['name']:32} | {row['attention']:9} | {figure:14} |",
                  flush=True)
    print(f"{len(archives) - failed} of {len(archives)} compile and agree")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
