#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile all-MiniLM-L6-v2 and hold it to its accuracy on the STS-B test set.

The static program is calibrated with sentences of the dev set. Skipped where the model
or the data is missing. Needs numpy only.
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
STATIC_BOUNDS = (
    ("spearman_static", 0.8190, 1.0),
    ("dcos_static", 0.0, 2.6e-3),
)
# Spread over the dev set: its parts differ, and the first is short captions only, whose
# ranges cut off what the others have.
CALIBRATION_TEXTS = 64


def compile_model(arguments, name, *options):
    """The program's path."""
    program = arguments.work / name
    run = subprocess.run([arguments.tq_compile, arguments.model, "-o", program, *options],
                         capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"{' '.join(options)}: {run.stderr.strip()}")
    return program


def read_sentences(pairs):
    """Each sentence once, in the order of the file, on one line."""
    both = [sentence for pair in zip(*pairs[:2]) for sentence in pair]
    return list(dict.fromkeys(" ".join(sentence.split()) for sentence in both))


def static_options(arguments, data):
    """What calibrates a program with some of the dev set."""
    import stsb
    texts = arguments.work / "calibration.txt"
    sentences = read_sentences(stsb.read_pairs(data))
    spread = sentences[:: len(sentences) // CALIBRATION_TEXTS][:CALIBRATION_TEXTS]
    texts.write_text("\n".join(spread) + "\n", encoding="utf-8")
    return "--quantize=static", f"--calibrate={texts}"


def measure(arguments, data, dev):
    """Figures of the int8 programs beside the float one; the static one with `dev` only."""
    import stsb
    pairs = stsb.read_pairs(data)
    sentences = list(dict.fromkeys(pairs[0] + pairs[1]))
    index = {sentence: i for i, sentence in enumerate(sentences)}
    arguments.work.mkdir(parents=True, exist_ok=True)

    def embed(name, *options):
        return stsb.program_embeddings(compile_model(arguments, name, *options), sentences,
                                       "embedding", threads=2)

    in_float = embed("minilm-float", "--quantize=none")
    figures = stsb.evaluate([embed("minilm", "--quantize=dynamic"), in_float], index, pairs)
    if dev:
        static = embed("minilm-static", *static_options(arguments, dev))
        of_static = stsb.evaluate([static, in_float], index, pairs)
        figures |= {"spearman_static": of_static["spearman_int8"],
                    "dcos_static": of_static["dcos"]}
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, text in (("--tq-compile", "the compiler"),
                       ("--work", "directory for programs"),
                       ("--model", "directory of all-MiniLM-L6-v2"),
                       ("--data", "folder with stsb-en-test.csv and stsb-en-dev.csv")):
        parser.add_argument(name, help=text, type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    data = arguments.data / "stsb-en-test.csv"
    if not (arguments.model / "config.json").exists() or not data.exists():
        skipped = len(BOUNDS + STATIC_BOUNDS)
        print(f"no model or data beside the checkout\n0 passed, 0 failed, {skipped} skipped")
        return 0
    dev = arguments.data / "stsb-en-dev.csv"
    dev = dev if dev.exists() else None
    bounds = BOUNDS + (STATIC_BOUNDS if dev else ())
    skipped = 0 if dev else len(STATIC_BOUNDS)
    try:
        figures = measure(arguments, data, dev)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"FAILED {error}\n0 passed, {len(bounds)} failed, {skipped} skipped")
        return 1
    failed = 0
    for name, low, high in bounds:
        fine = low <= figures[name] <= high
        failed += not fine
        print(f"{'PASSED' if fine else 'FAILED'} {name}: expected {low} to {high}, "
              f"got {figures[name]:.5f}")
    print(f"{len(bounds) - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
