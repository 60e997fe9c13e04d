#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An nn.TransformerEncoder that reads handwritten digits, in int8.

    digits.py [--epochs N] [--state FILE] [--html FILE]

Trains a classifier on the 1797 images that scikit-learn has with it (a minute
on two cores), saves its state, and evaluates it as scripts do: a DataLoader,
argmax, a count. Then the same loop with the module compiled.
Needs torch and scikit-learn.
"""

import argparse
import pathlib
import tempfile

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import tq

BATCH = 32


class Classifier(nn.Module):
    """Rows of an image [batch, 8, 8] as a sequence, to scores of 10 digits."""

    def __init__(self, hidden=128, layers=3):
        super().__init__()
        self.embedding = nn.Linear(8, hidden)
        self.position = nn.Parameter(torch.randn(8, hidden) * 0.02)
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(hidden, nhead=8, batch_first=True,
                                       dim_feedforward=4 * hidden), layers)
        self.output = nn.Linear(hidden, 10)

    def forward(self, x):
        x = self.encoder(self.embedding(x) + self.position)
        return self.output(x.mean(1))


def load_data():
    """Loaders of training and test data; every fourth image is for tests."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32) / 16
    labels = torch.tensor(digits.target)
    is_test = torch.arange(len(labels)) % 4 == 3
    return (DataLoader(TensorDataset(images[~is_test], labels[~is_test]),
                       BATCH, shuffle=True),
            DataLoader(TensorDataset(images[is_test], labels[is_test]),
                       BATCH))


def train(model, loader, epochs):
    """Trains the model."""
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=epochs * len(loader))
    model.train()
    for epoch in range(epochs):
        total = 0.0
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2} loss {total / len(loader):.4f}",
              flush=True)


def accuracy(model, loader, device="cpu"):
    """The loop that everyone has."""
    model.eval()
    model.to(device)
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            outputs = model(images.to(device))
            predicted = outputs.argmax(dim=1)
            right += (predicted == labels.to(device)).sum().item()
            total += labels.size(0)
    return right / total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--state", type=pathlib.Path,
                        help="where the trained state is, or goes")
    parser.add_argument("--html", type=pathlib.Path,
                        help="write the comparison as a page")
    args = parser.parse_args()
    torch.manual_seed(0)
    training, test = load_data()
    state = args.state or pathlib.Path(tempfile.mkdtemp()) / "digits.pt"
    if not state.exists():
        model = Classifier()
        train(model, training, args.epochs)
        torch.save(model.state_dict(), state)

    model = Classifier()
    model.load_state_dict(torch.load(state))
    images, _ = next(iter(test))
    for name, each in (
            ("PyTorch float", model),
            ("tq dynamic int8", tq.compile(model, images)),
            ("tq static int8", tq.compile(model, images, quantize="static",
                                          calibrate=training))):
        print(f"{name:16} accuracy {100 * accuracy(each, test):.2f} %")

    table = tq.compare(model, test, calibrate=training)
    print(f"\n{table}")
    if args.html:
        table.to_html(args.html)


if __name__ == "__main__":
    main()
