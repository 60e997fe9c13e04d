#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How a compiled BERT encoder fares where another process spins.

Every round times all programs, one after the other, on the quiet machine,
beside a process that spins on one core (pinned), and beside one that the system
may move (free). A round's ratio is the mean time of one thread of tq on the
quiet machine over that of a program: 1 is as fast as that thread. Printed are
the median of the rounds, the worst and the best; then mean times.

    contention.py --model all-MiniLM-L6-v2
    contention.py --model all-MiniLM-L6-v2 --old OTHER/bin/tq-compile

--old takes a program of another compiler, and so of its runtime, into the same
rounds. OpenVINO takes part if openvino and onnx are installed.

Needs numpy, and a machine that has nothing else to do.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import bert_model
import engines
from measuring import (PROGRESS, commas, describe_machine, figure, interleave,
                       machine, make_parser, parse, print_table, ratio_text,
                       ratios, write_json)
from worker import EngineError, Worker

PLACES = ("quiet", "pinned", "free")
SPIN = "print(flush=True)\nwhile True: pass"
# Before a burst, so that the last one's threads sleep, and the system has
# spread what runs.
PAUSE_SECONDS = 0.05


@contextlib.contextmanager
def spinner(place):
    """A process that spins, or none on the quiet machine."""
    if place == "quiet":
        yield
        return
    with subprocess.Popen([sys.executable, "-c", SPIN],
                          stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            if place == "pinned":
                core = max(os.sched_getaffinity(0))
                os.sched_setaffinity(process.pid, {core})
            yield
        finally:
            process.kill()


def start_programs(args, model):
    """Workers by name and number of threads, one quiet thread's first."""
    options = [f"--target-cpu={args.target_cpu}", "--quantize=none"]
    tq = engines.Tq(model, args.work_dir, "float", options, args.tq_compile)
    wanted = [("tq", 1, tq), ("tq", args.threads, tq)]
    if args.old:
        folder = args.work_dir / "old"
        old = engines.Tq(model, folder, "float", options, args.old)
        wanted.append(("old tq", args.threads, old))
    peer = engines.OpenVinoOfOnnx(model, args.work_dir)
    if package := peer.missing():
        PROGRESS.note(f"openvino: left out, {package} is not installed")
    else:
        wanted.append(("openvino", args.threads, peer))
    workers = {}
    for name, threads, engine in wanted:
        PROGRESS.show(f"{name}: loading")
        worker = Worker(engine, threads)
        try:
            worker.call("build")
            worker.call("load", threads)
            workers[name, threads] = worker
        except EngineError as error:
            worker.close()
            if isinstance(engine, engines.Tq):
                raise SystemExit(f"{name}: {error}") from None
            PROGRESS.note(f"{name}: left out: {error}")
    return workers


def measure_shape(workers, shape, vocab, args):
    """Ratios and times of one shape, by place and program."""
    text = "{}x{}".format(*shape)
    inputs = (bert_model.random_ids(*shape, vocab), np.ones(shape, np.int64))

    def job(worker, place):
        def burst():
            with spinner(place):
                time.sleep(PAUSE_SECONDS)
                return statistics.mean(worker.call("times", args.seconds))
        return burst
    for worker in workers.values():
        worker.call("bind", *inputs)
    jobs = {(place, *key): job(worker, place)
            for place in PLACES for key, worker in workers.items()}
    times = interleave(jobs, args.rounds, text, args.lock)
    reference = times["quiet", "tq", 1]
    programs = [{
        "name": name, "threads": threads, "place": place,
        "ratios": ratios(reference, times[place, name, threads]),
        "median_ms": statistics.median(times[place, name, threads]),
        "rounds_ms": times[place, name, threads]}
        for place, name, threads in jobs]
    return {"shape": text, "programs": programs}


def print_shape(result, model_name):
    """A row a program: ratios in each place, then times."""
    cells = {}
    for program in result["programs"]:
        key = program["name"], program["threads"]
        cells.setdefault(key, []).append(program)
    rows = [[f"{name}, {threads} thread{'s' if threads > 1 else ''}",
             *(ratio_text(program["ratios"]) for program in programs),
             " / ".join(figure(program["median_ms"]) for program in programs)]
            for (name, threads), programs in cells.items()]
    print_table([f"{model_name}, float, {result['shape']}", *PLACES, "ms"],
                rows)


def parse_arguments():
    parser = make_parser(__doc__, rounds=9, seconds=1.0)
    parser.add_argument("--model", required=True, metavar="DIR",
                        help="Hugging Face directory of a BertModel, or "
                        f"{bert_model.BERT_BASE}: random weights")
    parser.add_argument("--old", type=Path, metavar="FILE",
                        help="another compiler to compare with")
    parser.add_argument("--shapes", default="1x128",
                        type=commas(bert_model.parse_shape),
                        help="default: %(default)s")
    parser.add_argument("--threads", default=2, type=int,
                        help="beside one thread (default: %(default)s)")
    parser.add_argument("--target-cpu", default="host",
                        help="for all programs (default: %(default)s)")
    args = parse(parser)
    if args.threads < 2:
        parser.error("--threads: expected at least 2")
    if args.old and not args.old.exists():
        parser.error(f"--old: there is no {args.old}")
    return args


def main():
    args = parse_arguments()
    model, model_name = bert_model.find_model(args.model, args.work_dir)
    vocab = bert_model.load_config(model)["vocab_size"]
    workers = start_programs(args, model)
    results = [measure_shape(workers, shape, vocab, args)
               for shape in args.shapes]
    for worker in workers.values():
        worker.close()
    facts = machine()
    print(f"{describe_machine(facts)}\n")
    for result in results:
        print_shape(result, model_name)
    write_json(args.json, {"machine": facts, "model": model_name,
                           "seconds": args.seconds, "results": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
