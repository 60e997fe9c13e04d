#!/usr/bin/env python3
#===- observers_test.py - Statistics and ranges beside numpy ---------------===#
#
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===#
"""Compares what tq-observe says of random values with numpy.

Everything is computed from the values and from docs/Quantization.md. Statistics,
histograms, minmax, moving averages and parameters are equal to the last bit; a
percentile is as good as f32 holds it; the range that a search finds is the same
within a bin, or has the same cost.
"""

import argparse
import math
import pathlib
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
BINS = 2048
MAX = float(np.finfo(np.float32).max)
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)


def run(tool, values, batch, padding, percentile):
    """Name -> list of numbers."""
    output = subprocess.run(
        [tool, str(values.shape[1]), str(batch), str(padding), str(percentile)],
        input=values.astype(np.float32).tobytes(), stdout=subprocess.PIPE,
        check=True).stdout.decode()
    found = {}
    for line in output.splitlines():
        name, *words = line.split()
        found[name] = [float.fromhex(word) if "x" in word else float(word)
                       for word in words]
    return found


#===------------------------------------------------------------------------===#
# What the page says
#===------------------------------------------------------------------------===#

def bin_width(low, high):
    """The smallest power of two with which [low, high] fits."""
    for exponent in range(-120, 128):
        width = 2.0 ** exponent
        first, last = math.floor(low / width), math.floor(high / width)
        if last - first < BINS and -first <= 2 ** 24 and last <= 2 ** 24:
            return width
    raise AssertionError("unreachable")


def histogram(values, low, high):
    """The width of a bin, the number of the first, the counts."""
    width = bin_width(low, high)
    first, last = math.floor(low / width), math.floor(high / width)
    numbers = np.floor(values.astype(np.float64) / width).astype(np.int64)
    return width, first, np.bincount(numbers - first, minlength=last - first + 1)


class Cells:
    """The histogram that holds 0; in units of its width."""

    def __init__(self, values, symmetric):
        low, high = min(0.0, values.min()), max(0.0, values.max())
        self.width, first, counts = histogram(values, low, high)
        if symmetric:
            numbers = first + np.arange(len(counts))
            magnitudes = np.where(numbers < 0, -numbers - 1, numbers)
            counts = np.bincount(magnitudes, weights=counts)
            low, high, first = 0.0, max(-low, high), 0
        self.symmetric = symmetric
        self.counts = counts.astype(np.float64)
        self.total = self.counts.sum()
        self.zero = -first
        self.low, self.high = low / self.width, high / self.width
        self.edges = first + np.arange(len(counts) + 1.0)
        self.ends = np.clip(self.edges, self.low, self.high)

    def position(self, below):
        """Where so many of the values lie below: the inverse of the cumulative
        counts, linear within a bin."""
        has = np.flatnonzero(self.counts)
        after = np.cumsum(self.counts)[has]
        at = min(int(np.searchsorted(after, below)), len(has) - 1)
        bin_ = has[at]
        rest = below - (after[at] - self.counts[bin_])
        return self.edges[bin_] + rest / self.counts[bin_]

    def percentile(self, percentile):
        cut = (1 - percentile / 100) * self.total
        if self.symmetric:
            return 0.0, min(self.position(self.total - cut), self.high)
        return (max(self.position(cut / 2), self.low),
                min(self.position(self.total - cut / 2), self.high))

    def search(self, cost, least):
        """Ends, as numbers of edges."""
        best, ends = (0, len(self.counts)), None
        lowest = cost(*best)
        while best != ends:
            ends = best
            for side in (0, 1):
                begin, end = best
                if side == 0:
                    tries = [(begin, e) for e in range(
                        len(self.counts), max(self.zero, begin + least) - 1, -1)]
                else:
                    tries = [(b, end) for b in range(
                        0, min(self.zero, end - least) + 1)]
                for candidate in tries:
                    value = cost(*candidate)
                    if value < lowest:
                        best, lowest = candidate, value
        return best

    def divergence(self):
        """The cost of a range by entropy, and how many cells it has at least."""
        levels = 128 if self.symmetric else 256
        counts = self.counts.copy()
        near = counts[max(self.zero - 1, 0):self.zero + 2].copy()
        near[min(self.zero, 1)] = 0
        counts[self.zero] = min(counts[self.zero], near.max())
        if counts.sum() == 0 or len(counts) < levels:
            return None, levels

        def cost(begin, end):
            inside = counts[begin:end]
            if inside.sum() == 0:
                return math.inf
            p = inside.copy()
            p[0] += counts[:begin].sum()
            p[-1] += counts[end:].sum()
            bounds = np.arange(levels + 1) * len(p) // levels
            sizes = np.diff(bounds)
            occupied = np.add.reduceat(p > 0, bounds[:-1], dtype=np.int64)
            sums = np.add.reduceat(inside, bounds[:-1])
            q = np.repeat(np.maximum(sums / np.maximum(occupied, 1), 1e-4), sizes)
            p, q = p[p > 0], q[p > 0]
            return float(np.sum(p / p.sum() * np.log(
                (p / p.sum()) / (q / inside.sum()))))

        return cost, levels

    def squared_error(self):
        """The cost of a range by its mean squared error: the integral over all
        pieces that lie in one cell and become one integer."""
        density = np.append(self.counts, 0.0)
        occupied = np.flatnonzero(self.counts)
        cuts = np.unique(np.concatenate([occupied, occupied + 1]))

        def cost(begin, end):
            low, high = self.ends[begin], self.ends[end]
            if low == high:
                return math.inf
            if self.symmetric:
                scale, zero, top = high / 127, 0, 127
            else:
                scale, top = (high - low) / 255, 255
                zero = round(-low / scale)
            between = (np.arange(top) + 0.5 - zero) * scale
            edges = np.sort(np.concatenate([self.edges[cuts], between]))
            middle = (edges[:-1] + edges[1:]) / 2
            cell = np.clip(np.floor(middle).astype(np.int64) + self.zero, -1,
                           len(self.counts))
            stands = (np.searchsorted(between, middle) - zero) * scale
            integral = ((edges[1:] - stands) ** 3 - (edges[:-1] - stands) ** 3) / 3
            return float(np.sum(density[cell] * integral))

        return cost, 1


#===------------------------------------------------------------------------===#
# Comparison
#===------------------------------------------------------------------------===#

class Report:
    passed = failed = 0

    def check(self, name, expected, found, good=None):
        if good is None:
            good = list(map(float, expected)) == found
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print(f"{name}: expected {expected}, got {found}")


def f32(x):
    return float(np.float32(x))


def widened(low, high, symmetric):
    low, high = min(0.0, low), max(0.0, high)
    return [-max(-low, high), max(-low, high)] if symmetric else [low, high]


def params(low, high):
    f = np.float32
    scale = (f(high) - f(low)) / f(255) if high - low <= MAX \
        else f(high) / f(255) - f(low) / f(255)
    scale = scale if scale >= SMALLEST_NORMAL else f(1)
    zero = round(float(-f(low)) * float(f(1) / scale))
    amax = f(high) / f(127)
    return [float(scale), min(max(zero, 0), 255),
            float(amax) if amax >= SMALLEST_NORMAL else 1.0]


def check_statistics(report, name, found, rows, batches):
    finite = np.isfinite(rows)
    report.check(f"{name}: rows", [len(rows)], found["rows"])
    report.check(f"{name}: non-finite", [np.sum(~finite)], found["non-finite"])
    wide = rows.astype(np.float64)
    seen = finite.any(axis=0) if len(rows) else np.zeros(rows.shape[1], bool)
    for what, identity, reduce in (("low", math.inf, np.min),
                                   ("high", -math.inf, np.max)):
        expected = reduce(np.where(finite, wide, identity), axis=0,
                          initial=identity)
        report.check(f"{name}: {what}", np.where(seen, expected, 0), found[what])
    sums = np.zeros(rows.shape[1])  # one row after the other
    for row in np.where(finite, wide, 0):
        sums += row
    means = (sums / np.maximum(finite.sum(axis=0), 1)).astype(np.float32)
    report.check(f"{name}: mean", means, found["mean"])
    average = None
    for batch in batches:
        batch = batch[np.isfinite(batch)].astype(np.float64)
        if batch.size:
            now = np.array([batch.min(), batch.max()])
            average = now if average is None else average + 0.01 * (now - average)
    return [0.0, 0.0] if average is None else [f32(x) for x in average]


def check_search(report, name, cells, found, cost, least):
    if cost is None:
        best = 0, len(cells.counts)
    else:
        best = cells.search(cost, least)
    low, high = cells.ends[best[0]], cells.ends[best[1]]
    ours = [x / cells.width for x in found[:2]]
    if cells.symmetric:
        ours[0] = 0.0
    good = abs(ours[0] - low) <= 1 and abs(ours[1] - high) <= 1
    if not good and cost:
        # Rounding may lead to another range; it is as good then.
        edges = [int(np.argmin(np.abs(cells.ends - x))) for x in ours]
        good = cost(*edges) <= cost(*best) * (1 + 1e-9)
    report.check(name, [low * cells.width, high * cells.width], found[:2], good)


def check(report, tool, name, values, batch, padding, percentile=99.9):
    values = values.astype(np.float32)
    found = run(tool, values, batch, padding, percentile)
    batches = [values[i:i + batch][:batch - padding]
               for i in range(0, len(values), batch)]
    rows = np.concatenate(batches) if batches else values
    average = check_statistics(report, name, found, rows, batches)
    observed = rows[np.isfinite(rows)].astype(np.float64)
    low, high = (observed.min(), observed.max()) if observed.size else (0.0, 0.0)
    width, first, counts = histogram(observed, low, high)
    report.check(f"{name}: bins", [width, first],
                 found["width"] + found["first"])
    report.check(f"{name}: counts", counts, found["counts"])
    for symmetric in (False, True):
        suffix = "-symmetric" if symmetric else ""
        for observer, range_ in (("minmax", (low, high)),
                                 ("moving-average", average)):
            expected = widened(*range_, symmetric)
            report.check(f"{name}: {observer}{suffix}",
                         expected + params(*expected), found[observer + suffix])
        if low == high:
            expected = widened(low, high, symmetric)
            for observer in ("percentile", "entropy", "mse"):
                report.check(f"{name}: {observer}{suffix}",
                             expected + params(*expected),
                             found[observer + suffix])
            continue
        cells = Cells(observed, symmetric)
        expected = widened(*(x * cells.width for x in
                             cells.percentile(percentile)), symmetric)
        ours = found[f"percentile{suffix}"]
        report.check(f"{name}: percentile{suffix}", expected, ours[:2], np.allclose(
            ours[:2], expected, rtol=1e-6, atol=1e-6 * cells.width))
        for observer, search in (("entropy", cells.divergence()),
                                 ("mse", cells.squared_error())):
            check_search(report, f"{name}: {observer}{suffix}", cells,
                         found[observer + suffix], *search)
        for observer in ("percentile", "entropy", "mse"):
            ours = found[observer + suffix]
            report.check(f"{name}: parameters of {observer}{suffix}",
                         params(*ours[:2]), ours[2:])


def data_sets(seed):
    """Name, values [rows, channels], rows of a batch, rows of padding in it."""
    random = np.random.default_rng(seed)

    def normal(rows=2000, channels=16):
        return random.standard_normal((rows, channels))

    def with_cell(values, row, channel, value):
        values[row, channel] = value
        return values

    x = normal()
    gelu = 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x ** 3)))
    broken = normal()
    broken[random.random(broken.shape) < 0.01] = np.nan
    broken[random.random(broken.shape) < 0.01] = np.inf
    broken[::7, 3] = -np.inf
    broken[:, 5] = np.nan
    yield "normal", normal(), 100, 0
    yield "padding", normal(), 64, 13
    yield "heavy tails", normal() ** 5, 32, 0
    yield "relu", np.maximum(normal(), 0), 100, 0
    yield "mostly zero", np.maximum(normal() - 2, 0), 100, 0
    yield "gelu", gelu, 100, 0
    yield "outlier", with_cell(normal(), 5, 5, 100), 100, 0
    yield "negative outlier", with_cell(gelu.copy(), 500, 0, -30), 100, 0
    yield "far from zero", normal() + 1000, 100, 0
    yield "below zero", -np.abs(normal()) - 1, 100, 0
    yield "few values", random.integers(-3, 9, (500, 4)), 50, 0
    yield "not all finite", broken, 100, 3
    yield "huge", np.clip(normal() * 2e38, -MAX, MAX), 100, 0
    yield "tiny", normal() * 1e-38, 100, 0
    yield "one row", normal(1, 64), 8, 0
    yield "one channel", normal(3000, 1), 7, 2
    yield "one value", normal(1, 1), 1, 0
    yield "two values", np.array([[0.25, 3.0]]), 1, 0
    yield "constant", np.full((50, 3), 2.7), 10, 0
    yield "zero", np.zeros((50, 3)), 10, 0
    yield "no row", np.zeros((0, 3)), 10, 0
    yield "only padding", normal(30, 3), 10, 10
    yield "nothing finite", np.full((4, 2), np.nan), 2, 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default=HERE.parents[1] / "build" / "dev" /
                        "bin" / "tq-observe", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = Report()
    for name, values, batch, padding in data_sets(options.seed):
        check(report, options.tool, name, values, batch, padding)
    print(f"{report.passed} passed, {report.failed} failed, 0 skipped")
    return report.failed > 0


if __name__ == "__main__":
    sys.exit(main())
