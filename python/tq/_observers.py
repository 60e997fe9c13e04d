# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules that `torch.ao.quantization.prepare` made and a user calibrated:
the float module that they were, and the ranges that their observers saw.

Torch observes what modules give, the compiler what its layers read. The two
are matched by what they see of one batch: the least and the largest value of
each channel.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import torch

from ._errors import InputError
from ._samples import Ranges

# How far the ends of a channel may be apart, of the largest magnitude.
_TOLERANCE = 1e-3
# Rows that a value seems to have seen: enough not to be widened or warned of.
_ROWS = 4096
_BINS = 1024


@dataclasses.dataclass(frozen=True)
class Observed:
    """What one observer says of a value.

    `low`, `high`: of each channel, in the sample; `least`, `largest`: the
    range that the observer chose from all that it saw.
    """
    name: str
    low: torch.Tensor
    high: torch.Tensor
    least: float
    largest: float


# Where torch keeps an observer in the module that it observes.
_PLACE = "activation_post_process"


def _observers(model: torch.nn.Module) -> dict[str, Any]:
    return {name: getattr(part, _PLACE) for name, part
            in model.named_modules()
            if hasattr(getattr(part, _PLACE, None), "calculate_qparams")}


def is_prepared(model: torch.nn.Module) -> bool:
    """Whether torch has put observers in."""
    return bool(_observers(model))


def restore(prepared: torch.nn.Module) -> torch.nn.Module:
    """The float module that was prepared, with its present weights."""
    model = copy.deepcopy(prepared)
    for part in list(model.modules()):
        _unobserve(part)
        for name, child in list(part.named_children()):
            if _is_quantizable_attention(child):
                setattr(part, name, _float_attention(child))
    return model


def _unobserve(part: torch.nn.Module) -> None:
    if not hasattr(part, _PLACE):
        return
    delattr(part, _PLACE)
    for hooks in (part._forward_hooks, part._forward_pre_hooks):
        for key, hook in list(hooks.items()):
            if "observer" in getattr(hook, "__name__", ""):
                del hooks[key]


def _is_quantizable_attention(part: torch.nn.Module) -> bool:
    return (isinstance(part, torch.nn.MultiheadAttention)
            and hasattr(part, "linear_Q"))


def _float_attention(part: Any) -> torch.nn.MultiheadAttention:
    """Of torch's quantizable attention, whose three linears are apart."""
    bias = part.linear_Q.bias is not None
    made = torch.nn.MultiheadAttention(
        part.embed_dim, part.num_heads, dropout=part.dropout, bias=bias,
        add_bias_kv=part.bias_k is not None, add_zero_attn=part.add_zero_attn,
        kdim=part.kdim, vdim=part.vdim, batch_first=part.batch_first)
    linears = [part.linear_Q, part.linear_K, part.linear_V]
    with torch.no_grad():
        if made.in_proj_weight is not None:
            made.in_proj_weight.copy_(torch.cat([x.weight for x in linears]))
        else:
            for own, linear in zip((made.q_proj_weight, made.k_proj_weight,
                                    made.v_proj_weight), linears,
                                   strict=True):
                own.copy_(linear.weight)
        if made.in_proj_bias is not None:
            made.in_proj_bias.copy_(torch.cat([x.bias for x in linears]))
        made.out_proj.load_state_dict({
            name: value for name, value in part.out_proj.state_dict().items()
            if _PLACE not in name})
        for name in ("bias_k", "bias_v"):
            if getattr(part, name) is not None:
                getattr(made, name).copy_(getattr(part, name))
    return made.train(part.training)


def observe(prepared: torch.nn.Module, args: tuple[Any, ...],
            kwargs: dict[str, Any]) -> Ranges:
    """What the observers of a calibrated module say.

    Args:
        args, kwargs: a sample; it has no part in the ranges.

    Raises:
        InputError: no observer has seen anything.
    """
    model = copy.deepcopy(prepared).eval()
    chosen = {name: _range_of(observer)
              for name, observer in _observers(model).items()
              if _has_seen(observer)}
    if not chosen:
        raise InputError("the observers have seen nothing: run the prepared "
                         "module over data before convert")
    seen: dict[str, torch.Tensor] = {}
    for name, observer in _observers(model).items():
        observer.forward = _recorder(name, seen)
    with torch.no_grad():
        model(*args, **kwargs)
    found = []
    for name in chosen.keys() & seen.keys():
        value = seen[name]
        rows = value.reshape(-1, value.shape[-1])
        found.append(Observed(name, rows.amin(0), rows.amax(0),
                              *chosen[name]))
    return Ranges(found, (args, kwargs))


def _recorder(name: str, seen: dict[str, torch.Tensor]) -> Any:
    def forward(value: torch.Tensor) -> torch.Tensor:
        if value.is_floating_point() and value.dim() and name not in seen:
            seen[name] = value.detach().float()
        return value
    return forward


def _has_seen(observer: Any) -> bool:
    low = getattr(observer, "min_val", None)
    return low is None or (low.numel() > 0
                           and not bool(torch.isinf(low).any()))


def _range_of(observer: Any) -> tuple[float, float]:
    """The ends of an observer's integers, as numbers."""
    scale, zero = observer.calculate_qparams()
    scale, zero = float(scale.max()), int(zero.flatten()[0])
    return ((observer.quant_min - zero) * scale,
            (observer.quant_max - zero) * scale)


# ---------------------------------------------------------------- calibration

def rewrite(path: Path, ranges: Ranges) -> list[str]:
    """Puts the observers' ranges in a calibration file, which the sample
    made; names of values that no observer has seen."""
    data = json.loads(path.read_text())
    missing = []
    for value in data["values"]:
        found = _match(value, ranges.observed)
        if found is None:
            missing.append(value["name"])
        else:
            _set_range(value, *found)
    path.write_text(json.dumps(data))
    return missing


def _match(value: dict[str, Any], observed: list[Observed],
           ) -> tuple[float, float] | None:
    """The range of a value, or of what a ReLU made of an observed one."""
    low, high = torch.tensor(value["low"]), torch.tensor(value["high"])
    best: tuple[float, tuple[float, float]] | None = None
    for each in observed:
        if each.low.shape != low.shape:
            continue
        zero = torch.zeros(())
        for ends, chosen in (
                ((each.low, each.high), (each.least, each.largest)),
                ((each.low.maximum(zero), each.high.maximum(zero)),
                 (0.0, max(each.largest, 0.0)))):
            error = float(((ends[0] - low).abs().max()
                           + (ends[1] - high).abs().max())
                          / max(float(high.abs().max()),
                                float(low.abs().max()), 1e-30))
            if error < _TOLERANCE and (best is None or error < best[0]):
                best = error, chosen
    return best[1] if best else None


def _set_range(value: dict[str, Any], least: float, largest: float) -> None:
    channels = len(value["low"])
    value["low"], value["high"] = [least] * channels, [largest] * channels
    value["mean"] = [(least + largest) / 2] * channels
    value["average"] = [least, largest]
    value["rows"] = _ROWS
    spread = max(largest - least, 2.0 ** -100)
    width = 2.0 ** math.ceil(math.log2(spread / _BINS))
    first = math.floor(least / width)
    bins = math.floor(largest / width) - first + 1
    counts = [0] * bins
    counts[0] = _ROWS * channels // 2
    counts[-1] += _ROWS * channels - _ROWS * channels // 2
    value["histogram"] = {"width": width, "first": first,
                          "range": [least, largest], "counts": counts}
