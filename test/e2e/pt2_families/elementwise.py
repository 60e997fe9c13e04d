# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ops of each element: arithmetic, logic, casts."""

import math

import numpy as np

from pt2_families.family import INF, NAN, NUMPY, Family, to, pt2

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
