#!/usr/bin/env python3
"""Latency of compiled BERT encoders against onnxruntime.

Every round measures all engines one after the other, in a rotating order, so
that a slow moment of the machine hits all of them; ratios are taken inside a
round and the median over the rounds is reported. A ratio above 1 means that
the compiled program is faster. It is taken against the faster of the two
forms of onnxruntime's graph (see onnxruntime_bert.py).

    minilm_vs_onnxruntime.py --model MODEL_DIR --program minilm \\
        --program-float minilm-float --shapes 1x16,1x128 --threads 1,2

Needs numpy, onnx and onnxruntime. Without programs, only onnxruntime is
measured.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import onnxruntime_bert

# Idle threads of onnxruntime spin for a while; they must not disturb others.
PAUSE_SECONDS = 0.2
PERCENTILES = {"p50": 50, "p90": 90, "p99": 99}


class OnnxRuntime:
    """One ONNX graph in this process."""

    def __init__(self, path):
        self.path = path
        self.run = None

    def prepare(self, shape, threads):
        """Makes a session and warms it up."""
        model = onnxruntime_bert.session(self.path, threads)
        self.run = onnxruntime_bert.runner(
            model, onnxruntime_bert.random_ids(*shape))
        for _ in range(3):
            self.run()

    def measure(self, seconds):
        """Latencies in ms of runs during about `seconds`."""
        samples = []
        self.run()
        end = time.perf_counter() + seconds
        while not samples or time.perf_counter() < end:
            begin = time.perf_counter()
            self.run()
            samples.append((time.perf_counter() - begin) * 1e3)
        latency = {name: float(np.percentile(samples, value))
                   for name, value in PERCENTILES.items()}
        return {"latency_ms": {"mean": float(np.mean(samples)), **latency}}

    def start(self, shape, threads):
        """Time to the first answer and memory of a fresh process."""
        script = Path(onnxruntime_bert.__file__)
        return run_json([sys.executable, str(script), str(self.path),
                         "--shape", "x".join(map(str, shape)),
                         "--threads", str(threads)])


class Program:
    """A compiled program, started anew for every measurement."""

    def __init__(self, path, input_name):
        self.path = str(Path(path).resolve())
        self.input_name = input_name
        self.options = []

    def prepare(self, shape, threads):
        """Sets the options of the measurements that follow."""
        batch, length = shape
        self.options = ["--shape", f"{self.input_name}={batch}x{length}",
                        "--threads", str(threads), "--json"]

    def measure(self, seconds):
        """What the program's own benchmark reports."""
        return run_json([self.path, "--benchmark", "--seconds", str(seconds),
                         *self.options])

    def start(self, shape, threads):
        """Time to the first answer and memory of a short run."""
        self.prepare(shape, threads)
        return self.measure(0.1)


def run_json(command):
    """Runs a command and parses the JSON it prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n"
                         f"{done.stderr.strip()}")
    return json.loads(done.stdout)


def make_engines(args, work_dir):
    """The engines by name; programs first."""
    engines = {}
    if args.program:
        engines["tq int8"] = Program(args.program, args.input_name)
    if args.program_float:
        engines["tq float"] = Program(args.program_float, args.input_name)
    for kind in ("int8", "float"):
        for form in args.forms:
            paths = onnxruntime_bert.build(args.model, work_dir, form)
            engines[f"ort {kind} {form}"] = OnnxRuntime(paths[kind])
    return engines


def run_rounds(engines, args):
    """All measurements of one shape: a list by engine, one entry a round."""
    names = list(engines)
    results = {name: [] for name in names}
    for i in range(args.rounds):
        shift = i % len(names)
        for name in names[shift:] + names[:shift]:
            time.sleep(PAUSE_SECONDS)
            results[name].append(engines[name].measure(args.seconds))
    return results


def medians(results):
    """Latency by engine: the P50 of each round."""
    return {name: [row["latency_ms"]["p50"] for row in rows]
            for name, rows in results.items()}


def ratio(latencies, kind):
    """Speed of tq over that of the faster onnxruntime form, by round."""
    if f"tq {kind}" not in latencies:
        return None
    rivals = [rows for name, rows in latencies.items()
              if name.startswith(f"ort {kind} ")]
    ratios = [min(ort) / tq
              for tq, *ort in zip(latencies[f"tq {kind}"], *rivals)]
    return {"median": statistics.median(ratios), "min": min(ratios),
            "max": max(ratios)}


def summarize(results, shape, threads):
    """Ratios and median latencies of one shape and thread count."""
    latencies = medians(results)
    return {"shape": "x".join(map(str, shape)), "threads": threads,
            "ratio": {kind: ratio(latencies, kind)
                      for kind in ("int8", "float")},
            "median_ms": {name: statistics.median(rows)
                          for name, rows in latencies.items()},
            "best_ms": {name: min(rows) for name, rows in latencies.items()},
            "rounds": results}


def measure_all(engines, args):
    """Summaries for all shapes and thread counts; prints as it goes."""
    summaries = []
    print_row(["shape", "threads", "int8 ratio", "float ratio", *engines])
    for threads in args.threads:
        for shape in args.shapes:
            for engine in engines.values():
                engine.prepare(shape, threads)
            summary = summarize(run_rounds(engines, args), shape, threads)
            print_row(format_summary(summary))
            summaries.append(summary)
    return summaries


def format_summary(summary):
    """The cells of one line of the table: ratios, then medians in ms."""
    cells = [summary["shape"], str(summary["threads"])]
    for value in summary["ratio"].values():
        cells.append("-" if value is None else
                     f"{value['median']:.2f} ({value['min']:.2f}"
                     f"..{value['max']:.2f})")
    return cells + [f"{value:.3g}" for value in summary["median_ms"].values()]


def print_row(cells):
    """One line of a Markdown table."""
    if cells[0] == "shape":
        print("| " + " | ".join(cells) + " |")
        cells = ["---"] * len(cells)
    print("| " + " | ".join(cells) + " |", flush=True)


def measure_starts(engines, args):
    """Median time to the first answer and memory, on the first shape."""
    shape, threads = args.shapes[0], args.threads[0]
    starts = {}
    for name, engine in engines.items():
        rows = [engine.start(shape, threads) for _ in range(5)]
        starts[name] = {key: statistics.median(row[key] for row in rows)
                        for key in ("first_answer_ms", "peak_rss_bytes")}
        print(f"{name:16} first answer {starts[name]['first_answer_ms']:.1f} "
              f"ms, peak {starts[name]['peak_rss_bytes'] / 2**20:.1f} MiB")
    return starts


def machine():
    """What the figures depend on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields.get("flags", "").split()
    return {"cpu": fields.get("model name", platform.processor()),
            "cores": os.cpu_count(), "load": os.getloadavg()[0],
            "isa": [flag for flag in ("avx2", "avx_vnni", "avx512_vnni",
                                      "amx_int8") if flag in flags],
            "onnxruntime": onnxruntime.__version__}


def parse_arguments():
    def commas(parse):
        return lambda text: [parse(part) for part in text.split(",")]
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True,
                        help="Hugging Face directory of a BertModel")
    parser.add_argument("--program", help="compiled int8 program")
    parser.add_argument("--program-float", help="compiled float program")
    parser.add_argument("--shapes", default="1x16,1x128,8x128",
                        type=commas(onnxruntime_bert.parse_shape))
    parser.add_argument("--threads", default="1,2", type=commas(int))
    parser.add_argument("--rounds", default=7, type=int)
    parser.add_argument("--seconds", default=1.0, type=float,
                        help="length of one measurement")
    parser.add_argument("--forms", default="fused,tuned", type=commas(str),
                        help="forms of onnxruntime's graph")
    parser.add_argument("--input-name", default="input_ids",
                        help="the program's input (default: %(default)s)")
    parser.add_argument("--work-dir", help="where ONNX files are kept")
    parser.add_argument("--json", help="write all figures to this file")
    return parser.parse_args()


def main():
    args = parse_arguments()
    facts = machine()
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    with tempfile.TemporaryDirectory() as folder:
        engines = make_engines(args, args.work_dir or folder)
        results = {"machine": facts, "seconds": args.seconds,
                   "results": measure_all(engines, args),
                   "starts": measure_starts(engines, args)}
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
