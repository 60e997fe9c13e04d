# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How a call's arguments and results are nested: tuples, dictionaries and
classes of a module's own, whose leaves are the tensors of a program.

A structure is JSON:

    {"leaf": 2}                           the third tensor
    {"value": 7}                          a number, string, bool or None
    {"tuple": [...]}, {"list": [...]}     {"dict": {"logits": ...}}
    {"dict": {...}, "class": "transformers.modeling_outputs.TokenOutput"}
    {"tuple": [...], "class": "__main__.Pair"}
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ._errors import InputError

Structure = dict[str, Any]


class Record(dict[str, Any]):
    """A result whose class cannot be imported here: its fields by name, as
    keys and as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _class_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def describe(value: Any, leaf: Callable[[Any], Structure | None]) -> Structure:
    """The structure of nested values.

    Args:
        value: tuples, lists, mappings, dataclasses of what is no container.
        leaf: the structure of what is one tensor, None for anything else.

    Raises:
        TypeError: something of another kind is inside.
    """
    found = leaf(value)
    if found is not None:
        return found
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        if isinstance(value, Mapping):  # of transformers: without the Nones
            names = list(value)
        return {"dict": {name: describe(getattr(value, name), leaf)
                         for name in names}, "class": _class_name(value)}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a dictionary whose keys are no strings")
        return {"dict": {key: describe(item, leaf)
                         for key, item in value.items()}}
    if isinstance(value, tuple | list):
        parts = [describe(item, leaf) for item in value]
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {"tuple": parts, "class": _class_name(value)}
        return {"tuple" if isinstance(value, tuple) else "list": parts}
    raise TypeError(f"a value of type {_class_name(value)}")


def _find_class(name: str | None) -> Any:
    """A class by its full name, None if it is not to be had."""
    if name is None:
        return None
    module, _, path = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), path)
    except (ImportError, AttributeError, ValueError):
        return None


def build(structure: Structure, leaves: Any) -> Any:
    """Nested values with these leaves."""
    if "leaf" in structure:
        return leaves[structure["leaf"]]
    if "value" in structure:
        return structure["value"]
    kind = _find_class(structure.get("class"))
    if "dict" in structure:
        fields = {name: build(item, leaves)
                  for name, item in structure["dict"].items()}
        if kind is not None:
            return kind(**fields)
        return Record(fields) if "class" in structure else fields
    if "list" in structure:
        return [build(item, leaves) for item in structure["list"]]
    values = tuple(build(item, leaves) for item in structure["tuple"])
    return kind(*values) if kind is not None else values


def flatten(structure: Structure, value: Any, where: str,
            ) -> Iterator[tuple[int, Any, str]]:
    """Leaves of a value that has this structure: number, value, place.

    Raises:
        InputError: the value is nested in another way, or a number or string
            that the program was made for has changed.
    """
    if "leaf" in structure:
        yield structure["leaf"], value, where
        return
    if "value" in structure:
        if type(value) is not type(structure["value"]) or (
                value != structure["value"]):
            raise InputError(f"{where}: the program was compiled for "
                             f"{structure['value']!r}, but got {value!r}")
        return
    parts: list[tuple[Structure, Any, str]]
    if "dict" in structure:
        names = list(structure["dict"])
        given = value if isinstance(value, Mapping) else getattr(
            value, "__dict__", None)
        if given is None or set(given) != set(names):
            raise InputError(f"{where}: expected the keys {', '.join(names)}, "
                             f"but got {_summary(given or value)}")
        parts = [(item, given[name], f"{where}[{name!r}]")
                 for name, item in structure["dict"].items()]
    else:
        nested = [item for _, item in items(structure)]
        if not isinstance(value, tuple | list) or len(value) != len(nested):
            raise InputError(f"{where}: expected {len(nested)} values, but got "
                             f"{_summary(value)}")
        parts = [(item, value[i], f"{where}[{i}]")
                 for i, item in enumerate(nested)]
    for item, part, place in parts:
        yield from flatten(item, part, place)


def leaves(structure: Structure) -> list[int]:
    """Numbers of the leaves."""
    if "leaf" in structure:
        return [structure["leaf"]]
    return [number for _, item in items(structure)
            for number in leaves(item)]


def items(structure: Structure) -> list[tuple[str | int, Structure]]:
    """What is nested in one, by key or place."""
    if "dict" in structure:
        return list(structure["dict"].items())
    parts: list[Structure] = structure.get("tuple") or structure.get(
        "list") or []
    return list(enumerate(parts))


def paths(structure: Structure, name: str = "") -> Iterator[tuple[int, str]]:
    """Leaves and the keys on the way to them, joined by underscores."""
    if "leaf" in structure:
        yield structure["leaf"], name or "output"
        return
    prefix = f"{name}_" if name else ("" if "dict" in structure else "output_")
    for key, item in items(structure):
        yield from paths(item, f"{prefix}{key}")


def _summary(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"the keys {', '.join(map(str, value)) or 'none'}"
    if isinstance(value, tuple | list):
        return f"{len(value)}"
    return f"a value of type {type(value).__name__}"
