# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a QConfig of torch means here."""

from __future__ import annotations

from typing import Any

from ._errors import UsageError

# Names of torch's backends. They choose instructions, which tq chooses itself,
# and `reduce_range`, which it does not need: its sums never saturate. So all
# of them mean tq's own ranges.
BACKENDS = ("fbgemm", "x86", "onednn", "qnnpack")

# By the class of an observer of torch, with all that derive from it. That of
# the defaults, HistogramObserver, cuts off peaks, which transformers need: it
# means tq's own default, too.
_OBSERVERS = {
    "HistogramObserver": None,
    "MovingAverageMinMaxObserver": "moving-average",
    "MinMaxObserver": "minmax",
}


def observer_options(qconfig: Any, quantize: str) -> list[str]:
    """Options of the compiler for a QConfig or the name of a backend.

    Raises:
        UsageError: number types or observers that tq does not have.
    """
    if qconfig is None:
        return []
    if isinstance(qconfig, str):
        if qconfig not in BACKENDS:
            raise UsageError(f"qconfig: expected one of {', '.join(BACKENDS)} "
                             f"or a QConfig, but got {qconfig!r}")
        return []
    if not hasattr(qconfig, "activation") or not hasattr(qconfig, "weight"):
        raise UsageError("qconfig: expected the name of a backend or a "
                         "QConfig, but got a value of type "
                         f"{type(qconfig).__name__}")
    activation, weight = qconfig.activation(), qconfig.weight()
    _check_dtype("weight", weight, ("torch.qint8",))
    _check_dtype("activation", activation, ("torch.quint8", "torch.qint8"))
    names = [kind.__name__ for kind in type(activation).__mro__]
    known = [name for name in _OBSERVERS if name in names]
    if not known:
        raise UsageError("qconfig: expected an activation observer of "
                         f"{', '.join(_OBSERVERS)}, but got {names[0]}")
    found = _OBSERVERS[known[0]]
    if found is None or quantize != "static":
        return []
    return [f"--observer={found}"]


def _check_dtype(what: str, observer: Any, expected: tuple[str, ...]) -> None:
    found = str(getattr(observer, "dtype", None))
    if found not in expected:
        raise UsageError(f"qconfig: expected a {what} of "
                         f"{' or '.join(expected)}, but got {found}")
