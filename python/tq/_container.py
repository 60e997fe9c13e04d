# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The file of a compiled model: the shared library that `tq-compile --emit=so`
wrote, and behind it what Python knows of it.

    library | JSON | bytes of the JSON, 8 | SHA-256 of all before it, 32 | magic

The dynamic loader reads what the library's header names, so the file is a
library as before. A library without such an end is a model, too: its outputs
are a tensor or a dictionary by name.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from ._errors import ProgramError

_MAGIC = b"TQMODULE"
_END = 8 + hashlib.sha256().digest_size + len(_MAGIC)
_ELF = b"\x7fELF"
_WEIGHTS = b".lrodata\0"  # the section's name


def join(library: bytes, data: dict[str, Any]) -> bytes:
    """The file of a library and what is known of it."""
    text = json.dumps(data, allow_nan=False).encode()
    body = library + text + len(text).to_bytes(8, "little")
    return body + hashlib.sha256(body).digest() + _MAGIC


def split(program: bytes, name: str) -> dict[str, Any]:
    """What is known of a library; empty without an end of ours.

    Raises:
        ProgramError: no library, or other bytes than were written.
    """
    if not program.startswith(_ELF):
        raise ProgramError(f"{name}: expected a program that tq compiled, "
                           "found a file of another kind")
    if not program.endswith(_MAGIC):
        _check_sections(program, name)
        return {}
    body, digest = program[:-_END + 8], program[-_END + 8:-len(_MAGIC)]
    if hashlib.sha256(body).digest() != digest:
        raise ProgramError(f"{name}: expected the program as it was written, "
                           "found other bytes: the file is damaged")
    size = int.from_bytes(body[-8:], "little")
    data: dict[str, Any] = json.loads(body[-8 - size:-8])
    return data


def _headers(program: bytes) -> list[bytes]:
    """Section headers of a 64-bit ELF file, which are its end."""
    start = int.from_bytes(program[40:48], "little")
    size = int.from_bytes(program[58:60], "little")
    count = int.from_bytes(program[60:62], "little")
    return [program[start + i * size:start + (i + 1) * size]
            for i in range(count) if size >= 64]


def _check_sections(program: bytes, name: str) -> None:
    """Whether a library ends where its section headers do, as linkers write
    it: neither it nor an end of ours behind it is cut off."""
    start = int.from_bytes(program[40:48], "little")
    size, count = (int.from_bytes(program[place:place + 2], "little")
                   for place in (58, 60))
    if len(program) < 64 or len(program) != start + size * count:
        raise ProgramError(f"{name}: expected a whole program, found "
                           f"{len(program)} bytes of one: the file is cut off")


def weight_bytes(program: bytes) -> int:
    """Bytes of the section of weights of a program."""
    headers = _headers(program)
    names = int.from_bytes(program[62:64], "little")
    if names >= len(headers):
        return 0
    table = int.from_bytes(headers[names][24:32], "little")
    for header in headers:
        place = table + int.from_bytes(header[:4], "little")
        if program[place:place + len(_WEIGHTS)] == _WEIGHTS:
            return int.from_bytes(header[32:40], "little")
    return 0


def write(path: str | os.PathLike[str], program: bytes) -> None:
    """Writes a file that is there as a whole, or not at all."""
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(program)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
