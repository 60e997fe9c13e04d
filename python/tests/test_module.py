# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls of programs, and their files."""

import concurrent.futures
import copy
import multiprocessing
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import tq
from tq import _abi, _arrays


def reference(q, k):
    """Attention of 4 heads, in f64."""
    def heads(x):
        return x.astype(np.float64).reshape(*x.shape[:2], 4, 16).swapaxes(1, 2)
    score = heads(q) @ heads(k).swapaxes(2, 3) * 0.25
    weight = np.exp(score - score.max(-1, keepdims=True))
    weight /= weight.sum(-1, keepdims=True)
    return (weight @ heads(k)).swapaxes(1, 2).reshape(q.shape)


def inputs(batch=3, s=5, t=7):
    rng = np.random.default_rng(batch * 100 + s * 10 + t)
    return (rng.standard_normal((batch, s, 64), np.float32),
            rng.standard_normal((batch, t, 64), np.float32))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 5, 7), (2, 61, 130)])
def test_call(attention, sizes):
    q, k = inputs(*sizes)
    y = attention(q, k)
    assert isinstance(y, np.ndarray) and y.dtype == np.float32
    np.testing.assert_allclose(y, reference(q, k), atol=1e-5)
    assert np.array_equal(attention(k=k, q=q), y)
    assert np.array_equal(attention(q, k=k), y)


def test_what_it_takes(attention):
    assert [str(info) for info in attention.inputs] == [
        "q: float32 [batch, s, 64]", "k: float32 [batch, t, 64]"]
    assert [info.name for info in attention.outputs] == ["y"]
    assert attention.compiled["quantize"] == "none"
    assert "q: float32" in repr(attention)
    attention(*inputs())
    assert attention.arena_bytes > 0
    assert attention.program_bytes > attention.weight_bytes == 0


def test_awkward_arrays(attention):
    q, k = inputs()
    y = attention(q, k)
    fortran = np.asfortranarray(q)
    assert not fortran.flags.c_contiguous
    assert np.array_equal(attention(fortran, k), y)
    repeated = np.broadcast_to(q[:1], q.shape)
    assert repeated.strides[0] == 0
    assert np.array_equal(attention(repeated, k),
                          attention(np.ascontiguousarray(repeated), k))
    assert np.array_equal(attention(q.tolist(), k), y)


def test_dlpack(attention):
    class Other:
        """An array of another library."""

        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **kwargs):
            return self.array.__dlpack__(**kwargs)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    q, k = inputs()
    assert np.array_equal(attention(Other(q), Other(k)), attention(q, k))


def test_no_copy(attention, monkeypatch):
    """The program reads inputs and writes results where they are."""
    q, k = inputs(2, 3, 4)
    attention(q, k)
    seen = []
    run = attention._pool.library.run

    def record(handle, given, count, results, number):
        seen.extend(tensor.data for tensor in (*given, *results))
        return run(handle, given, count, results, number)

    monkeypatch.setattr(attention._pool.library, "run", record)
    y = attention(q, k)
    assert seen == [q.ctypes.data, k.ctypes.data, y.ctypes.data]


@pytest.mark.parametrize("call, message", [
    (lambda f, q, k: f(q), "argument 'k' is missing: expected k: float32"),
    (lambda f, q, k: f(q, k, q), "at most 2 arguments"),
    (lambda f, q, k: f(q, k, q=q), "'q' is given twice"),
    (lambda f, q, k: f(q, k, mask=q), "unknown argument 'mask'"),
    (lambda f, q, k: f(q.astype("f8"), k), "expected float32, but got float64"),
    (lambda f, q, k: f(q.astype("i8"), k), "expected float32, but got int64"),
    (lambda f, q, k: f(q[0], k), "input 'q': expected rank 3, found rank 2"),
    (lambda f, q, k: f(q[:, :, :3], k), "expected 64 in dimension 2, found 3"),
    (lambda f, q, k: f(q[:1], k), "expected a batch of 1 as in 'q'"),
    (lambda f, q, k: f(q[:0], k[:0]), "expected a batch of at least 1"),
    (lambda f, q, k: f([[1], [2, 3]], k), "expected an array, but got a list"),
    (lambda f, q, k: f("text", k), "a value of type str"),
])
def test_bad_inputs(attention, call, message):
    with pytest.raises(tq.InputError, match=message) as found:
        call(attention, *inputs())
    assert "\n" not in str(found.value)
    attention(*inputs())  # and goes on


def test_bad_use(attention):
    with pytest.raises(tq.UsageError, match="has no tokenizer"):
        attention.encode(["text"])
    with pytest.raises(tq.UsageError, match="0 to 1024 threads"):
        attention.threads = -1


def test_threads_of_python(attention):
    """Calls side by side are independent, and of the same bits."""
    q, k = inputs(4, 33, 70)
    y = attention(q, k)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: attention(q, k), range(64)))
    assert all(np.array_equal(result, y) for result in results)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_of_programs(attention, threads):
    q, k = inputs(4, 33, 70)
    other = copy.copy(attention)
    other.threads = threads
    assert np.array_equal(other(q, k), attention(q, k))


def test_fork(attention):
    q, k = inputs()
    y = attention(q, k)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(attention(q, k), y) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(attention(q, k), y)


def _in_child(module, q, k):
    return module(q, k)


def test_spawn(attention):
    q, k = inputs()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        y = pool.apply(_in_child, (attention, q, k))
    assert np.array_equal(y, attention(q, k))


def test_files(attention, tmp_path):
    q, k = inputs()
    path = tmp_path / "ä b.tq"
    attention.save(path)
    loaded = tq.load(path, threads=1)
    assert np.array_equal(loaded(q, k), attention(q, k))
    assert loaded.compiled == attention.compiled
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    for again in (pickle.loads(pickle.dumps(loaded)), copy.copy(loaded),
                  copy.deepcopy(loaded),
                  tq.Module.from_bytes(loaded.to_bytes())):
        assert np.array_equal(again(q, k), attention(q, k))
        assert again.threads in (0, 1)


def test_replaced_file(attention, tmp_path):
    """A file of the same name is another program."""
    path = tmp_path / "model.tq"
    attention.save(path)
    first = tq.load(path)
    source = tmp_path / "other.mlir"
    source.write_text(
        "!x = tensor<?x64xf32>\n"
        "func.func @main(%x: !x {program.port = "
        '#program.port<"x", ["n", "64"]>}) -> (!x {program.port = '
        '#program.port<"y", ["n", "64"]>}) {\n'
        "  %y = tq.relu %x : !x\n  return %y : !x\n}\n")
    tq.compile(source, quantize="none").save(path)
    assert tq.load(path).inputs != first.inputs
    first(*inputs())


def test_library_alone(attention, tmp_path):
    """What tq-compile wrote, without what Python adds."""
    path = tmp_path / "bare.so"
    content = attention.to_bytes()
    size = int.from_bytes(content[-48:-40], "little")
    path.write_bytes(content[:-48 - size])
    loaded = tq.load(path)
    assert np.array_equal(loaded(*inputs()), attention(*inputs()))
    assert loaded.compiled == {}


@pytest.mark.parametrize("change, message", [
    (lambda content: b"", "a file of another kind"),
    (lambda content: b"#!/bin/sh\n", "a file of another kind"),
    (lambda content: content[:1000], "cut off"),
    (lambda content: content[:-200], "cut off"),
    (lambda content: content[:200] + b"?" + content[201:], "damaged"),
])
def test_bad_files(attention, tmp_path, change, message):
    path = tmp_path / "bad.tq"
    path.write_bytes(change(attention.to_bytes()))
    with pytest.raises(tq.ProgramError, match=message):
        tq.load(path)


def test_missing_file(tmp_path):
    with pytest.raises(tq.ProgramError, match="No such file"):
        tq.load(tmp_path / "none.tq")


def test_other_cpu(attention, tmp_path):
    content = bytearray(attention.to_bytes())
    size = int.from_bytes(content[-48:-40], "little")
    content = content[:-48 - size]
    content[18:20] = (183).to_bytes(2, "little")  # EM_AARCH64
    path = tmp_path / "arm.so"
    path.write_bytes(content)
    with pytest.raises(tq.ProgramError, match="this kind of machine"):
        tq.load(path)


def test_other_version(attention, tmp_path, monkeypatch):
    path = tmp_path / "old.tq"
    attention.save(path)
    monkeypatch.setattr(_abi, "API_VERSION", 1000)
    with pytest.raises(tq.ProgramError, match="version 1000 or later"):
        tq.load(path)


def test_unwritable(attention, tmp_path):
    with pytest.raises(tq.UsageError, match="cannot be written"):
        attention.save(tmp_path / "no folder" / "model.tq")


def test_import_alone():
    """Neither torch nor another optional package is imported."""
    code = ("import sys, tq\n"
            "print(sorted({'torch', 'pandas', 'tqdm', 'ray', 'sklearn'}"
            " & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True,
                          text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    from tq._errors import require
    with pytest.raises(tq.MissingPackageError, match="pip install ray"):
        require("ray", "scoring on a cluster")


def test_kinds_of_arrays():
    assert _arrays.arrays_of([np.zeros(1)]) is _arrays.NUMPY
