#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Time and memory that compiling a BERT encoder takes.

Seconds are wall-clock time of tq-compile with its default options, median of
the rounds (worst in parentheses). Memory is the most that the compiler and
the processes it starts had resident at one moment, in MiB, seen every few
milliseconds: all pages, with those of mapped files, and of them the private
ones that no file backs. The goals stand beside them: 10 s for MiniLM and 30 s
for BERT-base on two cores, and the bytes of the weights plus 0.5 GB.

    compile_cost.py --models all-MiniLM-L6-v2,bert-base

Needs numpy. Linux only.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bert_model
from measuring import (PROGRESS, commas, describe_machine, interleave,
                       machine, make_parser, parse, print_table,
                       process_tree, write_json)

QUANTIZE = {"int8": "dynamic", "float": "none"}
# A goal holds for models of up to this many bytes of weights.
SECONDS_GOALS = ((100e6, 10), (float("inf"), 30))
MEMORY_GOAL_OVER_WEIGHTS = 0.5e9
SAMPLE_SECONDS = 0.004
MIB = 2**20


def read_status(pid):
    """Bytes of a process by field of its status, or None if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = (line.split() for line in lines if line.endswith(" kB"))
    return {field[0].rstrip(":"): int(field[1]) * 1024 for field in fields}


def compile_once(command):
    """Wall-clock seconds and peak bytes of a command's processes."""
    peak = {"VmRSS": 0, "RssAnon": 0, "VmHWM": 0}
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            pids = process_tree(process.pid)
            found = [status for status in map(read_status, pids) if status]
            for field in ("VmRSS", "RssAnon"):
                total = sum(status.get(field, 0) for status in found)
                peak[field] = max(peak[field], total)
            # What a single process had between two looks.
            peak["VmHWM"] = max([peak["VmHWM"], *(
                status.get("VmHWM", 0) for status in found)])
            time.sleep(SAMPLE_SECONDS)
        seconds = time.perf_counter() - begin
        if process.returncode != 0:
            raise SystemExit(process.stderr.read().decode().strip())
    return {"seconds": seconds, "resident": max(peak["VmRSS"], peak["VmHWM"]),
            "private": peak["RssAnon"]}


def summarize(rows, model):
    """Figures of one model and precision, with its goals."""
    weights = (model / "model.safetensors").stat().st_size
    seconds = [row["seconds"] for row in rows]
    return {
        "seconds": statistics.median(seconds), "seconds_worst": max(seconds),
        "seconds_goal": next(goal for limit, goal in SECONDS_GOALS
                             if weights < limit),
        "resident_bytes": max(row["resident"] for row in rows),
        "private_bytes": max(row["private"] for row in rows),
        "memory_goal_bytes": int(weights + MEMORY_GOAL_OVER_WEIGHTS),
        "weights_bytes": weights}


def print_results(results):
    """Shares of the goals first."""
    rows = []
    for (model, kind), row in results.items():
        share = row["seconds"] / row["seconds_goal"]
        memory = row["resident_bytes"] / row["memory_goal_bytes"]
        rows.append([
            f"{model}, {kind}", f"{share:.2f}", f"{memory:.2f}",
            f"{row['seconds']:.1f} ({row['seconds_worst']:.1f})",
            row["seconds_goal"], *(f"{row[key] / MIB:.0f}" for key in (
                "resident_bytes", "private_bytes", "memory_goal_bytes",
                "weights_bytes"))])
    print_table(["", "share of the goal: time", "memory", "seconds (worst)",
                 "goal", "resident, MiB", "private, MiB", "goal, MiB",
                 "weights, MiB"], rows)


def parse_arguments():
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--models", required=True, type=commas(str),
                        metavar="DIR,...", help="Hugging Face directories of "
                        f"BertModels, or {bert_model.BERT_BASE}: random "
                        "weights")
    parser.add_argument("--target-cpu", help="default: the compiler's")
    return parse(parser)


def main():
    args = parse_arguments()
    PROGRESS.show("reading the models")
    models = {name: path for path, name in (
        bert_model.find_model(name, args.work_dir) for name in args.models)}
    for path in models.values():  # into the page cache
        (path / "model.safetensors").read_bytes()
    options = [f"--target-cpu={args.target_cpu}"] if args.target_cpu else []
    with tempfile.TemporaryDirectory(dir=args.work_dir) as folder:
        def job(path, scheme):
            return lambda: compile_once(
                [args.tq_compile, path, "-o", f"{folder}/program",
                 f"--quantize={scheme}", *options])
        rounds = interleave(
            {(name, kind): job(path, scheme) for name, path in models.items()
             for kind, scheme in QUANTIZE.items()},
            args.rounds, "compiling", args.lock)
    results = {key: summarize(rows, models[key[0]])
               for key, rows in rounds.items()}
    facts = machine()
    print(f"{describe_machine(facts)}\n")
    print_results(results)
    write_json(args.json, {"machine": facts, "results": [
        {"model": model, "precision": kind, **row}
        for (model, kind), row in results.items()]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
