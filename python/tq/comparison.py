# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantizations of a module side by side: accuracy, latency, memory."""

from __future__ import annotations

import concurrent.futures
import contextlib
import copy
import dataclasses
import io
import multiprocessing
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import _report
from ._errors import Error, InputError, UsageError, require
from ._metrics import LESS_IS_BETTER, Metric, name_of
from ._samples import parameters_of, required_of, split_batch, to_numpy
from .compiler import compile as tq_compile
from .evaluation import Evaluation, evaluate_all, megabytes, peak_bytes
from .module import Module

# What a scheme means: options of tq.compile, None: the module itself.
SCHEMES: dict[str, dict[str, Any] | None] = {
    "PyTorch float": None,
    "PyTorch dynamic": None,
    "tq float": {"quantize": "none"},
    "tq dynamic": {"quantize": "dynamic"},
    "tq dynamic, attention int8": {"quantize": "dynamic", "attention": "int8"},
    "tq static": {"quantize": "static"},
}
DEFAULT_SCHEMES = ("PyTorch float", "PyTorch dynamic", "tq float",
                   "tq dynamic", "tq static")


@dataclasses.dataclass(frozen=True)
class Row:
    """One scheme: what it did, or why it could not be had."""
    scheme: str
    result: Evaluation | None
    error: str | None = None
    peak_bytes: int | None = None
    """Resident memory at its peak of a process that does nothing else, its
    Python included; None: could not be measured."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What `compare` found: a table for `print`, notebooks, pandas, HTML."""
    model: str
    metric: str
    rows: tuple[Row, ...]

    columns = ("scheme", "{metric}", "mean ms", "P50 ms", "P90 ms", "P99 ms",
               "items/s", "weights", "arena", "peak")

    def _header(self) -> list[str]:
        return [column.format(metric=self.metric) for column in self.columns]

    def _cells(self, row: Row) -> list[str]:
        result = row.result
        if result is None:
            return [row.scheme, f"failed: {row.error}",
                    *[""] * (len(self.columns) - 2)]
        return [row.scheme, f"{result.value:.4f}", f"{result.mean:.3f}",
                f"{result.p50:.3f}", f"{result.p90:.3f}", f"{result.p99:.3f}",
                f"{result.items_per_second:.0f}",
                megabytes(result.weight_bytes), megabytes(result.arena_bytes),
                megabytes(row.peak_bytes)]

    def __str__(self) -> str:
        return _report.text_table(self._header(),
                                  [self._cells(row) for row in self.rows])

    def __getitem__(self, scheme: str) -> Evaluation:
        """What a scheme did.

        Raises:
            KeyError: there is no such row, or it failed.
        """
        for row in self.rows:
            if row.scheme == scheme and row.result is not None:
                return row.result
        raise KeyError(scheme)

    def to_pandas(self) -> Any:
        """A data frame: a row for each scheme, numbers in the units of
        Evaluation."""
        pandas = require("pandas", "to_pandas")
        return pandas.DataFrame([
            {"scheme": row.scheme,
             **({field.name: getattr(row.result, field.name)
                 for field in dataclasses.fields(Evaluation)}
                if row.result else {}),
             "peak_bytes": row.peak_bytes, "error": row.error}
            for row in self.rows]).set_index("scheme")

    def _repr_html_(self) -> str:
        """In a notebook: the table and the plots."""
        points = [_report.Point(row.scheme, row.result.value, row.result.p50,
                                (row.result.weight_bytes or 0) / 1e6)
                  for row in self.rows if row.result]
        return _report.section(
            f"{self.model}: {self.metric}, latency and memory",
            self._header(), [self._cells(row) for row in self.rows],
            self.metric, self.metric in LESS_IS_BETTER, points)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page of its own, with plots of the metric over latency and over
        weights; written to `path`, too."""
        page = _report.page(self.model, self._repr_html_())
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page


def compare(module: Any, data: Iterable[Any], *,
            schemes: Sequence[str] = DEFAULT_SCHEMES,
            metric: Metric = "accuracy", example_inputs: Any = None,
            calibrate: Any = None, threads: int = 1,
            show_progress: bool | None = None, **options: Any) -> Comparison:
    """Runs a module of torch over a data set as it is and in int8.

    All schemes run each batch in turn, with the same number of threads.

    Args:
        module: of torch, in float.
        data: a list or loader of batches with labels, see tq.evaluate.
        schemes: of tq.comparison.SCHEMES.
        metric: see tq.evaluate.
        example_inputs: see tq.compile; None: the first batch.
        calibrate: see tq.compile; None: `data`.
        threads: of each engine.
        options: more of tq.compile.

    Returns:
        a row for each scheme. What cannot be compiled is a row with the
        reason.
    """
    unknown = [scheme for scheme in schemes if scheme not in SCHEMES]
    if unknown:
        raise UsageError(f"schemes: expected some of {', '.join(SCHEMES)}, "
                         f"but got {unknown[0]!r}")
    if not hasattr(data, "__len__"):
        data = list(data)
    first = next(iter(data), None)
    if first is None:
        raise InputError("data: expected batches, but the loader yields "
                         "nothing")
    args, kwargs, _ = split_batch(first, parameters_of(module),
                                  required_of(module))
    options.setdefault("example_inputs", kwargs or args if (
        example_inputs is None) else example_inputs)
    made: dict[str, Any] = {}
    errors: dict[str, str] = {}
    with _torch_threads(threads):
        for scheme in schemes:
            try:
                model = _make(scheme, module, threads, options,
                              data if calibrate is None else calibrate)
                model(*args, **kwargs)
                made[scheme] = model
            except Exception as error:  # torch raises errors of all kinds
                errors[scheme] = _reason(error)
        results = evaluate_all(made, data, metric, show_progress=show_progress
                               ) if made else {}
    return Comparison(type(module).__name__, name_of(metric), tuple(
        Row(scheme, results.get(scheme), errors.get(scheme),
            _peak_alone(made[scheme], args, kwargs) if scheme in made
            else None) for scheme in schemes))


def _reason(error: Exception) -> str:
    line = str(error).strip().splitlines()
    text = line[0] if line else ""
    return text if isinstance(error, Error) else (
        f"{type(error).__name__}: {text}")


def _make(scheme: str, module: Any, threads: int, options: dict[str, Any],
          calibrate: Any) -> Callable[..., Any]:
    """A model of a scheme."""
    chosen = SCHEMES[scheme]
    if chosen is not None:
        chosen = dict(chosen)
        if chosen["quantize"] == "static":
            chosen["calibrate"] = calibrate
        model: Callable[..., Any] = tq_compile(
            module, threads=threads, **{**options, **chosen})
        return model
    model = copy.deepcopy(module).eval()
    return _torch_dynamic(model) if scheme == "PyTorch dynamic" else model


def _torch_dynamic(module: Any) -> Any:
    """With those linears in int8 that torch quantizes."""
    import torch
    quantized = torch.ao.quantization
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Its fast path of attention reads float weights of quantized layers.
        torch.backends.mha.set_fastpath_enabled(False)
        return quantized.quantize_dynamic(module, {torch.nn.Linear},
                                          dtype=torch.qint8)


@contextlib.contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    import torch
    before, fast = (torch.get_num_threads(),
                    torch.backends.mha.get_fastpath_enabled())
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.backends.mha.set_fastpath_enabled(fast)


# --------------------------------------------------------------------- memory

def _peak_of_module(saved: bytes) -> int:
    """In a process of its own, which has the script's classes."""
    import torch
    torch.backends.mha.set_fastpath_enabled(False)
    model, args, kwargs = torch.load(io.BytesIO(saved), weights_only=False)
    with torch.no_grad():
        model(*args, **kwargs)
    return peak_bytes()


def _run_program_alone(model: Module, args: Any, kwargs: Any) -> int:
    """The same of a program, whose process imports nothing but tq."""
    given = {**dict(zip(model.arguments, args, strict=False)), **kwargs}
    with tempfile.TemporaryDirectory(prefix="tq-") as name:
        program, inputs = Path(name) / "program", Path(name) / "inputs.npz"
        model.save(program)
        np.savez(inputs, allow_pickle=False,
                 **{key: to_numpy(value) for key, value in given.items()})
        package = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, [
            package, os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, "-m", "tq._peak", str(program), str(inputs)],
            capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": path})
        return int(done.stdout)


def _peak_alone(model: Any, args: Any, kwargs: Any) -> int | None:
    """Peak memory of a fresh process that runs one batch; None where the
    model or its inputs cannot be sent there."""
    try:
        if isinstance(model, Module):
            return _run_program_alone(model, args, kwargs)
        import torch
        saved = io.BytesIO()
        torch.save((model, args, kwargs), saved)
        with concurrent.futures.ProcessPoolExecutor(
                1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_peak_of_module, saved.getvalue()).result()
    except Exception:  # classes of a notebook, guards that scripts lack
        return None
