# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs of ATen ops that are computed in numpy, too."""

import inspect
import math
import pathlib
import re
import sys
import typing

import numpy as np

from programs_test import require

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test/Import/PT2/Inputs"))

import pt2  # noqa: E402

FLOAT_ERROR = 2e-6
NUMPY = {"u8": np.uint8, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
         "f32": np.float32, "bool": np.bool_}  # fmt: skip
NAN, INF = math.nan, math.inf
SHAPES = [{"s0": 3, "s1": 5}, {"s0": 1, "s1": 1}, {"s0": 2, "s1": 7}]


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


def measure(formula, symbols):
    """A size as a number."""
    return eval(formula, {"max": max, "min": min}, dict(symbols))  # pylint: disable=eval-used
