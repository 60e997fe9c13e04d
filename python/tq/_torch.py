# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A compiled model as a module of torch."""

from __future__ import annotations

from typing import Any

import torch

from ._errors import InputError, UsageError
from .module import Module, Program

_DEVICE_HINT = "a compiled model runs on the CPU that it was compiled for"


class TorchModule(Module, torch.nn.Module):
    """See Module. It has no parameters: weights are in the program, which is
    the extra state of its `state_dict`."""

    def __init__(self, program: Program, threads: int = 0) -> None:
        torch.nn.Module.__init__(self)
        self.training = False
        self._set_program(program, threads)

    __call__ = torch.nn.Module.__call__  # hooks, then forward
    __repr__ = Module.__repr__
    __reduce__ = Module.__reduce__

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TorchModule:
        """The module of a `state_dict`."""
        return cls(_program_of(state["_extra_state"]))

    def train(self, mode: bool = True) -> TorchModule:
        """Only `eval()`, which changes nothing."""
        if mode:
            raise UsageError("a compiled model cannot be trained: train the "
                             "module, and compile it again")
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> TorchModule:
        """What `.to`, `.half` and the like call: refuses what would change
        something."""
        try:
            moved = fn(torch.zeros(1))
        except (RuntimeError, AssertionError) as error:
            raise UsageError(f"{_DEVICE_HINT}: {error}") from None
        if moved.device.type != "cpu":
            raise UsageError(f"{_DEVICE_HINT}, not on {moved.device}")
        if moved.dtype != torch.float32:
            raise UsageError("the number type of a compiled model is fixed: "
                             f"expected float32, but got {moved.dtype}")
        return self

    def get_extra_state(self) -> torch.Tensor:
        """The program, as bytes."""
        return torch.frombuffer(bytearray(self.to_bytes()), dtype=torch.uint8)

    def set_extra_state(self, state: Any) -> None:
        """Becomes another program."""
        self._set_program(_program_of(state), self.threads)


def _program_of(state: Any) -> Program:
    if not isinstance(state, torch.Tensor) or state.dtype != torch.uint8:
        raise InputError("expected the state of a tq.Module: a tensor of "
                         f"bytes, but got {type(state).__name__}")
    content = state.detach().cpu().numpy().tobytes()
    return Program.from_bytes(content, "the state")
