#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How much faster a compiled BERT encoder is with more threads.

Every round times one thread and several, one after the other, in a rotating
order. A round's ratio is the time of one thread over that of several; printed
are the median of the rounds, the worst and the best, then median times. For
comparison, as many processes of one thread run at once, which share nothing but
the machine: what they give together is what the machine has to give.

    scaling.py --model all-MiniLM-L6-v2
    scaling.py --model bert-base --threads 2,4 --shapes 1x128

Needs numpy.
"""

import concurrent.futures
import statistics
import sys
import time

import numpy as np

import bert_model
import engines
from measuring import (PROGRESS, commas, describe_machine, figure, interleave,
                       machine, make_parser, parse, print_table, ratio_text,
                       ratios, write_json)
from worker import Worker

QUANTIZE = {"int8": "dynamic", "float": "none"}
SHAPES = "1x16,1x64,1x128,8x128,32x128"
# Before a burst, so that the last one's threads sleep.
PAUSE_SECONDS = 0.02


class Copies:
    """Processes that run the same program at once, each on one thread."""

    def __init__(self, engine, count):
        self.workers = [Worker(engine, 1) for _ in range(count)]
        self.pool = concurrent.futures.ThreadPoolExecutor(count)

    def call(self, name, *arguments):
        """Calls all; of times the mean, divided by the number of copies."""
        calls = [self.pool.submit(worker.call, name, *arguments)
                 for worker in self.workers]
        results = [call.result() for call in calls]
        if name == "burst":
            return statistics.mean(results) / len(results)
        return results[0]

    def close(self):
        """Ends the processes."""
        for worker in self.workers:
            worker.close()
        self.pool.shutdown()


def measure_shape(workers, shape, vocab, args):
    """Times in ms of one shape, by program and number of threads, or of
    processes where it is negative."""
    text = "{}x{}".format(*shape)
    inputs = (bert_model.random_ids(*shape, vocab), np.ones(shape, np.int64))

    def job(worker):
        def burst():
            time.sleep(PAUSE_SECONDS)
            return worker.call("burst", args.seconds)
        return burst
    for worker in workers.values():
        worker.call("bind", *inputs)
    times = interleave({key: job(worker) for key, worker in workers.items()},
                       args.rounds, text, args.lock)
    result = {"shape": text, "programs": {}}
    for kind in QUANTIZE:
        alone = times[kind, 1]
        result["programs"][kind] = {
            "ratios": {threads: ratios(alone, times[kind, threads])
                       for threads in args.threads},
            "ratios_of_processes": {
                threads: ratios(alone, times[kind, -threads])
                for threads in args.threads},
            "median_ms": {threads: statistics.median(times[kind, threads])
                          for threads in [1, *args.threads]},
            "rounds_ms": {threads: times[kind, threads]
                          for threads in [1, *args.threads]}}
    return result


def print_results(results, model_name, threads):
    """Ratios first, then times."""
    columns = [(kind, count) for kind in QUANTIZE for count in threads]
    header = [model_name]
    header += [f"{kind}: ratio of {count} threads to 1"
               for kind, count in columns]
    header += [f"{kind}: {count} processes" for kind, count in columns]
    header += [f"{kind} ms, {' / '.join(map(str, [1, *threads]))} threads"
               for kind in QUANTIZE]
    rows = []
    for result in results:
        programs = result["programs"]
        row = [result["shape"]]
        row += [ratio_text(programs[kind]["ratios"][count])
                for kind, count in columns]
        row += [ratio_text(programs[kind]["ratios_of_processes"][count])
                for kind, count in columns]
        row += [" / ".join(map(figure, programs[kind]["median_ms"].values()))
                for kind in QUANTIZE]
        rows.append(row)
    print_table(header, rows)


def parse_arguments():
    parser = make_parser(__doc__, rounds=11, seconds=0.1)
    parser.add_argument("--model", required=True, metavar="DIR",
                        help="Hugging Face directory of a BertModel, or "
                        f"{bert_model.BERT_BASE}: random weights")
    parser.add_argument("--shapes", default=SHAPES,
                        type=commas(bert_model.parse_shape),
                        help="default: %(default)s")
    parser.add_argument("--threads", default="2", type=commas(int),
                        help="numbers to compare with 1 (default: "
                        "%(default)s)")
    parser.add_argument("--target-cpu", default="host",
                        help="for all programs (default: %(default)s)")
    return parse(parser)


def main():
    args = parse_arguments()
    model, model_name = bert_model.find_model(args.model, args.work_dir)
    vocab = bert_model.load_config(model)["vocab_size"]
    workers = {}
    for kind, scheme in QUANTIZE.items():
        PROGRESS.show(f"compiling {kind}")
        engine = engines.Tq(model, args.work_dir, kind, [
            f"--target-cpu={args.target_cpu}", f"--quantize={scheme}"],
            args.tq_compile)
        engine.build()
        for threads in [1, *args.threads]:
            workers[kind, threads] = Worker(engine, threads)
            workers[kind, threads].call("load", threads)
        for threads in args.threads:
            workers[kind, -threads] = Copies(engine, threads)
            workers[kind, -threads].call("load", 1)
    results = [measure_shape(workers, shape, vocab, args)
               for shape in args.shapes]
    for worker in workers.values():
        worker.close()
    facts = machine()
    print(f"{describe_machine(facts)}; tq {engine.version()}\n")
    print_results(results, model_name, args.threads)
    write_json(args.json, {"machine": facts, "model": model_name,
                           "seconds": args.seconds, "results": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
