# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What goes wrong, by who can mend it. Each message is one line: what was
expected, what was found, and where."""

from __future__ import annotations

import importlib
from types import ModuleType


class Error(RuntimeError):
    """The base of all errors of this package."""


class UsageError(Error, ValueError):
    """The arguments of a call contradict each other or name nothing."""


class InputError(Error, ValueError):
    """A tensor, text or file is not what the program takes."""


class ExportError(Error):
    """`torch.export` refused a module."""


class CompileError(Error):
    """The compiler refused a model; `status` is its exit code.

    1: its options, 2: the model, 3: the output, 4: something it cannot do.
    """

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status

    def __reduce__(self) -> tuple[type, tuple[str, int]]:
        return type(self), (str(self), self.status)


class ProgramError(Error):
    """A file is no program of this version of tq, or is damaged."""


class ResourceError(Error):
    """A program cannot run here: CPU, memory, threads."""


class MissingPackageError(Error, ImportError):
    """An optional package is not installed."""


def require(name: str, what_for: str, package: str | None = None,
            ) -> ModuleType:
    """Imports an optional package.

    Args:
        name: of the module.
        what_for: how the message begins: "evaluation of torch modules".
        package: what pip calls it, where that is another name.

    Raises:
        MissingPackageError: with the line to type.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f"{what_for} needs {name}, which is not installed: "
            f"pip install {package or name}") from error
