# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pairs of quantize and dequantize of PT2E and torchao."""

import numpy as np

from pt2_families.family import NUMPY, SHAPES, Family, to, pt2


def rounded(a, scale, zero, low, high, dtype):
    """The product with 1 / scale in float32, to the nearest integer, and the zero point."""
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
    six, sixes = f.weight("six", "f32 6", [0.1] * 6), f.weight("sixes", "i64 6", range(6))
    for axis, scales, zeros in ((0, f.scales, f.zeros), (1, six, sixes)):
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
                 lambda a, s, z: rounded(a, s, z, -128, 127, "i8"), input=f.x, **last,
                 scale=scale, zero_point=zero, output_dtype=pt2.dtype("i8"), **rest)  # fmt: skip
        f.op("torchao.dequantize_affine.default", "f32 s0,s1,6",
             lambda q, s, z: (q.astype(np.float64) - z) * s, input=q, **last, scale=scale,
             zero_point=zero, input_dtype=pt2.dtype("i8"), **rest,
             output_dtype=pt2.dtype("f32"))  # fmt: skip
        rows = f.step("aten.select.int", "i8 s1,6", lambda a: a[0], self=q, dim=0, index=0)
        weight = f.step("aten.t.default", "i8 6,5", np.transpose, self=f.integers)
        product = f.op("aten._int_mm.default", "i32 s1,5", multiply, self=rows,
                       mat2=weight)  # fmt: skip
        f.op("aten.to.dtype", "f32 s1,5", to("f32"), self=product, dtype=pt2.dtype("f32"))
        for zero in (128, 3):
            shifted(f, rows, weight, zero)


def multiply(a, w):
    """Exact sums of the products of bytes."""
    return a.astype(np.int32) @ w.astype(np.int32)


def shifted(f, rows, weight, zero):
    """torchao, where the CPU multiplies u8 by s8 only: s8 + 128, less 128 times the sums of
    the weight's columns. Other numbers than 128 are right, too."""
    wide = f.step("aten.to.dtype", "i32 s1,6", to("i32"), self=rows, dtype=pt2.dtype("i32"))
    sums = f.step("aten.add.Tensor", "i32 s1,6", lambda a: a + np.int32(zero), self=wide,
                  other=zero)  # fmt: skip
    unsigned = f.step("aten.to.dtype", "u8 s1,6", to("u8"), self=sums, dtype=pt2.dtype("u8"))
    product = f.op("aten._int_mm.default", "i32 s1,5", multiply, self=unsigned, mat2=weight)
    totals = f.step("aten.sum.dim_IntList", "i32 1,5",
                    lambda w: w.sum(0, dtype=np.int32, keepdims=True), self=weight, dim=[0],
                    keepdim=True, dtype=pt2.dtype("i32"))  # fmt: skip
    scaled = f.step("aten.mul.Tensor", "i32 1,5", lambda t: t * np.int32(zero), self=totals,
                    other=zero)  # fmt: skip
    less = f.op("aten.sub.Tensor", "i32 s1,5", np.subtract, self=product, other=scaled)
    f.op("aten.to.dtype", "f32 s1,5", to("f32"), self=less, dtype=pt2.dtype("f32"))
