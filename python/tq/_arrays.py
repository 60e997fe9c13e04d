# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays of numpy and tensors of torch, as a program reads and writes them:
where they are, without a copy."""

from __future__ import annotations

import sys
from typing import Any, Protocol

import numpy as np

from ._abi import CODES, DTYPES
from ._errors import InputError

# Address, shape, enum tq_dtype, what owns the memory.
Placed = tuple[int, tuple[int, ...], int, Any]


class Arrays(Protocol):
    """A kind of arrays."""

    def place(self, value: Any, name: str, dtype: str) -> Placed:
        """Where an input is: dense and in C order, copied if it is not."""

    def empty(self, shape: tuple[int, ...], dtype: str) -> tuple[Any, int]:
        """An array for an output, and where it is."""


def _wrong_dtype(name: str, dtype: str, found: object) -> InputError:
    wanted = dtype if dtype == "float32" else "integers"
    return InputError(f"input {name!r}: expected {wanted}, but got {found}")


class NumpyArrays:
    """Arrays of numpy, and what gives itself as one: DLPack, numbers."""

    def __init__(self) -> None:
        self._codes = {np.dtype(name): code for name, code in CODES.items()}
        self._dtypes = {name: np.dtype(name) for name in DTYPES}

    def place(self, value: Any, name: str, dtype: str) -> Placed:
        """See Arrays."""
        if not isinstance(value, np.ndarray):
            value = self._convert(value, name, dtype)
        code = self._codes.get(value.dtype)
        if code is None or (code == 0) != (dtype == "float32"):
            raise _wrong_dtype(name, dtype, value.dtype)
        if not value.flags.c_contiguous:
            value = np.ascontiguousarray(value)
        return (value.__array_interface__["data"][0], value.shape, code,
                value)

    def _convert(self, value: Any, name: str, dtype: str) -> Any:
        if hasattr(value, "__dlpack__"):
            try:
                return np.from_dlpack(value)
            except (BufferError, RuntimeError, TypeError) as error:
                raise InputError(f"input {name!r}: expected an array in the "
                                 f"CPU's memory: {error}") from None
        if isinstance(value, list | tuple | int | float):
            wanted = np.float32 if dtype == "float32" else np.int64
            try:
                return np.asarray(value, wanted)
            except (ValueError, TypeError, OverflowError) as error:
                raise InputError(f"input {name!r}: expected an array, but "
                                 f"got a list: {error}") from None
        raise InputError(f"input {name!r}: expected an array, but got a value "
                         f"of type {type(value).__name__}")

    def item_bytes(self, dtype: str) -> int:
        """Of an element."""
        return self._dtypes[dtype].itemsize

    def empty(self, shape: tuple[int, ...], dtype: str) -> tuple[Any, int]:
        """See Arrays."""
        array = np.empty(shape, self._dtypes[dtype])
        return array, array.__array_interface__["data"][0]


class TorchArrays:
    """Tensors of torch on the CPU."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._dtypes = {name: getattr(torch, name) for name in DTYPES}
        self._codes = {kind: CODES[name]
                       for name, kind in self._dtypes.items()}

    def place(self, value: Any, name: str, dtype: str) -> Placed:
        """See Arrays."""
        torch = self._torch
        if not isinstance(value, torch.Tensor):
            if isinstance(value, list | tuple | int | float):
                value = torch.tensor(value, dtype=self._dtypes[dtype])
            else:
                value = torch.as_tensor(value)
        code = self._codes.get(value.dtype)
        if code is None or (code == 0) != (dtype == "float32"):
            raise _wrong_dtype(name, dtype, str(value.dtype)[6:])
        if value.device.type != "cpu":
            raise InputError(f"input {name!r}: expected a tensor on the cpu, "
                             f"but got one on {value.device}")
        if value.requires_grad and torch.is_grad_enabled():
            raise InputError(
                f"input {name!r} requires a gradient, and a compiled model "
                "has none: call it under torch.no_grad(), or give it "
                "tensor.detach()")
        if not value.is_contiguous() or value.is_conj() or value.is_neg():
            value = value.resolve_conj().resolve_neg().contiguous()
        return value.data_ptr(), value.shape, code, value

    def empty(self, shape: tuple[int, ...], dtype: str) -> tuple[Any, int]:
        """See Arrays."""
        tensor = self._torch.empty(shape, dtype=self._dtypes[dtype])
        return tensor, tensor.data_ptr()


NUMPY = NumpyArrays()
_TORCH: list[TorchArrays] = []


def arrays_of(values: list[Any]) -> Arrays:
    """The kind of the results of a call: tensors where one of the inputs is
    one."""
    torch = sys.modules.get("torch")
    if torch is not None:
        for value in values:
            if isinstance(value, torch.Tensor):
                if not _TORCH:
                    _TORCH.append(TorchArrays(torch))
                return _TORCH[0]
    return NUMPY
