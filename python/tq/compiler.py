# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tq.compile`: modules, archives and directories to programs."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _cache, _container, _structure
from ._errors import CompileError, InputError, UsageError
from ._qconfig import observer_options
from ._samples import Ranges, write_calibration
from ._toolchain import find_compiler
from .module import Module, Program

if TYPE_CHECKING:
    from ._export import Exported

QUANTIZE = ("dynamic", "static", "none")


@dataclasses.dataclass
class Source:
    """What the compiler reads, and how a call of it is nested, where that is
    known."""
    path: Path
    name: str
    inputs: dict[str, _structure.Structure] | None = None
    outputs: _structure.Structure | None = None
    config: str | None = None
    """Rules for --quantize-config."""


def compile(model: Any, example_inputs: Any = None, *,
            dynamic_shapes: Any = "auto", quantize: str = "dynamic",
            calibrate: Any = None, qconfig: Any = None,
            attention: str | None = None, target_cpu: str | None = None,
            options: Sequence[str] = (), threads: int = 0,
            cache: bool = True, verbose: bool = False) -> Module:
    """Compiles a model to a program, and loads it.

    Args:
        model: a `torch.nn.Module`, a `torch.export.ExportedProgram`, the path
            of an archive (.pt2), or of a directory of Hugging Face.
        example_inputs: of a module: arguments of a call, as a tuple, a
            dictionary, or one tensor.
        dynamic_shapes: "auto": every size may differ that the module lets
            differ; or what `torch.export.export` takes.
        quantize: "dynamic": int8, activations quantized row by row at run
            time; "static": with ranges that calibration finds; "none": float.
        calibrate: with "static": a DataLoader (labels are left out, at most
            256 batches), batches as arrays, texts, or a path.
        qconfig: with "static", how ranges are chosen: a name that torch has
            ("fbgemm"), or a `QConfig`.
        attention: "f32", "bf16", "int8": products in attention; None: int8
            with "static", else f32.
        target_cpu: "host", "x86-64-v3", ..., several after commas; None: all
            of this kind of machine.
        options: more of `tq-compile --help`.
        threads: that a call uses, 0: all cores.
        cache: whether a program may come from an earlier run; docs/Python.md
            says where programs are kept.
        verbose: show what the compiler says.

    Raises:
        ExportError: torch.export refuses the module.
        CompileError: the compiler refuses the model.
        UsageError, InputError: arguments, calibration data.
    """
    if quantize not in QUANTIZE:
        raise UsageError(f"quantize: expected one of {', '.join(QUANTIZE)}, "
                         f"but got {quantize!r}")
    if quantize == "static" and calibrate is None:
        raise UsageError("quantize=\"static\" needs calibrate=: a loader, "
                         "arrays, texts or a path")
    flags = [f"--quantize={quantize}",
             *observer_options(qconfig, quantize), *options]
    if attention is not None:
        flags.append(f"--attention={attention}")
    if target_cpu is not None:
        flags.append(f"--target-cpu={target_cpu}")
    with tempfile.TemporaryDirectory(prefix="tq-") as name:
        work = Path(name)
        source = _source(model, example_inputs, dynamic_shapes, work)
        return _compile(source, flags, calibrate, work, threads, cache,
                        verbose)


def _compile(source: Source, flags: list[str], calibrate: Any, work: Path,
             threads: int, cache: bool, verbose: bool) -> Module:
    paths = [source.path]
    if isinstance(calibrate, Ranges):
        found = _observed(calibrate, source, work, verbose)
        flags = [*flags, f"--calibration={found}", "--smoothing=off",
                 "--bias-correction=off"]
        paths.append(found)
    elif calibrate is not None:
        data = _calibration(calibrate, source, work)
        flags = [*flags, f"--calibrate={data}"]
        paths.append(data)
    if source.config is not None:
        rules = work / "rules.yaml"
        rules.write_text(source.config, encoding="utf-8")
        flags = [*flags, f"--quantize-config={rules}"]
        paths.append(rules)
    if not cache:
        return Module(_make_program(source, flags, work, verbose), threads)
    compiler = find_compiler()
    words = [str(source.inputs), str(source.outputs),
             *(flag.replace(str(work), "") for flag in flags)]
    entry = _cache.Entry(_cache.digest(
        [*paths, compiler, *_runtime(compiler)], words))
    with entry.locked():
        content = entry.find()
        if content is not None:
            return Module(Program.from_bytes(content, source.name), threads)
        program = _make_program(source, flags, work, verbose)
        entry.keep(program.read())
        return Module(program, threads)


def _runtime(compiler: Path) -> list[Path]:
    """What the compiler links into programs."""
    return sorted(compiler.resolve().parent.parent.glob(
        "lib*/**/libtq_*.a"))


# --------------------------------------------------------------------- source

def _source(model: Any, example_inputs: Any, dynamic_shapes: Any,
            work: Path) -> Source:
    if isinstance(model, str | os.PathLike):
        return _path_source(Path(model))
    torch = sys.modules.get("torch")
    if torch is None:
        raise UsageError("model: expected a module of torch or a path, but "
                         f"got a value of type {type(model).__name__}")
    from . import _export
    if isinstance(model, torch.export.ExportedProgram):
        exported = _export.describe(model)
        return _save(exported, "the exported program", work)
    if isinstance(model, Module):
        raise UsageError("the module is compiled already")
    if not isinstance(model, torch.nn.Module):
        raise UsageError("model: expected a module of torch, an exported "
                         "program or a path, but got a value of type "
                         f"{type(model).__name__}")
    if example_inputs is None:
        raise UsageError("a module needs example_inputs=: arguments of a call")
    return _module_source(model, example_inputs, dynamic_shapes, work)


def _module_source(model: Any, example_inputs: Any, dynamic_shapes: Any,
                   work: Path) -> Source:
    from . import _export, _regions
    with _regions.marked(model):
        exported = _export.export(model, example_inputs, dynamic_shapes)
    config = _regions.rules(exported.program)
    source = _save(exported, type(model).__name__, work)
    source.config = config
    return source


def _save(exported: Exported, name: str, work: Path) -> Source:
    import torch
    safe = "".join(c for c in name if c.isalnum() or c in "-_.") or "model"
    path = work / f"{safe}.pt2"
    torch.export.save(exported.program, path)
    return Source(path, name, exported.inputs, exported.outputs)


def _path_source(path: Path) -> Source:
    """A path; the structure of an archive is that of its names."""
    if not path.exists():
        raise InputError(f"{path}: expected a model, but there is none")
    return Source(path, str(path))


def _calibration(data: Any, source: Source, work: Path) -> Path:
    folder = work / "calibration"
    folder.mkdir()
    if source.inputs is None:
        if not isinstance(data, str | os.PathLike):
            data = list(data)
            if not all(isinstance(item, str | dict) for item in data):
                raise InputError("calibrate: for a model that is a path, "
                                 "expected texts, a path, or dictionaries of "
                                 "arrays by name")
        names = sorted({name for item in data if isinstance(item, dict)
                        for name in item}) if isinstance(data, list) else []
        arguments = {name: {"leaf": i} for i, name in enumerate(names)}
        return write_calibration(data, folder, arguments, names, 0)
    return write_calibration(data, folder, source.inputs,
                             _leaf_names(source.inputs),
                             len(source.inputs))


def _observed(ranges: Ranges, source: Source, work: Path,
              verbose: bool) -> Path:
    """A calibration file with the ranges of observers of torch: what the
    compiler observes in a sample, then its ranges in place of the sample's."""
    from . import _observers
    args, kwargs = ranges.sample
    data = _calibration([kwargs or args], source, work)
    found = work / "found.json"
    flags = ["--quantize=static", f"--calibrate={data}",
             f"--save-calibration={found}", "--stop-after=calibrate"]
    _run_compiler(source, work / "calibrated.mlirbc", flags, work, verbose)
    missing = _observers.rewrite(found, ranges)
    if missing:
        warnings.warn("no observer has seen what these layers read, so their "
                      "ranges are of the sample alone: "
                      f"{', '.join(missing)}", stacklevel=6)
    return found


def _leaf_names(arguments: dict[str, _structure.Structure]) -> list[str]:
    """Names that the compiler gives inputs: of the argument, and for nested
    ones of the way to it, as torch.export writes them."""
    names = dict(leaf for name, structure in arguments.items()
                 for leaf in _structure.paths(structure, name))
    return [names[i] for i in sorted(names)]


# ------------------------------------------------------------------- compiler

def _run_compiler(source: Source, output: Path, flags: list[str], work: Path,
                  verbose: bool) -> str:
    """Runs tq-compile; what it says on stdout."""
    command = [str(find_compiler()), str(source.path), "-o", str(output),
               *flags]
    done = subprocess.run(command, capture_output=True, text=True,
                          errors="replace", check=False)
    if verbose:
        sys.stderr.write(done.stderr + done.stdout)
    if done.returncode != 0:
        raise CompileError(_message(done, source, work), done.returncode)
    return done.stdout


def _make_program(source: Source, flags: list[str], work: Path,
                  verbose: bool) -> Program:
    output = work / "program.so"
    report = _run_compiler(source, output,
                           ["--emit=so", "--no-golden", *flags], work, verbose)
    data: dict[str, Any] = {
        "compiled": {
            "quantize": _quantize(flags),
            "options": [flag.replace(f"{work}/", "") for flag in flags],
            "report": report.replace(str(output), source.name)}}
    if source.inputs is not None:
        data |= {"inputs": source.inputs, "outputs": source.outputs}
    return Program.from_bytes(_container.join(output.read_bytes(), data),
                              source.name)


def _quantize(flags: list[str]) -> str:
    return next(flag.partition("=")[2] for flag in flags
                if flag.startswith("--quantize="))


def _message(done: subprocess.CompletedProcess[str], source: Source,
             work: Path) -> str:
    """The compiler's error, with names that the user knows."""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error: " in line] or lines
    if not errors:
        return f"the compiler ended with exit code {done.returncode}"
    text = errors[0].replace(str(source.path), source.name)
    for prefix in ("tq-compile: ", "error: "):
        text = text.removeprefix(prefix)
    return text.replace(f"{work}/", "")
