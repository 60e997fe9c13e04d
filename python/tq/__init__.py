# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled transformers in int8, called like the modules they came from.

    import tq

    fast = tq.compile(model, (src, trg))     # a torch.nn.Module, dynamic int8
    y = fast(src, trg)
    fast.save("model.tq")

    fast = tq.load("model.tq")               # without torch and the compiler
    y = fast(src_array, trg_array)

`tq.quantization` has the names of `torch.ao.quantization`. Importing this
package imports neither torch nor anything else that is optional.
"""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ._errors import (
    CompileError,
    Error,
    ExportError,
    InputError,
    MissingPackageError,
    ProgramError,
    ResourceError,
    UsageError,
)
from .compiler import compile
from .module import Module, load

if TYPE_CHECKING:
    from . import quantization as quantization
    from .comparison import Comparison, compare
    from .evaluation import Evaluation, evaluate

__all__ = [
    "Comparison",
    "CompileError",
    "Error",
    "Evaluation",
    "ExportError",
    "InputError",
    "MissingPackageError",
    "Module",
    "ProgramError",
    "ResourceError",
    "UsageError",
    "compare",
    "compile",
    "evaluate",
    "load",
    "quantization",
]

try:
    __version__ = metadata.version("tq-compiler")
except metadata.PackageNotFoundError:  # imported from a checkout
    __version__ = "0+unknown"

# What is imported when it is asked for: `import tq` takes little time.
_LATER = {"Comparison": "comparison", "compare": "comparison",
          "Evaluation": "evaluation", "evaluate": "evaluation"}


def __getattr__(name: str) -> Any:
    if name == "quantization":
        return importlib.import_module(f".{name}", __name__)
    if name in _LATER:
        return getattr(importlib.import_module(f".{_LATER[name]}", __name__),
                       name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
