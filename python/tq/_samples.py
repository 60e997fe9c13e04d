# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Batches of data as a model's inputs: for calibration and evaluation."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import _structure
from ._errors import InputError, UsageError

# Of a loader for calibration, unless told otherwise: more changes little.
MAX_BATCHES = 256


@dataclasses.dataclass(frozen=True)
class Ranges:
    """Calibration by observers of torch: what they say (_observers.Observed),
    and the arguments of a call, positional and named."""
    observed: list[Any]
    sample: tuple[tuple[Any, ...], dict[str, Any]]


def parameters_of(model: Callable[..., Any]) -> list[str]:
    """Names of what a model takes."""
    from .module import Module
    if isinstance(model, Module):
        return list(model.arguments)
    forward = getattr(model, "forward", model)
    kinds = (inspect.Parameter.POSITIONAL_ONLY,
             inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, parameter
            in inspect.signature(forward).parameters.items()
            if parameter.kind in kinds]


def required_of(model: Callable[..., Any]) -> int:
    """How many arguments a call needs at least."""
    from .module import Module
    if isinstance(model, Module):
        return model.required
    forward = getattr(model, "forward", model)
    return sum(parameter.default is inspect.Parameter.empty
               and parameter.kind in (
                   inspect.Parameter.POSITIONAL_ONLY,
                   inspect.Parameter.POSITIONAL_OR_KEYWORD)
               for parameter in inspect.signature(forward).parameters.values())


def split_batch(batch: Any, names: list[str], required: int,
                ) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
    """A batch of a loader as arguments of a call, and what is left: labels.

    Of a dictionary, what a model takes by name is its input. Of a tuple or
    list, the last is the label, where there is one more than the model needs;
    `((a, b), label)` has its inputs in a tuple of their own.

    Returns:
        positional and named arguments, labels or None.

    Raises:
        InputError: less than the model needs.
    """
    if isinstance(batch, Mapping):
        inputs = {name: batch[name] for name in names if name in batch}
        left = [value for name, value in batch.items() if name not in inputs]
        if not inputs:
            raise InputError(f"a batch has the keys {', '.join(batch)}, but "
                             f"the model takes {', '.join(names)}")
        return (), inputs, left[0] if left else None
    if not isinstance(batch, tuple | list):
        return (batch,), {}, None
    labels = None
    parts = list(batch)
    if len(parts) == 2 and isinstance(parts[0], tuple | list | Mapping):
        args, kwargs, _ = split_batch(parts[0], names, len(parts[0]))
        return args, kwargs, parts[1]
    if len(parts) > required:
        labels = parts.pop()
    if len(parts) < required:
        raise InputError(f"a batch has {len(parts)} parts, but the model "
                         f"takes {', '.join(names[:required])}")
    return tuple(parts), {}, labels


def to_numpy(value: Any) -> np.ndarray:
    """An array of what may be a tensor."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.ascontiguousarray(np.asarray(value))


def write_calibration(data: Any, folder: Path,
                      arguments: dict[str, _structure.Structure],
                      inputs: list[str], required: int) -> Path:
    """Data for `tq-compile --calibrate`: a path as it is, texts as a file,
    batches as a folder of arrays.

    Args:
        arguments: names and structures of what the model takes.
        inputs: names of the program's inputs, by number of leaf.

    Raises:
        InputError: no data, or data of another kind.
    """
    if isinstance(data, str | Path):
        return Path(data)
    if isinstance(data, np.ndarray) or hasattr(data, "detach"):
        data = [data]
    if isinstance(data, Mapping):
        data = [data]
    if not isinstance(data, Iterable):
        raise InputError("calibrate: expected a loader, arrays, texts or a "
                         f"path, but got a value of type {type(data).__name__}"
                         )
    batches = _limited(data)
    first = next(batches, None)
    if first is None:
        raise InputError("calibrate: expected data, but the loader yields "
                         "nothing")
    if isinstance(first, str):
        return _write_texts(first, batches, folder)
    for i, batch in enumerate(_chain(first, batches)):
        arrays = _leaves(batch, arguments, inputs, required)
        np.savez(folder / f"{i:05}.npz", allow_pickle=False, **arrays)
    return folder


def _limited(data: Iterable[Any]) -> Iterator[Any]:
    for i, batch in enumerate(data):
        if i == MAX_BATCHES and not isinstance(batch, str):
            return
        yield batch


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _write_texts(first: str, rest: Iterator[Any], folder: Path) -> Path:
    path = folder / "texts.txt"
    with open(path, "w", encoding="utf-8") as file:
        for text in _chain(first, rest):
            if not isinstance(text, str):
                raise InputError("calibrate: expected texts, but one is a "
                                 f"value of type {type(text).__name__}")
            file.write(" ".join(text.split()) + "\n")
    return path


def _leaves(batch: Any, arguments: dict[str, _structure.Structure],
            inputs: list[str], required: int) -> dict[str, np.ndarray]:
    """Arrays of a batch by names of the program's inputs."""
    names = list(arguments)
    args, kwargs, _ = split_batch(batch, names, required)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    arrays = {}
    for name, structure in arguments.items():
        if given.get(name) is None:
            continue
        for leaf, value, _ in _structure.flatten(structure, given[name],
                                                 f"calibrate: {name!r}"):
            arrays[inputs[leaf]] = _calibration_array(value)
    return arrays


def _calibration_array(value: Any) -> np.ndarray:
    array = to_numpy(value)
    if array.dtype == np.float64:
        raise UsageError("calibrate: expected float32, but got float64")
    return array
