# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules of torch to programs that stand where they stood."""

import copy
import dataclasses
import multiprocessing
import pickle
import time
import typing

import numpy as np
import pytest

import tq
from tq import _cache, compiler

torch = pytest.importorskip("torch")
nn = torch.nn


def encoder(seed=0, **kwargs):
    torch.manual_seed(seed)
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    return nn.TransformerEncoder(layer, 1, enable_nested_tensor=False,
                                 **kwargs).eval()


def close(found, expected, least=0.999):
    found, expected = found.flatten().double(), expected.flatten().double()
    return float(nn.functional.cosine_similarity(found, expected, 0)) > least


@pytest.fixture(scope="module")
def module():
    return encoder()


@pytest.fixture(scope="module")
def program(module):
    return tq.compile(module, torch.randn(1, 7, 32))


@pytest.mark.parametrize("shape", [(1, 1, 32), (1, 7, 32), (5, 7, 32),
                                   (2, 130, 32), (3, 64, 32)])
def test_other_sizes(module, program, shape):
    """Of a sample of batch 1: every size may differ but the hidden one."""
    x = torch.randn(shape)
    with torch.no_grad():
        y = program(x)
        assert isinstance(y, torch.Tensor) and y.shape == shape
        assert close(y, module(x))
    assert np.array_equal(program(x.numpy()), y.numpy())


def test_is_a_module(program):
    assert isinstance(program, nn.Module) and isinstance(program, tq.Module)
    assert program.eval() is program and program.to("cpu") is program
    assert list(program.parameters()) == []
    seen = []
    hook = program.register_forward_hook(lambda *args: seen.append(args))
    program(torch.zeros(1, 2, 32))
    hook.remove()
    assert len(seen) == 1


@pytest.mark.parametrize("change, message", [
    (lambda p: p.train(), "cannot be trained"),
    (lambda p: p.half(), "expected float32, but got torch.float16"),
    (lambda p: p.to("meta"), "not on meta"),
])
def test_is_no_other_module(program, change, message):
    with pytest.raises(tq.UsageError, match=message):
        change(program)


@pytest.mark.parametrize("make, message", [
    (lambda x: x.double(), "expected float32, but got float64"),
    (lambda x: x.half(), "expected float32, but got float16"),
    (lambda x: x[0], "expected rank 3, found rank 2"),
    (lambda x: x[:0], "at least 1"),
    (lambda x: x.to("meta"), "expected a tensor on the cpu"),
    (lambda x: x.requires_grad_(), "torch.no_grad"),
])
def test_bad_tensors(program, make, message):
    with pytest.raises(tq.InputError, match=message):
        program(make(torch.randn(2, 3, 32)))


def test_awkward_tensors(program):
    x = torch.randn(3, 5, 32)
    y = program(x)
    turned = x.transpose(0, 1).contiguous().transpose(0, 1)
    assert not turned.is_contiguous()
    assert torch.equal(program(turned), y)
    repeated = x[:1].expand(3, 5, 32)
    assert torch.equal(program(repeated), program(repeated.contiguous()))
    with torch.no_grad():
        assert torch.equal(program(x.clone().requires_grad_()), y)


def test_no_copy(program, monkeypatch):
    x = torch.randn(2, 3, 32)
    program(x)
    seen = []
    library = program._pool.library
    run = library.run

    def record(handle, given, count, results, number):
        seen.extend(tensor.data for tensor in (*given, *results))
        return run(handle, given, count, results, number)

    monkeypatch.setattr(library, "run", record)
    y = program(x)
    assert seen == [x.data_ptr(), y.data_ptr()]


def test_state(program, tmp_path):
    """torch.save keeps the program itself."""
    x = torch.randn(2, 3, 32)
    path = tmp_path / "state.pt"
    torch.save(program.state_dict(), path)
    other = tq.compile(encoder(seed=1), x)
    assert not torch.equal(other(x), program(x))
    other.load_state_dict(torch.load(path))
    assert torch.equal(other(x), program(x))


@pytest.mark.parametrize("state, error", [
    (lambda state: {"_extra_state": state["_extra_state"][:-100]},
     tq.ProgramError),
    (lambda state: {"_extra_state": state["_extra_state"][:100]},
     tq.ProgramError),
    (lambda state: {"_extra_state": torch.zeros(3)}, tq.InputError),
    (lambda state: {}, RuntimeError),
])
def test_bad_state(program, state, error):
    x = torch.randn(2, 3, 32)
    other = copy.copy(program)
    with pytest.raises(error):
        other.load_state_dict(state(program.state_dict()))
    assert torch.equal(other(x), program(x))


def test_pickle(program, tmp_path):
    x = torch.randn(2, 3, 32)
    again = pickle.loads(pickle.dumps(program))
    assert isinstance(again, nn.Module)
    assert torch.equal(again(x), program(x))
    torch.save(program, tmp_path / "whole.pt")
    again = torch.load(tmp_path / "whole.pt", weights_only=False)
    assert torch.equal(again(x), program(x))


# ------------------------------------------------------------------ structure

@dataclasses.dataclass
class Answer:
    """A result of a class of its own."""
    hidden: torch.Tensor
    logits: torch.Tensor


class Pair(typing.NamedTuple):
    """Another."""
    left: torch.Tensor
    right: torch.Tensor


class Nested(nn.Module):
    """Nested arguments and results."""

    def __init__(self, kind):
        super().__init__()
        self.linear = nn.Linear(16, 16)
        self.kind = kind

    def forward(self, x, more=None, scale: float = 1.0):
        y = self.linear(x) * scale
        if more is not None:
            y = y + more["a"] + more["b"][0]
        z = torch.relu(y)
        return {"tuple": (y, z), "list": [y, z],
                "dict": {"y": y, "inner": {"z": z}}, "pair": Pair(y, z),
                "mixed": (y, None, 3, "text"),
                "same": (y, y)}[self.kind]


def flat(value):
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in flat(item)]
    if isinstance(value, tuple | list):
        return [leaf for item in value for leaf in flat(item)]
    return [value]


@pytest.mark.parametrize("kind", ["tuple", "list", "dict", "pair", "mixed",
                                  "same"])
def test_results(kind):
    model, x = Nested(kind).eval(), torch.randn(3, 16)
    program = tq.compile(model, x, quantize="none")
    with torch.no_grad():
        found, expected = program(x), model(x)
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
    for one, other in zip(flat(found), flat(expected), strict=True):
        if isinstance(other, torch.Tensor):
            torch.testing.assert_close(one, other)
        else:
            assert one == other


def test_arguments():
    model, x = Nested("tuple").eval(), torch.randn(3, 16)
    more = {"a": torch.randn(3, 16), "b": [torch.randn(16)]}
    program = tq.compile(model, {"x": x, "more": more, "scale": 2.0},
                         quantize="none")
    with torch.no_grad():
        expected = model(x, more, 2.0)
        torch.testing.assert_close(program(x, more), expected)
        torch.testing.assert_close(program(x, more=more, scale=2.0), expected)
    for bad, message in (
            (lambda: program(x, more, scale=3.0), "was compiled for 2.0"),
            (lambda: program(x), "'more' is missing"),
            (lambda: program(x, {"a": x}), "expected the keys a, b"),
            (lambda: program(x, {"a": x, "b": [x, x]}), "expected 1 values")):
        with pytest.raises(tq.InputError, match=message):
            bad()


def test_dataclass():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(16, 4)

        def forward(self, x):
            return Answer(x * 2, self.linear(x))

    torch.export.register_dataclass(Answer)
    model, x = Model().eval(), torch.randn(2, 16)
    found = tq.compile(model, x, quantize="none")(x)
    assert isinstance(found, Answer)
    torch.testing.assert_close(found.hidden, x * 2)


# ---------------------------------------------------------------------- masks

def test_causal_mask():
    """A mask that is an argument, whose values torch looks at."""
    model = encoder()
    mask = nn.Transformer.generate_square_subsequent_mask(9)
    x = torch.randn(2, 9, 32)
    program = tq.compile(model, (x, mask), quantize="none")
    with torch.no_grad():
        torch.testing.assert_close(program(x, mask), model(x, mask),
                                   atol=1e-5, rtol=1e-4)
        other = torch.zeros(9, 9)
        torch.testing.assert_close(program(x, other), model(x, other),
                                   atol=1e-5, rtol=1e-4)


def test_dropout_and_mode(module):
    """A module in train mode is compiled in eval mode, and stays as it is."""
    model = copy.deepcopy(module).train()
    x = torch.randn(2, 5, 32)
    program = tq.compile(model, x, quantize="none")
    assert all(part.training for part in model.modules())
    with torch.no_grad():
        torch.testing.assert_close(program(x), module(x), atol=1e-5,
                                   rtol=1e-4)


def test_exported_program(module):
    x = torch.randn(2, 5, 32)
    exported = torch.export.export(
        module, (x,), dynamic_shapes=({0: torch.export.Dim("b", max=64)},))
    program = tq.compile(exported, quantize="none")
    y = torch.randn(7, 5, 32)
    with torch.no_grad():
        torch.testing.assert_close(program(y), module(y), atol=1e-5,
                                   rtol=1e-4)
    with pytest.raises(tq.InputError, match="of 1 to 64 in dimension 0"):
        program(torch.randn(65, 5, 32))


def test_archive(module, tmp_path):
    x = torch.randn(2, 5, 32)
    path = tmp_path / "a b.pt2"
    torch.export.save(torch.export.export(module, (x,)), path)
    assert close(tq.compile(path)(x), tq.compile(module, x)(x))


# --------------------------------------------------------------------- errors

class Branches(nn.Module):
    """Control flow by values."""

    def forward(self, x):
        return x * 2 if x.sum() > 0 else x


class Cummax(nn.Module):
    """An op that the compiler does not have."""

    def forward(self, x):
        return torch.cummax(x, 0).values


@pytest.mark.parametrize("make, kind, message", [
    (lambda x: tq.compile(Branches(), x), tq.ExportError, "torch.where"),
    (lambda x: tq.compile(encoder(), x[..., :3]), tq.ExportError,
     "itself fails on example_inputs"),
    (lambda x: tq.compile(Cummax(), x), tq.CompileError, "cummax"),
    (lambda x: tq.compile(encoder()), tq.UsageError, "example_inputs"),
    (lambda x: tq.compile(3, x), tq.UsageError, "of type int"),
    (lambda x: tq.compile("/none", x), tq.InputError, "there is none"),
    (lambda x: tq.compile(encoder(), x, quantize="int3"), tq.UsageError,
     "expected one of dynamic"),
    (lambda x: tq.compile(encoder(), x, quantize="static"), tq.UsageError,
     "needs calibrate"),
    (lambda x: tq.compile(encoder(), x, quantize="static", calibrate=[]),
     tq.InputError, "yields nothing"),
    (lambda x: tq.compile(encoder(), x, dynamic_shapes="all"), tq.UsageError,
     "expected \"auto\""),
    (lambda x: tq.compile(encoder(), x, target_cpu="z80"), tq.CompileError,
     "z80"),
    (lambda x: tq.compile(encoder(), x, qconfig="none"), tq.UsageError,
     "fbgemm"),
])
def test_errors(make, kind, message):
    with pytest.raises(kind, match=message) as found:
        make(torch.randn(2, 5, 32))
    assert "\n" not in str(found.value)


# ---------------------------------------------------------------------- cache

def test_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TQ_CACHE", str(tmp_path))
    x = torch.randn(2, 5, 32)
    made = []
    run = compiler._run_compiler
    monkeypatch.setattr(compiler, "_run_compiler",
                        lambda *args: made.append(1) or run(*args))
    first = tq.compile(encoder(seed=3), x)
    assert torch.equal(tq.compile(encoder(seed=3), x)(x), first(x))
    assert len(made) == 1
    tq.compile(encoder(seed=4), x)
    tq.compile(encoder(seed=3), x, quantize="none")
    tq.compile(encoder(seed=3), x, cache=False)
    assert len(made) == 4
    for file in tmp_path.glob("*.so"):  # damaged ones are made again
        file.write_bytes(file.read_bytes()[:5000])
    assert torch.equal(tq.compile(encoder(seed=3), x)(x), first(x))
    assert len(made) == 5


def test_cache_limit(monkeypatch, tmp_path):
    monkeypatch.setenv("TQ_CACHE", str(tmp_path))
    for i in range(4):
        (tmp_path / f"{i}.so").write_bytes(bytes(100))
        time.sleep(0.01)
    monkeypatch.setenv("TQ_CACHE_BYTES", "250")
    _cache.prune()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["2.so", "3.so"]


def test_unwritable_cache(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("TQ_CACHE", str(blocked / "cache"))
    x = torch.randn(2, 5, 32)
    with pytest.warns(UserWarning, match="cannot be kept"):
        program = tq.compile(encoder(), x)
    assert program(x).shape == x.shape


def _compile(folder, number):
    import os
    os.environ["TQ_CACHE"] = str(folder)
    program = tq.compile(encoder(seed=5), torch.ones(2, 5, 32))
    return program(torch.ones(2, 5, 32)).numpy()


def test_two_processes(tmp_path):
    """That compile the same at once: one does, the other takes it."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.starmap(_compile, [(tmp_path, 0), (tmp_path, 1)])
    assert np.array_equal(*results)
    assert len(list(tmp_path.glob("*.so"))) == 1
    assert not [file for file in tmp_path.iterdir()
                if file.suffix not in (".so", ".lock")]
