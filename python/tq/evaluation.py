# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Accuracy, latency and memory of a model over a data set."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import Any

import numpy as np

from ._errors import InputError
from ._metrics import Meter, Metric, check_labels, make_meter, name_of
from ._progress import progress
from ._samples import parameters_of, required_of, split_batch, to_numpy
from .module import Module

_WARM_UP = 2  # calls of the first batch that do not count


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a model did over a data set.

    Attributes:
        metric, value: what was measured of its results.
        items: rows of all batches.
        mean, p50, p90, p99: milliseconds of a call, which is a batch.
        items_per_second: while calls were under way.
        weight_bytes: of weights; None: not known.
        arena_bytes: of intermediate results, of programs of tq.
        peak_bytes: resident memory of the process at its peak.
    """
    metric: str
    value: float
    items: int
    mean: float
    p50: float
    p90: float
    p99: float
    items_per_second: float
    weight_bytes: int | None
    arena_bytes: int | None
    peak_bytes: int

    def __str__(self) -> str:
        return "\n".join(f"{name:12} {text}" for name, text in (
            (self.metric, f"{self.value:.4f}  ({self.items} items)"),
            ("latency", f"mean {self.mean:.3f} ms, P50 {self.p50:.3f}, "
                        f"P90 {self.p90:.3f}, P99 {self.p99:.3f}"),
            ("throughput", f"{self.items_per_second:.1f} items/s"),
            ("memory", f"weights {megabytes(self.weight_bytes)}, arena "
                       f"{megabytes(self.arena_bytes)}, peak of the process "
                       f"{megabytes(self.peak_bytes)}")))


def megabytes(count: int | None) -> str:
    """For tables."""
    return "-" if count is None else f"{count / 1e6:.2f} MB"


def peak_bytes() -> int:
    """Of this process. Not ru_maxrss, which a process inherits."""
    with open("/proc/self/status", encoding="ascii") as file:
        return int(file.read().partition("VmHWM:")[2].split()[0]) * 1024


def evaluate(model: Callable[..., Any], data: Iterable[Any],
             metric: Metric = "accuracy", *,
             show_progress: bool | None = None) -> Evaluation:
    """Runs a model over a data set.

    Args:
        model: a tq.Module, a module of torch, or a function.
        data: batches with labels: `(input, label)`, `(a, b, label)`,
            `((a, b), label)`, or dictionaries whose keys are arguments of the
            model, and one more, the label.
        metric: "accuracy" of scores of classes, "f1" (of class 1, or the mean
            of more than two classes), "spearman", "perplexity", or a function
            of all outputs and all labels, arrays of numpy. Labels of -100 do
            not count.
        show_progress: None: if it takes long and stderr is a terminal.

    Raises:
        InputError: no data, labels that are missing or no numbers.
        Error: a metric of yours failed.
    """
    return evaluate_all({"model": model}, data, metric,
                        show_progress=show_progress)["model"]


def evaluate_all(models: Mapping[str, Callable[..., Any]], data: Iterable[Any],
                 metric: Metric, *, show_progress: bool | None = None,
                 ) -> dict[str, Evaluation]:
    """The same of several models in turn, batch by batch: what else the
    machine does meets all of them."""
    runs = {name: _Run(model, make_meter(metric))
            for name, model in models.items()}
    length = len(data) if isinstance(data, Sized) else None
    with progress(length, "batches", show_progress) as advance, _no_grad():
        for number, batch in enumerate(data):
            names = list(runs)
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                runs[name].add(batch)
            advance(1)
    return {name: run.result(name_of(metric)) for name, run in runs.items()}


@contextlib.contextmanager
def _no_grad() -> Iterator[None]:
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    with torch.no_grad():
        yield


class _Run:
    """One model's way through the data."""

    def __init__(self, model: Callable[..., Any], meter: Meter) -> None:
        self._model = model
        self._meter = meter
        self._names = parameters_of(model)
        self._required = required_of(model)
        self._seconds: list[float] = []
        self._items = 0

    def add(self, batch: Any) -> None:
        """Runs a batch."""
        args, kwargs, labels = split_batch(batch, self._names, self._required)
        if labels is None:
            raise InputError("data: expected batches with labels, but got "
                             "inputs alone")
        right = check_labels(to_numpy(labels))
        for _ in range(0 if self._seconds else _WARM_UP):
            self._model(*args, **kwargs)
        start = time.perf_counter()
        output = self._model(*args, **kwargs)
        self._seconds.append(time.perf_counter() - start)
        self._items += len(right) if right.ndim else 1
        self._meter.add(to_numpy(first_of(output)), right)

    def result(self, metric: str) -> Evaluation:
        """Of all batches."""
        if not self._seconds:
            raise InputError("data: expected batches, but the loader yields "
                             "nothing")
        times = np.array(self._seconds) * 1e3
        p50, p90, p99 = np.percentile(times, [50, 90, 99]).tolist()
        return Evaluation(
            metric=metric, value=self._meter.value(), items=self._items,
            mean=float(times.mean()), p50=p50, p90=p90, p99=p99,
            items_per_second=self._items / sum(self._seconds),
            weight_bytes=weights_of(self._model),
            arena_bytes=getattr(self._model, "arena_bytes", None),
            peak_bytes=peak_bytes())


def first_of(output: Any) -> Any:
    """The scores of a result: `logits`, or what comes first."""
    if isinstance(output, Mapping):
        return output["logits"] if "logits" in output else next(
            iter(output.values()))
    if hasattr(output, "logits"):
        return output.logits
    return output[0] if isinstance(output, tuple | list) else output


def weights_of(model: Any) -> int | None:
    """Bytes of a model's weights; packed ones of torch, too."""
    if isinstance(model, Module):
        return model.weight_bytes
    if not hasattr(model, "state_dict"):
        return None
    return sum(map(_bytes_of, model.state_dict().values()))


def _bytes_of(value: Any) -> int:
    if isinstance(value, tuple | list):
        return sum(map(_bytes_of, value))
    size = getattr(value, "element_size", None)
    return value.numel() * size() if size else 0
