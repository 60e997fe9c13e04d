#!/usr/bin/env python3
"""Accuracy of a sentence encoder on STS-B.

Embeds every sentence with an int8 and a float program and prints
  spearman  rank correlation of the cosine with the human score;
  dcos      mean of (1 - cosine) between the int8 and the float embedding of
            a sentence: the figure that tells two quantizations apart.
With --onnxruntime, onnxruntime's dynamic int8 and float graphs are measured
on the same sentences.

    stsb.py --program minilm --program-float minilm-float \\
        --data stsb-en-test.csv [--onnxruntime MODEL_DIR]

Needs numpy; --onnxruntime also needs onnx, onnxruntime and tokenizers.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

MAX_TOKENS = 256


def read_pairs(path):
    """Two lists of sentences and the scores of their pairs."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    if rows[0][-1] == "score":
        rows = rows[1:]
    first, second, scores = zip(*(row[:3] for row in rows))
    return first, second, np.array(scores, float)


def ranks(values):
    """Ranks from 1; equal values share their average rank."""
    _, inverse, counts = np.unique(values, return_inverse=True,
                                   return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def spearman(x, y):
    """Spearman's rank correlation."""
    return float(np.corrcoef(ranks(x), ranks(y))[0, 1])


def unit(vectors):
    """Rows scaled to unit length."""
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def program_embeddings(program, sentences, output, threads):
    """Embeddings from a compiled program, one row a sentence."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "sentences.txt"
        result = Path(folder) / "embeddings.npy"
        lines = (" ".join(sentence.split()) for sentence in sentences)
        text.write_text("\n".join(lines) + "\n", encoding="utf-8")
        subprocess.run(
            [str(Path(program).resolve()), "--text", str(text), "--output",
             f"{output}={result}", "--threads", str(threads)],
            check=True, stdout=subprocess.DEVNULL)
        embeddings = np.load(result)
    if len(embeddings) != len(sentences):
        raise ValueError(f"{program}: {len(embeddings)} rows for "
                         f"{len(sentences)} sentences")
    return unit(embeddings)


def load_tokenizer(model_dir):
    """The model's tokenizer, unpadded, at most MAX_TOKENS tokens a text."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(Path(model_dir) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def onnxruntime_embeddings(engine, encodings, threads):
    """Embeddings from onnxruntime, one sentence a run."""
    engine.build()
    engine.load(threads)
    rows = []
    for encoding in encodings:
        ids = np.array([encoding.ids])
        engine.bind(ids, np.ones_like(ids))()
        rows.append(engine.embedding()[0])
    return unit(rows)


def onnxruntime_pair(args, sentences):
    """Int8 and float embeddings from onnxruntime."""
    from engines import OnnxRuntime
    encodings = load_tokenizer(args.onnxruntime).encode_batch(list(sentences))
    with tempfile.TemporaryDirectory() as folder:
        return tuple(onnxruntime_embeddings(
            OnnxRuntime(kind, args.onnxruntime, args.work_dir or folder,
                        args.form), encodings, args.threads)
                     for kind in ("int8", "float"))


def program_pair(args, sentences):
    """Int8 and float embeddings from the compiled programs."""
    return tuple(program_embeddings(program, sentences, args.output_name,
                                    args.threads)
                 for program in (args.program, args.program_float))


def evaluate(embeddings, index, pairs):
    """Spearman of int8 and float, and the distance between them."""
    first, second, scores = pairs
    first = [index[sentence] for sentence in first]
    second = [index[sentence] for sentence in second]
    result = {}
    for kind, rows in zip(("int8", "float"), embeddings):
        cosine = (rows[first] * rows[second]).sum(axis=1)
        result["spearman_" + kind] = spearman(cosine, scores)
    cosine = (embeddings[0] * embeddings[1]).sum(axis=1)
    result["dcos"] = float(np.mean(1 - cosine))
    result["dcos_max"] = float(np.max(1 - cosine))
    return result


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", help="compiled int8 program")
    parser.add_argument("--program-float", help="compiled float program")
    parser.add_argument("--data", required=True,
                        help="CSV file: sentence1, sentence2, score")
    parser.add_argument("--output-name", default="embedding",
                        help="the program's output (default: %(default)s)")
    parser.add_argument("--onnxruntime", metavar="MODEL_DIR",
                        help="also measure onnxruntime on this model")
    parser.add_argument("--form", default="fused", choices=("fused", "tuned"),
                        help="form of onnxruntime's graph")
    parser.add_argument("--work-dir", help="where ONNX files are kept")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", help="also write the figures to this file")
    args = parser.parse_args()
    if bool(args.program) != bool(args.program_float):
        parser.error("--program and --program-float go together")
    if not args.program and not args.onnxruntime:
        parser.error("nothing to measure: give programs or --onnxruntime")
    return args


def main():
    args = parse_arguments()
    pairs = read_pairs(args.data)
    sentences = list(dict.fromkeys(pairs[0] + pairs[1]))
    index = {sentence: i for i, sentence in enumerate(sentences)}
    results = {}
    if args.program:
        results["tq"] = evaluate(program_pair(args, sentences), index, pairs)
    if args.onnxruntime:
        results["onnxruntime"] = evaluate(
            onnxruntime_pair(args, sentences), index, pairs)
    print(f"{len(sentences)} sentences, {len(pairs[0])} pairs")
    for name, row in results.items():
        print(f"{name:12} spearman int8 {row['spearman_int8']:.4f}, "
              f"float {row['spearman_float']:.4f}; dcos "
              f"{row['dcos'] * 1e3:.2f}e-3, "
              f"max {row['dcos_max'] * 1e3:.1f}e-3")
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
