# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Metrics of predictions, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ._errors import Error, InputError, UsageError

# Of a label that does not count, as torch's losses have it.
IGNORED = -100
Metric = str | Callable[[np.ndarray, np.ndarray], float]


class Meter(Protocol):
    """Adds up one metric."""

    def add(self, output: np.ndarray, labels: np.ndarray) -> None:
        """A batch: scores or values, and what is right."""

    def value(self) -> float:
        """Of all batches."""


def make_meter(metric: Metric) -> Meter:
    """A meter of a metric's name, or of a function of all outputs and all
    labels."""
    if callable(metric):
        return _Function(metric)
    if metric not in METRICS:
        raise UsageError(f"metric: expected one of {', '.join(METRICS)} or a "
                         f"function, but got {metric!r}")
    return METRICS[metric]()


def name_of(metric: Metric) -> str:
    """For tables."""
    return metric if isinstance(metric, str) else getattr(
        metric, "__name__", type(metric).__name__)


def check_labels(labels: Any) -> np.ndarray:
    """Labels as an array of numbers."""
    array = np.asarray(labels)
    if array.dtype.kind not in "biuf":
        raise InputError("labels: expected numbers, but got "
                         f"{array.dtype}")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise InputError("labels: expected numbers, but got NaN in row "
                         f"{int(np.argwhere(np.isnan(array))[0][0])}")
    return array


def _classes(output: np.ndarray, labels: np.ndarray,
             ) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and right classes, without those that do not count."""
    if output.shape in (labels.shape, (*labels.shape, 1)):
        # The score of one class, against none.
        predicted = (output.reshape(labels.shape) > 0).astype(np.int64)
    elif output.ndim == labels.ndim + 1:
        predicted = output.argmax(-1)
    else:
        raise InputError(f"labels: expected the shape {output.shape[:-1]} of "
                         "a score for each class, but got "
                         f"{labels.shape}")
    if predicted.shape != labels.shape:
        raise InputError(f"labels: expected the shape {predicted.shape}, but "
                         f"got {labels.shape}")
    counts = labels != IGNORED
    return predicted[counts], labels[counts].astype(np.int64)


class _Accuracy:
    """The share of labels that are predicted."""

    def __init__(self) -> None:
        self._right = self._total = 0

    def add(self, output: np.ndarray, labels: np.ndarray) -> None:
        """See Meter."""
        predicted, right = _classes(output, labels)
        self._right += int((predicted == right).sum())
        self._total += right.size

    def value(self) -> float:
        """See Meter."""
        return self._right / self._total if self._total else float("nan")


class _F1:
    """Of two classes that of class 1, of more the mean of all classes'."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[int, int], int] = {}

    def add(self, output: np.ndarray, labels: np.ndarray) -> None:
        """See Meter."""
        pairs, counts = np.unique(np.stack(_classes(output, labels)), axis=1,
                                  return_counts=True)
        for (predicted, right), count in zip(pairs.T.tolist(),
                                             counts.tolist(), strict=True):
            key = predicted, right
            self._pairs[key] = self._pairs.get(key, 0) + count

    def value(self) -> float:
        """See Meter."""
        classes = sorted({each for pair in self._pairs for each in pair})
        chosen = [1] if set(classes) <= {0, 1} else classes
        scores = []
        for each in chosen:
            hits = self._pairs.get((each, each), 0)
            total = sum(count * ((predicted == each) + (right == each))
                        for (predicted, right), count in self._pairs.items())
            scores.append(2 * hits / total if total else 0.0)
        return float(np.mean(scores)) if scores else float("nan")


class _Perplexity:
    """exp of the mean of -log of the probability of the label."""

    def __init__(self) -> None:
        self._loss, self._total = 0.0, 0

    def add(self, output: np.ndarray, labels: np.ndarray) -> None:
        """See Meter."""
        if output.ndim != labels.ndim + 1 or output.shape[:-1] != labels.shape:
            raise InputError("labels: expected the shape "
                             f"{output.shape[:-1]}, but got {labels.shape}")
        counts = labels != IGNORED
        scores = output[counts].astype(np.float64)
        right = labels[counts].astype(np.int64)
        if right.size and not 0 <= right.min() <= right.max() < (
                output.shape[-1]):
            raise InputError("labels: expected classes below "
                             f"{output.shape[-1]}, but got "
                             f"{right.min()} to {right.max()}")
        scores -= scores.max(-1, keepdims=True)
        logs = scores[np.arange(right.size), right] - np.log(
            np.exp(scores).sum(-1))
        self._loss -= float(logs.sum())
        self._total += right.size

    def value(self) -> float:
        """See Meter."""
        return float(np.exp(self._loss / self._total)) if self._total else (
            float("nan"))


class _All:
    """Keeps all, for what cannot be added up."""

    def __init__(self) -> None:
        self._outputs: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def add(self, output: np.ndarray, labels: np.ndarray) -> None:
        """See Meter."""
        self._outputs.append(output.copy())
        self._labels.append(labels)

    def _joined(self) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate(self._outputs), np.concatenate(self._labels)


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 0; equal values have the mean of their places."""
    _, inverse, counts = np.unique(values, return_inverse=True,
                                   return_counts=True)
    ends = counts.cumsum()
    return (ends - (counts + 1) / 2)[inverse]


class _Spearman(_All):
    """The correlation of ranks."""

    def value(self) -> float:
        """See Meter."""
        outputs, labels = self._joined()
        if outputs.size != labels.size:
            raise InputError("labels: expected one number an item, but got "
                             f"{labels.shape} for outputs of {outputs.shape}")
        x, y = _ranks(outputs.ravel()), _ranks(labels.ravel())
        x, y = x - x.mean(), y - y.mean()
        scale = np.sqrt((x * x).sum() * (y * y).sum())
        return float((x * y).sum() / scale) if scale else float("nan")


class _Function(_All):
    """A function of the user's."""

    def __init__(self, function: Callable[[np.ndarray, np.ndarray], float],
                 ) -> None:
        super().__init__()
        self._function = function

    def value(self) -> float:
        """See Meter."""
        try:
            return float(self._function(*self._joined()))
        except Exception as error:
            raise Error(f"the metric {name_of(self._function)} failed: "
                        f"{type(error).__name__}: {error}") from error


METRICS: dict[str, Callable[[], Meter]] = {
    "accuracy": _Accuracy,
    "f1": _F1,
    "spearman": _Spearman,
    "perplexity": _Perplexity,
}
# Of which less is better.
LESS_IS_BETTER = ("perplexity",)
