"""What the build hook puts into a wheel, and for which machines."""

import importlib.util
import pathlib
import platform
import sys
from typing import Any

import pytest

pytest.importorskip("hatchling")


def load_hook() -> Any:
    path = pathlib.Path(__file__).parents[1] / "hatch_build.py"
    spec = importlib.util.spec_from_file_location("hatch_build", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hook = load_hook()
LIBRARIES = ("libtq_main.a", "libtq_runtime.a", "tq.h")


def make(*paths: pathlib.Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.fixture(autouse=True)
def no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TQ_PREFIX", raising=False)


def test_nothing_is_built(tmp_path: pathlib.Path) -> None:
    assert hook.find_files(tmp_path) == {}


def test_builds_of_the_checkout(tmp_path: pathlib.Path) -> None:
    for preset in ("dev", "release"):
        compiler = tmp_path / "build" / preset / "bin/tq-compile"
        make(compiler)
        files = hook.find_files(tmp_path)
        assert files[compiler] == "bin/tq-compile"
        assert sorted(files.values())[1:] == [f"lib/tq/{n}" for n in LIBRARIES]


def test_prefix(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TQ_PREFIX", str(tmp_path / "prefix"))
    make(tmp_path / "build/dev/bin/tq-compile")
    folder = tmp_path / "prefix"
    places = {"bin/tq-compile", "lib/tq/crt/crti.o"}
    places |= {f"lib/tq/{name}" for name in LIBRARIES}
    make(*(folder / place for place in places), folder / "lib/other")
    assert set(hook.find_files(tmp_path).values()) == places
    (folder / "lib/tq/tq.h").unlink()
    with pytest.raises(FileNotFoundError, match=r"lib/tq/tq\.h$"):
        hook.find_files(tmp_path)


def test_needs_of_a_program() -> None:
    elf = hook.Elf(pathlib.Path(sys.executable).resolve().read_bytes())
    assert "libc.so.6" in elf.get_needed_libraries()
    assert all(major == 2 for major, _ in elf.get_glibc_versions())


@pytest.mark.parametrize(
    "needed, versions, tag",
    [
        ({"libc.so.6"}, {(2, 9), (2, 36), (2, 4)}, "manylinux_2_36"),
        ({"libm.so.6", "ld-linux-x86-64.so.2"}, set(), "manylinux_2_17"),
        ({"libc.so.6", "libMLIR.so.22.1"}, {(2, 36)}, "linux"),
        ({"libc.so.6", "libstdc++.so.6"}, {(2, 36)}, "linux"),
    ],
)
def test_platform(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    needed: set[str],
    versions: set[tuple[int, int]],
    tag: str,
) -> None:
    class Program:
        def __init__(self, data: bytes) -> None: ...

        def get_needed_libraries(self) -> set[str]:
            return needed

        def get_glibc_versions(self) -> set[tuple[int, int]]:
            return versions

    monkeypatch.setattr(hook, "Elf", Program)
    compiler = tmp_path / "tq-compile"
    make(compiler)
    name = hook.get_platform({compiler: "bin/tq-compile"})
    assert name == f"{tag}_{platform.machine()}"


def test_not_a_program() -> None:
    with pytest.raises(ValueError, match="ELF"):
        hook.Elf(b"#!/bin/sh\n")
