# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What all benchmarks share: interleaved rounds, tables, options."""

import argparse
import contextlib
import fcntl
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import tq_program

ISA_FLAGS = ("avx2", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8",
             "amx_bf16")


# --------------------------------------------------------------------- rounds

class Progress:
    """A line on stderr that changes in place; silent if that is no terminal,
    but for notes, which stay."""

    def __init__(self):
        self.visible = sys.stderr.isatty()

    def show(self, text):
        """Replaces the line."""
        if self.visible:
            print(f"\r\033[K{text[:78]}", end="", file=sys.stderr, flush=True)

    def note(self, text):
        """Prints a line that stays."""
        self.show("")
        print(text, file=sys.stderr, flush=True)


PROGRESS = Progress()


@contextlib.contextmanager
def locked(path):
    """Holds a lock on a file, if there is one to hold."""
    if not path:
        yield
        return
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def process_tree(pid):
    """A process and its descendants that are alive."""
    try:
        lists = [path.read_text() for path in
                 Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        lists = []
    children = [int(child) for text in lists for child in text.split()]
    return [pid, *(found for child in children
                   for found in process_tree(child))]


class Intruders:
    """How many cores others had while we measured: other processes, and
    other guests of a virtual machine's host. If it is not near 0, measure
    again."""

    def __init__(self):
        self.taken = self.elapsed = 0.0

    @staticmethod
    def used():
        """Seconds that all cores were taken, without those of our processes:
        the sum since boot and since their start."""
        ticks = Path("/proc/stat").read_text().split(None, 9)[1:9]
        user, nice, system, _, _, irq, softirq, steal = map(int, ticks)
        total = user + nice + system + irq + softirq + steal
        for pid in process_tree(os.getpid()):
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{pid}/stat").read_text()
                # Own time, and that of children that have ended.
                total -= sum(map(int, text.rpartition(")")[2].split()[11:15]))
        return total / os.sysconf("SC_CLK_TCK")

    @contextlib.contextmanager
    def watch(self):
        """Counts what happens inside the block."""
        if not Path("/proc/stat").exists():
            yield
            return
        begin, used = time.perf_counter(), self.used()
        yield
        self.taken += self.used() - used
        self.elapsed += time.perf_counter() - begin

    def cores(self):
        """Cores that others had on average."""
        return max(0.0, self.taken / self.elapsed) if self.elapsed else 0.0


INTRUDERS = Intruders()


def interleave(jobs, rounds, title, lock=None):
    """Results by job, one a round.

    `jobs` are functions by name, a string or a tuple. Every round calls all
    of them, one after the other, so that a slow moment of the machine hits
    all; the order rotates.
    """
    names = list(jobs)
    results = {name: [] for name in names}
    for i in range(rounds):
        shift = i % len(names)
        with locked(lock), INTRUDERS.watch():
            for name in names[shift:] + names[:shift]:
                label = name if isinstance(name, str) else " ".join(
                    map(str, name))
                PROGRESS.show(f"{title}: round {i + 1} of {rounds}, {label}")
                results[name].append(jobs[name]())
    PROGRESS.show("")
    return results


def spread(values):
    """Median, worst and best of ratios, where more is better."""
    return {"median": statistics.median(values), "worst": min(values),
            "best": max(values)}


def ratios(slower, faster):
    """Spread of the ratios of two lists of times, taken round by round."""
    return spread([a / b for a, b in zip(slower, faster)])


# --------------------------------------------------------------------- tables

def ratio_text(value):
    """`1.44 (1.34 to 1.52)`, or a dash."""
    if value is None:
        return "-"
    return "{median:.2f} ({worst:.2f} to {best:.2f})".format(**value)


def figure(value):
    """Three digits, never in scientific notation."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def print_table(header, rows):
    """A Markdown table and an empty line."""
    for cells in (header, ["---"] * len(header), *rows):
        print("| " + " | ".join(map(str, cells)) + " |")
    print(flush=True)


def machine():
    """What the figures depend on. Call it when all is measured."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields.get("flags", "").split()
    return {"cpu": fields.get("model name", platform.processor()),
            "cores": os.cpu_count(),
            "isa": [flag for flag in ISA_FLAGS if flag in flags],
            "cores_taken_by_others": INTRUDERS.cores(),
            "date": time.strftime("%Y-%m-%d")}


def describe_machine(facts):
    """One line of `machine`."""
    return (f"{facts['cpu']}, {facts['cores']} cores, "
            f"{' '.join(facts['isa'])}; {facts['date']}; others had "
            f"{facts['cores_taken_by_others']:.2f} cores meanwhile")


# -------------------------------------------------------------------- options

def commas(parse):
    """Parses a list with commas."""
    def convert(text):
        return [parse(part) for part in text.split(",") if part]
    convert.__name__ = "list"  # in messages
    return convert


def make_parser(description, rounds, seconds=None):
    """A parser with the options that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tq-compile", type=Path, metavar="FILE",
                        default=tq_program.default_compiler(),
                        help="the compiler (default: this checkout's)")
    parser.add_argument("--work-dir", type=Path, metavar="DIR",
                        default=tq_program.ROOT / "build" / "benchmark",
                        help="where files are made and kept "
                        "(default: build/benchmark)")
    parser.add_argument("--rounds", type=int, default=rounds,
                        help="interleaved rounds (default: %(default)s)")
    if seconds is not None:
        parser.add_argument("--seconds", type=float, default=seconds,
                            help="length of one measurement "
                            "(default: %(default)s)")
    parser.add_argument("--lock", metavar="FILE", help="lock this file "
                        "(flock) during each round: other work on the "
                        "machine can wait for it")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="also write all figures to this file")
    return parser


def parse(parser):
    """The arguments, with a work directory that exists."""
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds: expected at least 1")
    if not args.tq_compile.exists():
        parser.error(f"--tq-compile: there is no {args.tq_compile}")
    args.work_dir.mkdir(parents=True, exist_ok=True)
    return args


def write_json(path, results):
    """Writes the figures, if they are wanted."""
    if path:
        path.write_text(json.dumps(results, indent=2) + "\n")
