#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile hand-written programs of mixed dialects and compare them with float64 numpy.

The programs are in mixed/*.mlir. In float they must be within 1e-5 of numpy, in int8 point
the same way, and give the same bits with 1 and 2 threads and built for AVX2 and for this
machine. Their weights are seeded; the test writes them beside the program.
"""

import dataclasses
import pathlib
import platform
import re
import shutil
import sys
import typing

import numpy as np

from programs_test import (
    ALL_CPUS,
    FLOAT_ERROR,
    INT8_COSINE,
    Failure,
    Program,
    check_targets,
    require,
    run,
    run_cases,
    run_check,
    same_bits,
    target_options,
)

SOURCES = pathlib.Path(__file__).resolve().parent / "mixed"
# batch, sequence: alone and together, odd lengths, length 1; the last has several blocks
# of rows for one thread, and one for each of seven
SHAPES = ((1, 1), (1, 7), (3, 1), (3, 13), (1, 50), (3, 37), (5, 97))
# of a causal program: every rest of rows that tiles leave over, alone and in a block
PREFIXES = (*range(1, 14), 47, 48, 49)


# ---------------------------------------------------------------------- weights

WEIGHT = re.compile(r'tq\.weight @(\w+) : tensor<([\dx]+)xf32> = #tq\.mapped<"[^"]+", (\d+)>')


def make_weights(name, directory):
    """Weights by name; they are also written to weights.bin, as the program says."""
    random = np.random.default_rng(7)
    weights, content = {}, b""
    for weight, dims, offset in WEIGHT.findall((SOURCES / f"{name}.mlir").read_text()):
        shape = [int(dim) for dim in dims.split("x")]
        value = random.normal(0, 0.3, shape) if len(shape) > 1 else random.uniform(0.5, 1.5, shape)
        require(len(content) == int(offset), f"@{weight}: expected offset {len(content)}")
        content += value.astype(np.float32).tobytes()
        weights[weight] = value.astype(np.float32).astype(np.float64)
    (directory / "weights.bin").write_bytes(content)
    return weights


# ------------------------------------------------------------------- references


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def softmax(x):
    """Over the last dimension."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rms_norm(x, gamma):
    """Rows of root mean square 1, times gamma."""
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * gamma


def layer_norm(x, gamma):
    """Rows of mean 0 and variance 1, times gamma."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * gamma


def causal_attention(q, k, v, heads, kv_heads):
    """Each position sees itself and those before it."""
    batch, length, width = q.shape
    size = width // heads

    def split(x, count):
        x = x.reshape(batch, length, count, size).transpose(0, 2, 1, 3)
        return np.repeat(x, heads // count, axis=1)

    scores = split(q, heads) @ split(k, kv_heads).swapaxes(-1, -2) * 0.288675
    scores = np.where(np.tri(length, dtype=bool), scores, -np.inf)
    mixed = softmax(scores) @ split(v, kv_heads)
    return mixed.transpose(0, 2, 1, 3).reshape(batch, length, width)


def decoder(w, x):
    """decoder.mlir."""
    n = rms_norm(x, w["norm1"])
    q, k, v = (n @ w[name].T for name in ("query", "key", "value"))
    h = x + causal_attention(q, k, v, 4, 2) @ w["output"].T
    n = rms_norm(h, w["norm2"])
    gate = n @ w["gate"].T
    return {"y": h + (gate * sigmoid(gate) * (n @ w["up"].T)) @ w["down"].T}


def generic(w, x):
    """generic.mlir."""
    h = x @ w["first"].T
    bent = np.where(h > 0, h, h / 2)
    return {"y": np.tanh(bent.sum(1)) @ w["second"].T + w["bias"], "bent": bent}


def movement(w, x, rows):
    """movement.mlir."""
    n = layer_norm(x, w["gamma"])
    return {
        "picked": n[rows[:, 0]],
        "turned": softmax(n.swapaxes(1, 2)),
        "joined": np.concatenate((n, x), 2),
        "stacked": np.concatenate((x, n, x), 1),
    }


def arithmetic(_, x):
    """arithmetic.mlir."""
    curve = np.tanh(x) / (np.exp(x) + 1)
    return {
        "curve": curve,
        "padded": np.pad(curve, ((1, 0), (0, x.shape[1])), constant_values=-3),
        "tail": sigmoid(curve[:, x.shape[1] // 2 :]),
        "whole": np.tanh(x * x) - curve,
    }


def unfused_attention(_, q, k, v):
    """unfused_attention.mlir."""
    return {"y": softmax(q @ k.swapaxes(1, 2) * 0.25) @ v}


def results(_, x):
    """results.mlir."""
    first = x * sigmoid(x)
    return {"first": first, "second": softmax(first), "again": first, "same": x}


# ------------------------------------------------------------------------ cases


def normal(*shape, seed=0):
    """Random f32 values."""
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def states(width):
    """Inputs of one tensor x, [batch, sequence, width]."""
    return lambda batch, length: {"x": normal(batch, length, width)}


def make_movement_inputs(batch, length):
    """Values and the rows to pick: one more than there are."""
    rows = np.random.default_rng(1).integers(0, batch, (batch + 1, 1))
    return {"x": normal(batch, length, 24), "rows": rows}


def make_attention_inputs(batch, length):
    """Twice as many keys as queries, and one."""
    shape = (batch, 2 * length + 1, 16)
    return {"q": normal(batch, length, 16), "k": normal(*shape, seed=1),
            "v": normal(*shape, seed=2)}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Case:
    """A program: its inputs, what numpy makes of them, whether it has linears, and
    whether a position sees none behind it."""

    reference: typing.Callable
    make_inputs: typing.Callable
    has_linears: bool = False
    is_causal: bool = False

    @property
    def name(self):
        """Of the file, too."""
        return self.reference.__name__


CASES = (
    Case(decoder, states(48), has_linears=True, is_causal=True),
    Case(generic, states(24), has_linears=True),
    Case(movement, make_movement_inputs),
    Case(arithmetic, lambda batch, length: {"x": normal(batch, length)}),
    Case(unfused_attention, make_attention_inputs),
    Case(results, states(24)),
)


@dataclasses.dataclass
class Context:
    """What the checks of one case work with."""

    case: Case
    weights: dict
    tq_compile: pathlib.Path
    directory: pathlib.Path
    programs: dict

    def runs(self):
        """Inputs of every shape and numpy's outputs."""
        for shape in SHAPES:
            inputs = self.case.make_inputs(*shape)
            wide = {k: v.astype(np.float64) if v.dtype == np.float32 else v
                    for k, v in inputs.items()}  # fmt: skip
            yield inputs, self.case.reference(self.weights, **wide)

    def program(self, quantize):
        """The program of a scheme, compiled when first asked for."""
        if quantize not in self.programs:
            path = self.directory / quantize
            options = [f"--quantize={quantize}", "--no-golden",
                       *target_options(platform.machine(), ALL_CPUS)]  # fmt: skip
            run([self.tq_compile, self.directory / f"{self.case.name}.mlir", "-o", path, *options])
            names = next(self.runs())[1]
            self.programs[quantize] = Program(path, tuple(names))
        return self.programs[quantize]


# ----------------------------------------------------------------------- checks


def check_float_error(context):
    """The float program is within 1e-5 of numpy."""
    worst, program = 0.0, context.program("none")
    for inputs, expected in context.runs():
        got = program(inputs)
        for name, value in expected.items():
            require(got[name].shape == value.shape,
                    f"{name}: expected shape {value.shape}, got {got[name].shape}")  # fmt: skip
            error = float(np.abs(got[name] - value).max())
            # Relative to values above 1, as they are rounded to f32.
            error /= max(1.0, float(np.abs(value).max()))
            require(error <= FLOAT_ERROR, f"{name} of shape {value.shape}: error {error:.2e}")
            worst = max(worst, error)
    return f"error {worst:.1e}"


def check_int8_cosine(context):
    """The int8 program's outputs point where numpy's do."""
    worst, program = 1.0, context.program("dynamic")
    for inputs, expected in context.runs():
        got = program(inputs)
        for name, value in expected.items():
            a, b = got[name].astype(np.float64).ravel(), value.ravel()
            worst = min(worst, a @ b / np.sqrt((a @ a) * (b @ b)))
    require(worst > INT8_COSINE, f"cosine {worst:.5f}")
    return f"cosine {worst:.5f}"


def check_prefixes(context, quantize):
    """The first positions alone have the bits they have in a longer sequence."""
    program = context.program(quantize)
    inputs = context.case.make_inputs(1, 50)
    for cpu in program.cpus():
        whole = program(inputs, cpu=cpu)
        for length in PREFIXES:
            first = {name: np.ascontiguousarray(value[:, :length])
                     for name, value in inputs.items()}  # fmt: skip
            expected = {name: np.ascontiguousarray(value[:, :length])
                        for name, value in whole.items()}  # fmt: skip
            same_bits(program(first, cpu=cpu), expected, f"{cpu}, {length} positions")
    return f"{len(PREFIXES)} lengths"


def check_allocations(context):
    """Generated code calls the runtime, but not the heap."""
    ir = context.directory / "codegen.mlir"
    source = context.directory / f"{context.case.name}.mlir"
    run([context.tq_compile, source, "-o", ir, "--stop-after=codegen"])
    functions = set(re.findall(r"llvm\.func (?:\w+ )*@(\w+)\(", ir.read_text()))
    require("tq_parallel_for" in functions, f"expected tq_parallel_for, got {functions}")
    require(not functions & {"malloc", "free", "aligned_alloc"}, f"heap calls: {functions}")
    return ""


def list_checks(case):
    """Names and functions of the checks of a case."""
    checks = {"float error": check_float_error, "allocations": check_allocations}
    if case.has_linears:
        checks["int8 cosine"] = check_int8_cosine
    for quantize in ("none", "dynamic") if case.has_linears else ("none",):
        checks[f"{quantize} targets"] = lambda c, q=quantize: check_targets(
            c.program(q), c.program(q), [inputs for inputs, _ in c.runs()])  # fmt: skip
        if case.is_causal:
            checks[f"{quantize} prefixes"] = lambda c, q=quantize: check_prefixes(c, q)
    return checks


# ---------------------------------------------------------------------- running


def run_case(case, arguments):
    """Results of all checks of a case: (name, result, detail)."""
    directory = arguments.work / case.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    shutil.copy(SOURCES / f"{case.name}.mlir", directory)
    try:
        weights = make_weights(case.name, directory)
    except Failure as error:
        return [(f"{case.name}: weights", "failed", str(error))]
    context = Context(case, weights, arguments.tq_compile, directory, {})
    return [(f"{case.name}: {name}", *run_check(context, check))
            for name, check in list_checks(case).items()]  # fmt: skip


if __name__ == "__main__":
    sys.exit(run_cases(__doc__, CASES, run_case))
