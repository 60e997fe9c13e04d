# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The names of `torch.ao.quantization` that scripts have, for models that it
cannot run in integers: `nn.Transformer`, `nn.TransformerEncoder`.

    from tq.quantization import QuantStub, DeQuantStub, quantize_static

    model = tq.quantization.prepare(model)       # records calls
    for src, trg in loader:
        model(src, trg)
    model = tq.quantization.convert(model)       # a tq.Module

Needs torch.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

from . import _observers
from ._errors import InputError, UsageError, require
from ._qconfig import BACKENDS
from ._samples import MAX_BATCHES
from .compiler import compile as tq_compile
from .module import Module

torch: Any = require("torch", "tq.quantization")

__all__ = ["DeQuantStub", "Deferred", "QuantStub", "convert",
           "get_default_qconfig", "prepare", "quantize_dynamic",
           "quantize_static"]

_CALLS = "_tq_calls"


try:
    from torch.ao.quantization import DeQuantStub, QuantStub
except ImportError:  # of a later torch

    class QuantStub(torch.nn.Module):  # type: ignore[misc,no-redef]
        """Where the quantized part of a module begins. Gives what it gets."""

        def forward(self, x: Any) -> Any:
            """The same."""
            return x

    class DeQuantStub(QuantStub):  # type: ignore[no-redef]
        """Where it ends. Gives what it gets."""


def get_default_qconfig(backend: str = "fbgemm") -> Any:
    """The QConfig of a backend of torch; of tq, all mean the same.

    Raises:
        UsageError: torch has no such backend.
    """
    if backend not in BACKENDS:
        raise UsageError(f"backend: expected one of {', '.join(BACKENDS)}, "
                         f"but got {backend!r}")
    try:
        from torch.ao.quantization import get_default_qconfig as get
    except ImportError:  # of a later torch
        return backend
    return get(backend)


class Deferred(torch.nn.Module):  # type: ignore[misc]
    """A model that is compiled when its first call shows what it takes.

    Until then `state_dict` is that of the float module, and
    `load_state_dict` takes that, or the state of a compiled one.
    """

    def __init__(self, model: Any, finish: Callable[[Any, Any], Module],
                 ) -> None:
        super().__init__()
        self.training = False
        self.compiled: Module | None = None
        self._own = [model.eval()]  # not a part: its state has no prefix
        self._finish = finish

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compiles the model in its first call; see tq.Module."""
        if self.compiled is None:
            self.compiled = self._finish(self._own[0], (args, kwargs))
            self._own.clear()
        return self.compiled(*args, **kwargs)

    def train(self, mode: bool = True) -> Deferred:
        """Only `eval()`, which changes nothing."""
        if mode:
            raise UsageError("a quantized model cannot be trained: train the "
                             "float one")
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Of the program, or, before the first call, of the float module."""
        owner: Any = self.compiled or self._own[0]
        result: dict[str, Any] = owner.state_dict(*args, **kwargs)
        return result

    def load_state_dict(self, state: Any, strict: bool = True,
                        assign: bool = False) -> Any:
        """What `state_dict` gave, of a program or of a float module."""
        if set(state) == {"_extra_state"}:
            from ._torch import TorchModule
            self.compiled = TorchModule.from_state(state)
            self._own.clear()
            return None
        if self.compiled is not None:
            raise UsageError("a compiled model takes the state of a compiled "
                             "one, not weights: load them into the float "
                             "module before it is quantized")
        return self._own[0].load_state_dict(state, strict, assign)


def prepare(model: Any, inplace: bool = False) -> Any:
    """A copy of a module that remembers the arguments of its calls.

    Run it over data, at most 256 calls count, and give it to `convert`.
    """
    if not inplace:
        model = copy.deepcopy(model)
    model.eval()
    calls: list[Any] = []
    setattr(model, _CALLS, calls)

    def record(module: Any, args: Any, kwargs: Any) -> None:
        if len(calls) < MAX_BATCHES:
            calls.append(copy.deepcopy((args, kwargs)))

    model._tq_hook = model.register_forward_pre_hook(record, with_kwargs=True)
    return model


def convert(model: Any, example_inputs: Any = None, *, qconfig: Any = None,
            **options: Any) -> Any:
    """A program of static int8 of a module that is prepared and calibrated.

    Args:
        model: of `prepare` here, or of `torch.ao.quantization.prepare`, whose
            observers' ranges are taken.
        example_inputs: arguments of a call, where torch prepared the module;
            None: those of the first call, which then compiles it.
        qconfig: see tq.compile.
        options: more of tq.compile.

    Returns:
        a tq.Module; without sample inputs, what becomes one when called.

    Raises:
        InputError: the module was not run over data.
    """
    if hasattr(model, _CALLS):
        calls = list(getattr(model, _CALLS))
        if not calls:
            raise InputError("the prepared module has seen nothing: run it "
                             "over data before convert")
        return tq_compile(
            _without_hook(model), _as_sample(calls[0]), quantize="static",
            calibrate=[_as_sample(call) for call in calls], qconfig=qconfig,
            **options)
    if not _observers.is_prepared(model):
        raise UsageError("convert takes a module of prepare")
    prepared = copy.deepcopy(model)

    def finish(original: Any, call: Any) -> Module:
        return tq_compile(
            original, _as_sample(call), quantize="static",
            calibrate=_observers.observe(prepared, *call), **options)

    original = _observers.restore(model)
    if example_inputs is None:
        return Deferred(original, finish)
    from ._export import as_call
    return finish(original, as_call(example_inputs))


def quantize_static(model: Any, qconfig: Any = "fbgemm", dtype: Any = None, *,
                    example_inputs: Any = None, calibrate: Any = None,
                    **options: Any) -> Any:
    """A program of static int8 of a float module.

    Args:
        model: a module of torch.
        qconfig, calibrate, options: see tq.compile.
        dtype: of weights, torch.qint8.
        example_inputs: arguments of a call; None: of the first of
            `calibrate`.

    Returns:
        a tq.Module. Without data, a module that is compiled when it is first
        called, and calibrated with that call alone, which is a warning.
    """
    _check_dtype(dtype)
    if calibrate is not None:
        if example_inputs is None:
            calibrate, example_inputs = _first_of(model, calibrate)
        return tq_compile(model, example_inputs, quantize="static",
                          qconfig=qconfig, calibrate=calibrate, **options)

    def finish(original: Any, call: Any) -> Module:
        warnings.warn(
            "quantize_static: ranges come from the first call alone: give a "
            "loader of typical data as calibrate=", stacklevel=4)
        return tq_compile(original, _as_sample(call), quantize="static",
                          qconfig=qconfig, calibrate=[_as_sample(call)],
                          **options)

    return _deferred(model, finish, example_inputs)


def quantize_dynamic(model: Any, qconfig_spec: Any = None, dtype: Any = None,
                     *, example_inputs: Any = None, **options: Any) -> Any:
    """A program of dynamic int8 of a float module, attention's linears
    included.

    Args:
        model: a module of torch.
        qconfig_spec: kinds of modules to quantize: None, or a set with
            nn.Linear in it.
        dtype: of weights, torch.qint8.
        example_inputs: arguments of a call; None: of the first, which then
            compiles the model.
        options: more of tq.compile.
    """
    _check_dtype(dtype)
    if qconfig_spec is not None and torch.nn.Linear not in set(qconfig_spec):
        raise UsageError("qconfig_spec: expected None or a set with "
                         f"torch.nn.Linear, but got {qconfig_spec!r}")

    def finish(original: Any, call: Any) -> Module:
        return tq_compile(original, _as_sample(call), quantize="dynamic",
                          **options)

    return _deferred(model, finish, example_inputs)


def _deferred(model: Any, finish: Callable[[Any, Any], Module],
              example_inputs: Any) -> Any:
    if example_inputs is None:
        return Deferred(copy.deepcopy(model), finish)
    from ._export import as_call
    return finish(model, as_call(example_inputs))


def _check_dtype(dtype: Any) -> None:
    if dtype not in (None, torch.qint8):
        raise UsageError(f"dtype: expected torch.qint8, but got {dtype}")


def _without_hook(model: Any) -> Any:
    model._tq_hook.remove()
    plain = copy.deepcopy(model)
    delattr(plain, _CALLS)
    return plain


def _as_sample(call: tuple[tuple[Any, ...], dict[str, Any]]) -> Any:
    """A call as tq.compile takes it."""
    args, kwargs = call
    if not kwargs:
        return args
    if not args:
        return kwargs
    raise UsageError("arguments of a call: expected all by position or all by "
                     "name")


def _first_of(model: Any, calibrate: Any) -> tuple[Any, Any]:
    """Data once more, and the arguments of its first call."""
    from ._samples import parameters_of, required_of, split_batch
    iterator = iter(calibrate)
    try:
        first = next(iterator)
    except StopIteration:
        raise InputError("calibrate: expected data, but the loader yields "
                         "nothing") from None
    args, kwargs, _ = split_batch(first, parameters_of(model),
                                  required_of(model))
    again = calibrate
    if iterator is calibrate:  # a generator, which gives each batch once
        again = [first, *iterator]
    return again, kwargs or args
