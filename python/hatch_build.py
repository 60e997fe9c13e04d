"""Puts the compiler into the wheel.

It is taken from the folder that the environment variable TQ_PREFIX names, which
has bin/tq-compile and lib/tq, as tools/dev/wheel makes it; else from a build of
the checkout, and needs what that machine has installed then.
"""

import os
import pathlib
import platform
import re
import struct
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

Files = dict[pathlib.Path, str]

_LIBRARIES = ("libtq_main.a", "libtq_runtime.a", "tq.h")

# What comes with glibc. The wheel of a compiler that needs more is for machines
# like this one only.
_GLIBC = re.compile(r"(lib(c|m|dl|rt|pthread)\.so|ld-linux-.*\.so)\.\d")


class BundleHook(BuildHookInterface[Any]):
    """The hook that hatchling runs for every wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the compiler's files and names the platform."""
        if version == "editable":
            return  # the checkout's builds are found where they are
        files = find_files(pathlib.Path(self.root).resolve().parent)
        if not files:
            self.app.display_warning(
                "no compiler in this wheel: TQ_PREFIX is not set, and neither "
                "build/release nor build/dev has bin/tq-compile"
            )
            return
        for source, place in files.items():
            build_data["force_include"][str(source)] = f"tq/_prefix/{place}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{get_platform(files)}"


def find_files(checkout: pathlib.Path) -> Files:
    """The files to bundle, with their places; none if there is no compiler."""
    if prefix := os.environ.get("TQ_PREFIX"):
        return find_installed(pathlib.Path(prefix).resolve())
    for preset in ("release", "dev"):
        build = checkout / "build" / preset
        compiler = build / "bin/tq-compile"
        if compiler.is_file():
            libraries = [build / "lib" / name for name in _LIBRARIES]
            return {
                compiler: "bin/tq-compile",
                **{path: f"lib/tq/{path.name}" for path in libraries},
            }
    return {}


def find_installed(prefix: pathlib.Path) -> Files:
    """The files of an installed compiler."""
    paths = [prefix / "bin/tq-compile"]
    paths += sorted(p for p in prefix.glob("lib/tq/**/*") if p.is_file())
    for path in [paths[0], *(prefix / "lib/tq" / name for name in _LIBRARIES)]:
        if not path.is_file():
            raise FileNotFoundError(f"TQ_PREFIX: expected the file {path}")
    return {path: str(path.relative_to(prefix)) for path in paths}


def get_platform(files: Files) -> str:
    """The tag of the machines that the bundled programs run on."""
    needed: set[str] = set()
    versions = {(2, 17)}  # the oldest that installers know
    for path, place in files.items():
        if place.startswith("bin/") or place.endswith("/ld.lld"):
            elf = Elf(path.read_bytes())
            needed |= elf.get_needed_libraries()
            versions |= elf.get_glibc_versions()
    if not all(_GLIBC.fullmatch(name) for name in needed):
        return f"linux_{platform.machine()}"
    major, minor = max(versions)
    return f"manylinux_{major}_{minor}_{platform.machine()}"


class Elf:
    """What a 64-bit program asks of the loader."""

    _DYNAMIC = 6
    _VERSIONS_NEEDED = 0x6FFFFFFE

    def __init__(self, data: bytes) -> None:
        if data[:5] != b"\x7fELF\x02":
            raise ValueError("expected a 64-bit ELF file")
        self._data = data
        (offset,) = struct.unpack_from("<Q", data, 40)
        size, count = struct.unpack_from("<HH", data, 58)
        self._sections = [
            struct.unpack_from("<IIQQQQII", data, offset + i * size)
            for i in range(count)
        ]

    def get_needed_libraries(self) -> set[str]:
        """Names of shared libraries."""
        names = set()
        for offset, size, strings in self._find(self._DYNAMIC):
            for at in range(offset, offset + size, 16):
                tag, value = struct.unpack_from("<QQ", self._data, at)
                if tag == 1:  # DT_NEEDED
                    names.add(self._get_string(strings + value))
        return names

    def get_glibc_versions(self) -> set[tuple[int, int]]:
        """Versions of glibc that symbols are from."""
        found = set()
        for name in self._get_versions():
            if match := re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", name):
                found.add((int(match[1]), int(match[2])))
        return found

    def _get_versions(self) -> set[str]:
        names = set()
        for library, _, strings in self._find(self._VERSIONS_NEEDED):
            step = 1
            while step:
                _, count, _, first, step = struct.unpack_from(
                    "<HHIII", self._data, library
                )
                entry = library + first
                for _ in range(count):
                    name, after = struct.unpack_from(
                        "<II", self._data, entry + 8
                    )
                    names.add(self._get_string(strings + name))
                    entry += after
                library += step
        return names

    def _find(self, kind: int) -> list[tuple[int, int, int]]:
        """Offset and size of sections, and the offset of their strings."""
        return [
            (section[4], section[5], self._sections[section[6]][4])
            for section in self._sections
            if section[1] == kind
        ]

    def _get_string(self, offset: int) -> str:
        end = self._data.index(b"\0", offset)
        return self._data[offset:end].decode()
