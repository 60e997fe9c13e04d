# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs of a program: a session for each call that is under way."""

from __future__ import annotations

import collections
import ctypes
import os
import weakref
from typing import Any

from ._abi import CODES, DTYPES, CTensor, Library, TensorInfo
from ._arrays import NUMPY, Arrays, Placed
from ._errors import ProgramError

# Shapes of inputs whose outputs' shapes are remembered.
_MAX_SHAPES = 256


class Session:
    """Memory and threads of one call at a time."""

    def __init__(self, library: Library, threads: int) -> None:
        self.library = library
        self.handle = library.create_session(threads)
        self.inputs = (CTensor * len(library.inputs))()
        self.outputs = (CTensor * len(library.outputs))()
        self.key: object = None  # shapes and dtypes that the fields have
        self._finalizer = weakref.finalize(self, library.destroy_session,
                                           self.handle)
        self._finalizer.atexit = False

    def run(self, placed: list[Placed | None]) -> None:
        """Runs the program; fields of `outputs` are as the caller left them,
        or, where `data` is None, filled in. Shapes are not written where
        `key` says that they are there."""
        for tensor, source in zip(self.inputs, placed, strict=True):
            if source is None:
                tensor.data = None
                continue
            # An empty tensor may be nowhere, but an input that is given is
            # somewhere.
            tensor.data = source[0] or ctypes.addressof(self.inputs)
            if self.key is None:
                _, shape, tensor.dtype, _ = source
                tensor.rank = len(shape)
                tensor.dims[:len(shape)] = shape
        self.library.check(self.library.run(
            self.handle, self.inputs, len(self.inputs), self.outputs,
            len(self.outputs)))


class Pool:
    """Sessions of a program that wait for a call. Any number of threads may
    call at the same time; the lock of the interpreter is released while a
    program runs."""

    def __init__(self, library: Library, threads: int) -> None:
        self.library = library
        self.threads = threads
        self.largest_arena = 0
        self._waiting: collections.deque[Session] = collections.deque()
        # By shapes of inputs: shapes of outputs.
        self._shapes: dict[tuple[Any, ...], list[tuple[int, ...]]] = {}
        _POOLS.add(self)

    def forget(self) -> None:
        """Leaves sessions alone whose threads another process has."""
        for session in self._waiting:
            session._finalizer.detach()
        self._waiting.clear()

    def take(self) -> Session:
        """A session that nobody else has."""
        try:
            return self._waiting.pop()
        except IndexError:
            return Session(self.library, self.threads)

    def give(self, session: Session) -> None:
        """Puts a session back."""
        self._waiting.append(session)

    def arena_bytes(self) -> int:
        """Of the largest run of a session that waits."""
        for session in list(self._waiting):
            self.largest_arena = max(
                self.largest_arena, self.library.arena_bytes(session.handle))
        return self.largest_arena

    def run(self, placed: list[Placed | None], arrays: Arrays) -> list[Any]:
        """Outputs in the program's order, in memory of their own."""
        key = tuple([None if source is None else source[1:3]
                     for source in placed])
        shapes = self._shapes.get(key)
        session = self.take()
        try:
            if shapes is None:
                session.key = None
                return self._run_first(session, placed, key, arrays)
            outputs = []
            for info, tensor, shape in zip(
                    self.library.outputs, session.outputs, shapes,
                    strict=True):
                output, tensor.data = arrays.empty(shape, info.dtype)
                outputs.append(output)
            if session.key != key:
                session.key = None
                _set_shapes(session, shapes)
            session.run(placed)
            session.key = key
            return outputs
        except BaseException:
            session.key = None
            raise
        finally:
            self.give(session)

    def _run_first(self, session: Session, placed: list[Placed | None],
                   key: tuple[Any, ...], arrays: Arrays) -> list[Any]:
        """The same where the outputs' shapes are not known: they come in
        memory of the session, once."""
        for tensor in session.outputs:
            tensor.data = None
        session.run(placed)
        outputs, shapes = [], []
        for info, tensor in zip(self.library.outputs, session.outputs,
                                strict=True):
            shape = tuple(tensor.dims[:tensor.rank])
            output, address = arrays.empty(shape, info.dtype)
            copy_out(info, tensor, address)
            outputs.append(output)
            shapes.append(shape)
        if len(self._shapes) >= _MAX_SHAPES:
            self._shapes.clear()
        self._shapes[key] = shapes
        return outputs


def _set_shapes(session: Session, shapes: list[tuple[int, ...]]) -> None:
    """What the outputs are going to be."""
    for info, tensor, shape in zip(session.library.outputs, session.outputs,
                                   shapes, strict=True):
        tensor.rank = len(shape)
        tensor.dims[:len(shape)] = shape
        tensor.dtype = CODES[info.dtype]


def copy_out(info: TensorInfo, tensor: CTensor, address: int) -> None:
    """Copies an output from memory of the session."""
    if DTYPES[tensor.dtype] != info.dtype:
        raise ProgramError(f"output {info.name!r}: expected {info.dtype}, but "
                           f"got {DTYPES[tensor.dtype]}")
    elements = 1
    for size in tensor.dims[:tensor.rank]:
        elements *= size
    if elements:
        ctypes.memmove(address, tensor.data,
                       elements * NUMPY.item_bytes(info.dtype))


_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()


def _forget_all() -> None:
    for pool in list(_POOLS):
        pool.forget()


os.register_at_fork(after_in_child=_forget_all)
