#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Share of the machine's peak that single kernels reach, on one thread.

Every kernel is a program of one layer: its weights stay in the nearest cache
that holds them. Programs run with --profile, which times the calls of each
kernel and measures the peak of the instructions the program was made for:
u8 x s8 dot products for int8 kernels, fma for float ones, dot products of
bf16 where there are any. Dynamic quantization of a linear's input is a kernel
of its own and not counted.

    kernels.py
    kernels.py --target-cpu=x86-64-v4+avx512vnni --kernels=int8
    kernels.py --kernels=attention --options='--quantize=none'

GOPS are 10^9 multiplications and additions a second of the layer's products
(2 M K N of a linear; 4 H S^2 D of attention), without epilogue and softmax.
Printed are the median share of all rounds, each against the peak measured in
the same run, and in parentheses the best call against the best peak. One row
is bound by the reading of the weights, so for it GB/s are printed, too.

Where torch is installed, each float linear is also timed as torch's, which has
a vendor's library behind it: what that reaches on the machine says how far the
peak is to be had.
Needs numpy.
"""

import dataclasses
import json
import re
import shlex
import statistics
import sys
import time

import numpy as np

import tq_program
from measuring import (PROGRESS, commas, describe_machine, figure, interleave,
                       machine, make_parser, parse, print_table, ratio_text,
                       ratios, write_json)

try:
    import torch
except ImportError:
    torch = None

LINEARS = ((384, 384), (384, 1536), (1536, 384),
           (768, 768), (768, 3072), (3072, 768))
ROWS = (1, 4, 7, 16, 128, 1024)
EPILOGUES = ("f32", "gelu", "residual")
HEADS = 12
HEAD_SIZES = (32, 64)
LENGTHS = (128, 384, 512)
PEAKS = re.compile(r"(\d+) GOPS of u8 x s8 dot products, "
                   r"(\d+) GFLOPS of f32 fma, (\d+) of bf16")

# y = x W' + b, an activation or a residual.
LINEAR = """\
!x = tensor<?x{k}xf32>
!y = tensor<?x{n}xf32>
!w = tensor<{n}x{k}xf32>
!b = tensor<{n}xf32>
tq.weight @w : !w = #tq.mapped<"{weights}", 0>
tq.weight @b : !b = #tq.mapped<"{weights}", {bias}>
func.func @main(%x: !x {{program.port = #program.port<"x", ["m", "{k}"]>}},
                %r: !y {{program.port = #program.port<"r", ["m", "{n}"]>}})
    -> (!y {{program.port = #program.port<"y", ["m", "{n}"]>}}) {{
  %w = tq.get_weight @w : !w
  %b = tq.get_weight @b : !b
  %f32 = tq.linear %x, %w, %b : (!x, !w, !b) -> !y
  %gelu = tq.gelu %f32 : !y
  %residual = tq.add %f32, %r : (!y, !y) -> !y
  return %{epilogue} : !y
}}
"""

ATTENTION = """\
!x = tensor<?x?x{width}xf32>
func.func @main(
    %q: !x {{program.port = #program.port<"q", ["batch", "s", "{width}"]>}},
    %k: !x {{program.port = #program.port<"k", ["batch", "s", "{width}"]>}},
    %v: !x {{program.port = #program.port<"v", ["batch", "s", "{width}"]>}})
    -> (!x {{program.port = #program.port<"y", ["batch", "s", "{width}"]>}}) {{
  %y = tq.attention %q, %k, %v {{num_heads = {heads} : i64,
    scale = {scale:e} : f32}} : (!x, !x, !x) -> !x
  return %y : !x
}}
"""


@dataclasses.dataclass(frozen=True)
class Linear:
    """A linear layer: rows of K to rows of N."""

    precision: str
    k: int
    n: int
    epilogue: str
    sizes = ROWS
    unit = "M"

    @property
    def name(self):
        """In tables."""
        return f"{self.precision} linear {self.k}x{self.n}, {self.epilogue}"

    def source(self, weights):
        """The program; writes its weights."""
        random = np.random.default_rng(0)
        values = random.standard_normal(self.n * self.k + self.n, np.float32)
        values.tofile(weights)
        return LINEAR.format(k=self.k, n=self.n, weights=weights.resolve(),
                             bias=4 * self.n * self.k, epilogue=self.epilogue)

    def shape(self, size):
        """--shape of a run."""
        return f"x={size}x{self.k}"

    def ops(self, size):
        """Multiplications and additions of a run."""
        return 2 * size * self.k * self.n

    @property
    def bytes_per_op(self):
        """Bytes of weights for an operation on one row."""
        return (4 if self.precision == "float" else 1) / 2


@dataclasses.dataclass(frozen=True)
class Attention:
    """Attention of HEADS heads over one sequence."""

    precision: str
    head_size: int
    sizes = LENGTHS
    unit = "S"

    @property
    def name(self):
        """In tables."""
        return f"{self.precision} attention {HEADS}x{self.head_size}"

    def source(self, _):
        """The program."""
        return ATTENTION.format(width=HEADS * self.head_size, heads=HEADS,
                                scale=self.head_size ** -0.5)

    def shape(self, size):
        """--shape of a run."""
        return f"q=1x{size}x{HEADS * self.head_size}"

    def ops(self, size):
        """Multiplications and additions of a run."""
        return 4 * HEADS * size * size * self.head_size


def all_kernels():
    """By group: what --kernels chooses from."""
    return {
        "int8": [Linear("int8", k, n, epilogue) for epilogue in EPILOGUES
                 for k, n in LINEARS],
        "float": [Linear("float", k, n, "f32") for k, n in LINEARS],
        "attention": [Attention(precision, size)
                      for precision in ("float", "bf16", "int8")
                      for size in HEAD_SIZES]}


def make_program(kernel, args):
    """Compiles the program of a kernel; its path."""
    PROGRESS.show(f"compiling {kernel.name}")
    stem = args.work_dir / re.sub(r"\W+", "-", f"kernel {kernel.name} "
                                  f"{args.target_cpu}")
    source = stem.with_suffix(".mlir")
    text = kernel.source(stem.with_suffix(".weights"))
    if not source.exists() or source.read_text() != text:
        source.write_text(text)
    quantize = "none" if kernel.precision == "float" else "dynamic"
    attention = {"float": "f32"}.get(kernel.precision, kernel.precision)
    return tq_program.compile_model(
        args.tq_compile, source, stem.with_suffix(".program"),
        [f"--quantize={quantize}", f"--attention={attention}",
         f"--target-cpu={args.target_cpu}",
         *shlex.split(args.options)])


def profile(program, kernel, size, args):
    """GOPS of each call of the program's main kernel, and the peak."""
    trace = args.work_dir / "kernel-profile.json"
    done = tq_program.run(
        [program.resolve(), "--benchmark", "--threads", 1, "--seconds",
         args.seconds, "--shape", kernel.shape(size), "--profile", trace])
    events = [event for event in json.loads(trace.read_text())["traceEvents"]
              if event["ph"] == "X"]
    main = max(events, key=lambda event: event["args"]["ops"])
    peaks = PEAKS.search(done.stderr)
    if not peaks:
        raise SystemExit(f"{program}: no peak in the profile's table")
    kind = {"int8": 1, "bf16": 3}.get(main["cat"].split()[0], 2)
    runs = {}  # a run may take its rows in blocks
    for event in events:
        if event["name"] == main["name"]:
            run = event["args"]["run"]
            runs[run] = runs.get(run, 0) + event["dur"]
    return {"kernel": main["name"], "scheme": main["cat"],
            "gops": [kernel.ops(size) / dur * 1e-3 for dur in runs.values()],
            "peak": float(peaks[kind]),
            "torch": time_torch(kernel, size, args.seconds)}


def time_torch(kernel, size, seconds):
    """Median GOPS of torch's layer on one thread; None for other kernels."""
    if torch is None or kernel.precision != "float" or kernel.unit != "M":
        return None
    torch.set_num_threads(1)
    layer = torch.nn.Linear(kernel.k, kernel.n).eval()
    rows, times = torch.randn(size, kernel.k), []
    with torch.inference_mode():
        layer(rows)
        end = time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            begin = time.perf_counter()
            layer(rows)
            times.append(time.perf_counter() - begin)
    return kernel.ops(size) / statistics.median(times) * 1e-9


def summarize(rows):
    """Over all rounds of one kernel and size."""
    best = max(max(row["gops"]) for row in rows)
    peak_best = max(row["peak"] for row in rows)
    shares = [statistics.median(row["gops"]) / row["peak"] for row in rows]
    return {"kernel": rows[0]["kernel"], "scheme": rows[0]["scheme"],
            "share_median": statistics.median(shares),
            "share_best": best / peak_best, "gops_best": best,
            "over_torch": ratios(
                [statistics.median(row["gops"]) for row in rows],
                [row["torch"] for row in rows]) if rows[0]["torch"] else None,
            "gops_median": statistics.median(
                gops for row in rows for gops in row["gops"]),
            "peak_median": statistics.median(row["peak"] for row in rows),
            "peak_best": peak_best}


def measure(kernels, args):
    """Figures by kernel name and size."""
    programs = {kernel.name: make_program(kernel, args) for kernel in kernels}
    jobs = {}
    for kernel in kernels:
        for size in kernel.sizes:
            jobs[kernel.name, size] = (
                lambda kernel=kernel, size=size:
                profile(programs[kernel.name], kernel, size, args))
    rounds = interleave(jobs, args.rounds, "kernels", args.lock)
    return {job: summarize(rows) for job, rows in rounds.items()}


def print_kernels(kernels, results):
    """One table for each set of sizes."""
    for sizes in dict.fromkeys(kernel.sizes for kernel in kernels):
        chosen = [kernel for kernel in kernels if kernel.sizes == sizes]
        rows = []
        for kernel in chosen:
            found = [results[kernel.name, size] for size in sizes]
            peak = statistics.median(row["peak_median"] for row in found)
            rows.append([kernel.name, *(
                f"{row['share_median']:.0%} ({row['share_best']:.0%})"
                for row in found), figure(peak)])
        print_table(["share of the peak, median (best)",
                     *(f"{chosen[0].unit} {size}" for size in sizes),
                     "peak, GOPS"], rows)
        if 1 in sizes:
            print_table(["weights read for one row", "GB/s, median (best)"],
                        [[kernel.name, "{} ({})".format(*(
                            figure(results[kernel.name, 1][gops]
                                   * kernel.bytes_per_op)
                            for gops in ("gops_median", "gops_best")))]
                         for kernel in chosen])
        compared = [kernel for kernel in chosen
                    if results[kernel.name, sizes[0]]["over_torch"]]
        if compared:
            print_table(["speed over torch's",
                         *(f"{chosen[0].unit} {size}" for size in sizes)],
                        [[kernel.name, *(
                            ratio_text(results[kernel.name, size]["over_torch"])
                            for size in sizes)] for kernel in compared])


def parse_arguments():
    groups = list(all_kernels())
    parser = make_parser(__doc__, rounds=10, seconds=0.02)
    parser.add_argument("--kernels", default=",".join(groups),
                        type=commas(str), help="default: %(default)s")
    parser.add_argument("--target-cpu", default="host",
                        help="decides which instructions (default: "
                        "%(default)s)")
    parser.add_argument("--options", default="",
                        help="further options of tq-compile")
    args = parse(parser)
    if unknown := set(args.kernels) - set(groups):
        parser.error(f"--kernels: unknown {', '.join(sorted(unknown))}")
    return args


def main():
    args = parse_arguments()
    groups = all_kernels()
    kernels = [kernel for name in args.kernels for kernel in groups[name]]
    results = measure(kernels, args)
    facts = machine()
    print(f"{describe_machine(facts)}; --target-cpu={args.target_cpu}\n")
    print_kernels(kernels, results)
    write_json(args.json, {
        "machine": facts, "target_cpu": args.target_cpu,
        "results": [{"name": name, "size": size, **value}
                    for (name, size), value in results.items()]})
    return 0


if __name__ == "__main__":
    sys.exit(main())
