# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiled model that is called like the module it came from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import _container, _structure
from ._abi import CTensor, Library, TensorInfo
from ._arrays import NUMPY, Placed, arrays_of
from ._errors import InputError, ProgramError, UsageError
from ._progress import progress
from ._session import Pool, copy_out

# Texts between two steps of the progress bar.
_TEXTS_A_STEP = 256


class Program:
    """The bytes of a compiled model, and the library that they are.

    They are kept open as a file of this process: what is done to a file of
    the same name later does not matter.
    """

    def __init__(self, handle: int, name: str) -> None:
        self.handle = handle
        self.name = name
        content = self.read()
        self.data = _container.split(content, name)
        self.size = len(content)
        self.weight_bytes = _container.weight_bytes(content)
        self.library = Library(f"/proc/self/fd/{handle}", name)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Program:
        """Opens a file."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ProgramError(f"{os.fspath(path)}: expected a program that "
                               f"tq compiled: {error.strerror}") from None
        return cls(handle, os.fspath(path))

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> Program:
        """Keeps a program in memory."""
        handle = os.memfd_create("tq", os.MFD_CLOEXEC)
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(content)
        return cls(handle, name)

    def read(self) -> bytes:
        """The whole file."""
        size = os.fstat(self.handle).st_size
        parts, place = [], 0
        while place < size:
            part = os.pread(self.handle, size - place, place)
            if not part:
                break
            parts.append(part)
            place += len(part)
        return b"".join(parts)


class Module:
    """A compiled model.

    Called with the arguments of the module that it was compiled from: arrays
    of numpy, tensors of torch on the CPU, or what gives itself by DLPack,
    read where they are. Results are nested and named as the module's are:
    tensors of torch where an input is one, else arrays of numpy. They are the
    same bits on every CPU and for every number of threads.

    Any number of threads may call it at the same time. It can be pickled and
    copied; where torch is imported it is a `torch.nn.Module`, too.

    Attributes:
        inputs, outputs: what the program takes and gives, in its order.
        threads: that a call uses, 0: all cores.
    """

    _program: Program
    _pool: Pool

    def __new__(cls, *args: Any, **kwargs: Any) -> Module:
        """A module of torch where torch is there."""
        if cls is Module and "torch" in sys.modules:
            from ._torch import TorchModule
            cls = TorchModule
        return object.__new__(cls)

    def __init__(self, program: Program, threads: int = 0) -> None:
        self._set_program(program, threads)

    def _set_program(self, program: Program, threads: int) -> None:
        library = program.library
        self._program = program
        self._pool = Pool(library, threads)
        self._result = program.data.get("outputs") or _default_result(
            library.outputs)
        arguments = program.data.get("inputs") or {
            info.name: {"leaf": i} for i, info in enumerate(library.inputs)}
        self._arguments: dict[str, _structure.Structure] = arguments
        self._names = list(arguments)
        self._places = [(info.name, info.dtype) for info in library.inputs]
        # Where each argument is one tensor, as mostly, the way is short.
        self._flat = [part.get("leaf") for part in arguments.values()] == list(
            range(len(library.inputs)))

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """What the program takes."""
        return self._program.library.inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """What the program gives."""
        return self._program.library.outputs

    @property
    def arguments(self) -> dict[str, _structure.Structure]:
        """Names of a call's arguments, and how they are nested."""
        return self._arguments

    @property
    def required(self) -> int:
        """How many arguments a call needs at least."""
        return sum(any(not self.inputs[leaf].optional
                       for leaf in _structure.leaves(structure))
                   for structure in self._arguments.values())

    @property
    def threads(self) -> int:
        """That a call uses; 0: all cores."""
        return self._pool.threads

    @threads.setter
    def threads(self, count: int) -> None:
        if not 0 <= count <= 1024:
            raise UsageError(f"expected 0 to 1024 threads, but got {count}")
        self._pool = Pool(self._program.library, count)

    @property
    def name(self) -> str:
        """Of the model."""
        return self._program.library.name

    @property
    def labels(self) -> list[str]:
        """Of the classes, empty where the model names none."""
        return self._program.library.labels

    @property
    def prompts(self) -> list[str]:
        """Names that `encode` takes as `prompt`."""
        return self._program.library.prompts

    @property
    def weight_bytes(self) -> int:
        """Of all weights in the program."""
        return self._program.weight_bytes

    @property
    def program_bytes(self) -> int:
        """Of the whole program."""
        return self._program.size

    @property
    def arena_bytes(self) -> int:
        """That the largest call so far took beside weights and results."""
        return self._pool.arena_bytes()

    @property
    def compiled(self) -> dict[str, Any]:
        """How it was compiled: `quantize`, `options`, and `report`, what the
        compiler said; empty for a bare library."""
        return dict(self._program.data.get("compiled", {}))

    def __repr__(self) -> str:
        inputs = ", ".join(map(str, self.inputs))
        outputs = ", ".join(map(str, self.outputs))
        scheme = self.compiled.get("quantize", "")
        return f"tq.Module({scheme}{': ' if scheme else ''}{inputs} -> " \
               f"{outputs})"

    # ------------------------------------------------------------------ calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the model.

        Raises:
            InputError: names the input, and what was expected of it.
        """
        if self._flat and not kwargs and len(args) == len(self._places) and (
                not any(value is None for value in args)):
            values = list(args)
        else:
            values = self._bind(args, kwargs)
        arrays = arrays_of(values)
        placed: list[Placed | None] = [
            None if value is None else arrays.place(value, name, dtype)
            for value, (name, dtype) in zip(values, self._places, strict=True)]
        outputs = self._pool.run(placed, arrays)
        return _structure.build(self._result, outputs)

    forward = __call__

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any],
              ) -> list[Any]:
        """A value for each input of the program, None: left out."""
        names = self._names
        if len(args) > len(names):
            raise InputError(f"expected at most {len(names)} arguments "
                             f"({', '.join(names)}), but got {len(args)}")
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in self._arguments:
                raise InputError(f"unknown argument {name!r}: expected "
                                 f"{', '.join(names)}")
            if name in given:
                raise InputError(f"argument {name!r} is given twice")
            given[name] = value
        values: list[Any] = [None] * len(self.inputs)
        for name, structure in self._arguments.items():
            if given.get(name) is None:
                self._check_left_out(name, structure)
            elif "leaf" in structure:
                values[structure["leaf"]] = given[name]
            else:
                for leaf, value, _ in _structure.flatten(
                        structure, given[name], f"argument {name!r}"):
                    values[leaf] = value
        return values

    def _check_left_out(self, name: str,
                        structure: _structure.Structure) -> None:
        missing = [self.inputs[leaf] for leaf in _structure.leaves(structure)
                   if not self.inputs[leaf].optional]
        if missing:
            raise InputError(f"argument {name!r} is missing: expected "
                             f"{', '.join(map(str, missing))}")

    def encode(self, texts: str | Iterable[str], *, batch: int = 0,
               prompt: str | None = None, show_progress: bool | None = None,
               ) -> np.ndarray:
        """The first output of texts, a row each (one text: the row).

        Args:
            texts: read by the model's own tokenizer, in padded batches.
            batch: texts in one, 0: chosen by length.
            prompt: the name of what is put before each text, "": nothing,
                None: the model's default.
            show_progress: None: if it takes long and stderr is a terminal.

        Raises:
            UsageError: the model reads no texts.
            InputError: what is no text.
        """
        library = self._program.library
        if not library.has_tokenizer:
            raise UsageError(f"{library.name}: has no tokenizer: expected to "
                             "be called with arrays")
        alone = isinstance(texts, str)
        all_texts = [texts] if alone else list(texts)
        encoded = [_encode(text, i) for i, text in enumerate(all_texts)]
        rows = []
        with progress(len(encoded), "texts", show_progress) as advance:
            for start in range(0, len(encoded), _TEXTS_A_STEP):
                part = encoded[start:start + _TEXTS_A_STEP]
                rows.append(self._encode_part(part, batch, prompt))
                advance(len(part))
        if not rows:
            shape = [0 if isinstance(size, str) else size
                     for size in self.outputs[0].shape]
            return np.empty([0, *shape[1:]], self.outputs[0].dtype)
        result: np.ndarray = np.concatenate(rows)
        if alone:
            result = result[0]
        return result

    def _encode_part(self, texts: Sequence[bytes], batch: int,
                     prompt: str | None) -> np.ndarray:
        session = self._pool.take()
        try:
            outputs = (CTensor * 1)()
            session.library.run_text(session.handle, list(texts), batch,
                                     prompt, outputs)
            tensor, info = outputs[0], self.outputs[0]
            array, address = NUMPY.empty(tuple(tensor.dims[:tensor.rank]),
                                         info.dtype)
            copy_out(info, tensor, address)
            result: np.ndarray = array
            return result
        finally:
            self._pool.give(session)

    # ------------------------------------------------------------------ files

    def to_bytes(self) -> bytes:
        """The program, for `from_bytes`."""
        return self._program.read()

    @classmethod
    def from_bytes(cls, content: bytes, threads: int = 0) -> Module:
        """The module of `to_bytes`.

        Raises:
            ProgramError: other bytes than a program has.
        """
        return Module(Program.from_bytes(bytes(content), "the program"),
                      threads)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the program, one file for `tq.load`: a shared library with
        the C interface of `tq/Runtime/tq.h`."""
        try:
            _container.write(path, self.to_bytes())
        except OSError as error:
            raise UsageError(f"{os.fspath(path)}: cannot be written: "
                             f"{error.strerror}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.to_bytes(), self.threads)

    def __copy__(self) -> Module:
        return Module(self._program, self.threads)

    def __deepcopy__(self, memo: dict[int, Any]) -> Module:
        return self.__copy__()  # programs do not change


def _restore(content: bytes, threads: int) -> Module:
    return Module.from_bytes(content, threads)


def load(path: str | os.PathLike[str], threads: int = 0) -> Module:
    """Loads what `Module.save` or `tq-compile --emit=so` wrote.

    Needs neither torch nor the compiler.

    Args:
        path: of the file.
        threads: that a call uses, 0: all cores.

    Raises:
        ProgramError: no program of tq, a damaged one, one of another version.
        ResourceError: a program for another CPU.
    """
    return Module(Program.from_file(Path(path)), threads)


def _default_result(outputs: tuple[TensorInfo, ...]) -> _structure.Structure:
    if len(outputs) == 1:
        return {"leaf": 0}
    return {"dict": {info.name: {"leaf": i}
                     for i, info in enumerate(outputs)}}


def _encode(text: object, number: int) -> bytes:
    if not isinstance(text, str):
        raise InputError(f"text {number}: expected a string, but got a value "
                         f"of type {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"text {number}: expected Unicode: {error.reason} "
                         f"at character {error.start}") from None
