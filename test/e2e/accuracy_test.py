#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile all-MiniLM-L6-v2 and hold it to its accuracy on the STS-B test set.

Skipped where the model or the data is missing. Needs numpy only.
"""

import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "benchmark"))

# Figure, lowest and highest value that is accepted. In float64 the model scores 0.8203;
# dcos is the mean of 1 - cosine between the int8 and the float embedding.
BOUNDS = (
    ("spearman_float", 0.8200, 0.8206),
    ("spearman_int8", 0.8185, 1.0),
    ("dcos", 0.0, 1.7e-3),
)


def compile_model(arguments, name, scheme):
    """The program's path."""
    program = arguments.work / name
    run = subprocess.run([arguments.tq_compile, arguments.model, "-o", program,
                          f"--quantize={scheme}"], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"--quantize={scheme}: {run.stderr.strip()}")
    return program


def measure(arguments, data):
    """Figures of the int8 and the float program."""
    import stsb
    pairs = stsb.read_pairs(data)
    sentences = list(dict.fromkeys(pairs[0] + pairs[1]))
    index = {sentence: i for i, sentence in enumerate(sentences)}
    arguments.work.mkdir(parents=True, exist_ok=True)
    embeddings = [
        stsb.program_embeddings(compile_model(arguments, name, scheme), sentences,
                                "embedding", threads=2)
        for name, scheme in (("minilm", "dynamic"), ("minilm-float", "none"))]
    return stsb.evaluate(embeddings, index, pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, text in (("--tq-compile", "the compiler"),
                       ("--work", "directory for programs"),
                       ("--model", "directory of all-MiniLM-L6-v2"),
                       ("--data", "folder with stsb-en-test.csv")):
        parser.add_argument(name, help=text, type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    data = arguments.data / "stsb-en-test.csv"
    if not (arguments.model / "config.json").exists() or not data.exists():
        print(f"no model or data beside the checkout\n0 passed, 0 failed, {len(BOUNDS)} skipped")
        return 0
    try:
        figures = measure(arguments, data)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"FAILED {error}\n0 passed, {len(BOUNDS)} failed, 0 skipped")
        return 1
    failed = 0
    for name, low, high in BOUNDS:
        fine = low <= figures[name] <= high
        failed += not fine
        print(f"{'PASSED' if fine else 'FAILED'} {name}: expected {low} to {high}, "
              f"got {figures[name]:.5f}")
    print(f"{len(BOUNDS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
