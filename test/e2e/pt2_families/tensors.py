# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Views and writes to them, creation, indexing, sizes."""

import numpy as np

from pt2_families.family import INF, NUMPY, SHAPES, Family, measure, to, pt2


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
    pair = f.op("aten.narrow.default", "f32 s0,s1,2", lambda a: a[:, :, 1:3], self=x, dim=-1,
                start=1, length=2)  # fmt: skip
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
    f.op("aten.expand_as.default", "f32 s0,s1,4", lambda a, b: np.broadcast_to(a, b.shape),
         self=row, other=x)  # fmt: skip
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
