# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules of torch to archives that the compiler reads."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.export import Dim, ExportedProgram
from torch.export.graph_signature import (
    ConstantArgument,
    InputKind,
    OutputKind,
    TensorArgument,
)
from torch.utils import _pytree as pytree

from . import _structure
from ._errors import ExportError, UsageError

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


@dataclasses.dataclass
class Exported:
    """A program of torch, and how a call of it is nested."""
    program: ExportedProgram
    inputs: dict[str, _structure.Structure]
    outputs: _structure.Structure


# -------------------------------------------------------------------- samples

def as_call(sample: Any) -> tuple[Args, Kwargs]:
    """Arguments of a call: of a tuple, a dictionary, or one tensor."""
    sample = pytree.tree_map(_as_tensor, sample)
    if isinstance(sample, dict):
        return (), dict(sample)
    if isinstance(sample, tuple | list):
        return tuple(sample), {}
    return (sample,), {}


def _as_tensor(value: Any) -> Any:
    """Arrays of numpy as tensors."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if hasattr(value, "__array__") or hasattr(value, "__dlpack__"):
        return torch.as_tensor(value)
    return value


def _grow(value: Any, axes: Callable[[torch.Tensor], list[int]]) -> Any:
    """The sample twice along axes of size 1: torch takes a size of 1 for one
    that never differs."""
    if not isinstance(value, torch.Tensor):
        return value
    for axis in axes(value):
        if value.shape[axis] == 1:
            value = torch.cat([value, value], axis)
    return value


# How samples with sizes of 1 are tried, in turn.
_WAYS: list[Callable[[torch.Tensor], list[int]]] = [
    lambda tensor: list(range(tensor.dim())),
    lambda tensor: [0] if tensor.dim() else [],
    lambda tensor: [],
]


def _samples(args: Args, kwargs: Kwargs) -> list[tuple[Args, Kwargs]]:
    """The same call with larger sizes, without repetitions."""
    found: list[tuple[Args, Kwargs]] = []
    shapes = []
    for axes in _WAYS:
        sample = pytree.tree_map(lambda value, axes=axes: _grow(value, axes),
                                 (args, kwargs))
        shape = [tuple(leaf.shape) for leaf in pytree.tree_leaves(sample)
                 if isinstance(leaf, torch.Tensor)]
        if shape not in shapes:
            shapes.append(shape)
            found.append(sample)
    return found


def _all_auto(args: Args, kwargs: Kwargs, names: list[str]) -> Any:
    """Every size may differ, as far as the module lets it."""
    def axes(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return None
        return dict.fromkeys(range(value.dim()), Dim.AUTO)

    if not kwargs:
        return pytree.tree_map(axes, args)
    return pytree.tree_map(axes, {**dict(zip(names, args, strict=False)),
                                  **kwargs})


# ------------------------------------------------------------------ the state

@contextlib.contextmanager
def _set(owner: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _is_causal(mask: torch.Tensor | None, is_causal: bool | None = None,
               size: int | None = None) -> bool:
    """In place of torch's comparison of a mask's values, which export cannot
    look at: the mask is applied as it is, and the compiler recognizes it."""
    return is_causal is True


@contextlib.contextmanager
def _ready(module: torch.nn.Module) -> Iterator[None]:
    """A module in the state in which it can be exported."""
    modes = [(part, part.training) for part in module.modules()]
    configs = {id(part.config): part.config for part in module.modules()
               if getattr(getattr(part, "config", None), "use_cache", False)}
    fast = torch.backends.mha.get_fastpath_enabled()
    with contextlib.ExitStack() as stack:
        for config in configs.values():
            stack.enter_context(_set(config, "use_cache", False))
        stack.enter_context(_set(torch.nn.modules.transformer,
                                 "_detect_is_causal_mask", _is_causal))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        torch.backends.mha.set_fastpath_enabled(False)
        module.eval()
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            for part, mode in modes:
                part.training = mode


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch logs of sizes that it makes constants."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


# --------------------------------------------------------------------- export

def export(module: torch.nn.Module, sample: Any, dynamic_shapes: Any,
           ) -> Exported:
    """Exports a module.

    Args:
        module: on any device, in any mode; stays as it is.
        sample: arguments of a call: a tuple, a dictionary, one tensor.
        dynamic_shapes: "auto", or as `torch.export.export` takes them.

    Raises:
        ExportError: in one sentence, with what to change.
    """
    args, kwargs = as_call(sample)
    if any(part.device.type != "cpu" for part in module.parameters()):
        module = copy.deepcopy(module).cpu()
    auto = isinstance(dynamic_shapes, str)
    if auto and dynamic_shapes != "auto":
        raise UsageError("dynamic_shapes: expected \"auto\" or what "
                         f"torch.export takes, but got {dynamic_shapes!r}")
    names = list(inspect.signature(module.forward).parameters)
    failure: Exception | None = None
    with _ready(module), torch.no_grad():
        for each_args, each_kwargs in _samples(args, kwargs):
            shapes = (_all_auto(each_args, each_kwargs, names) if auto
                      else dynamic_shapes)
            try:
                with _quiet():
                    program = torch.export.export(
                        module, each_args, each_kwargs or None,
                        dynamic_shapes=shapes, strict=False)
                return describe(program, names)
            except Exception as error:  # torch raises errors of all kinds
                failure = failure or error
        _check_runs(module, args, kwargs)
    raise ExportError(explain(failure)) from failure


def _check_runs(module: torch.nn.Module, args: Args, kwargs: Kwargs) -> None:
    """Whether the module takes the sample at all."""
    try:
        module(*args, **kwargs)
    except Exception as error:
        raise ExportError("the module itself fails on example_inputs: "
                          f"{_first_line(error)}") from error


# What torch says, and what to change.
_ADVICE = [
    ("GuardOnDataDependent",
     "control flow depends on the values of a tensor: take them out of "
     "`if` and loops, or use torch.where"),
    ("data-dependent",
     "control flow depends on the values of a tensor: take them out of "
     "`if` and loops, or use torch.where"),
    ("Constraints violated",
     "dynamic_shapes lets a size differ that the module does not: use "
     "dynamic_shapes=\"auto\""),
    ("Must provide a tree_name",
     "forward(self, **kwargs) cannot be exported: name the arguments"),
    ("DynamicCache",
     "the output has a cache: set config.use_cache = False"),
    ("__obj_flatten__",
     "it has packed int8 weights: compile the float module, before convert "
     "or quantize_dynamic"),
    ("LinearPackedParams",
     "it has packed int8 weights: compile the float module, before convert "
     "or quantize_dynamic"),
]


def _first_line(error: BaseException | None) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]


def explain(error: Exception | None) -> str:
    """What export refused, in one sentence, and what to change."""
    text = f"{type(error).__name__}: {error}"
    for sign, advice in _ADVICE:
        if sign in text:
            return f"torch.export refuses the module: {advice} " \
                   f"({_first_line(error)})"
    return f"torch.export refuses the module: {_first_line(error)}"


# ------------------------------------------------------------------ structure

class _Number(int):
    """Of an input or output of a graph."""


def describe(program: ExportedProgram, names: list[str] | None = None,
             ) -> Exported:
    """How a call of a program is nested.

    Args:
        names: of the arguments of `forward`, None: as the program has them.
    """
    signature = program.graph_signature
    inputs = [spec.arg for spec in signature.input_specs
              if spec.kind == InputKind.USER_INPUT]
    outputs = [spec.arg for spec in signature.output_specs
               if spec.kind == OutputKind.USER_OUTPUT]
    if names is None:
        names = list(program.module_call_graph[0].signature.forward_arg_names
                     or []) if program.module_call_graph else []
    spec = program.call_spec
    args, kwargs = pytree.tree_unflatten(
        [_Number(i) for i in range(len(inputs))], spec.in_spec)
    by_name = dict(zip(_positional(names, len(args)), args, strict=True))
    result = pytree.tree_unflatten(
        [_Number(i) for i in range(len(outputs))], spec.out_spec)
    try:
        arguments = {name: _structure.describe(value, _leaves(inputs))
                     for name, value in {**by_name, **kwargs}.items()}
        results = _structure.describe(result, _leaves(outputs))
    except TypeError as error:
        raise ExportError("arguments and results may be nested tuples, lists, "
                          f"dictionaries and dataclasses, but found {error}"
                          ) from None
    if not _is_plain(results):
        _flatten_outputs(program, results)
    return Exported(program, arguments, results)


def _is_plain(results: _structure.Structure) -> bool:
    """Whether an archive can say it: tensors in tuples and dictionaries."""
    if "class" in results or "value" in results:
        return False
    return all(_is_plain(item) for _, item in _structure.items(results))


def _flatten_outputs(program: ExportedProgram,
                     results: _structure.Structure) -> None:
    """Leaves the results' tensors in a program, by the way to them: torch
    saves neither classes that it does not know, nor the constants."""
    names = dict(_structure.paths(results))
    signature = program.graph_signature
    output = next(node for node in program.graph.nodes if node.op == "output")
    kept = [(spec, value) for spec, value in zip(
        signature.output_specs, output.args[0], strict=True)
        if spec.kind != OutputKind.USER_OUTPUT
        or isinstance(spec.arg, TensorArgument)]
    output.args = (tuple(value for _, value in kept),)
    signature.output_specs[:] = [spec for spec, _ in kept]
    program.graph_module.recompile()
    call = program.module_call_graph[0].signature
    assert call is not None
    call.outputs = [spec.arg for spec, _ in kept
                    if spec.kind == OutputKind.USER_OUTPUT]
    call.out_spec = pytree.tree_structure(
        {names[i]: 0 for i in range(len(names))})


def _positional(names: list[str], count: int) -> list[str]:
    """A name for each positional argument."""
    more = [f"args_{i}" for i in range(count - len(names))]
    return [*names, *more][:count]


def _leaves(arguments: list[Any],
            ) -> Callable[[Any], _structure.Structure | None]:
    """Numbers of tensors among a graph's arguments; constants as values."""
    places: dict[int, int] = {}
    for i, argument in enumerate(arguments):
        if isinstance(argument, TensorArgument):
            places[i] = len(places)
        elif not isinstance(argument, ConstantArgument):
            raise ExportError("expected tensors and constants as arguments "
                              "and results, but found a size: make it a "
                              "tensor")

    def leaf(value: Any) -> _structure.Structure | None:
        if not isinstance(value, _Number):
            return None
        if int(value) in places:
            return {"leaf": places[int(value)]}
        return _structure.describe(arguments[value].value, lambda _: None)
    return leaf
