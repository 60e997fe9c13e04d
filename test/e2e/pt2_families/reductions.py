# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ops over dimensions."""

import numpy as np

from pt2_families.family import INF, NAN, SHAPES, Family, to, pt2


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
