#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile archives of torch.export with every op of the importer and compare with numpy.

Each family is one program with an output for each case, of dynamic sizes, which runs at
several shapes, with the code for every CPU that this machine can run and with other numbers
of threads: all give the same bits. Floats must be within 2e-6 of the reference in float64,
relative to the largest magnitude of the output; integers and bools must be equal. A row of
the tables in lib/Import/PT2/Ops without a case is a failure. Needs numpy only.
"""

import re
import shutil
import sys

import numpy as np

from programs_test import Failure, Program, require, run, run_cases
from pt2_families import elementwise, layers, quantized, reductions, tensors
from pt2_families.family import NUMPY, ROOT, measure, widen

# Cases that are wrong or do not compile today, and why: printed, no failure. A case that
# holds although it is here is one.
# fmt: off
KNOWN: dict[str, str] = {
    "arithmetic: aten.div.Tensor_mode 3": "uint8 is refused where signs matter",
    "arithmetic: aten.div.Tensor_mode 6": "uint8 is refused where signs matter",
    "arithmetic: aten.abs.default 3": "uint8 is refused where signs matter",
    "arithmetic: aten.sign.default 3": "uint8 is refused where signs matter",
}
# fmt: on

FAMILIES = [elementwise.arithmetic, elementwise.logic, elementwise.casts, tensors.views,
            tensors.inplace, tensors.creation, reductions.reductions, tensors.indexing,
            tensors.sizes, layers.layers, quantized.quantized]  # fmt: skip


def evaluate(family, shape, random):
    """Arrays of the inputs, and values of all tensors."""
    arrays, values = {}, {}
    for name, (dtype, make) in family.inputs.items():
        sizes = [measure(formula, shape) for formula in family.formulas[name]]
        arrays[name] = np.asarray(make(random, sizes)).astype(NUMPY[dtype])
        values[name] = widen(arrays[name].copy())
    for step in family.steps:
        step(values, shape)
    return arrays, values


def compare(expected, got, check):
    """Raise Failure unless an output is as expected."""
    require(got.dtype == NUMPY[check.tensor.dtype], f"got {got.dtype}, not {check.tensor.dtype}")
    require(got.shape == expected.shape, f"expected shape {expected.shape}, got {got.shape}")
    if check.tensor.dtype == "f32":
        expected = expected.astype(np.float64)
        finite = expected[np.isfinite(expected)]
        limit = check.tolerance * max(np.abs(finite).max(initial=0), 1e-30)
        with np.errstate(all="ignore"):
            equal = (np.isnan(expected) & np.isnan(got)) | (expected == got)
            equal |= np.isfinite(expected) & (np.abs(expected - got) <= limit)
    else:
        equal = expected == got
    if not equal.all():
        at = tuple(int(i[0]) for i in np.nonzero(~equal)) if equal.ndim else ()
        raise Failure(f"{np.sum(~equal)} of {equal.size} differ: at {list(at)} expected "
                      f"{expected[at]!r}, got {got[at]!r}")  # fmt: skip


def compile_checks(family, checks, directory, tq_compile):
    """The program of these outputs."""
    directory.mkdir(parents=True, exist_ok=True)
    family.program.output(*(check.tensor for check in checks),
                          keys=[f"o{i}" for i in range(len(checks))])  # fmt: skip
    (directory / "program.pt2").write_bytes(family.program.archive().write("program"))
    run([tq_compile, directory / "program.pt2", "-o", directory / "program", "--quantize=none"])
    return directory / "program"


def run_program(family, checks, program):
    """What is wrong of each output: a text by label."""
    wrong = {}
    variants = list_variants(program)
    files = [program.parent / f"o{i}.npy" for i in range(len(checks))]
    for number, shape in enumerate(family.shapes):
        arrays, values = evaluate(family, shape, np.random.default_rng(number))
        command = [program]
        for name, array in arrays.items():
            path = program.parent / f"{name}.npy"
            np.save(path, array)
            command += ["--input", f"{name}={path}"]
        for i, file in enumerate(files):
            command += ["--output", f"o{i}={file}"]
        run(command)
        wrong |= find_other_bits(command, files, checks, variants)
        for check, file in zip(checks, files):
            try:
                expected = np.asarray(values[check.tensor.name])
                sizes = tuple(measure(formula, shape) for formula in check.formulas)
                require(expected.shape == sizes, f"the oracle is {expected.shape}, not {sizes}")
                compare(expected, np.load(file), check)
            except Failure as failure:
                wrong.setdefault(check.label, f"{check.detail} at {shape}: {failure}")
    return wrong


def list_variants(program):
    """Options that change no bit."""
    return [["--threads", threads, "--target-cpu", cpu]
            for cpu in Program(program, ()).cpus() for threads in "13"]  # fmt: skip


def find_other_bits(command, files, checks, variants):
    """What is wrong of outputs that options of `variants` change: a text by label."""
    first, wrong = [file.read_bytes() for file in files], {}
    for options in variants:
        run([*command, *options])
        for file, data, check in zip(files, first, checks):
            if file.read_bytes() != data:
                wrong[check.label] = f"{check.detail}: other bits with {' '.join(options)}"
    return wrong


def run_checks(family, checks, directory, tq_compile):
    """The same for a program. One that does not compile or run is halved until the case is
    found, or until what is wrong is no case."""
    try:
        return run_program(family, checks, compile_checks(family, checks, directory, tq_compile))
    except Failure as failure:
        text = str(failure)
        family.programs -= 1
        if len(checks) == 1 or family.programs <= 0:
            return {check.label: f"{check.detail}: {text}" for check in checks}
    wrong, half = {}, len(checks) // 2
    for part in (checks[:half], checks[half:]):
        wrong |= run_checks(family, part, directory, tq_compile)
    return wrong


def run_family(family, arguments):
    """Results of all cases: (name, result, detail)."""
    directory = arguments.work / family.name
    shutil.rmtree(directory, ignore_errors=True)
    known = [check for check in family.checks if f"{family.name}: {check.label}" in KNOWN]
    good = [check for check in family.checks if check not in known]
    try:
        wrong = run_checks(family, good, directory, arguments.tq_compile)
        for check in known:
            wrong |= run_checks(family, [check], directory / "known", arguments.tq_compile)
    except (OSError, ValueError, TypeError, AttributeError, IndexError) as error:
        return [(family.name, "failed", f"{type(error).__name__}: {error}")]
    results = []
    for check in family.checks:
        name, text = f"{family.name}: {check.label}", wrong.get(check.label)
        if check in known:
            result = ("skipped", f"KNOWN: {KNOWN[name]}") if text else ("failed", "is in KNOWN, "
                                                                        "but holds")  # fmt: skip
        else:
            result = ("failed", text) if text else ("passed", check.detail)
        results.append((name, *result))
    return results


class Coverage:
    """That each row of the tables has a case."""

    name = "coverage"

    def __init__(self, families):
        self.tested = {target for family in families for target in family.targets}

    def results(self):
        """One for each row."""
        rows = [row for path in sorted((ROOT / "lib/Import/PT2/Ops").glob("*.cpp"))
                for row in re.findall(r'\{"([\w.]+)\(', path.read_text())]  # fmt: skip
        if len(rows) < 100:
            return [("coverage", "failed", f"expected 100 rows or more, got {len(rows)}")]
        return [(f"coverage: {row}", *(("passed", "") if row in self.tested
                                       else ("failed", "no case in test/e2e/pt2_families")))
                for row in rows]  # fmt: skip


def run_one(case, arguments):
    """A family, or the check of the tables."""
    return case.results() if isinstance(case, Coverage) else run_family(case, arguments)


def main():
    """All families."""
    families = [make() for make in FAMILIES]
    return run_cases(__doc__, [*families, Coverage(families)], run_one)


if __name__ == "__main__":
    sys.exit(main())
