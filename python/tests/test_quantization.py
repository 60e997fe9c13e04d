# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Scripts of torch.ao.quantization, with another import line."""

import copy
import re

import pytest

import tq

torch = pytest.importorskip("torch")
nn = torch.nn
tqq = tq.quantization

pytestmark = pytest.mark.filterwarnings("ignore")


class QuantTransformerModel(nn.Module):
    """As people have it."""

    def __init__(self, hidden=32, layers=1, output=10,
                 stubs=(tqq.QuantStub, tqq.DeQuantStub)):
        super().__init__()
        self.quant = stubs[0]()
        self.transformer = nn.Transformer(
            d_model=hidden, nhead=8, num_encoder_layers=layers,
            num_decoder_layers=layers, dim_feedforward=64)
        self.fc = nn.Linear(hidden, output)
        self.dequant = stubs[1]()

    def forward(self, src, trg):
        out = self.transformer(self.quant(src), self.quant(trg))
        return self.dequant(self.fc(out))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return QuantTransformerModel().eval()


@pytest.fixture(scope="module")
def data():
    torch.manual_seed(1)
    return [(torch.randn(9, 4, 32), torch.randn(7, 4, 32)) for _ in range(8)]


def cosine(found, expected):
    return float(nn.functional.cosine_similarity(
        found.flatten(), expected.flatten(), 0))


def counts(program):
    """Kernel calls in static int8, layers in float by their schemes."""
    report = program.compiled["report"]
    static = re.search(r"int8 static +(\d+)", report)
    floats = re.search(r"in float: (\d+)x its scheme is float", report)
    return (int(static[1]) if static else 0, int(floats[1]) if floats else 0)


def test_prepare_and_convert(model, data):
    before = copy.deepcopy(model.state_dict())
    prepared = tqq.prepare(model)
    for src, trg in data:
        prepared(src, trg)
    program = tqq.convert(prepared)
    assert isinstance(program, tq.Module)
    assert all(torch.equal(model.state_dict()[name], value)
               for name, value in before.items())
    with torch.no_grad():
        assert cosine(program(*data[0]), model(*data[0])) > 0.999
    static, floats = counts(program)
    assert static >= 12 and floats == 0


def test_prepared_by_torch(model, data):
    """Observers' ranges are taken; torch cannot run what it converts."""
    ao = torch.ao.quantization
    prepared = copy.deepcopy(model)
    prepared.qconfig = ao.get_default_qconfig("fbgemm")
    prepared = ao.prepare(prepared)
    with torch.no_grad():
        for src, trg in data:
            prepared(src, trg)
        program = tqq.convert(prepared, data[0])
        deferred = tqq.convert(prepared)
        assert torch.equal(deferred(*data[0]), program(*data[0]))
        assert cosine(program(*data[0]), model(*data[0])) > 0.999
    static, floats = counts(program)
    assert static >= 12 and floats == 0


def test_ranges_of_observers(data):
    """They change what comes out: a wide range is coarse."""
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(32, 32), nn.LayerNorm(32),
                          nn.Linear(32, 8)).eval()
    ao = torch.ao.quantization
    x = torch.randn(16, 32)
    errors = []
    for factor in (1.0, 30.0):
        prepared = copy.deepcopy(model)
        prepared.qconfig = ao.get_default_qconfig("fbgemm")
        prepared = ao.prepare(prepared)
        prepared(x)
        observer = prepared[1].activation_post_process
        observer.min_val *= factor
        observer.max_val *= factor
        observer.histogram = torch.zeros(2048)
        observer.histogram[[0, -1]] = 1
        program = tqq.convert(prepared, x)
        with torch.no_grad():
            errors.append(float((program(x) - model(x)).abs().max()))
    assert errors[1] > 3 * errors[0]


def test_nothing_seen(model, data):
    with pytest.raises(tq.InputError, match="has seen nothing"):
        tqq.convert(tqq.prepare(model))
    ao = torch.ao.quantization
    prepared = copy.deepcopy(model)
    prepared.qconfig = ao.get_default_qconfig("fbgemm")
    with pytest.raises(tq.InputError, match="have seen nothing"):
        tqq.convert(ao.prepare(prepared), data[0])
    with pytest.raises(tq.UsageError, match="takes a module of prepare"):
        tqq.convert(model)


def test_region():
    """What is before and behind the stubs stays in float."""
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.within, self.behind = (
                nn.Linear(32, 32) for _ in range(3))
            self.quant, self.dequant = tqq.QuantStub(), tqq.DeQuantStub()

        def forward(self, x):
            x = self.quant(torch.relu(self.before(x)))
            return self.behind(self.dequant(torch.relu(self.within(x))))

    torch.manual_seed(0)
    model, x = Model().eval(), torch.randn(8, 32)
    program = tq.compile(model, x)
    report = program.compiled["report"]
    assert "in float: 2x its scheme is float" in report
    assert "int8 dynamic   1 kernel call" in report
    with torch.no_grad():
        assert cosine(program(x), model(x)) > 0.9999
    assert model.quant(x) is x  # the marks are gone


def test_static_without_data(data, tmp_path):
    """The script as written: no data, state saved before the first call."""
    torch.manual_seed(0)
    model = QuantTransformerModel()
    qconfig = tqq.get_default_qconfig("fbgemm")
    quantized = tqq.quantize_static(model, qconfig=qconfig, dtype=torch.qint8)
    torch.save(quantized.state_dict(), tmp_path / "f.pt")

    again = tqq.quantize_static(QuantTransformerModel(), qconfig=qconfig,
                                dtype=torch.qint8)
    again.load_state_dict(torch.load(tmp_path / "f.pt"))
    again.eval()
    with torch.no_grad():
        with pytest.warns(UserWarning, match="first call alone"):
            y = quantized(*data[0])
        assert torch.equal(again(*data[0]), y)
        assert cosine(y, model.eval()(*data[0])) > 0.999

        torch.save(quantized.state_dict(), tmp_path / "f.pt")
        third = tqq.quantize_static(QuantTransformerModel())
        third.load_state_dict(torch.load(tmp_path / "f.pt"))
        assert torch.equal(third(*data[1]), quantized(*data[1]))
    with pytest.raises(tq.UsageError, match="not weights"):
        third.load_state_dict(model.state_dict())
    with pytest.raises(tq.UsageError, match="cannot be trained"):
        third.train()


def test_static_with_data(model, data):
    program = tqq.quantize_static(model, calibrate=data)
    assert isinstance(program, tq.Module)
    generator = tqq.quantize_static(model, calibrate=iter(data))
    assert torch.equal(generator(*data[0]), program(*data[0]))
    with pytest.raises(tq.InputError, match="yields nothing"):
        tqq.quantize_static(model, calibrate=[])


def test_dynamic(model, data):
    program = tqq.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
    with torch.no_grad():
        assert cosine(program(*data[0]), model(*data[0])) > 0.999
    with pytest.raises(tq.UsageError, match=r"torch\.nn\.Linear"):
        tqq.quantize_dynamic(model, {nn.LSTM})
    with pytest.raises(tq.UsageError, match=r"torch\.qint8"):
        tqq.quantize_dynamic(model, dtype=torch.float16)


def test_qconfig(model, data):
    ao = torch.ao.quantization
    minmax = ao.QConfig(activation=ao.MinMaxObserver.with_args(),
                        weight=ao.default_per_channel_weight_observer)
    program = tqq.quantize_static(model, qconfig=minmax, calibrate=data)
    assert "--observer=minmax" in program.compiled["options"]
    default = tqq.quantize_static(model, calibrate=data,
                                  qconfig=ao.get_default_qconfig("x86"))
    assert "--observer" not in str(default.compiled["options"])
    with pytest.raises(tq.UsageError, match="qconfig: expected a weight"):
        tqq.quantize_static(model, qconfig=ao.float16_static_qconfig,
                            calibrate=data)
    with pytest.raises(tq.UsageError, match="backend: expected one of"):
        tqq.get_default_qconfig("tpu")
