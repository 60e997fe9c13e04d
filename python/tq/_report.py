# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tables and plots of a comparison, as text and as HTML without scripts."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Sequence

_STYLE = """
.tq { font: 14px/1.5 system-ui, sans-serif; color: #1c2330; }
.tq h2 { font-size: 18px; margin: 0 0 12px; }
.tq table { border-collapse: collapse; margin: 0 0 24px; }
.tq th, .tq td { padding: 4px 12px; text-align: right;
  border-bottom: 1px solid #d8dde6; white-space: nowrap; }
.tq th { font-weight: 600; border-bottom: 2px solid #8892a4; }
.tq th:first-child, .tq td:first-child { text-align: left; }
.tq td.failed { color: #b02a2a; text-align: left; white-space: normal; }
.tq .plots { display: flex; flex-wrap: wrap; gap: 24px; }
"""
_COLORS = ("#8892a4", "#5a6475", "#3b7dd8", "#d8843b", "#2f9e6e", "#a04bb5")
_WIDTH, _HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 16, 16, 46


@dataclasses.dataclass(frozen=True)
class Point:
    """A scheme in the plots: metric, milliseconds of P50, megabytes."""
    name: str
    value: float
    latency: float
    weights: float


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width; an error runs over the columns behind it."""
    whole = [row for row in rows if len(row) < 3 or any(row[2:])]
    widths = [max(len(row[i]) for row in (header, *whole))
              for i in range(len(header))]
    widths[0] = max(widths[0], *(len(row[0]) for row in rows)) if rows else (
        widths[0])

    def line(row: Sequence[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        if row not in whole and row is not header:
            return f"{cells[0]}  {row[1]}"
        cells += [cell.rjust(width) for cell, width
                  in zip(row[1:], widths[1:], strict=True)]
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([line(header), rule, *map(line, rows)])


def page(title: str, body: str) -> str:
    """A page of its own."""
    return ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
            "<meta charset=\"utf-8\">\n"
            f"<title>{html.escape(title)}</title>\n"
            "<style>body { margin: 32px; background: #fff; }</style>\n"
            f"</head>\n<body>\n{body}\n</body>\n</html>\n")


def section(title: str, header: Sequence[str], rows: Sequence[Sequence[str]],
            metric: str, less_is_better: bool, points: Sequence[Point]) -> str:
    """A table, and plots of the metric over latency and weights."""
    better = "lower" if less_is_better else "higher"
    plots = "" if not points else (
        "<div class=\"plots\">"
        + _plot(f"{metric} ({better} is better)", "P50 of a batch, ms",
                [(p.name, p.latency, p.value) for p in points])
        + _plot(f"{metric} ({better} is better)", "weights, MB",
                [(p.name, p.weights, p.value) for p in points])
        + "</div>")
    return (f"<div class=\"tq\"><style>{_STYLE}</style>"
            f"<h2>{html.escape(title)}</h2>{_table(header, rows)}{plots}"
            "</div>")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["<table><tr>" + "".join(f"<th>{html.escape(cell)}</th>"
                                     for cell in header) + "</tr>"]
    for row in rows:
        if any(row[2:]):
            cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
        else:
            cells = (f"<td>{html.escape(row[0])}</td><td class=\"failed\" "
                     f"colspan=\"{len(header) - 1}\">{html.escape(row[1])}"
                     "</td>")
        lines.append(f"<tr>{cells}</tr>")
    return "".join(lines) + "</table>"


# ---------------------------------------------------------------------- plots

def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers between two."""
    step = 10 ** math.floor(math.log10((high - low) / 4))
    for factor in (1, 2, 5, 10):
        if (high - low) / (step * factor) <= 6:
            step *= factor
            break
    first = math.ceil(low / step)
    return [i * step for i in range(first, math.floor(high / step) + 1)]


def _span(values: Sequence[float], from_zero: bool) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    if from_zero:
        low = 0.0
    room = (high - low) * 0.12 or abs(high) * 0.01 or 1.0
    return (low if from_zero else low - room), high + room


def _plot(y_title: str, x_title: str,
          points: Sequence[tuple[str, float, float]]) -> str:
    x_low, x_high = _span([x for _, x, _ in points], from_zero=True)
    y_low, y_high = _span([y for *_, y in points], from_zero=False)

    def place(x: float, y: float) -> tuple[float, float]:
        return (_LEFT + (x - x_low) / (x_high - x_low)
                * (_WIDTH - _LEFT - _RIGHT),
                _HEIGHT - _BOTTOM - (y - y_low) / (y_high - y_low)
                * (_HEIGHT - _TOP - _BOTTOM))

    parts = [f'<svg width="{_WIDTH}" height="{_HEIGHT}" '
             f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
             f'aria-label="{html.escape(y_title)} over '
             f'{html.escape(x_title)}" font-family="system-ui, sans-serif" '
             'font-size="11" fill="#1c2330">']
    parts += _axes(place, (x_low, x_high), (y_low, y_high), x_title, y_title)
    taken: list[tuple[float, float]] = []
    for i, (name, x, y) in enumerate(points):
        if math.isfinite(x) and math.isfinite(y):
            parts += _mark(name, *place(x, y), _COLORS[i % len(_COLORS)],
                           taken)
    return "".join(parts) + "</svg>"


def _axes(place: object, x_span: tuple[float, float],
          y_span: tuple[float, float], x_title: str, y_title: str,
          ) -> list[str]:
    assert callable(place)
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for tick in _ticks(*x_span):
        x, _ = place(tick, y_span[0])
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" '
                     f'y2="{bottom}" stroke="#e7eaf0"/>'
                     f'<text x="{x:.1f}" y="{bottom + 16}" '
                     f'text-anchor="middle">{tick:g}</text>')
    for tick in _ticks(*y_span):
        _, y = place(x_span[0], tick)
        parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" '
                     f'y2="{y:.1f}" stroke="#e7eaf0"/>'
                     f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" '
                     f'text-anchor="end">{tick:.4g}</text>')
    middle = (_TOP + bottom) / 2
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" '
                 'stroke="#8892a4"/>'
                 f'<text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 10}" '
                 f'text-anchor="middle">{html.escape(x_title)}</text>'
                 f'<text transform="translate(14 {middle}) rotate(-90)" '
                 f'text-anchor="middle">{html.escape(y_title)}</text>')
    return parts


def _mark(name: str, x: float, y: float, color: str,
          taken: list[tuple[float, float]]) -> list[str]:
    """A point and its name, moved down where another name is."""
    left = x > _WIDTH * 0.6
    text_y = y + 4
    while any(abs(text_y - other_y) < 12 and abs(x - other_x) < 150
              for other_x, other_y in taken):
        text_y += 12
    taken.append((x, text_y))
    return [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>',
            f'<text x="{x + (-9 if left else 9):.1f}" y="{text_y:.1f}" '
            f'text-anchor="{"end" if left else "start"}">'
            f'{html.escape(name)}</text>']
