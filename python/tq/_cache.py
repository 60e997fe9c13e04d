# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled programs by what they were made from.

They are in `$TQ_CACHE`, else `$XDG_CACHE_HOME/tq`, else `~/.cache/tq`: at
most 10 GiB, or `$TQ_CACHE_BYTES`; those that were not used for longest go.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from . import _container

_DEFAULT_BYTES = 10 << 30
_PIECE = 1 << 20


def folder() -> Path:
    """Where programs are kept."""
    own = os.environ.get("TQ_CACHE")
    if own:
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "tq"


def digest(paths: list[Path], words: list[str]) -> str:
    """Of the bytes of files and folders, and of words."""
    total = hashlib.sha256()
    for word in words:
        total.update(f"{len(word)}:{word}".encode())
    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if (
            path.is_dir()) else [path]
        for file in files:
            part = hashlib.sha256()
            with open(file, "rb") as stream:
                while piece := stream.read(_PIECE):
                    part.update(piece)
            name = file.name if file == path else str(file.relative_to(path))
            total.update(f"{len(name)}:{name}".encode() + part.digest())
    return total.hexdigest()


class Entry:
    """A place for one program."""

    def __init__(self, key: str) -> None:
        self._path = folder() / f"{key}.so"
        self._lock = folder() / f"{key}.lock"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among processes, which so make a program once. A folder that
        cannot be written is a warning."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
                             0o666)
        except OSError as error:
            warnings.warn(f"{self._path.parent}: compiled programs cannot be "
                          f"kept: {error.strerror}", stacklevel=4)
            yield
            return
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def find(self) -> bytes | None:
        """The program, if it is there and whole."""
        try:
            content = self._path.read_bytes()
            _container.split(content, str(self._path))
            os.utime(self._path)
            return content
        except (OSError, RuntimeError):
            return None

    def keep(self, content: bytes) -> None:
        """Stores a program, if the folder can be written."""
        with contextlib.suppress(OSError):
            _container.write(self._path, content)
            prune()


def prune() -> None:
    """Deletes what was not used for longest, down to the limit."""
    limit = int(os.environ.get("TQ_CACHE_BYTES") or _DEFAULT_BYTES)
    found = []
    for path in folder().glob("*.so"):
        with contextlib.suppress(OSError):
            state = path.stat()
            found.append((state.st_mtime, state.st_size, path))
    total = 0
    for _, size, path in sorted(found, reverse=True):
        total += size
        if total > limit:
            path.unlink(missing_ok=True)
            path.with_suffix(".lock").unlink(missing_ok=True)
