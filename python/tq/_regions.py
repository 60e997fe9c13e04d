# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `QuantStub` and `DeQuantStub` bound: outside, layers stay in float.

The stubs leave no node in an exported graph. So they are exported as calls of
an op, which mark the graph, and are taken out again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import TensorArgument

_QUANT, _DEQUANT = "QuantStub", "DeQuantStub"


@torch.library.custom_op("tq::quant_stub", mutates_args=())
def _quant_stub(x: torch.Tensor) -> torch.Tensor:
    """Where the quantized region begins."""
    return x.clone()


@torch.library.custom_op("tq::dequant_stub", mutates_args=())
def _dequant_stub(x: torch.Tensor) -> torch.Tensor:
    """Where it ends."""
    return x.clone()


_quant_stub.register_fake(lambda x: torch.empty_like(x))
_dequant_stub.register_fake(lambda x: torch.empty_like(x))


@contextlib.contextmanager
def marked(model: torch.nn.Module) -> Iterator[None]:
    """A model whose stubs mark what is exported."""
    ops = {_QUANT: torch.ops.tq.quant_stub.default,
           _DEQUANT: torch.ops.tq.dequant_stub.default}
    stubs = [part for part in model.modules() if type(part).__name__ in ops]
    for stub in stubs:
        stub.__dict__["forward"] = ops[type(stub).__name__]
    try:
        yield
    finally:
        for stub in stubs:
            del stub.__dict__["forward"]


def rules(program: ExportedProgram) -> str | None:
    """Takes the marks out of a program; rules for --quantize-config of what
    is outside the region, None without marks."""
    marks = {torch.ops.tq.quant_stub.default: True,
             torch.ops.tq.dequant_stub.default: False}
    nodes = list(program.graph.nodes)
    if not any(node.target in marks for node in nodes):
        return None
    data = set(program.graph_signature.user_inputs)
    inside: dict[Any, bool] = {}  # of tensors that depend on an input
    outside: set[str] = set()
    for node in nodes:
        if node.op == "placeholder":
            if node.name in data:
                inside[node] = False
            continue
        sources = [inside[source] for source in node.all_input_nodes
                   if source in inside]
        if not sources or not isinstance(node.meta.get("val"), torch.Tensor):
            continue
        inside[node] = marks.get(node.target, any(sources))
        if node.op == "call_function" and not inside[node]:
            outside.add(_module_path(node))
    for node in nodes:
        if node.target in marks:
            _erase(program, node)
    program.graph_module.recompile()
    return _text(sorted(outside - {""}))


def _module_path(node: torch.fx.Node) -> str:
    """Of the innermost module that a node is from, "" for none."""
    stack = node.meta.get("nn_module_stack") or {}
    return str(list(stack.values())[-1][0]) if stack else ""


def _erase(program: ExportedProgram, node: torch.fx.Node) -> None:
    source = node.args[0]
    assert isinstance(source, torch.fx.Node)
    node.replace_all_uses_with(source)
    for spec in program.graph_signature.output_specs:
        if getattr(spec.arg, "name", None) == node.name:
            spec.arg = TensorArgument(name=source.name)
    program.graph.erase_node(node)


def _text(paths: list[str]) -> str:
    """A layer is named after its module, perhaps behind a line of Python."""
    lines = ["rules:"] if paths else ["rules: []"]
    for path in paths:
        for glob in (path, f"* {path}"):
            lines += [f'  - layer: "{glob}"', "    scheme: float"]
    return "\n".join(lines) + "\n"
