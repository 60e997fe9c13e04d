# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface of a compiled model (`tq/Runtime/tq.h`), by ctypes."""

from __future__ import annotations

import ctypes
import dataclasses
import os
from typing import Any

from ._errors import InputError, ProgramError, ResourceError, UsageError

API_VERSION = 2
MAX_RANK = 8
# enum tq_dtype, by the names of numpy and torch.
DTYPES = ("float32", "int64", "int32", "uint8", "int8", "bool")
CODES = {name: code for code, name in enumerate(DTYPES)}
_ERRORS = {1: UsageError, 2: InputError, 3: ProgramError, 4: ResourceError}


class CTensor(ctypes.Structure):
    """tq_tensor."""
    _fields_ = [("data", ctypes.c_void_p), ("dims", ctypes.c_int64 * MAX_RANK),
                ("rank", ctypes.c_int32), ("dtype", ctypes.c_int32)]


class CTensorInfo(ctypes.Structure):
    """tq_tensor_info."""
    _fields_ = [("size", ctypes.c_size_t), ("name", ctypes.c_char_p),
                ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("dims", ctypes.c_int64 * MAX_RANK),
                ("symbols", ctypes.c_char_p * MAX_RANK),
                ("max", ctypes.c_int64 * MAX_RANK), ("limit", ctypes.c_int64),
                ("optional", ctypes.c_int32)]


class CSessionOptions(ctypes.Structure):
    """tq_session_options."""
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int32),
                ("num_sizes", ctypes.c_int32), ("sizes", ctypes.c_void_p)]


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """An input or output of a program.

    `shape` has a size or the name of a dynamic dimension for each axis,
    `largest` how large such a dimension may be (None: any size). Integers lie
    in [0, `limit`) where that is not None.
    """
    name: str
    dtype: str
    shape: tuple[int | str, ...]
    largest: tuple[int | None, ...] = ()
    limit: int | None = None
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype} [{', '.join(map(str, self.shape))}]"


def _tensor_info(info: CTensorInfo) -> TensorInfo:
    axes = range(info.rank)
    return TensorInfo(
        name=info.name.decode(), dtype=DTYPES[info.dtype],
        shape=tuple(info.dims[i] if info.dims[i] >= 0
                    else info.symbols[i].decode() for i in axes),
        largest=tuple(info.max[i] or None if info.dims[i] < 0 else None
                      for i in axes),
        limit=info.limit or None, optional=bool(info.optional))


# Name, result, arguments of the functions that are called.
_POINTER = ctypes.c_void_p
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "tq_api_version": (ctypes.c_int32, []),
    "tq_last_message": (ctypes.c_char_p, []),
    "tq_model_open": (ctypes.c_int, [_POINTER]),
    "tq_model_name": (ctypes.c_char_p, [_POINTER]),
    "tq_model_num_inputs": (ctypes.c_int32, [_POINTER]),
    "tq_model_num_outputs": (ctypes.c_int32, [_POINTER]),
    "tq_model_input": (ctypes.c_int, [_POINTER, ctypes.c_int32, _POINTER]),
    "tq_model_output": (ctypes.c_int, [_POINTER, ctypes.c_int32, _POINTER]),
    "tq_model_num_labels": (ctypes.c_int32, [_POINTER]),
    "tq_model_label": (ctypes.c_char_p, [_POINTER, ctypes.c_int32]),
    "tq_model_has_tokenizer": (ctypes.c_int32, [_POINTER]),
    "tq_model_num_prompts": (ctypes.c_int32, [_POINTER]),
    "tq_model_prompt": (ctypes.c_char_p, [_POINTER, ctypes.c_int32]),
    "tq_session_create": (ctypes.c_int, [_POINTER, _POINTER, _POINTER]),
    "tq_session_destroy": (None, [_POINTER]),
    "tq_session_threads": (ctypes.c_int32, [_POINTER]),
    "tq_session_arena_bytes": (ctypes.c_int64, [_POINTER]),
    "tq_session_run": (ctypes.c_int, [_POINTER, _POINTER, ctypes.c_int32,
                                      _POINTER, ctypes.c_int32]),
    "tq_session_set_prompt": (ctypes.c_int, [_POINTER, ctypes.c_char_p]),
    "tq_session_run_text": (ctypes.c_int, [
        _POINTER, _POINTER, _POINTER, ctypes.c_int64, ctypes.c_int64,
        _POINTER, ctypes.c_int32, _POINTER]),
}


class Library:
    """A model in a shared library: immutable, for any number of threads.

    It stays loaded for as long as the process lives, as code of its threads
    may run.

    Raises:
        ProgramError: the file is no library of this version of tq.
        ResourceError: it needs another CPU.
    """

    def __init__(self, path: str | os.PathLike[str], name: str) -> None:
        try:
            self._library = ctypes.CDLL(os.fspath(path))
            for function, (result, arguments) in _SIGNATURES.items():
                found = getattr(self._library, function)
                found.restype, found.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            raise ProgramError(
                f"{name}: expected a program that tq compiled for this kind "
                f"of machine, but: {error}") from None
        version = self._library.tq_api_version()
        if version < API_VERSION:
            raise ProgramError(f"{name}: expected a program of version "
                               f"{API_VERSION} or later of the C interface, "
                               f"found version {version}: compile it again")
        self.run = self._library.tq_session_run
        self._model = ctypes.c_void_p()
        self.check(self._library.tq_model_open(ctypes.byref(self._model)))
        self.name: str = self._library.tq_model_name(self._model).decode()
        self.inputs = self._infos("input")
        self.outputs = self._infos("output")

    def check(self, status: int) -> None:
        """Raises what a call that gave this status says."""
        if status != 0:
            message = self._library.tq_last_message().decode()
            raise _ERRORS.get(status, ProgramError)(message)

    def _infos(self, kind: str) -> tuple[TensorInfo, ...]:
        count = getattr(self._library, f"tq_model_num_{kind}s")(self._model)
        infos = []
        for i in range(count):
            info = CTensorInfo(size=ctypes.sizeof(CTensorInfo))
            self.check(getattr(self._library, f"tq_model_{kind}")(
                self._model, i, ctypes.byref(info)))
            infos.append(_tensor_info(info))
        return tuple(infos)

    @property
    def labels(self) -> list[str]:
        """Names of classes, empty where the model has none."""
        return [self._library.tq_model_label(self._model, i).decode()
                for i in range(self._library.tq_model_num_labels(self._model))]

    @property
    def prompts(self) -> list[str]:
        """Names of texts that may be put before each text."""
        return [
            self._library.tq_model_prompt(self._model, i).decode()
            for i in range(self._library.tq_model_num_prompts(self._model))]

    @property
    def has_tokenizer(self) -> bool:
        """Whether the model reads text itself."""
        return bool(self._library.tq_model_has_tokenizer(self._model))

    def create_session(self, threads: int) -> ctypes.c_void_p:
        """A session of so many threads, 0: of all cores."""
        options = CSessionOptions(size=ctypes.sizeof(CSessionOptions),
                                  threads=threads)
        session = ctypes.c_void_p()
        self.check(self._library.tq_session_create(
            self._model, ctypes.byref(options), ctypes.byref(session)))
        return session

    def destroy_session(self, session: ctypes.c_void_p) -> None:
        """Frees a session."""
        self._library.tq_session_destroy(session)

    def arena_bytes(self, session: ctypes.c_void_p) -> int:
        """Of the largest run so far."""
        return int(self._library.tq_session_arena_bytes(session))

    def run_text(self, session: ctypes.c_void_p, texts: list[bytes],
                 batch: int, prompt: str | None,
                 outputs: ctypes.Array[CTensor]) -> int:
        """Runs texts; how many were cut to the model's length."""
        count = len(texts)
        pointers = (ctypes.c_char_p * count)(*texts)
        sizes = (ctypes.c_size_t * count)(*map(len, texts))
        cut = ctypes.c_int64()
        self.check(self._library.tq_session_set_prompt(
            session, None if prompt is None else prompt.encode()))
        self.check(self._library.tq_session_run_text(
            session, pointers, sizes, count, batch, outputs, len(outputs),
            ctypes.byref(cut)))
        return cut.value
