"""Which compiler the package uses."""

import pathlib

import pytest

from tq import _toolchain
from tq._toolchain import CompilerNotFoundError, find_compiler


@pytest.fixture
def machine(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> pathlib.Path:
    """A machine without any compiler: package, PATH and checkout."""
    for folder in ("package", "path", "checkout"):
        (tmp_path / folder).mkdir()
    monkeypatch.delenv("TQ_COMPILE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(_toolchain, "_PACKAGE", tmp_path / "package")
    monkeypatch.setattr(_toolchain, "_CHECKOUT", tmp_path / "checkout")
    return tmp_path


def make(path: pathlib.Path, mode: int = 0o755) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=mode)
    return path


def make_checkout(machine: pathlib.Path, preset: str) -> pathlib.Path:
    make(machine / "checkout/CMakePresets.json")
    return make(machine / f"checkout/build/{preset}/bin/tq-compile")


def test_order(machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dev = make_checkout(machine, "dev")
    assert find_compiler() == dev
    release = make_checkout(machine, "release")
    assert find_compiler() == release
    on_path = make(machine / "path/tq-compile")
    assert find_compiler() == on_path
    own = make(machine / "package/_prefix/bin/tq-compile")
    assert find_compiler() == own
    asked = make(machine / "asked")
    monkeypatch.setenv("TQ_COMPILE", str(asked))
    assert find_compiler() == asked


def test_none(machine: pathlib.Path) -> None:
    with pytest.raises(CompilerNotFoundError) as error:
        find_compiler()
    message = str(error.value)
    assert str(machine / "package/_prefix/bin/tq-compile") in message
    assert "on the PATH" in message
    assert "checkout" not in message.split(". ")[0]
    assert "TQ_COMPILE" in message


def test_unbuilt_checkout(machine: pathlib.Path) -> None:
    make(machine / "checkout/CMakePresets.json")
    with pytest.raises(CompilerNotFoundError, match="build/release/bin"):
        find_compiler()


def test_folder_of_another_project(machine: pathlib.Path) -> None:
    make(machine / "checkout/build/release/bin/tq-compile")
    with pytest.raises(CompilerNotFoundError):
        find_compiler()


@pytest.mark.parametrize("name", ["missing", "text", "folder"])
def test_asked_for_none(
    machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make(machine / "path/tq-compile")
    make(machine / "text", mode=0o644)
    (machine / "folder").mkdir()
    monkeypatch.setenv("TQ_COMPILE", str(machine / name))
    with pytest.raises(CompilerNotFoundError, match=r"^TQ_COMPILE: "):
        find_compiler()


def test_empty_is_not_asked(
    machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = make(machine / "path/tq-compile")
    monkeypatch.setenv("TQ_COMPILE", "")
    assert find_compiler() == on_path


def test_not_executable(machine: pathlib.Path) -> None:
    make(machine / "package/_prefix/bin/tq-compile", mode=0o644)
    with pytest.raises(CompilerNotFoundError):
        find_compiler()
