#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports the modules of models.py, with inputs and what PyTorch answers.

    export.py --output DIR [--only NAME ...]

writes DIR/NAME.pt2 (the training IR that torch.export.save writes) and
DIR/NAME.core.pt2 (after run_decompositions), and beside each DIR/NAME/K/ with
the arrays of case K: INPUT.npy and out0.npy, out1.npy, ... What cannot be
exported is said, with PyTorch's reason. Needs torch 2.13 and transformers.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import warnings

import numpy
import torch

import models


def flatten(outputs) -> list[torch.Tensor]:
    leaves, _ = torch.utils._pytree.tree_flatten(outputs)
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]


def save_answers(folder: pathlib.Path, prefix: str,
                 answers: list[torch.Tensor]):
    """As PREFIX0.npy and so on."""
    for index, value in enumerate(answers):
        numpy.save(folder / f"{prefix}{index}.npy", value.numpy())


def save_cases(directory: pathlib.Path, example: models.Example):
    """Inputs by name, and the answers as out0.npy and so on."""
    for number, case in enumerate(example.cases):
        folder = directory / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in zip(example.names, case):
            numpy.save(folder / f"{name}.npy", value.numpy())
        with torch.no_grad():
            answers = flatten(example.module(*case))
        save_answers(folder, "out", answers)


def first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:100]


def export(directory: pathlib.Path, name: str, attention: str):
    title = f"{name}.{attention}" if attention else name
    example = models.EXAMPLES[name](attention)
    try:
        with torch.no_grad():
            program = torch.export.export(example.module, example.cases[0],
                                          dynamic_shapes=example.dynamic,
                                          strict=False)
    except Exception as error:  # whatever PyTorch does not export
        print(f"{title}: torch.export fails: {first_line(error)}", flush=True)
        return
    save_cases(directory / title, example)
    torch.export.save(program, directory / f"{title}.pt2")
    try:
        core = program.run_decompositions()
        torch.export.save(core, directory / f"{title}.core.pt2")
    except Exception as error:
        print(f"{title}: run_decompositions fails: {first_line(error)}",
              flush=True)
        return
    print(f"{title}: exported", flush=True)


def parse_arguments(description: str) -> argparse.Namespace:
    """Of the scripts that export; makes the folder."""
    parser = argparse.ArgumentParser(description=description.split("\n", 1)[0])
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*", help="names of models.py")
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    args.output.mkdir(parents=True, exist_ok=True)
    return args


def main() -> int:
    args = parse_arguments(__doc__)
    for name, implementations in models.IMPLEMENTATIONS.items():
        if args.only and name not in args.only:
            continue
        for attention in implementations:
            export(args.output, name, attention)
    return 0


if __name__ == "__main__":
    sys.exit(main())
