#!/usr/bin/env python3
"""Accuracy of static int8 on STS-B, by how ranges are chosen.

Calibrates the model once, on sentences of the dev set, compiles it with each
observer and with smoothing and bias correction on and off, and prints
Spearman and dcos (see stsb.py) of each on the test set.

    observers.py --tq-compile build/release/bin/tq-compile \\
        --model all-MiniLM-L6-v2 --data FOLDER

FOLDER holds stsb-en-dev.csv and stsb-en-test.csv. Needs numpy only.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import stsb

DYNAMIC = ["--quantize=dynamic"]
OBSERVERS = ("moving-average", "percentile", "entropy", "mse")
PERCENTILES = ("99.9", "99.99", "99.999")
# What is said of a static program, and its options.
LINEARS = (
    ("minmax, smoothed 0.8, biases corrected", []),
    ("minmax, smoothed 0.8", ["--bias-correction=off"]),
    ("minmax, biases corrected", ["--smoothing=off"]),
    ("minmax", ["--smoothing=off", "--bias-correction=off"]),
    *((f"minmax, smoothed {alpha}",
       [f"--smoothing={alpha}", "--bias-correction=off"])
      for alpha in ("0.5", "0.7", "0.95")),
    *((f"{observer}", [f"--observer={observer}", "--bias-correction=off"])
      for observer in OBSERVERS if observer != "percentile"),
    *((f"percentile {percentile}",
       [f"--percentile={percentile}", "--bias-correction=off"])
      for percentile in PERCENTILES),
)
STATIC = (
    *((name, ["--attention=f32", *options]) for name, options in LINEARS),
    ("the first of these, attention static too (default)", []),
    ("the first of these, without smoothing, attention static too",
     ["--smoothing=off"]),
)


def write_sentences(path, data, count):
    """`count` distinct sentences of the dev set, the same ones each time."""
    first, second, _ = stsb.read_pairs(data / "stsb-en-dev.csv")
    sentences = list(dict.fromkeys(first + second))
    random.Random(0).shuffle(sentences)
    lines = (" ".join(sentence.split()) for sentence in sentences[:count])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def compile_model(args, program, options):
    """Compiles the model; what the compiler says is for errors."""
    run = subprocess.run([args.tq_compile, args.model, "-o", program,
                          "--no-golden", *options], capture_output=True,
                         text=True)
    if run.returncode:
        raise RuntimeError(f"{' '.join(options)}: {run.stderr.strip()}")
    return program


def measure(args, folder):
    """Names and figures, one after the other."""
    pairs = stsb.read_pairs(args.data / "stsb-en-test.csv")
    sentences = list(dict.fromkeys(pairs[0] + pairs[1]))
    index = {sentence: i for i, sentence in enumerate(sentences)}

    def embed(options):
        program = compile_model(args, folder / "program", options)
        return stsb.program_embeddings(program, sentences, "embedding",
                                       args.threads)

    exact = embed(["--quantize=none"])
    yield "dynamic", stsb.evaluate((embed(DYNAMIC), exact), index, pairs)
    texts, statistics = folder / "texts", folder / "statistics.json"
    write_sentences(texts, args.data, args.sentences)
    compile_model(args, folder / "program",
                  ["--quantize=static", f"--calibrate={texts}",
                   f"--save-calibration={statistics}"])
    for name, options in STATIC:
        program = ["--quantize=static", f"--calibration={statistics}", *options]
        yield name, stsb.evaluate((embed(program), exact), index, pairs)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tq-compile", required=True, help="the compiler")
    parser.add_argument("--model", required=True, help="Hugging Face directory")
    parser.add_argument("--data", required=True, type=Path,
                        help="folder with STS-B's CSV files")
    parser.add_argument("--sentences", type=int, default=64,
                        help="that calibrate (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    print("| | Spearman | mean 1 - cosine |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, row in measure(args, Path(folder)):
            print(f"| {name} | {row['spearman_int8']:.4f} "
                  f"| {row['dcos'] * 1e3:.2f}e-3 |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
