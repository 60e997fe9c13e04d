#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile archives of torch.export with every op of the importer and compare with numpy.

Each family is one program with an output for each case, of dynamic sizes, which runs at
several shapes, with the code for every CPU that this machine can run and with other numbers
of threads: all give the same bits. Floats must be within 2e-6 of the reference in float64, relative to the
largest magnitude of the output; integers and bools must be equal. A row of the tables in
lib/Import/PT2/Ops without a case is a failure. Needs numpy only.
"""

import inspect
import math
import pathlib
import re
import shutil
import sys
import typing

import numpy as np

from programs_test import Failure, Program, require, run, run_cases

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test/Import/PT2/Inputs"))

import pt2  # noqa: E402

FLOAT_ERROR = 2e-6
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

NUMPY = {"u8": np.uint8, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
         "f32": np.float32, "bool": np.bool_}  # fmt: skip
NAN, INF = math.nan, math.inf

# ---------------------------------------------------------------------- families


class Check(typing.NamedTuple):
    """An output of a program, and what it is about."""

    label: str
    tensor: pt2.Tensor
    formulas: list
    tolerance: float
    detail: str


class Family:
    """A program whose nodes are computed in numpy, too."""

    def __init__(self, name, shapes):
        self.name, self.shapes = name, shapes
        self.program = pt2.Program()
        self.steps = []  # functions on the values by name, in order
        self.inputs, self.checks, self.targets = {}, [], []
        self.formulas, self.count, self.tolerance = {}, 0, FLOAT_ERROR
        self.programs = 30  # to find out what does not compile

    def tensor(self, spec, name=""):
        """ "f32 s0,4" as a tensor."""
        dtype, _, sizes = spec.partition(" ")
        formulas = [size.strip() for size in re.split(r",(?![^(]*\))", sizes) if size.strip()]
        self.count += 1
        name = name or f"t{self.count}"
        self.formulas[name] = formulas
        shown = [int(size) if size.isdigit() else pt2.sympy(size) for size in formulas]
        return pt2.Tensor(dtype, name, *shown)

    def input(self, name, spec, make=None):
        """An input, made by a function of a random generator and a shape."""
        if spec.startswith("u8"):  # is none of the types of inputs
            wide = self.input(name + "_wide", "i64" + spec[2:], make)
            return self.step("aten.to.dtype", spec, to("u8"), self=wide, dtype=pt2.dtype("u8"))
        tensor = self.tensor(spec, name)
        defaults = {"f32": lambda random, shape: random.normal(0, 1, shape),
                    "bool": lambda random, shape: random.random(shape) < 0.5}  # fmt: skip
        make = make or defaults.get(
            tensor.dtype, lambda random, shape: random.integers(-9, 10, shape)
        )
        self.inputs[name] = (tensor.dtype, make)
        return self.program.input(tensor)

    def weight(self, name, spec, values=None):
        """Random, or as given."""
        tensor = self.tensor(spec, "p_" + name)
        random = np.random.default_rng(len(self.steps))
        value = random.normal(0, 0.5, tensor_shape(tensor)) if values is None else values
        value = np.asarray(value, NUMPY[tensor.dtype]).reshape(tensor_shape(tensor))
        self.steps.append(lambda values, symbols: values.update({tensor.name: widen(value)}))
        return self.program.weight(name, tensor, value.tobytes())

    def step(self, target, out, oracle, /, **arguments):
        """A node, and what it computes: a function of its tensors. Its keyword arguments
        are symbols. Of a list the results are a list; of a tuple, the first counts."""
        self.targets.append(target)
        if isinstance(out, list):
            result = [self.tensor(spec) for spec in out]
        elif isinstance(out, tuple):
            result = tuple(self.tensor(spec) for spec in out)
        else:
            result = self.tensor(out) if out else None

        def compute(values, symbols):
            tensors = [
                [item and values[item.name] for item in value]
                if isinstance(value, list)
                else values[value.name]
                for value in arguments.values()
                if isinstance(value, pt2.Tensor)
                or (isinstance(value, list) and any(isinstance(v, pt2.Tensor) for v in value))
            ]
            wanted = {
                name: symbols[name]
                for name, parameter in inspect.signature(oracle).parameters.items()
                if parameter.kind == parameter.KEYWORD_ONLY and name in symbols
            }
            with np.errstate(all="ignore"):
                computed = oracle(*tensors, **wanted)
            if isinstance(result, list):
                require(len(computed) == len(result), f"{target}: oracle of other length")
                values.update({t.name: v for t, v in zip(result, computed, strict=True)})
            elif result:
                first = result[0] if isinstance(result, tuple) else result
                value = np.asarray(computed)
                if first.dtype != "f32":
                    require(value.dtype == NUMPY[first.dtype],
                            f"{target}: oracle is {value.dtype}, not {first.dtype}")  # fmt: skip
                values[first.name] = value

        self.steps.append(compute)
        self.program.node(target, result, **arguments)
        return result[0] if isinstance(result, tuple) else result

    def op(self, target, out, oracle, /, **arguments):
        """A node whose results are outputs."""
        result = self.step(target, out, oracle, **arguments)
        detail = ", ".join(f"{name}={describe(value)}" for name, value in arguments.items())
        for tensor in result if isinstance(result, list) else [result]:
            self.check(target, tensor, detail)
        return result

    def check(self, target, tensor, detail=""):
        """What a tensor is at the end is an output."""
        if tensor.dtype in ("u8", "i16"):  # are none of the types of outputs
            detail += f" -> {tensor.dtype}"
            spec = "i64 " + ",".join(self.formulas[tensor.name])
            tensor = self.step("aten.to.dtype", spec, to("i64"), self=tensor,
                               dtype=pt2.dtype("i64"))  # fmt: skip
        number = 1 + sum(check.label.startswith(target + " ") for check in self.checks)
        self.checks.append(
            Check(f"{target} {number}", tensor, self.formulas[tensor.name], self.tolerance,
                  f"{detail} -> {tensor.dtype} {self.formulas[tensor.name]}")
        )  # fmt: skip

    def size(self, target, formula, /, **arguments):
        """A node that computes a size."""
        self.targets.append(target)
        self.count += 1
        result = pt2.Size(f"n{self.count}", pt2.sympy(formula))
        return self.program.node(target, result, **arguments)


def tensor_shape(tensor):
    """Of a tensor of fixed sizes."""
    return tuple(tensor.sizes)


def describe(value):
    """An argument in a line."""
    if isinstance(value, pt2.Tensor):
        sizes = ", ".join(re.sub(r"Symbol\('(\w+)'[^)]*\)", r"\1", str(s)) for s in value.sizes)
        return f"{value.dtype}[{sizes}]"
    if isinstance(value, list):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    return value.name if isinstance(value, pt2.Size) else str(value)


def widen(value):
    """Floats are computed in float64."""
    return value.astype(np.float64) if value.dtype == np.float32 else value


def to(dtype):
    """The cast of an oracle."""
    return lambda x: np.asarray(x).astype(NUMPY[dtype] if dtype != "f32" else np.float64)


# ----------------------------------------------------------------- elementwise

SPECIAL = [NAN, INF, -INF, -0.0, 0.0, 1.5, -2.5, 0.5, -0.5, 2.5, 1e30, -1e-30, -7.0, 88.0]


def special(_, shape):
    """Numbers that are often wrong, in a row."""
    return np.resize(np.array(SPECIAL, np.float32), shape)


def erf(x):
    """Of each element."""
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def trunc_div(a, b):
    """A quotient of integers towards 0."""
    quotient = np.abs(a.astype(np.int64)) // np.abs(np.asarray(b, np.int64))
    return (quotient * np.sign(a) * np.sign(b)).astype(a.dtype)


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def sign(x):
    """0 of NaN."""
    return np.where(np.isnan(x), 0, np.sign(x))


class Elementwise(Family):
    """A family with operands of all types."""

    def __init__(self, name):
        super().__init__(name, [{"s0": 3, "s1": 5, "s2": 14}, {"s0": 1, "s1": 1, "s2": 1},
                                {"s0": 2, "s1": 17, "s2": 29}])  # fmt: skip
        self.x, self.y = self.input("x", "f32 s0,s1"), self.input("y", "f32 s0,s1")
        self.row, self.column = self.input("row", "f32 s1"), self.input("column", "f32 s0,1")
        self.z, self.w = self.input("z", "f32 s2", special), self.input("w", "f32 s2")
        self.i, self.j = self.input("i", "i64 s0,s1"), self.input("j", "i64 s0,s1", nonzero)
        self.u = self.input("u", "u8 s0,s1", lambda r, shape: r.integers(0, 256, shape))
        self.v = self.input("v", "u8 s0,s1", lambda r, shape: r.integers(1, 256, shape))
        self.i8 = self.input("i8", "i8 s0,s1", lambda r, shape: r.integers(-128, 128, shape))
        self.i32 = self.input("i32", "i32 s0,s1")
        self.b, self.c = self.input("b", "bool s0,s1"), self.input("c", "bool s1")


def arithmetic():
    """Sums, products, quotients, powers, functions, minima and maxima."""
    f = Elementwise("arithmetic")
    x, y, row, column, z, w = f.x, f.y, f.row, f.column, f.z, f.w
    i, j, u, v, i8, i32, b, c = f.i, f.j, f.u, f.v, f.i8, f.i32, f.b, f.c
    two, three = "s0,s1", " s0,s1"
    both = ((x, y), (x, row), (row, x), (column, row), (column, x))
    for left, right in both:
        f.op("aten.add.Tensor", f"f32 {two}", np.add, self=left, other=right)
        f.op("aten.sub.Tensor", f"f32 {two}", lambda a, b: a - 2.5 * b,
             self=left, other=right, alpha=2.5)  # fmt: skip
        f.op("aten.mul.Tensor", f"f32 {two}", np.multiply, self=left, other=right)
        f.op("aten.div.Tensor", f"f32 {two}", np.divide, self=left, other=right)
        f.op("aten.minimum.default", f"f32 {two}", np.minimum, self=left, other=right)
    f.op("aten.add.Tensor", "f32" + three, lambda a, b: a + 3 * b, self=x, other=y, alpha=3)
    f.op("aten.add.Tensor", "f32" + three, lambda a, b: a - 2 * b, self=i, other=y, alpha=-2)
    f.op("aten.add.Tensor", "i64" + three, lambda a, b: a - 2 * b, self=i, other=j, alpha=-2)
    f.op("aten.add.Tensor", "i64" + three, np.add, self=i, other=b)
    f.op("aten.add.Tensor", "bool" + three, np.logical_or, self=b, other=c)
    f.op("aten.mul.Tensor", "bool" + three, np.logical_and, self=b, other=c)
    f.op("aten.mul.Tensor", "f32" + three, np.multiply, self=b, other=x)
    f.op("aten.add.Tensor", "u8" + three, np.add, self=u, other=v)
    f.op("aten.sub.Tensor", "u8" + three, np.subtract, self=u, other=v)
    f.op("aten.mul.Tensor", "u8" + three, np.multiply, self=u, other=v)
    f.op("aten.add.Tensor", "i16" + three, np.add, self=u, other=i8)
    f.op("aten.sub.Tensor", "i64" + three, np.subtract, self=i32, other=i)
    f.op("aten.sub.Tensor", "i64" + three, lambda a, b: a - np.int64(3) * b.astype(int),
         self=i, other=u, alpha=3)  # fmt: skip
    f.op("aten.div.Tensor", "f32" + three, np.true_divide, self=i, other=j)
    f.op("aten.div.Tensor", "f32" + three, np.true_divide, self=u, other=v)
    f.op("aten.add.Scalar", "f32" + three, lambda a: a + 5.0, self=x, other=2.5, alpha=2)
    f.op("aten.add.Scalar", "i64" + three, lambda a: a - 6, self=i, other=3, alpha=-2)
    f.op("aten.add.Scalar", "f32" + three, lambda a: a + 0.5, self=i, other=0.5)
    f.op("aten.add.Scalar", "i64" + three, lambda a: a + np.int64(1), self=b, other=1)
    f.op("aten.sub.Scalar", "f32" + three, lambda a: a - 5.0, self=x, other=2.5, alpha=2)
    f.op("aten.sub.Scalar", "i64" + three, lambda a: a - 3, self=i, other=3)
    f.op("aten.rsub.Scalar", "f32" + three, lambda a: 1 - 2.5 * a, self=x, other=1, alpha=2.5)
    f.op("aten.rsub.Scalar", "i64" + three, lambda a: 1 - a, self=i, other=1)
    f.op("aten.mul.Scalar", "f32" + three, lambda a: a * -1.5, self=x, other=-1.5)
    f.op("aten.mul.Scalar", "f32" + three, lambda a: a * 0.5, self=i, other=0.5)
    f.op("aten.mul.Scalar", "i64" + three, lambda a: a * -3, self=i, other=-3)
    f.op("aten.div.Scalar", "f32" + three, lambda a: a / 3, self=x, other=3)
    f.op("aten.div.Scalar", "f32" + three, lambda a: a / -4, self=i, other=-4)
    f.op("aten.div.Tensor", "f32 s2", np.divide, self=w, other=z)
    for mode, floats, integers in (("floor", np.floor_divide, np.floor_divide),
                                   ("trunc", lambda a, b: np.trunc(a / b), trunc_div),
                                   (None, np.true_divide, np.true_divide)):  # fmt: skip
        one = "aten.div.Tensor_mode"
        whole = "i64" if mode else "f32"
        f.op(one, "f32" + three, floats, self=x, other=y, rounding_mode=mode)
        f.op(one, whole + three, integers, self=i, other=j, rounding_mode=mode)
        f.op(one, ("u8" if mode else "f32") + three, integers, self=u, other=v,
             rounding_mode=mode)  # fmt: skip
        one = "aten.div.Scalar_mode"
        f.op(one, "f32" + three, lambda a, g=floats: g(a, 0.75), self=x, other=0.75,
             rounding_mode=mode)  # fmt: skip
        for divisor in (4, -4):
            f.op(one, whole + three, lambda a, g=integers, d=divisor: g(a, np.int64(d)),
                 self=i, other=divisor, rounding_mode=mode)  # fmt: skip
    positive = f.step("aten.abs.default", "f32" + three, np.abs, self=x)
    for power in (0, 1, 2, 3, 7, -1, -2, -3, 2.0):
        f.op("aten.pow.Tensor_Scalar", "f32" + three, lambda a, p=power: a ** float(p), self=x,
             exponent=power)  # fmt: skip
    for power in (0.5, -0.5):
        f.op("aten.pow.Tensor_Scalar", "f32" + three, lambda a, p=power: a**p, self=positive,
             exponent=power)  # fmt: skip
    for power in (0, 1, 2, 3):
        f.op("aten.pow.Tensor_Scalar", "i64" + three, lambda a, p=power: a**p, self=i,
             exponent=power)  # fmt: skip
    f.op("aten.pow.Tensor_Scalar", "f32" + three, lambda a: a**2.0, self=i, exponent=2.0)
    for name, oracle in (("neg", np.negative), ("abs", np.abs), ("sign", np.sign)):
        for dtype, operand in (("i64", i), ("i8", i8), ("u8", u)):
            f.op(f"aten.{name}.default", dtype + three, oracle, self=operand)
    for name, oracle in (
        ("neg", np.negative), ("abs", np.abs), ("sign", sign), ("reciprocal", lambda a: 1 / a),
        ("sqrt", np.sqrt), ("rsqrt", lambda a: 1 / np.sqrt(a)), ("exp", np.exp),
        ("log", np.log), ("sin", np.sin), ("cos", np.cos), ("erf", erf), ("floor", np.floor),
        ("ceil", np.ceil), ("round", np.round), ("tanh", np.tanh), ("sigmoid", sigmoid),
        ("relu", lambda a: np.where(np.isnan(a), a, np.maximum(a, 0))),
        ("silu", lambda a: a * sigmoid(a)),
    ):  # fmt: skip
        f.op(f"aten.{name}.default", "f32" + three, oracle, self=x)
        if name not in ("sin", "cos", "silu"):
            f.op(f"aten.{name}.default", "f32 s2", oracle, self=z)
    for name, oracle in (("reciprocal", lambda a: 1 / a), ("sqrt", np.sqrt), ("exp", np.exp),
                         ("cos", np.cos), ("tanh", np.tanh), ("sigmoid", sigmoid)):  # fmt: skip
        f.op(f"aten.{name}.default", "f32" + three, lambda a, g=oracle: g(a.astype(float)), self=j)
    large = f.step("aten.mul.Scalar", "f32" + three, lambda a: a * 1024, self=x, other=1024)
    f.op("aten.sin.default", "f32" + three, np.sin, self=large)
    f.op("aten.cos.default", "f32" + three, np.cos, self=large)
    f.op("aten.gelu.default", "f32" + three, lambda a: a * (1 + erf(a / 2**0.5)) / 2, self=x)
    f.op("aten.gelu.default", "f32" + three, lambda a: a * (1 + np.tanh(
        (2 / np.pi) ** 0.5 * (a + 0.044715 * a**3))) / 2, self=x, approximate="tanh")  # fmt: skip
    f.op("aten.dropout.default", "f32" + three, lambda a: a, input=x, p=0.5, train=False)
    for name, oracle in (("minimum.default", np.minimum), ("maximum.default", np.maximum),
                         ("min.other", np.minimum), ("max.other", np.maximum)):  # fmt: skip
        f.op(f"aten.{name}", "f32" + three, oracle, self=x, other=row)
        f.op(f"aten.{name}", "f32 s2", oracle, self=z, other=w)
        f.op(f"aten.{name}", "f32 s2", oracle, self=w, other=z)
        f.op(f"aten.{name}", "i64" + three, oracle, self=i, other=i32)
        f.op(f"aten.{name}", "u8" + three, oracle, self=u, other=v)
        f.op(f"aten.{name}", "bool" + three, oracle, self=b, other=c)
        f.op(f"aten.{name}", "f32" + three, oracle, self=i, other=x)
    for low, high in ((-0.5, 0.5), (None, 0.25), (0.25, None), (0.5, -0.5)):
        def clip(a, low=low, high=high):
            a = a if low is None else np.maximum(a, low)
            return a if high is None else np.minimum(a, high)
        f.op("aten.clamp.default", "f32" + three, clip, self=x, min=low, max=high)
        f.op("aten.clamp.default", "f32 s2", clip, self=z, min=low, max=high)
        f.op("aten.clamp.default", "f32" + three, clip, self=i, min=low, max=high)
    f.op("aten.clamp.default", "i64" + three, lambda a: np.clip(a, -2, 3), self=i, min=-2, max=3)
    f.op("aten.clamp.default", "u8" + three, lambda a: np.clip(a, 20, 200), self=u, min=20,
         max=200)  # fmt: skip
    f.op("aten.clamp_min.default", "f32 s2", lambda a: np.maximum(a, 0.5), self=z, min=0.5)
    f.op("aten.clamp_min.default", "i64" + three, lambda a: np.maximum(a, 1), self=i, min=1)
    f.op("aten.clamp_max.default", "f32 s2", lambda a: np.minimum(a, 0.5), self=z, max=0.5)
    f.op("aten.clamp_max.default", "i64" + three, lambda a: np.minimum(a, 1), self=i, max=1)
    return f


def logic():
    """Comparison, logic, selection."""
    f = Elementwise("logic")
    x, y, row, column, z, w = f.x, f.y, f.row, f.column, f.z, f.w
    i, j, u, v, i8, i32, b, c = f.i, f.j, f.u, f.v, f.i8, f.i32, f.b, f.c
    three = " s0,s1"
    for name, oracle in (("eq", np.equal), ("ne", np.not_equal), ("lt", np.less),
                         ("le", np.less_equal), ("gt", np.greater),
                         ("ge", np.greater_equal)):  # fmt: skip
        for left, right in ((x, y), (x, row), (row, x), (i, j), (i, x), (b, c), (u, v),
                            (u, i8), (i32, u), (b, i), (x, x)):  # fmt: skip
            f.op(f"aten.{name}.Tensor", "bool" + three, oracle, self=left, other=right)
        f.op(f"aten.{name}.Tensor", "bool s2", oracle, self=z, other=w)
        f.op(f"aten.{name}.Tensor", "bool s2", oracle, self=z, other=z)
        for left, number in ((x, 0.25), (x, 0), (i, 2), (i, 2.5), (u, 200), (i8, -3), (b, 1),
                             (b, 2), (b, 0.5)):  # fmt: skip
            f.op(f"aten.{name}.Scalar", "bool" + three,
                 lambda a, g=oracle, n=number: g(a.astype(float), n), self=left,
                 other=number)  # fmt: skip
        f.op(f"aten.{name}.Scalar", "bool s2", lambda a, g=oracle: g(a, -0.5), self=z, other=-0.5)
        f.op(f"aten.{name}.Scalar", "bool s2", lambda a, g=oracle: g(a, INF), self=z, other=INF)
    for names, oracle in ((("__and__", "bitwise_and"), np.bitwise_and),
                          (("__or__", "bitwise_or"), np.bitwise_or)):  # fmt: skip
        for name in names:
            f.op(f"aten.{name}.Tensor", "bool" + three, oracle, self=b, other=c)
            f.op(f"aten.{name}.Tensor", "bool" + three, oracle, self=c, other=b)
            f.op(f"aten.{name}.Tensor", "i64" + three, oracle, self=i, other=j)
            f.op(f"aten.{name}.Tensor", "i64" + three, oracle, self=i, other=b)
            f.op(f"aten.{name}.Tensor", "u8" + three, oracle, self=u, other=v)
    for name, oracle in (("logical_and", np.logical_and), ("logical_or", np.logical_or)):
        for left, right in ((b, c), (i, j), (x, i), (c, x)):
            f.op(f"aten.{name}.default", "bool" + three, oracle, self=left, other=right)
        f.op(f"aten.{name}.default", "bool s2", oracle, self=z, other=z)
    for dtype, operand in (("bool", b), ("i64", i), ("u8", u)):
        f.op("aten.bitwise_not.default", dtype + three, np.bitwise_not, self=operand)
        f.op("aten.logical_not.default", "bool" + three, np.logical_not, self=operand)
    f.op("aten.logical_not.default", "bool s2", np.logical_not, self=z)
    for condition, left, right, dtype in ((b, x, y, "f32"), (c, column, y, "f32"),
                                          (b, i, x, "f32"), (b, i, j, "i64"),
                                          (c, b, b, "bool"), (u, x, row, "f32"),
                                          (b, row, column, "f32")):  # fmt: skip
        f.op("aten.where.self", dtype + three, lambda a, l, r: np.where(a != 0, l, r),
             condition=condition, self=left, other=right)  # fmt: skip
    f.op("aten.where.ScalarOther", "f32" + three, lambda a, l: np.where(a, l, -INF), condition=b,
         self=x, other=-INF)  # fmt: skip
    f.op("aten.where.ScalarOther", "f32" + three, lambda a, l: np.where(a, l, 0.5), condition=c,
         self=i, other=0.5)  # fmt: skip
    f.op("aten.where.ScalarSelf", "f32" + three, lambda a, r: np.where(a, 2, r), condition=b,
         self=2, other=row)  # fmt: skip
    f.op("aten.where.ScalarSelf", "i64" + three, lambda a, r: np.where(a, np.int64(2), r),
         condition=b, self=2, other=i)  # fmt: skip
    f.op("aten.where.Scalar", "f32" + three, lambda a: np.where(a, 1.0, -INF), condition=b,
         self=1.0, other=-INF)  # fmt: skip
    f.op("aten.where.Scalar", "i64" + three, lambda a: np.where(a, np.int64(3), np.int64(-1)),
         condition=b, self=3, other=-1)  # fmt: skip
    for mask in (b, c):
        f.op("aten.masked_fill.Scalar", "f32" + three, lambda a, m: np.where(m, -INF, a), self=x,
             mask=mask, value=-INF)  # fmt: skip
        f.op("aten.masked_fill.Scalar", "i64" + three, lambda a, m: np.where(m, np.int64(7), a),
             self=i, mask=mask, value=7)  # fmt: skip
        number = f.weight("n" + mask.name, "f32 ", [1.25])
        f.op("aten.masked_fill.Tensor", "f32" + three, lambda a, m, n: np.where(m, n, a), self=x,
             mask=mask, value=number)  # fmt: skip
    return f


def nonzero(random, shape):
    """Divisors of both signs."""
    return random.integers(1, 6, shape) * random.choice([-1, 1], shape)


def casts():
    """From each type to each. Floats become integers by way of 64 bits; NaN is 0, and what
    is beyond them the nearest number that they hold, which PyTorch leaves to the machine."""
    f = Elementwise("casts")
    operands = {"f32": f.x, "i64": f.i, "u8": f.u, "i8": f.i8, "bool": f.b, "i32": f.i32}
    z, w = f.z, f.w
    cpu = {"as_device": {"type": "cpu", "index": None}}
    for have, operand in operands.items():
        for want in operands:
            spec = f"{want} s0,s1"

            def oracle(a, *_, have=have, want=want):
                return to(want)(a.astype(np.int64)) if have == "f32" and want not in (
                    "f32", "bool") else to(want)(a)  # fmt: skip
            f.op("aten.to.dtype", spec, oracle, self=operand, dtype=pt2.dtype(want))
            f.op("aten._to_copy.default", spec, oracle, self=operand, dtype=pt2.dtype(want))
        f.op("aten.type_as.default", spec, oracle, self=operand, other=operands[want])
        f.op("aten.to.device", spec, oracle, self=operand, device=cpu, dtype=pt2.dtype(want))
        f.op("aten.to.dtype_layout", spec, oracle, self=operand, dtype=pt2.dtype(want), device=cpu)
    f.op("aten.to.dtype_layout", "f32 s0,s1", lambda a: a, self=operands["f32"])

    def clipped(a):
        a = np.where(np.isnan(a), 0, a)
        return np.clip(a, -(2.0**63), 2.0**63 - 2.0**39).astype(np.int64)
    f.op("aten.to.dtype", "i64 s2", clipped, self=z, dtype=pt2.dtype("i64"))
    f.op("aten.to.dtype", "bool s2", to("bool"), self=z, dtype=pt2.dtype("bool"))
    wide = f.step("aten.mul.Scalar", "f32 s2", lambda a: a * 2.0**32, self=w, other=2.0**32)
    for want in ("i64", "i32", "u8", "i8"):
        f.op("aten.to.dtype", f"{want} s2", lambda a, t=want: clipped(a).astype(NUMPY[t]),
             self=wide, dtype=pt2.dtype(want))  # fmt: skip
    return f


# ----------------------------------------------------------------------- views

SHAPES = [{"s0": 3, "s1": 5}, {"s0": 1, "s1": 1}, {"s0": 2, "s1": 7}]


def write(x, value):
    """What an op in place does, seen by all views."""
    x[...] = value
    return x


def views():
    """Reshapes, orders, parts, joins, and what is written to views."""
    f = Family("views", SHAPES)
    x, i = f.input("x", "f32 s0,s1,4"), f.input("i", "i64 s0,s1")
    n0 = f.size("aten.sym_size.int", "s0", self=x, dim=0)
    n1 = f.size("aten.sym_size.int", "s1", self=x, dim=-2)
    for name, key in (("view", "size"), ("_unsafe_view", "size"), ("reshape", "shape")):
        target = f"aten.{name}.default"
        f.op(target, "f32 s0*s1,4", lambda a: a.reshape(-1, 4), self=x, **{key: [-1, 4]})
        f.op(target, "f32 s0,4*s1", lambda a: a.reshape(len(a), -1), self=x, **{key: [n0, -1]})
        f.op(target, "f32 s0,s1,2,2", lambda a: a.reshape(*a.shape[:2], 2, 2), self=x,
             **{key: [n0, n1, 2, 2]})  # fmt: skip
        f.op(target, "f32 4*s0*s1", np.ravel, self=x, **{key: [-1]})
    turned = f.step("aten.permute.default", "f32 4,s0,s1", lambda a: a.transpose(2, 0, 1),
                    self=x, dims=[-1, 0, 1])  # fmt: skip
    f.op("aten.reshape.default", "f32 4,s0*s1", lambda a: a.reshape(4, -1), self=turned,
         shape=[4, -1])  # fmt: skip
    f.op("aten.flatten.using_ints", "f32 4*s0*s1", np.ravel, self=x)
    f.op("aten.flatten.using_ints", "f32 s0,4*s1", lambda a: a.reshape(len(a), -1), self=x,
         start_dim=1)  # fmt: skip
    f.op("aten.flatten.using_ints", "f32 s0*s1,4", lambda a: a.reshape(-1, 4), self=x,
         start_dim=0, end_dim=-2)  # fmt: skip
    f.op("aten.unflatten.int", "f32 s0,s1,2,2", lambda a: a.reshape(*a.shape[:2], 2, 2), self=x,
         dim=-1, sizes=[2, -1])  # fmt: skip
    for dim, spec in ((0, "1,s0,s1,4"), (-1, "s0,s1,4,1"), (-4, "1,s0,s1,4"), (2, "s0,s1,1,4")):
        f.op("aten.unsqueeze.default", f"f32 {spec}", lambda a, d=dim: np.expand_dims(a, d),
             self=x, dim=dim)  # fmt: skip
    unit = f.step("aten.unsqueeze.default", "f32 s0,1,s1,4", lambda a: a[:, None], self=x, dim=1)
    units = f.step("aten.unsqueeze.default", "f32 1,s0,1,s1,4", lambda a: a[None], self=unit, dim=0)
    f.op("aten.squeeze.default", "f32 s0,s1,4", lambda a: a[0, :, 0], self=units)
    f.op("aten.squeeze.dim", "f32 1,s0,s1,4", lambda a: a[:, :, 0], self=units, dim=-3)
    f.op("aten.squeeze.dim", "f32 s0,1,s1,4", lambda a: a, self=unit, dim=3)
    f.op("aten.squeeze.dims", "f32 s0,s1,4", lambda a: a[0, :, 0], self=units, dim=[0, 2])
    for name in ("alias", "detach", "lift_fresh_copy", "contiguous", "clone"):
        f.op(f"aten.{name}.default", "f32 4,s0,s1", lambda a: a, self=turned)
    f.op("aten.permute.default", "f32 s1,4,s0", lambda a: a.transpose(1, 2, 0), self=x,
         dims=[1, -1, 0])  # fmt: skip
    f.op("aten.transpose.int", "f32 4,s1,s0", lambda a: a.swapaxes(0, 2), self=x, dim0=0, dim1=-1)
    f.op("aten.t.default", "i64 s1,s0", np.transpose, self=i)
    for dim, spec, part, options in (
        (0, "s0 - 1,s1,4", np.s_[1:], {"start": 1}),
        (0, "s0,s1,4", np.s_[:], {"start": 0, "end": 2**63 - 1}),
        (1, "s0,s1 - 1,4", np.s_[:, :-1], {"start": 0, "end": -1}),
        (-1, "s0,s1,2", np.s_[:, :, -3:-1], {"start": -3, "end": -1}),
        (2, "s0,s1,2", np.s_[:, :, 0:4:2], {"start": 0, "end": 4, "step": 2}),
        (2, "s0,s1,2", np.s_[:, :, 1::2], {"start": 1, "step": 2}),
        (2, "s0,s1,0", np.s_[:, :, 3:1], {"start": 3, "end": 1}),
        (2, "s0,s1,4", np.s_[:, :, -9:9], {"start": -9, "end": 9}),
        (1, "s0,(s1 + 1)//2,4", np.s_[:, ::2], {"step": 2}),
        (1, "s0,s1//2,4", np.s_[:, 1::2], {"start": 1, "step": 2}),
        (1, "s0,1,4", np.s_[:, -1:], {"start": -1}),
        (0, "s0,s1,4", np.s_[:], {}),
    ):  # fmt: skip
        f.op("aten.slice.Tensor", f"f32 {spec}", lambda a, p=part: a[p], self=x,
             **({"dim": dim} if options else {}), **options)  # fmt: skip
    last = f.size("_operator.sub", "s1 - 1", a=n1, b=1)
    f.op("aten.slice.Tensor", "f32 s0,1,4", lambda a: a[:, -1:], self=x, dim=1, start=last, end=n1)
    pair = f.op("aten.narrow.default", "f32 s0,s1,2", lambda a: a[:, :, 1:3], self=x, dim=-1, start=1,
         length=2)  # fmt: skip
    f.op("aten.narrow.default", "f32 s0,s1,2", lambda a: a[:, :, 2:4], self=x, dim=2, start=-2,
         length=2)  # fmt: skip
    f.op("aten.narrow.default", "f32 s0,s1 - 1,4", lambda a: a[:, :-1], self=x, dim=1, start=0,
         length=last)  # fmt: skip
    f.op("aten.select.int", "f32 s1,4", lambda a: a[0], self=x, dim=0, index=0)
    f.op("aten.select.int", "f32 s0,4", lambda a: a[:, -1], self=x, dim=-2, index=-1)
    f.op("aten.select.int", "f32 s0,4", lambda a: a[:, -1], self=x, dim=1, index=last)
    f.op("aten.split.Tensor", ["f32 s0,s1,3", "f32 s0,s1,1"],
         lambda a: [a[..., :3], a[..., 3:]], self=x, split_size=3, dim=-1)  # fmt: skip
    f.op("aten.split_with_sizes.default", ["f32 s0,s1,1", "f32 s0,s1,3"],
         lambda a: [a[..., :1], a[..., 1:]], self=x, split_sizes=[1, 3], dim=2)  # fmt: skip
    f.op("aten.chunk.default", ["f32 s0,s1,2", "f32 s0,s1,2"],
         lambda a: [a[..., :2], a[..., 2:]], self=x, chunks=2, dim=-1)  # fmt: skip
    f.op("aten.unbind.int", ["f32 s0,s1"] * 4, lambda a: list(np.moveaxis(a, -1, 0)), self=x,
         dim=-1)  # fmt: skip
    row = f.input("row", "f32 s1,1")
    f.op("aten.expand.default", "f32 s0,s1,3", lambda a, *, s0, s1: np.broadcast_to(
        a, (s0, s1, 3)), self=row, size=[n0, -1, 3])  # fmt: skip
    f.op("aten.expand_as.default", "f32 s0,s1,4", lambda a, b: np.broadcast_to(a, b.shape), self=row, other=x)
    f.op("aten.repeat.default", "f32 2*s0,s1,12", lambda a: np.tile(a, (2, 1, 3)), self=x,
         repeats=[2, 1, 3])  # fmt: skip
    f.op("aten.repeat.default", "f32 2,s1,3", lambda a: np.tile(a, (2, 1, 3)), self=row,
         repeats=[2, 1, 3])  # fmt: skip
    f.op("aten.repeat.default", "f32 s0*s1,1", lambda a, *, s0: np.tile(a, (s0, 1)), self=row,
         repeats=[n0, 1])  # fmt: skip
    f.op("aten.repeat_interleave.self_int", "f32 s0,3*s1,4", lambda a: np.repeat(a, 3, 1),
         self=x, repeats=3, dim=-2)  # fmt: skip
    empty = f.weight("empty", "f32 0", [])
    f.op("aten.cat.default", "f32 2*s0,s1,4", lambda t: np.concatenate([t[0], t[2]]),
         tensors=[x, empty, x])  # fmt: skip
    f.op("aten.cat.default", "f32 s0,s1,6", lambda t: np.concatenate(t, -1),
         tensors=[x, pair], dim=-1)  # fmt: skip
    whole = f.step("aten.to.dtype", "f32 s0,s1", to("f32"), self=i, dtype=pt2.dtype("f32"))
    f.op("aten.cat.default", "f32 s0,2*s1", lambda t: np.concatenate(t, 1), tensors=[i, whole],
         dim=1)  # fmt: skip
    for dim, spec in ((0, "2,s0,s1"), (-1, "s0,s1,2"), (1, "s0,2,s1"), (-3, "2,s0,s1")):
        f.op("aten.stack.default", f"i64 {spec}", lambda t, d=dim: np.stack(t, d),
             tensors=[i, i], dim=dim)  # fmt: skip
    return f


def inplace():
    """What is written to a view is seen in all views of its storage."""
    f = Family("inplace", SHAPES)
    x, y = f.input("x", "f32 s0,s1,4"), f.input("y", "f32 s0,4")
    m, b = f.input("m", "bool s0,s1,4"), f.input("b", "bool s0,s1")

    def copy():
        return f.step("aten.clone.default", "f32 s0,s1,4", np.copy, self=x)
    c = copy()
    flat = f.step("aten.view.default", "f32 s0,4*s1", lambda a: a.reshape(len(a), -1), self=c,
                  size=[-1, -1])  # fmt: skip
    row = f.step("aten.select.int", "f32 s0,4", lambda a: a[:, -1], self=c, dim=1, index=-1)
    f.op("aten.add_.Tensor", "f32 s0,4", lambda a, o: write(a, a + 2 * o), self=row, other=y,
         alpha=2)  # fmt: skip
    part = f.step("aten.slice.Tensor", "f32 s0,s1,2", lambda a: a[..., ::2], self=c, dim=-1,
                  start=0, end=4, step=2)  # fmt: skip
    f.op("aten.add_.Scalar", "f32 s0,s1,2", lambda a: write(a, a + 1), self=part, other=1)
    f.op("aten.mul_.Scalar", "f32 s0,4*s1", lambda a: write(a, a * 3), self=flat, other=3)
    f.check("base after writes to views", c)
    f.check("view after writes to others", part)
    c = copy()
    f.op("aten.masked_fill_.Scalar", "f32 s0,s1,4", lambda a, k: write(a, np.where(k, -INF, a)),
         self=c, mask=m, value=-INF)  # fmt: skip
    c = copy()
    rows = f.step("aten.select.int", "f32 s0,s1", lambda a: a[..., 1], self=c, dim=2, index=1)
    f.op("aten.masked_fill_.Scalar", "f32 s0,s1", lambda a, k: write(a, np.where(k, 5, a)),
         self=rows, mask=b, value=5)  # fmt: skip
    f.check("base after masked_fill_", c)
    c = copy()
    turned = f.step("aten.transpose.int", "f32 4,s1,s0", lambda a: a.swapaxes(0, 2), self=c,
                    dim0=0, dim1=2)  # fmt: skip
    f.op("aten.relu_.default", "f32 4,s1,s0", lambda a: write(a, np.maximum(a, 0)), self=turned)
    f.check("base after relu_ of a transpose", c)
    c = copy()
    n = f.weight("five", "f32 ", [5])
    f.op("aten.index_put_.default", "f32 s0,s1,4", lambda a, t, v: write(a, np.where(t[0], v, a)),
         self=c, indices=[m], values=n)  # fmt: skip
    column = f.step("aten.select.int", "f32 s1,4", lambda a: a[0], self=c, dim=0, index=0)
    p = f.weight("p", "i64 3", [0, 0, -1])
    q = f.weight("q", "i64 3", [1, 1, -1])
    v = f.weight("v", "f32 3")

    def accumulate(a, t, w):
        np.add.at(a, tuple(t), w)
        return a

    def assign(a, t, w):
        a[tuple(t)] = w
        return a
    f.op("aten.index_put_.default", "f32 s1,4", accumulate, self=column, indices=[p, q], values=v,
         accumulate=True)  # fmt: skip
    f.check("base after index_put_", c)
    for name, oracle, adds in (("add", accumulate, True), ("set", assign, False)):
        part = f.step("aten.select.int", "f32 s1,4", lambda a: a[0], self=x, dim=0, index=0)
        for values in (v, n):
            f.op("aten.index_put.default", "f32 s1,4", lambda a, t, w, g=oracle: g(a.copy(), t, w),
                 self=part, indices=[p, q], values=values, accumulate=adds)  # fmt: skip
    return f


def creation():
    """Tensors of nothing."""
    f = Family("creation", SHAPES)
    x, i = f.input("x", "f32 s0,s1"), f.input("i", "i64 s0,s1")
    n0 = f.size("aten.sym_size.int", "s0", self=x, dim=0)
    n1 = f.size("aten.sym_size.int", "s1", self=x, dim=1)
    for dtype in ("f32", "i64", "bool", "i32"):
        kind, kwargs = NUMPY[dtype], {"dtype": pt2.dtype(dtype)}
        for name, fill in (("zeros", 0), ("ones", 1), ("full", 3)):
            value = {"fill_value": fill} if name == "full" else {}
            for target, arguments in (
                (f"{name}.default", {"size": [n0, 3]}),
                (f"new_{name}.default", {"self": x, "size": [n0, 3]}),
            ):
                f.op(f"aten.{target}", f"{dtype} s0,3",
                     lambda *_, s0, v=fill, k=kind: np.full((s0, 3), v, k), **arguments, **value,
                     **kwargs)  # fmt: skip
            f.op(f"aten.{name}_like.default", f"{dtype} s0,s1",
                 lambda a, v=fill, k=kind: np.full(a.shape, v, k), self=i, **value,
                 **kwargs)  # fmt: skip
    f.op("aten.full.default", "f32 s1", lambda *, s1: np.full(s1, -INF), size=[n1],
         fill_value=-INF)  # fmt: skip
    f.op("aten.full.default", "i64 2", lambda *, s1: np.full(2, s1), size=[2], fill_value=n1)
    f.op("aten.scalar_tensor.default", "f32 ", lambda: np.float64(2.5), s=2.5)
    f.op("aten.scalar_tensor.default", "i64 ", lambda *, s1: np.int64(s1), s=n1)
    f.op("aten.arange.default", "i64 s1", lambda *, s1: np.arange(s1), end=n1)
    f.op("aten.arange.default", "f32 7", lambda: np.arange(7.0), end=7)
    f.op("aten.arange.start", "i64 s1", lambda *, s1: np.arange(3, 3 + s1), start=3,
         end=f.size("_operator.add", "s1 + 3", a=n1, b=3))  # fmt: skip
    f.op("aten.arange.start_step", "i64 4", lambda: np.arange(10, -2, -3), start=10, end=-2,
         step=-3)  # fmt: skip
    f.op("aten.arange.start_step", "f32 5", lambda: np.arange(0, 1.25, 0.25), start=0, end=1.25,
         step=0.25)  # fmt: skip
    f.op("aten.arange.start_step", "i64 (s1 + 1)//2", lambda *, s1: np.arange(0, s1, 2), start=0,
         end=n1, step=2)  # fmt: skip
    for diagonal in (0, 1, -1, 2, -9, 9):
        for name, oracle in (("triu", np.triu), ("tril", np.tril)):
            for dtype, operand in (("f32", x), ("i64", i)):
                f.op(f"aten.{name}.default", f"{dtype} s0,s1", lambda a, g=oracle, d=diagonal:
                     g(a, d), self=operand, diagonal=diagonal)  # fmt: skip
    return f


def softmax(a, axis):
    """A row that is all -inf is NaN."""
    e = np.exp(a - a.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def reductions():
    """Over all, one and several dimensions."""
    f = Family("reductions", SHAPES)
    x, i, b = f.input("x", "f32 s0,s1,4"), f.input("i", "i64 s0,s1,4"), f.input("b", "bool s0,s1,4")
    z = f.input("z", "f32 s0,s1", lambda r, shape: np.resize([1.0, -2, NAN, 3, INF], shape))
    u = f.input("u", "u8 s0,s1,4", lambda r, shape: r.integers(0, 256, shape))
    integers = {"f32": x, "i64": i, "bool": b, "u8": u}
    dims = ((None, "", ""), ([0], "s1,4", "1,s1,4"), ([-2], "s0,4", "s0,1,4"),
            ([-1], "s0,s1", "s0,s1,1"), ([0, 2], "s1", "1,s1,1"), ([], "", ""),
            ([-1, -2], "s0", "s0,1,1"))  # fmt: skip
    for dim, plain, kept in dims:
        axis = tuple(dim) if dim else None
        for keep, spec in ((False, plain), (True, kept)):
            if keep and not dim:
                continue
            for name, oracle in (("sum", np.sum), ("mean", np.mean), ("amax", np.max),
                                 ("amin", np.min)):  # fmt: skip
                for dtype, operand in integers.items():
                    if name == "mean" and dtype != "f32":
                        continue
                    target = f"aten.{name}." + {"sum": "dim_IntList", "mean": "dim"}.get(
                        name, "default")  # fmt: skip
                    result = "i64" if name == "sum" and dtype != "f32" else dtype
                    options = {} if dim is None and name[0] == "a" else {"dim": dim}

                    def reduce(a, g=oracle, n=axis, k=keep, r=result):
                        return to(r)(g(a, axis=n, keepdims=k))
                    f.op(target, f"{result} {spec}", reduce, self=operand, **options, keepdim=keep)
            f.op("aten.linalg_vector_norm.default", f"f32 {spec}", lambda a, n=axis, k=keep:
                 np.sqrt((a * a).sum(n, keepdims=k)), self=x, dim=dim, keepdim=keep)  # fmt: skip
            if dim and len(dim) == 1:
                for name, oracle in (("any", np.any), ("all", np.all)):
                    for operand in integers.values():
                        f.op(f"aten.{name}.dim", f"bool {spec}", lambda a, g=oracle, n=axis,
                             k=keep: g(a, axis=n, keepdims=k), self=operand, dim=dim[0],
                             keepdim=keep)  # fmt: skip
    f.op("aten.sum.default", "f32 ", lambda a: a.sum() * 1.0, self=i, dtype=pt2.dtype("f32"))
    f.op("aten.mean.default", "f32 ", lambda a: a.mean(), self=i, dtype=pt2.dtype("f32"))
    for dtype, operand in integers.items():
        f.op("aten.sum.default", ("f32" if dtype == "f32" else "i64") + " ",
             lambda a: a.sum() if a.dtype == float else a.sum(dtype=np.int64),
             self=operand)  # fmt: skip
        f.op("aten.max.default", dtype + " ", np.max, self=operand)
        f.op("aten.min.default", dtype + " ", np.min, self=operand)
        f.op("aten.any.default", "bool ", np.any, self=operand)
        f.op("aten.all.default", "bool ", np.all, self=operand)
        for dim in (0, 1, -1):
            f.op("aten.cumsum.default", ("f32" if dtype == "f32" else "i64") + " s0,s1,4",
                 lambda a, d=dim: np.cumsum(a, d, None if a.dtype == float else np.int64),
                 self=operand, dim=dim)  # fmt: skip
    f.op("aten.mean.default", "f32 ", np.mean, self=x)
    for name, oracle in (("max", np.max), ("min", np.min), ("mean", np.mean), ("sum", np.sum)):
        f.op(f"aten.{name}.default", "f32 ", oracle, self=z)
    f.op("aten.amax.default", "f32 s0", lambda a: a.max(1), self=z, dim=[1])
    f.op("aten.amin.default", "f32 s1", lambda a: a.min(0), self=z, dim=[0])
    f.op("aten.any.dim", "bool s0", lambda a: a.any(1), self=z, dim=1)
    for dim in (0, 1, -1, 2):
        for name in ("softmax.int", "_softmax.default", "log_softmax.int", "_log_softmax.default"):
            options = {"half_to_float": False} if name[0] == "_" else {}
            f.op(f"aten.{name}", "f32 s0,s1,4", lambda a, d=dim, n=name:
                 np.log(softmax(a, d)) if "log" in n else softmax(a, d), self=x, dim=dim,
                 **options)  # fmt: skip
    f.op("aten.softmax.int", "f32 s0,s1,4", lambda a: softmax(a.astype(float), 1), self=i, dim=1,
         dtype=pt2.dtype("f32"))  # fmt: skip
    for dtype, operand in (("f32", x), ("i64", i)):
        f.op("aten.diff.default", f"{dtype} s0,s1,3", np.diff, self=operand)
        f.op("aten.diff.default", f"{dtype} s0,s1 - 1,4", lambda a: np.diff(a, axis=1),
             self=operand, dim=1)  # fmt: skip
        f.op("aten.diff.default", f"{dtype} s0,2*s1 - 1,4",
             lambda a, p: np.diff(np.concatenate([p, a], 1), axis=1), self=operand, dim=-2,
             prepend=operand)  # fmt: skip
        f.op("aten.diff.default", f"{dtype} s0,2*s1 - 1,4",
             lambda a, p: np.diff(np.concatenate([a, p], 1), axis=1), self=operand, dim=1,
             append=operand)  # fmt: skip
    f.op("aten.diff.default", "bool s0,s1,3", lambda a: a[..., 1:] ^ a[..., :-1], self=b)
    return f


def indexing():
    """Elements by number, of both signs."""
    f = Family("indexing", SHAPES)
    x, i = f.input("x", "f32 s0,s1,4"), f.input("i", "i64 s0,s1,4")
    def numbers(low, high):
        return lambda random, shape: random.integers(low, high, shape)
    j, k = f.input("j", "i64 s0,s1", numbers(-4, 4)), f.input("k", "i64 s1", numbers(-1, 1))
    column = f.input("column", "i64 s0,1", numbers(-1, 1))
    k32 = f.input("k32", "i32 s1", numbers(-4, 4))
    table, ids = f.weight("table", "f32 9,3"), f.input("ids", "i64 s0,s1", numbers(0, 9))
    f.op("aten.embedding.default", "f32 s0,s1,3", lambda w, a: w[a], weight=table, indices=ids,
         padding_idx=0)  # fmt: skip
    take = slice(None)
    for indices, spec in (
        ([k], "s1,s1,4"), ([column], "s0,1,s1,4"), ([None, None, j], "s0,s1,s0,s1"),
        ([None, k], "s0,s1,4"), ([None, column, j], "s0,s0,s1"), ([column, None, j], "s0,s1,s1"),
        ([column, k, j], "s0,s1"), ([k, k], "s1,4"), ([None, k, k32], "s0,s1"),
    ):  # fmt: skip
        for dtype, operand in (("f32", x), ("i64", i)):
            f.op("aten.index.Tensor", f"{dtype} {spec}", lambda a, t:
                 a[tuple(take if n is None else n for n in t)], self=operand,
                 indices=indices)  # fmt: skip
    for dim, index, spec in ((0, k, "s1,s1,4"), (1, k, "s0,s1,4"), (-1, k32, "s0,s1,s1")):
        f.op("aten.index_select.default", f"f32 {spec}", lambda a, n, d=dim: np.take(a, n, d),
             self=x, dim=dim, index=index)  # fmt: skip
    g = f.input("g", "i64 s0,s1,3", numbers(0, 4))
    h = f.input("h", "i64 s0,1,4", numbers(0, 1))
    for dim, index, spec in ((2, g, "s0,s1,3"), (-1, g, "s0,s1,3"), (1, h, "s0,1,4")):
        f.op("aten.gather.default", f"f32 {spec}", lambda a, n, d=dim: np.take_along_axis(
            a, n, d), self=x, dim=dim, index=index)  # fmt: skip
    for dims in ([0], [-1], [0, 2], [0, 1, 2], []):
        f.op("aten.flip.default", "f32 s0,s1,4", lambda a, d=tuple(dims): np.flip(a, d), self=x,
             dims={"as_ints": dims})  # fmt: skip
    return f


def sizes():
    """Numbers of sizes, as they fill tensors."""
    f = Family("sizes", SHAPES)
    x = f.input("x", "f32 s0,s1")
    n0 = f.size("aten.sym_size.int", "s0", self=x, dim=0)
    n1 = f.size("aten.sym_size.int", "s1", self=x, dim=-1)
    f.step("aten._assert_tensor_metadata.default", None, lambda a: None, a=x,
           dtype=pt2.dtype("f32"))  # fmt: skip
    for target, formula, a, b in (
        ("_operator.add", "s0 + s1", n0, n1), ("_operator.sub", "s0 - s1", n0, n1),
        ("_operator.mul", "s0*s1", n0, n1), ("_operator.floordiv", "s0//s1", n0, n1),
        ("_operator.mod", "s0%s1", n0, n1), ("torch.sym_max", "max(s0, s1)", n0, n1),
        ("torch.sym_min", "min(s0, s1)", n0, n1), ("_operator.add", "s0 + 3", n0, 3),
        ("_operator.floordiv", "s1//2", n1, 2), ("_operator.mod", "s1%3", n1, 3),
        ("torch.sym_max", "max(s1, 4)", n1, 4), ("_operator.mul", "3*s1", 3, n1),
        ("_operator.sub", "9 - s1", 9, n1), ("_operator.neg", "-s1", n1, None),
    ):  # fmt: skip
        n = f.size(target, formula, a=a, **({} if b is None else {"b": b}))
        f.op("aten.full.default", "i64 2", lambda *, s0, s1, t=formula:
             np.full(2, measure(t, {"s0": s0, "s1": s1}), np.int64), size=[2],
             fill_value=n)  # fmt: skip
        if "-" not in formula:
            f.op("aten.zeros.default", f"f32 {formula}", lambda *, s0, s1, t=formula:
                 np.zeros(measure(t, {"s0": s0, "s1": s1})), size=[n])  # fmt: skip
    return f


# ---------------------------------------------------------------------- layers


def normalize(a, axes, eps):
    """Of mean 0 and variance 1."""
    centered = a - a.mean(axes, keepdims=True)
    return centered / np.sqrt((centered**2).mean(axes, keepdims=True) + eps)


def channels(v, a):
    """A vector beside [N, C, ...]."""
    return v.reshape(-1, *[1] * (a.ndim - 2))


def convolve(a, w, bias=None, stride=(1,), padding=(0,), dilation=(1,), groups=1):
    """Each group, and each place of the window."""
    rank = w.ndim - 2
    stride, padding, dilation = (list(v) * (rank if len(v) == 1 else 1)
                                 for v in (stride, padding, dilation))  # fmt: skip
    a = np.pad(a, [(0, 0), (0, 0), *[(p, p) for p in padding]])
    counts = [(a.shape[2 + d] - (w.shape[2 + d] - 1) * dilation[d] - 1) // stride[d] + 1
              for d in range(rank)]  # fmt: skip
    out = np.zeros((len(a), len(w), *counts))
    inputs, outputs = w.shape[1], len(w) // groups
    for tap in np.ndindex(*w.shape[2:]):
        part = tuple(
            slice(tap[d] * dilation[d], tap[d] * dilation[d] + (counts[d] - 1) * stride[d] + 1,
                  stride[d]) for d in range(rank))  # fmt: skip
        for g in range(groups):
            lines = slice(g * outputs, (g + 1) * outputs)
            picked = a[(slice(None), slice(g * inputs, (g + 1) * inputs), *part)]
            out[:, lines] += np.einsum("nc...,oc->no...", picked, w[(lines, slice(None), *tap)])
    return out if bias is None else out + channels(bias, out)


def attend(q, k, v, mask=None, causal=False, scale=None):
    """A row of which all is hidden is 0."""
    groups = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, groups, 1), np.repeat(v, groups, 1)
    scores = q @ k.swapaxes(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = np.where(mask, scores, -INF) if mask.dtype == bool else scores + mask
    top = scores.max(-1, keepdims=True)
    e = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = e.sum(-1, keepdims=True)
    return np.where(total == 0, 0, e / np.where(total == 0, 1, total)) @ v


def layers():
    """Products, norms, attention and convolutions."""
    f = Family("layers", SHAPES)
    x, y = f.input("x", "f32 s0,s1,6"), f.input("y", "f32 s0,6,s1")
    w, bias = f.weight("w", "f32 5,6"), f.weight("bias", "f32 5")
    f.op("aten.linear.default", "f32 s0,s1,5", lambda a, m, v: a @ m.T + v, input=x, weight=w,
         bias=bias)  # fmt: skip
    f.op("aten.linear.default", "f32 s0,s1,5", lambda a, m: a @ m.T, input=x, weight=w)
    flat = f.step("aten.select.int", "f32 s1,6", lambda a: a[0], self=x, dim=0, index=0)
    back = f.step("aten.select.int", "f32 6,s1", lambda a: a[0], self=y, dim=0, index=0)
    line = f.step("aten.select.int", "f32 6", lambda a: a[0], self=flat, dim=0, index=0)
    kernel = f.weight("kernel", "f32 6,5")
    f.op("aten.mm.default", "f32 s1,5", np.matmul, self=flat, mat2=kernel)
    f.op("aten.mm.default", "f32 s1,s1", np.matmul, self=flat, mat2=back)
    f.op("aten.bmm.default", "f32 s0,s1,s1", np.matmul, self=x, mat2=y)
    for left, right, spec in (
        (flat, kernel, "s1,5"), (x, kernel, "s0,s1,5"), (x, y, "s0,s1,s1"), (x, line, "s0,s1"),
        (line, y, "s0,s1"), (line, kernel, "5"), (line, line, ""), (flat, line, "s1"),
        (flat, y, "s0,s1,s1"), (x, back, "s0,s1,s1"), (line, back, "s1"), (y, x, "s0,6,6"),
    ):  # fmt: skip
        f.op("aten.matmul.default", f"f32 {spec}", np.matmul, self=left, other=right)
    f.op("aten.addmm.default", "f32 s1,5", lambda v, a, m: v + a @ m, self=bias, mat1=flat,
         mat2=kernel)  # fmt: skip
    f.op("aten.addmm.default", "f32 s1,s1", lambda v, a, m: v + a @ m, self=back_column(f, flat),
         mat1=flat, mat2=back)  # fmt: skip
    # Groups of few, close values: x - mean has the error of the mean, of larger magnitude.
    f.tolerance = 1e-5
    norms(f)
    f.tolerance = FLOAT_ERROR
    attention(f)
    convolutions(f)
    return f


def back_column(f, flat):
    """[s1, 1]"""
    return f.step("aten.slice.Tensor", "f32 s1,1", lambda a: a[:, :1], self=flat, dim=1, start=0,
                  end=1)  # fmt: skip


def norms(f):
    """With and without weights."""
    r = f.input("r", "f32 s0,s1,2,6", lambda random, shape: random.normal(1, 2, shape))
    g1, b1 = f.weight("g1", "f32 6"), f.weight("b1", "f32 6")
    g2, b2 = f.weight("g2", "f32 2,6"), f.weight("b2", "f32 2,6")
    spec = "f32 s0,s1,2,6"
    for shape, axes, gamma, beta in (([6], -1, g1, b1), ([2, 6], (-2, -1), g2, b2)):
        def norm(a, g=1, b=0, axes=axes):
            return normalize(a, axes, 1e-5) * g + b

        def rms(a, g=1, axes=axes):
            return a / np.sqrt((a * a).mean(axes, keepdims=True) + 1e-6) * g
        f.op("aten.layer_norm.default", spec, norm, input=r, normalized_shape=shape)
        f.op("aten.layer_norm.default", spec, norm, input=r, normalized_shape=shape,
             weight=gamma, bias=beta)  # fmt: skip
        f.op("aten.layer_norm.default", spec, norm, input=r, normalized_shape=shape,
             weight=gamma)  # fmt: skip
        f.op("aten.native_layer_norm.default", (spec, "f32 s0,s1,2,1", "f32 s0,s1,2,1"), norm,
             input=r, normalized_shape=shape, weight=gamma, bias=beta, eps=1e-5)  # fmt: skip
        f.op("aten.rms_norm.default", spec, rms, input=r, normalized_shape=shape, weight=gamma,
             eps=1e-6)  # fmt: skip
        f.op("aten.rms_norm.default", spec, rms, input=r, normalized_shape=shape, eps=1e-6)
    c = f.input("c", "f32 s0,6,s1", lambda random, shape: random.normal(1, 2, shape))
    d = f.input("d", "f32 s0,6,s1,2", lambda random, shape: random.normal(1, 2, shape))
    for operand, spec in ((c, "f32 s0,6,s1"), (d, "f32 s0,6,s1,2")):
        for groups in (1, 2, 3, 6):
            def group(a, g=None, b=None, n=groups):
                a2 = normalize(a.reshape(len(a), n, -1), -1, 1e-5).reshape(a.shape)
                return a2 if g is None else a2 * channels(g, a) + channels(b, a)
            f.op("aten.group_norm.default", spec, group, input=operand, num_groups=groups,
                 weight=g1, bias=b1)  # fmt: skip
            f.op("aten.group_norm.default", spec, group, input=operand, num_groups=groups)
            f.op("aten.native_group_norm.default", (spec, "f32 s0,1", "f32 s0,1"), group,
                 input=operand, weight=g1, bias=b1, N=2, C=6, HxW=2, group=groups,
                 eps=1e-5)  # fmt: skip
        mean = f.weight("mean" + operand.name, "f32 6")
        var = f.weight("var" + operand.name, "f32 6", np.linspace(0.1, 2, 6))

        def batch(a, g, b, m, v):
            return (a - channels(m, a)) / np.sqrt(channels(v, a) + 1e-3) * channels(
                g, a) + channels(b, a)  # fmt: skip
        given = {"input": operand, "weight": g1, "bias": b1, "running_mean": mean,
                 "running_var": var}  # fmt: skip
        f.op("aten.batch_norm.default", spec, batch, **given, training=False, momentum=0.1,
             eps=1e-3, cudnn_enabled=True)  # fmt: skip
        f.op("aten._native_batch_norm_legit_no_training.default", (spec, "f32 0", "f32 0"), batch,
             **given, momentum=0.1, eps=1e-3)  # fmt: skip
    v = f.weight("v", "f32 4,3,5")
    for dim in (0, 1, 2, -1):
        axes = tuple(a for a in range(3) if a != dim % 3)
        size = [1, 1, 1]
        size[dim] = (4, 3, 5)[dim]
        g = f.weight(f"norm{dim % 3}{dim}", "f32 " + ",".join(map(str, size)))
        f.op("aten._weight_norm.default", "f32 4,3,5", lambda a, b, n=axes: a * b / np.sqrt(
            (a * a).sum(n, keepdims=True)), v=v, g=g, dim=dim)  # fmt: skip


def attention(f):
    """With each kind of mask."""
    q, k = f.input("q", "f32 s0,4,s1,3"), f.input("k", "f32 s0,4,s2,3")
    v = f.input("v", "f32 s0,4,s2,3")
    k2, v2 = f.input("k2", "f32 s0,2,s2,3"), f.input("v2", "f32 s0,2,s2,3")

    def hidden(random, shape):
        mask = random.random(shape) < 0.6
        mask[0] = False
        return mask
    m = f.input("m", "bool s1,s2", hidden)
    whole = f.input("whole", "bool s0,1,s1,s2", lambda r, s: r.random(s) < 0.7)
    bias = f.input("mask_bias", "f32 s0,1,1,s2")
    for number, symbols in enumerate(f.shapes):
        symbols["s2"] = (4, 1, 9)[number]
    target, spec = "aten.scaled_dot_product_attention.default", "f32 s0,4,s1,3"
    for mask in (None, m, whole, bias):
        options = {} if mask is None else {"attn_mask": mask}
        f.op(target, spec, attend, query=q, key=k, value=v, **options)
        f.op(target, spec, attend, query=q, key=k2, value=v2, **options, enable_gqa=True)
    f.op(target, spec, lambda a, b, c: attend(a, b, c, causal=True), query=q, key=q, value=q,
         is_causal=True)  # fmt: skip
    f.op(target, spec, lambda a, b, c: attend(a, b, c, causal=True), query=q, key=k, value=v,
         is_causal=True)  # fmt: skip
    f.op(target, spec, lambda a, b, c: attend(a, b, c, scale=0.25), query=q, key=k, value=v,
         scale=0.25)  # fmt: skip


def convolutions(f):
    """Stride, padding, dilation and groups."""
    t, p = f.input("t", "f32 s0,4,s1 + 4"), f.input("p", "f32 s0,4,s1 + 4,9")
    for groups in (1, 2, 4):
        w1 = f.weight(f"w1{groups}", f"f32 8,{4 // groups},3")
        w2 = f.weight(f"w2{groups}", f"f32 8,{4 // groups},3,2")
        bias = f.weight(f"bias{groups}", "f32 8")
        for s, d, e in ((1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 2, 2)):
            length = f"(s1 + {4 + 2 * d - 2 * e - 1})//{s} + 1"
            window = {"stride": [s], "padding": [d], "dilation": [e], "groups": groups}
            for b in ({"bias": bias}, {}):
                f.op("aten.conv1d.default", f"f32 s0,8,{length}", lambda a, w, b=None, o=window:
                     convolve(a, w, b, **o), input=t, weight=w1, **b, **window)  # fmt: skip
            window = {"stride": [s, 1], "padding": [d, 0], "dilation": [e, 2], "groups": groups}
            f.op("aten.conv2d.default", f"f32 s0,8,{length},7", lambda a, w, b=None, o=window:
                 convolve(a, w, b, **o), input=p, weight=w2, bias=bias, **window)  # fmt: skip
            f.op("aten.convolution.default", f"f32 s0,8,{length},7", lambda a, w, b=None,
                 o=window: convolve(a, w, b, **o), input=p, weight=w2, bias=bias,
                 transposed=False, output_padding=[0, 0], **window)  # fmt: skip


# ------------------------------------------------------------------- quantized


def rounded(a, scale, zero, low, high, dtype):
    """What `tq.quantize` makes of numbers; the scale and 1 / scale are float32."""
    inverse = (np.float32(1) / np.float32(scale)).astype(np.float64)
    scaled = np.rint(np.nan_to_num(a) * inverse + zero)
    return np.clip(scaled, low, high).astype(NUMPY[dtype])


def rounded_twice(a, scale, zero, low, high, dtype):
    """The product is rounded to float32 first."""
    scaled = np.rint(np.float32(a) * (np.float32(1) / np.float32(scale))) + zero
    return np.clip(scaled, low, high).astype(NUMPY[dtype])


def choose(a, low, high, eps, symmetric=False, axis=None):
    """Scale and zero point, as float32 gives them."""
    a = np.asarray(a, np.float32)
    keeps = axis is not None
    least = np.minimum(a.min(axis, keepdims=keeps), np.float32(0))
    most = np.maximum(a.max(axis, keepdims=keeps), np.float32(0))
    if symmetric:
        scale = np.maximum(-least, most) / np.float32((high - low) / 2)
        scale = np.maximum(scale, np.float32(eps))
        return scale, np.zeros_like(scale)
    scale = np.maximum((most - least) / np.float32(high - low), np.float32(eps))
    return scale, np.clip(low - np.rint(least / scale), low, high)


INTEGERS = {"u8": (0, 255), "i8": (-128, 127)}


class Quantized(Family):
    """Pairs, with a weight that has -128."""

    def __init__(self, name):
        super().__init__(name, SHAPES)
        self.x = self.input("x", "f32 s0,s1,6")
        values = np.random.default_rng(7).integers(-128, 128, (5, 6))
        values[:, 0] = -128
        self.integers = self.weight("integers", "i8 5,6", values)
        self.scales = self.weight("scales", "f32 5", [0.01, 0.02, 0.5, 1e-3, 0.25])
        self.zeros = self.weight("zeros", "i64 5", [0] * 5)
        self.others = self.weight("others", "i64 5", [0, 3, -7, 100, -128])
        self.bias = self.weight("bias", "f32 5")

    def pair(self, dtype, scale, zero, low=None, high=None):
        """Of numbers that the node has."""
        low = INTEGERS[dtype][0] if low is None else low
        high = INTEGERS[dtype][1] if high is None else high
        rest = {"scale": scale, "zero_point": zero, "quant_min": low, "quant_max": high,
                "dtype": pt2.dtype(dtype)}  # fmt: skip
        q = self.op("quantized_decomposed.quantize_per_tensor.default", f"{dtype} s0,s1,6",
                    lambda a: rounded(a, scale, zero, low, high, dtype), input=self.x,
                    **rest)  # fmt: skip
        return self.op("quantized_decomposed.dequantize_per_tensor.default", "f32 s0,s1,6",
                       lambda q: (q.astype(np.float64) - zero) * np.float32(scale), input=q,
                       **rest)  # fmt: skip

    def chosen(self, dtype):
        """Of a range that is found at run time."""
        low, high = INTEGERS[dtype]
        rest = {"quant_min": low, "quant_max": high}
        scale, zero = self.step(
            "quantized_decomposed.choose_qparams.tensor", ["f64 1", "i64 1"],
            lambda a: [n.reshape(1).astype(t) for n, t in
                       zip(choose(a, low, high, 1e-4), (np.float64, np.int64), strict=True)],
            input=self.x, **rest, eps=1e-4, dtype=pt2.dtype(dtype))  # fmt: skip
        self.check("quantized_decomposed.choose_qparams.tensor", zero)
        rest = {"scale": scale, "zero_point": zero, **rest, "dtype": pt2.dtype(dtype)}
        q = self.op("quantized_decomposed.quantize_per_tensor.tensor", f"{dtype} s0,s1,6",
                    lambda a, s, z: rounded(a, s, z, low, high, dtype), input=self.x,
                    **rest)  # fmt: skip
        return self.op("quantized_decomposed.dequantize_per_tensor.tensor", "f32 s0,s1,6",
                       lambda q, s, z: (q.astype(np.float64) - z) * s, input=q,
                       **rest)  # fmt: skip

    def dequantize_weight(self, zeros, axis=0, integers=None, scales=None):
        """[5, 6]"""
        def oracle(q, s, z=None):
            columns = (slice(None), None) if axis == 0 else (None, slice(None))
            offset = 0 if z is None else z[columns].astype(np.float64)
            return (q.astype(np.float64) - offset) * s[columns]
        return self.op("quantized_decomposed.dequantize_per_channel.default", "f32 5,6", oracle,
                       input=integers or self.integers, scales=scales or self.scales,
                       zero_points=zeros, axis=axis, quant_min=-128, quant_max=127,
                       dtype=pt2.dtype("i8"))  # fmt: skip

    def linear(self, x, weight):
        """With the bias."""
        self.op("aten.linear.default", "f32 s0,s1,5", lambda a, m, v: a @ m.T + v, input=x,
                weight=weight, bias=self.bias)  # fmt: skip


def quantized():
    """The ops of PT2E and torchao, and layers that run in integers."""
    f = Quantized("quantized")
    weight = f.dequantize_weight(f.zeros)
    for pair in (f.pair("u8", 0.02, 131), f.pair("u8", 0.03, 0, 0, 127), f.pair("i8", 0.02, -5),
                 f.pair("i8", 0.5, 0, -127, 127), f.chosen("u8"), f.chosen("i8")):  # fmt: skip
        f.linear(pair, weight)
    f.linear(f.pair("u8", 0.011, 7), f.dequantize_weight(f.others))
    whole = f.op("quantized_decomposed.dequantize_per_tensor.default", "f32 5,6",
                 lambda q: q * np.float64(np.float32(0.03)), input=f.integers, scale=0.03,
                 zero_point=0, quant_min=-128, quant_max=127, dtype=pt2.dtype("i8"))  # fmt: skip
    f.linear(f.pair("i8", 0.04, 3), whole)
    floats = f.weight("floats", "f32 5,6")
    for axis, scales, zeros in ((0, f.scales, f.zeros), (1, f.weight("six", "f32 6", [.1] * 6),
                                                         f.weight("sixes", "i64 6", range(6)))):  # fmt: skip
        columns = (slice(None), None) if axis == 0 else (None, slice(None))
        q = f.op("quantized_decomposed.quantize_per_channel.default", "i8 5,6",
                 lambda a, s, z, c=columns: rounded(a, s[c], z[c], -128, 127, "i8"),
                 input=floats, scales=scales, zero_points=zeros, axis=axis, quant_min=-128,
                 quant_max=127, dtype=pt2.dtype("i8"))  # fmt: skip
        f.linear(f.pair("u8", 0.05, 1),
                 f.dequantize_weight(zeros, axis, q, scales))  # fmt: skip
    affine(f)
    return f


def affine(f):
    """torchao: one scale for each row."""
    last = {"block_size": {"as_ints": [1, 1, 6]}}
    rest = {"quant_min": -128, "quant_max": 127}
    for kind in ("SYMMETRIC", "ASYMMETRIC"):
        scale, zero = f.step(
            "torchao.choose_qparams_affine.default", ["f32 s0,s1,1", "i8 s0,s1,1"],
            lambda a, k=kind: [n.astype(t) for n, t in zip(
                choose(a, -128, 127, 1e-7, k == "SYMMETRIC", 2), (np.float64, np.int8),
                strict=True)],
            input=f.x, mapping_type=kind, **last, target_dtype=pt2.dtype("i8"), **rest, eps=1e-7,
            scale_dtype=pt2.dtype("f32"), zero_point_dtype=pt2.dtype("i8"),
            keepdim=True)  # fmt: skip
        for tensor in (scale, zero):
            f.check("torchao.choose_qparams_affine.default", tensor)
        q = f.op("torchao.quantize_affine.default", "i8 s0,s1,6",
                 lambda a, s, z: rounded_twice(a, s, z, -128, 127, "i8"), input=f.x, **last,
                 scale=scale, zero_point=zero, output_dtype=pt2.dtype("i8"), **rest)  # fmt: skip
        f.op("torchao.dequantize_affine.default", "f32 s0,s1,6",
             lambda q, s, z: (q.astype(np.float64) - z) * s, input=q, **last, scale=scale,
             zero_point=zero, input_dtype=pt2.dtype("i8"), **rest,
             output_dtype=pt2.dtype("f32"))  # fmt: skip
        rows = f.step("aten.select.int", "i8 s1,6", lambda a: a[0], self=q, dim=0, index=0)
        weight = f.step("aten.t.default", "i8 6,5", np.transpose, self=f.integers)
        f.op("aten._int_mm.default", "i32 s1,5",
             lambda a, w: a.astype(np.int32) @ w.astype(np.int32), self=rows,
             mat2=weight)  # fmt: skip


FAMILIES = [arithmetic, logic, casts, views, inplace, creation, reductions, indexing, sizes, layers,
            quantized]  # fmt: skip

# ---------------------------------------------------------------------- running


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


def measure(formula, symbols):
    """A size as a number."""
    return eval(formula, {"max": max, "min": min}, dict(symbols))  # pylint: disable=eval-used


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
                                       else ("failed", "no case in test/e2e/pt2_test.py")))
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
