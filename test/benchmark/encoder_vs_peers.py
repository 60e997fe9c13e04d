#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Latency of a compiled BERT encoder against other engines.

Every engine runs in a process of its own, on the same token ids. Every round
times all engines one after the other, in a rotating order, so that a slow
moment of the machine hits all of them; short bursts and many rounds serve
best where the speed of the machine changes. A round's ratio is the time of the
fastest peer of the same precision over tq's: above 1, tq is faster. Printed
are the median of the rounds, the worst and the best.

    encoder_vs_peers.py --model all-MiniLM-L6-v2 --data stsb
    encoder_vs_peers.py --model bert-base
    encoder_vs_peers.py --model MODEL --tq 'avx2=--target-cpu=x86-64-v3'

A shape is BATCHxTOKENS; a `p` behind it pads: the rows' lengths are spread
from an eighth to all of the tokens, and the mask says so. The engines' files
are made first (--prepare: only that) and kept in the work folder.

tq is called through its C interface, from the same loop as the others: its
own --benchmark has no padded inputs, and a process for each burst would be
slow. First answers and memory are those of fresh processes.

Programs of tq: dynamic and static int8, float, and what --tq adds.

Peers, each if it is installed: onnxruntime (int8 by channel: dynamic, with two
forms of the graph, and static, see onnx_bert.py), openvino (static int8 by
nncf), ctranslate2, torch (dynamic int8). What is static is calibrated with the
same 64 samples. Needs numpy; ctranslate2 also
transformers and torch, openvino torch, --data tokenizers.
"""

import shlex
import statistics
import sys
import time

import numpy as np

import bert_model
import engines
from measuring import (PROGRESS, commas, describe_machine, figure, interleave,
                       locked, machine, make_parser, parse, print_table,
                       ratio_text, ratios, write_json)
from worker import EngineError, Worker

SHAPES = {"bert-base": "1x16,1x128,8x128,1x384"}
USUAL_SHAPES = "1x16,1x128,8x128,32x128,32x128p"
# Idle threads of some engines spin for up to 0.2 s after a run.
PAUSES = {1: 0.02}
USUAL_PAUSE = 0.25
# Cosine with tq's float program, below which an engine runs another model.
LEAST_COSINE = {"int8": 0.8, "float": 0.9999}
REFERENCE = "tq float"


# -------------------------------------------------------------------- engines

def make_engines(args, model):
    """All engines that can run here, by name; tq first."""
    samples = engines.write_samples(model, args.work_dir, args.data)
    calibrated = ["--quantize=static", f"--calibrate={samples}"]
    variants = {"int8": ["--quantize=dynamic"], "float": ["--quantize=none"],
                "static": calibrated, **args.tq}
    chosen = [engines.Tq(model, args.work_dir, name,
                         [f"--target-cpu={args.target_cpu}", *options],
                         args.tq_compile)
              for name, options in variants.items()]
    missing = {}
    for engine in engines.make_peers(args.peers, model, args.work_dir,
                                     args.data):
        if package := engine.missing():
            missing[engine.family] = package
        else:
            chosen.append(engine)
    for family, package in missing.items():
        PROGRESS.note(f"{family}: left out, {package} is not installed")
    return {engine.name: engine for engine in chosen if prepare(engine)}


def prepare(engine):
    """Makes an engine's files; false if that fails."""
    PROGRESS.show(f"{engine.name}: making its files")
    try:
        if isinstance(engine, engines.Tq):
            engine.build()
            return True
        with Worker(engine, threads=2) as worker:
            if remark := worker.call("build"):
                PROGRESS.note(f"{engine.name}: {remark}")
        return True
    except EngineError as error:
        PROGRESS.note(f"{engine.name}: left out: {error}")
        return False


def start_workers(chosen, threads):
    """Workers by name, loaded."""
    workers = {}
    for name, engine in chosen.items():
        PROGRESS.show(f"{name}: loading")
        workers[name] = Worker(engine, threads)
        try:
            workers[name].call("load", threads)
        except EngineError as error:
            PROGRESS.note(f"{name}: left out: {error}")
            workers.pop(name).close()
    return workers


# --------------------------------------------------------------------- rounds

def bind(workers, chosen, shape, vocab):
    """Gives all workers the inputs of a shape; the lowest cosine by engine.
    Only these are to be timed: the others failed or run another model."""
    inputs = (bert_model.random_ids(*shape["size"], vocab),
              bert_model.random_mask(*shape["size"], shape["padded"]))
    cosines = {}
    for name, worker in workers.items():  # the reference among the first two
        PROGRESS.show(f"{shape['text']}: warming up {name}")
        try:
            worker.call("bind", *inputs)
            found = worker.call("embedding")
        except EngineError as error:
            PROGRESS.note(f"{shape['text']}, {name}: left out: {error}")
            continue
        cosines[name] = unit(found)
    if REFERENCE not in cosines:
        raise SystemExit(f"{REFERENCE} is what the others are compared with")
    reference = cosines[REFERENCE]
    for name, rows in list(cosines.items()):
        cosines[name] = float((rows * reference).sum(axis=1).min())
        if not cosines[name] >= LEAST_COSINE[chosen[name].precision]:
            PROGRESS.note(f"{shape['text']}, {name}: left out: the cosine "
                          f"with {REFERENCE} is {cosines.pop(name):.4f}")
    return cosines


def unit(rows):
    """Rows scaled to unit length."""
    rows = np.asarray(rows, np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measure_shape(workers, chosen, shape, threads, vocab, args):
    """Times and ratios of one shape and number of threads."""
    with locked(args.lock):
        cosines = bind(workers, chosen, shape, vocab)
    pause = PAUSES.get(threads, USUAL_PAUSE)

    def job(name):
        def burst():
            time.sleep(pause)
            return workers[name].call("burst", args.seconds)
        return burst
    title = f"{shape['text']}, {threads} thread(s)"
    times = interleave({name: job(name) for name in cosines}, args.rounds,
                       title, args.lock)
    result = {"shape": shape["text"], "threads": threads,
              "ratios": compare(times, chosen), "cosine": cosines,
              "median_ms": {name: statistics.median(row)
                            for name, row in times.items()},
              "rounds_ms": times}
    PROGRESS.note(title + ": " + ", ".join(
        f"{name} {ratio_text(value['all'])}"
        for name, value in result["ratios"].items()))
    return result


def compare(times, chosen):
    """By program of tq: ratios to the fastest peer of its precision in each
    round ("all"), that peer's name, and ratios to OpenVINO and to the main
    program of the same precision alone."""
    result = {}
    for name, own in times.items():
        precision = chosen[name].precision
        if chosen[name].family != "tq":
            continue
        rivals = {rival: row for rival, row in times.items()
                  if chosen[rival].family != "tq"
                  and chosen[rival].precision == precision}
        fastest = [min(row) for row in zip(*rivals.values())]
        medians = {rival: statistics.median(row)
                   for rival, row in rivals.items()}
        openvino, main = rivals.get(f"openvino {precision}"), f"tq {precision}"
        result[name] = {
            "all": ratios(fastest, own) if rivals else None,
            "fastest": min(medians, key=medians.get) if rivals else None,
            "openvino": ratios(openvino, own) if openvino else None,
            main: ratios(times[main], own) if name != main else None}
    return result


def measure_starts(chosen, shape, threads, args):
    """Median time to the first answer and peak memory by engine."""
    inputs = (bert_model.random_ids(*shape["size"], 1000),
              bert_model.random_mask(*shape["size"], shape["padded"]))

    def job(engine):
        def start():
            if engine.family == "tq":
                return engines.program_start(engine, shape["size"], threads)
            with Worker(engine, threads) as worker:
                worker.call("load", threads)
                return worker.call("first_answer", *inputs)
        return start
    rows = interleave({name: job(engine) for name, engine in chosen.items()},
                      args.starts, "first answer", args.lock)
    if not args.starts:
        return {}
    return {name: {key: statistics.median(row[key] for row in found)
                   for key in found[0]} for name, found in rows.items()}


# --------------------------------------------------------------------- output

def print_ratios(results, model_name, chosen):
    """Ratios, one line a shape and number of threads."""
    programs = [name for name, engine in chosen.items()
                if engine.family == "tq"]
    header = [model_name, "threads"]
    rows = [[result["shape"], result["threads"]] for result in results]
    for name in programs:
        main = f"tq {chosen[name].precision}"
        header += [f"{name} over the fastest peer", "that is",
                   f"{name} over OpenVINO"]
        if name != main:
            header.append(f"{name} over {main}")
        for row, result in zip(rows, results):
            value = result["ratios"][name]
            row += [ratio_text(value["all"]), value["fastest"] or "-",
                    ratio_text(value["openvino"])]
            if name != main:
                row.append(ratio_text(value[main]))
    print_table(header, rows)


def print_times(results, model_name, chosen):
    """Median milliseconds, and the lowest cosine found."""
    header = [f"{model_name}, ms"]
    header += [f"{r['shape']}, {r['threads']} thr." for r in results]
    rows = []
    for name in chosen:
        cosines = [r["cosine"][name] for r in results if name in r["cosine"]]
        times = [figure(r["median_ms"].get(name)) for r in results]
        rows.append([name, *times,
                     f"{min(cosines):.4f}" if cosines else "-"])
    print_table([*header, f"cosine to {REFERENCE}"], rows)


def print_starts(starts, shape, threads):
    """First answers and memory."""
    print_table(
        [f"{shape['text']}, {threads} thread(s)", "first answer, ms",
         "peak memory, MiB"],
        [[name, figure(row["first_answer_ms"]),
          figure(row["peak_rss_bytes"] / 2**20)]
         for name, row in starts.items()])


# ----------------------------------------------------------------------- main

def parse_shape(text):
    """`32x128p` -> its parts."""
    return {"text": text, "padded": text.endswith("p"),
            "size": bert_model.parse_shape(text.removesuffix("p"))}


def parse_variant(text):
    """`NAME=OPTIONS` -> the name and a list of options."""
    name, _, options = text.partition("=")
    return name, shlex.split(options)


def parse_arguments():
    parser = make_parser(__doc__, rounds=11, seconds=0.1)
    parser.add_argument("--model", required=True, metavar="DIR",
                        help="Hugging Face directory of a BertModel, or "
                        f"{bert_model.BERT_BASE}: random weights")
    parser.add_argument("--shapes", type=commas(parse_shape),
                        help=f"default: {USUAL_SHAPES}; for bert-base "
                        + SHAPES["bert-base"])
    parser.add_argument("--threads", default="1,2", type=commas(int),
                        help="default: %(default)s")
    parser.add_argument("--peers", default=",".join(engines.FAMILIES),
                        type=commas(str), help="default: %(default)s")
    parser.add_argument("--tq", action="append", default=[],
                        type=parse_variant, metavar="NAME=OPTIONS",
                        help="one more program, made with these options of "
                        "tq-compile (repeat)")
    parser.add_argument("--target-cpu", default="host",
                        help="for all programs (default: %(default)s)")
    parser.add_argument("--data", metavar="DIR", help="folder with "
                        "stsb-en-dev.csv, to calibrate with")
    parser.add_argument("--starts", type=int, default=5,
                        help="first answers to measure (default: "
                        "%(default)s; 0: none)")
    parser.add_argument("--prepare", action="store_true",
                        help="only make the engines' files")
    args = parse(parser)
    if unknown := set(args.peers) - set(engines.FAMILIES):
        parser.error(f"--peers: unknown {', '.join(sorted(unknown))}")
    args.tq = dict(args.tq)
    if args.shapes is None:
        args.shapes = [parse_shape(text) for text in SHAPES.get(
            args.model, USUAL_SHAPES).split(",")]
    return args


def measure_all(chosen, model, args):
    """Results of all shapes and numbers of threads."""
    vocab = bert_model.load_config(model)["vocab_size"]
    results = []
    for threads in args.threads:
        with locked(args.lock):
            workers = start_workers(chosen, threads)
        try:
            results += [measure_shape(workers, chosen, shape, threads, vocab,
                                      args) for shape in args.shapes]
        finally:
            for worker in workers.values():
                worker.close()
    return results


def main():
    args = parse_arguments()
    model, model_name = bert_model.find_model(args.model, args.work_dir)
    chosen = make_engines(args, model)
    if args.prepare:
        return 0
    results = measure_all(chosen, model, args)
    shape, threads = args.shapes[0], args.threads[0]
    starts = measure_starts(chosen, shape, threads, args)
    facts = machine()
    facts["versions"] = {engine.family: engine.version()
                         for engine in chosen.values()}
    print(describe_machine(facts))
    print(", ".join(f"{name} {version}"
                    for name, version in facts["versions"].items()) + "\n")
    print_ratios(results, model_name, chosen)
    print_times(results, model_name, chosen)
    if starts:
        print_starts(starts, shape, threads)
    write_json(args.json, {"machine": facts, "model": model_name,
                           "seconds": args.seconds, "results": results,
                           "starts": starts})
    return 0


if __name__ == "__main__":
    sys.exit(main())
