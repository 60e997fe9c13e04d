"""Where the compiler is."""

import os
import pathlib
import shutil
from collections.abc import Iterator

from ._errors import Error

_PACKAGE = pathlib.Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


class CompilerNotFoundError(Error):
    """There is no compiler, or none where `TQ_COMPILE` says."""


def find_compiler() -> pathlib.Path:
    """Returns the path of tq-compile.

    It is the one that the environment variable `TQ_COMPILE` names, else the
    package's own, else one on the `PATH`, else one that was built in the
    checkout which the package is imported from.

    Raises:
        CompilerNotFoundError: None of them is there.
    """
    if asked := os.environ.get("TQ_COMPILE"):
        return _check_asked(pathlib.Path(asked))
    looked = []
    for place, path in _candidates():
        if path is not None and _is_executable(path):
            return path
        looked.append(place)
    raise CompilerNotFoundError(
        f"cannot find tq-compile: looked for {', '.join(looked)}. Install a "
        "wheel that has it, build the checkout, or let TQ_COMPILE name it."
    )


def _candidates() -> Iterator[tuple[str, pathlib.Path | None]]:
    """What is looked for, and where that is."""
    own = _PACKAGE / "_prefix/bin/tq-compile"
    yield str(own), own
    on_path = shutil.which("tq-compile")
    yield "tq-compile on the PATH", pathlib.Path(on_path) if on_path else None
    if (_CHECKOUT / "CMakePresets.json").exists():
        for preset in ("release", "dev"):
            built = _CHECKOUT / "build" / preset / "bin/tq-compile"
            yield str(built), built


def _check_asked(path: pathlib.Path) -> pathlib.Path:
    if not _is_executable(path):
        raise CompilerNotFoundError(
            f"TQ_COMPILE: expected a program, but got '{path}'"
        )
    return path


def _is_executable(path: pathlib.Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
