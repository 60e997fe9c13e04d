# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products, norms, attention and convolutions."""

import numpy as np

from pt2_families.family import FLOAT_ERROR, INF, SHAPES, Family


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
