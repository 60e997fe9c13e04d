#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An nn.Transformer between QuantStub and DeQuantStub, in static int8.

    sequences.py [--steps N] [--state FILE] [--html FILE]

QuantTransformerModel learns to reverse sequences of digits (a minute on two
cores). torch.ao.quantization prepares and converts it, but cannot run what
comes out. With one other import line the script runs.
Needs torch.
"""

import argparse
import pathlib
import tempfile
import warnings

import numpy as np
import torch
from torch import nn

import tq
from tq.quantization import (
    DeQuantStub,
    QuantStub,
    get_default_qconfig,
    quantize_dynamic,
    quantize_static,
)

HIDDEN, LENGTH, SYMBOLS, BATCH = 64, 10, 10, 32


class QuantTransformerModel(nn.Module):
    """[length, batch, hidden] of a source and a target to scores."""

    def __init__(self, hidden, layers, output):
        super().__init__()
        self.quant = QuantStub()
        self.transformer = nn.Transformer(
            d_model=hidden, nhead=8, num_encoder_layers=layers,
            num_decoder_layers=layers)
        self.fc = nn.Linear(hidden, output)
        self.dequant = DeQuantStub()

    def forward(self, src, trg):
        src, trg = self.quant(src), self.quant(trg)
        return self.dequant(self.fc(self.transformer(src, trg)))


def make_model():
    """The same size in all places."""
    return QuantTransformerModel(HIDDEN, 1, SYMBOLS)


def sample(batch, generator):
    """Sequences as vectors, the places that are asked for, what is right.

    A vector is a symbol and its place, each one-hot.
    """
    symbols = torch.randint(0, SYMBOLS, (LENGTH, batch), generator=generator)
    places = torch.eye(LENGTH)[:, None].expand(-1, batch, -1)
    room = torch.zeros(LENGTH, batch, HIDDEN - SYMBOLS - LENGTH)
    source = torch.cat([nn.functional.one_hot(symbols, SYMBOLS), places, room],
                       -1)
    target = torch.cat([torch.zeros(LENGTH, batch, SYMBOLS), places, room], -1)
    return source, target, symbols.flip(0)


def train(model, steps):
    """Trains the model."""
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3,
                                                   total_steps=steps)
    model.train()
    for step in range(steps):
        source, target, right = sample(64, generator)
        scores = model(source, target)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1),
                                           right.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 200 == 199:
            print(f"step {step + 1:4} loss {loss.item():.4f}", flush=True)


def exact_match(outputs, labels):
    """The share of sequences that are right as a whole; arrays are joined
    along the length, so a batch is LENGTH rows."""
    right = outputs.argmax(-1) == labels
    return float(np.mean(right.reshape(-1, LENGTH, right.shape[-1]).all(1)))


def torch_says(model, data):
    """What torch's own eager quantization makes of the model."""
    quantization = torch.ao.quantization
    model.eval()
    model.qconfig = quantization.get_default_qconfig("fbgemm")
    try:
        prepared = quantization.prepare(model)
        for source, target, _ in data[:4]:
            prepared(source, target)
        quantization.convert(prepared)(*data[0][:2])
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:70]}..."
    return "runs"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--state", type=pathlib.Path,
                        help="where the trained state is, or goes")
    parser.add_argument("--html", type=pathlib.Path,
                        help="write the comparison as a page")
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # torch's, of what it will remove
    torch.manual_seed(0)
    folder = pathlib.Path(tempfile.mkdtemp())
    state = args.state or folder / "sequences.pt"
    if not state.exists():
        model = make_model()
        train(model, args.steps)
        torch.save(model.state_dict(), state)
    model = make_model()
    model.load_state_dict(torch.load(state))
    model.eval()
    generator = torch.Generator().manual_seed(2)
    data = [sample(BATCH, generator) for _ in range(32)]

    print("torch.ao.quantization:", torch_says(make_model(), data))
    qconfig = get_default_qconfig("fbgemm")
    quantized = quantize_static(
        model, qconfig=qconfig, dtype=torch.qint8,
        calibrate=[sample(BATCH, generator) for _ in range(8)])
    torch.save(quantized.state_dict(), folder / "f.pt")
    restored = quantize_static(make_model(), qconfig=qconfig,
                               dtype=torch.qint8)
    restored.load_state_dict(torch.load(folder / "f.pt"))
    dynamic = quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
    for name, each in (("PyTorch float", model), ("tq static", quantized),
                       ("the same, from its state", restored),
                       ("tq dynamic", dynamic)):
        print(f"{name:26} exact match "
              f"{tq.evaluate(each, data, exact_match).value:.4f}")

    table = tq.compare(model, data, metric=exact_match)
    print(f"\n{table}")
    if args.html:
        table.to_html(args.html)


if __name__ == "__main__":
    main()
