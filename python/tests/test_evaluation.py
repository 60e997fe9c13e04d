# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Metrics, evaluation, comparison."""

import math
import sys

import numpy as np
import pytest

import tq
from tq import _metrics, _report

NAN = float("nan")


def value(metric, *batches):
    meter = _metrics.make_meter(metric)
    for output, labels in batches:
        meter.add(np.array(output, np.float32), _metrics.check_labels(labels))
    return meter.value()


def test_accuracy():
    assert value("accuracy", ([[1, 0], [0, 1]], [0, 0]),
                 ([[1, 0]], [0])) == pytest.approx(2 / 3)
    assert value("accuracy", ([0.5, -0.5], [1, 1])) == 0.5
    assert value("accuracy", ([[0.5], [-0.5]], [1, 0])) == 1
    # Tokens, one of which does not count.
    assert value("accuracy", ([[[1, 0], [0, 1]]], [[1, -100]])) == 0


def test_f1():
    """scikit-learn's f1_score of the same gives these."""
    scores = np.eye(2)[[1, 1, 0, 0, 1]]
    assert value("f1", (scores, [1, 0, 0, 1, 1])) == pytest.approx(2 / 3)
    scores = np.eye(3)[[0, 1, 2, 2, 1]]
    assert value("f1", (scores, [0, 1, 2, 1, 0])) == pytest.approx(
        (2 / 3 + 1 / 2 + 2 / 3) / 3)


def test_spearman():
    assert value("spearman", ([1, 2, 3], [10, 20, 30]),
                 ([4], [40])) == pytest.approx(1)
    assert value("spearman", ([1, 2, 3], [3, 2, 1])) == pytest.approx(-1)
    # scipy.stats.spearmanr([1, 2, 2, 4], [1, 3, 2, 3])
    assert value("spearman", ([1, 2, 2, 4], [1, 3, 2, 3])) == pytest.approx(
        0.8333333333333333)


def test_perplexity():
    assert value("perplexity", (np.zeros((1, 3, 7)), [[1, 2, -100]]),
                 ) == pytest.approx(7)
    with pytest.raises(tq.InputError, match="classes below 7"):
        value("perplexity", (np.zeros((1, 2, 7)), [[1, 9]]))


@pytest.mark.parametrize("output, labels, message", [
    (np.zeros((2, 3)), [0, 1, 2], "expected the shape"),
    (np.zeros((2, 3)), [NAN, 1], "NaN in row 0"),
    (np.zeros((2, 3)), ["a", "b"], "expected numbers"),
])
def test_bad_labels(output, labels, message):
    with pytest.raises(tq.InputError, match=message):
        value("accuracy", (output, labels))


def test_metric_that_raises():
    def broken(outputs, labels):
        raise KeyError("x")

    with pytest.raises(tq.Error, match="the metric broken failed: KeyError"):
        value(broken, ([1.0], [1]))
    with pytest.raises(tq.UsageError, match="expected one of accuracy"):
        value("bleu", ([1.0], [1]))


def identity(x):
    """A model of its own."""
    return x


def test_evaluate():
    data = [(np.eye(4, dtype=np.float32), np.arange(4)),
            (np.eye(4, dtype=np.float32)[:2], np.array([0, 3]))]
    found = tq.evaluate(identity, data)
    assert found.value == pytest.approx(5 / 6) and found.items == 6
    assert 0 <= found.p50 <= found.p90 <= found.p99
    assert found.items_per_second > 0 and found.peak_bytes > 1e6
    assert "accuracy" in str(found) and "P99" in str(found)
    assert tq.evaluate(identity, data, lambda outputs, labels: labels.sum()
                       ).value == 9


@pytest.mark.parametrize("data, message", [
    ([], "yields nothing"),
    ([np.zeros((2, 3))], "inputs alone"),
    ([{"y": 1}], "but the model takes x"),
])
def test_bad_data(data, message):
    with pytest.raises(tq.InputError, match=message):
        tq.evaluate(identity, data)


def test_text_table():
    text = _report.text_table(["a", "bb", "c"],
                              [["x", "1", "2"], ["long", "failed: y", ""]])
    assert text.splitlines() == ["a     bb  c", "-----------", "x      1  2",
                                 "long  failed: y"]


def test_html():
    points = [_report.Point("a<b", 0.9, 1.0, 2.0),
              _report.Point("c", NAN, 2.0, 3.0),
              _report.Point("d", 0.9, 1.0, 2.0)]
    page = _report.page("t", _report.section(
        "<t>", ["s", "m", "l"], [["a<b", "0.9", "1"], ["e", "failed", ""]],
        "m", False, points))
    assert "a&lt;b" in page and "<t>" not in page and "script" not in page
    assert page.count("<circle") == 4
    assert math.isclose(_report._ticks(0, 1)[1], 0.2)


def test_compare(tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(),
                                torch.nn.Linear(64, 10)).eval()
    xs = torch.randn(64, 64)
    with torch.no_grad():
        labels = model(xs).argmax(-1)
    data = [(xs[i:i + 16], labels[i:i + 16]) for i in range(0, 64, 16)]
    found = tq.compare(model, data)
    assert [row.scheme for row in found.rows] == list(
        tq.comparison.DEFAULT_SCHEMES)
    assert all(row.error is None for row in found.rows)
    assert found["PyTorch float"].value == found["tq float"].value == 1
    assert found["tq static"].value > 0.9
    floats = found["PyTorch float"].weight_bytes
    assert floats == 4 * (64 * 65 + 10 * 65)
    assert floats <= found["tq float"].weight_bytes < 1.1 * floats
    assert 0.25 * floats < found["tq static"].weight_bytes < 0.4 * floats
    peaks = {row.scheme: row.peak_bytes for row in found.rows}
    # A program needs no torch.
    assert peaks["tq static"] < 0.5 * peaks["PyTorch float"]
    assert "tq dynamic" in str(found)
    page = found.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == page
    assert page.count("<circle") == 10
    with pytest.raises(tq.UsageError, match="schemes: expected some of"):
        tq.compare(model, data, schemes=["int3"])
    with pytest.raises(tq.InputError, match="yields nothing"):
        tq.compare(model, [])


def test_compare_goes_on():
    """What cannot be compiled is a row."""
    torch = pytest.importorskip("torch")

    class Branches(torch.nn.Module):
        def forward(self, x):
            return x * 2 if x.sum() > 0 else x

    data = [(torch.ones(2, 3), torch.zeros(2))]
    found = tq.compare(Branches(), data, schemes=["PyTorch float", "tq float"])
    assert found.rows[0].result and "torch.where" in found.rows[1].error
    assert "failed: torch.export refuses" in str(found)
    with pytest.raises(KeyError):
        found["tq float"]


def test_pandas(monkeypatch):
    comparison = tq.Comparison("m", "accuracy", ())
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(tq.MissingPackageError, match="pip install pandas"):
        comparison.to_pandas()
