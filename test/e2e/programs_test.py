#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile tiny models and compare the programs with the float64 reference.

Float programs must be within 1e-5 of the reference, int8 programs must point the same
way. Both must give the same bits alone and in a padded batch, with 1, 2 and 7 threads, and
in the code for every CPU that this machine runs or emulates. Needs numpy only.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import math
import os
import pathlib
import platform
import shutil
import subprocess
import sys

import numpy as np

import reference
import tiny_models
from tiny_models import Spec

FLOAT_ERROR = 1e-5
INT8_COSINE = 0.99
STATIC_COSINE = 0.99
# batch, positions: alone and together, odd lengths, the whole position table; the last
# but one has a block of rows for each of two threads, the last is computed in parts
SHAPES = ((1, 1), (1, 7), (3, 13), (6, 38), (21, 38))


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, and what the compiler is told besides its scheme."""

    name: str
    spec: Spec
    pooling: str = ""  # --pooling
    everywhere: bool = False  # code for all CPUs, Arm's emulated: takes a while
    attention: str = ""  # --attention, of the int8 program
    calibrate: str = ""  # arrays or texts: static programs, too, and what makes them


CASES = (
    Case("bert", Spec(tokenizer="vocab"), everywhere=True, calibrate="texts"),
    Case("bert-f16-shards-legacy",
         Spec(dtype="F16", shards=3, prefixed=True, legacy=True, seed=2)),
    Case("bert-bf16-gelu-tanh", Spec(dtype="BF16", activation="gelu_new", seed=3)),
    Case("bert-odd-sizes", Spec(hidden=30, heads=3, ffn=67, layers=1, seed=4), everywhere=True),
    Case("bert-wide", Spec(hidden=192, heads=3, ffn=330, layers=1, seed=5)),
    Case("bert-integer-attention", Spec(seed=19), attention="int8", everywhere=True),
    Case("bert-wide-integer-attention",
         Spec(hidden=192, heads=3, ffn=330, layers=1, seed=20), attention="int8"),
    Case("bert-bf16-attention", Spec(seed=21), attention="bf16", everywhere=True),
    Case("bert-wide-bf16-attention",
         Spec(hidden=192, heads=3, ffn=330, layers=1, seed=22), attention="bf16"),
    Case("bert-mean", Spec(pooling="mean", tokenizer="json", seed=6)),
    Case("bert-cls-unnormalized", Spec(pooling="cls", normalize=False, seed=7)),
    Case("bert-pooling-overridden", Spec(pooling="mean", seed=8), pooling="cls"),
    Case("bert-max", Spec(pooling="max", normalize=False, seed=23)),
    Case("bert-weighted-mean", Spec(pooling="weightedmean", old_keys=False, seed=24)),
    Case("bert-last-token", Spec(pooling="lasttoken", old_keys=False, seed=25)),
    Case("bert-mean-sqrt-len", Spec(pooling="mean_sqrt_len_tokens", normalize=False, seed=26)),
    Case("bert-several-poolings",
         Spec(pooling="cls,max,mean,mean_sqrt_len_tokens,weightedmean,lasttoken", seed=27)),
    Case("bert-list-of-poolings",
         Spec(pooling="lasttoken,max,cls", old_keys=False, hidden=30, heads=3, seed=28),
         everywhere=True),
    Case("bert-dense-truncated",
         Spec(pooling="mean,max", old_keys=False, dense=20, truncate=7, seed=29)),
    Case("bert-classifier",
         Spec(architecture="BertForSequenceClassification", tokenizer="json", seed=18)),
    Case("distilbert", Spec(architecture="DistilBertModel", seed=10), calibrate="arrays"),
    Case("distilbert-classifier",
         Spec(architecture="DistilBertForSequenceClassification", shards=2, seed=11)),
    Case("roberta", Spec(architecture="RobertaModel", prefixed=True, seed=12)),
    Case("roberta-classifier",
         Spec(architecture="RobertaForSequenceClassification", seed=13)),
    Case("bert-masked-lm", Spec(architecture="BertForMaskedLM", activation="gelu_fast", seed=23)),
    Case("bert-f64-quick-gelu", Spec(dtype="F64", activation="quick_gelu", seed=24)),
    Case("distilbert-masked-lm", Spec(architecture="DistilBertForMaskedLM", seed=25)),
    Case("xlm-roberta", Spec(architecture="XLMRobertaModel", seed=26)),
    Case("camembert-classifier",
         Spec(architecture="CamembertForSequenceClassification", seed=27)),
    Case("electra-narrow-tables", Spec(architecture="ElectraModel", embedding=19, seed=28),
         calibrate="arrays"),
    Case("electra-classifier",
         Spec(architecture="ElectraForSequenceClassification", seed=29)),
)  # fmt: skip


class Failure(Exception):
    """A check that did not hold; the text says which and by how much."""


def require(condition, text):
    """Raise Failure unless the condition holds."""
    if not condition:
        raise Failure(text)


def run(command, expected=0):
    """Run a command; its exit code must be the expected one. Returns its stderr."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=300, check=False
    )
    error = done.stderr.strip()
    require(done.returncode == expected,
            f"expected exit code {expected}, got {done.returncode} from "
            f"{' '.join(map(str, command))}: {error[-500:]}")  # fmt: skip
    return error


# ----------------------------------------------------------------------- inputs


def make_inputs(spec, batch, positions, seed):
    """Random ids; every row but the first ends in padding."""
    random = np.random.default_rng(seed)
    pad = tiny_models.make_config(spec)["pad_token_id"]
    ids = random.integers(5, spec.vocab, (batch, positions))
    mask = np.ones((batch, positions), np.int64)
    for row in range(1, batch):
        length = random.integers(1, positions)
        ids[row, length:], mask[row, length:] = pad, 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    if spec.family in ("bert", "electra"):
        inputs["token_type_ids"] = random.integers(0, 2, (batch, positions))
    return inputs


def take_row(inputs, row):
    """One row of a batch without its padding."""
    length = int(inputs["attention_mask"][row].sum())
    return {name: value[row : row + 1, :length] for name, value in inputs.items()}


def write_calibration(directory, case):
    """What a case is calibrated with: arrays of all inputs, as texts do not have all ids and
    both types of tokens, and texts, too, if the case says so. Returns its path."""
    path = directory / "calibration"
    path.mkdir(exist_ok=True)
    random = np.random.default_rng(case.spec.seed)
    if case.calibrate == "texts":
        words = [word for word in tiny_models.make_vocabulary(case.spec.vocab)
                 if word.isalpha()]  # fmt: skip
        lines = [" ".join(random.choice(words, random.integers(1, 30))) for _ in range(96)]
        (path / "words.txt").write_text("\n".join(lines) + "\n")
    for i in range(4):
        np.savez(path / f"{i}.npz", **make_inputs(case.spec, 12, 38, seed=1000 + i))
    # What a token alone attends to is not averaged: larger than in any long sequence.
    for i in range(32):
        np.savez(path / f"alone{i}.npz", **make_inputs(case.spec, 1, 1, seed=2000 + i))
    return path


def all_inputs(spec):
    """The inputs of every shape."""
    return [make_inputs(spec, *shape, seed) for seed, shape in enumerate(SHAPES)]


# --------------------------------------------------------------------- programs


# What --target-cpu is told for an architecture: a few for most models, all that differ
# in their dot products for some.
FEW_CPUS = {"x86_64": ("host", "x86-64-v3"), "aarch64": ("host",)}
ALL_CPUS = {
    "x86_64": ("host", "x86-64-v4+avx512vnni+avx512bf16", "x86-64-v4+avx512vnni", "x86-64-v4", "x86-64-v3+avxvnni", "x86-64-v3"),
    "aarch64": ("generic+dotprod+i8mm", "generic+dotprod", "generic"),
}


def find_emulator(arch):
    """The command line before a program of `arch`; None where it cannot run here."""
    if arch == platform.machine():
        return []
    path = shutil.which(f"qemu-{arch}-static") or shutil.which(f"qemu-{arch}")
    return [path, "-L", f"/usr/{arch}-linux-gnu"] if path else None


def has_cross_runtime(tq_compile, arch):
    """Whether the compiler can link programs of `arch`, which is not this machine's."""
    return (tq_compile.parent.parent / f"lib/{arch}-linux-gnu/libtq_runtime.a").exists()


class Program:
    """A compiled model."""

    def __init__(self, path, outputs, emulator=()):
        self.path, self.outputs, self.emulator = path, outputs, list(emulator)
        self.work = path.with_suffix(".io")
        self.work.mkdir(exist_ok=True)

    def command(self, inputs, threads, cpu=None):
        """The command line for these inputs, saved as npy files."""
        command = [*self.emulator, self.path, "--threads", threads]
        if cpu:
            command += ["--target-cpu", cpu]
        for name, value in inputs.items():
            file = self.work / f"{name}.npy"
            np.save(file, np.ascontiguousarray(value))
            command += ["--input", f"{name}={file}"]
        for name in self.outputs:
            command += ["--output", f"{name}={self.work / name}.npy"]
        return command

    def __call__(self, inputs, threads=1, cpu=None):
        """All outputs by name."""
        run(self.command(inputs, threads, cpu))
        return {name: np.load(self.work / f"{name}.npy") for name in self.outputs}

    def ask(self, *options):
        """What the program prints as JSON."""
        command = [str(part) for part in (*self.emulator, self.path, *options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def describe(self):
        """What the program says of itself."""
        return self.ask("--describe", "--json")

    def cpus(self):
        """The CPUs it has code for that this machine can run."""
        return [t["cpu"] for t in self.describe()["targets"] if t["supported"]]

    def refuses(self, inputs):
        """Bad input: exit code 2 and one line that says why."""
        error = run(self.command(inputs, 1), expected=2)
        require(error and len(error.splitlines()) == 1, f"expected one line, got {error!r}")


@dataclasses.dataclass
class Context:
    """What the checks of one case work with."""

    case: Case
    model: reference.Model
    tq_compile: pathlib.Path
    directory: pathlib.Path
    programs: dict

    def expected(self, inputs):
        """The reference's outputs, with zeros for padding."""
        outputs = self.model.run(**inputs, pooling=self.case.pooling or None)
        for value in outputs.values():
            for row, mask in enumerate(inputs["attention_mask"]):
                if value.ndim == 3:
                    value[row, np.flatnonzero(mask)[-1] + 1 :] = 0
        return outputs

    def program(self, quantize, arch=platform.machine()):
        """The program of a scheme and architecture, compiled when first asked for."""
        key = f"{quantize}-{arch}"
        if key not in self.programs:
            path = self.directory / key
            cpus = ALL_CPUS if self.case.everywhere else FEW_CPUS
            options = [f"--quantize={quantize}", *target_options(arch, cpus)]
            if self.case.pooling:
                options.append(f"--pooling={self.case.pooling}")
            if quantize == "static":
                options.append(f"--calibrate={write_calibration(self.directory, self.case)}")
            if self.case.attention and quantize != "none":
                options.append(f"--attention={self.case.attention}")
            run([self.tq_compile, self.directory / "model", "-o", path, *options])
            names = self.expected(make_inputs(self.case.spec, 1, 2, 0))
            self.programs[key] = Program(path, tuple(names), find_emulator(arch))
        return self.programs[key]


def target_options(arch, cpus):
    """What tells tq-compile to make code for these CPUs of an architecture."""
    return [f"--target={arch}-linux-gnu", f"--target-cpu={','.join(cpus[arch])}"]


# ----------------------------------------------------------------------- checks


def same_bits(got, expected, what):
    """Both sets of outputs must agree in every bit."""
    for name, value in expected.items():
        require(got[name].shape == value.shape, f"{what}: shapes of {name} differ")
        different = np.count_nonzero(got[name].view(np.uint32) != value.view(np.uint32))
        require(not different, f"{what}: {different} of {value.size} values of {name} differ")


def check_float_error(context):
    """The float program is within 1e-5 of the reference."""
    worst = 0.0
    program = context.program("none")
    for inputs in all_inputs(context.case.spec):
        got = program(inputs)
        for name, value in context.expected(inputs).items():
            require(got[name].shape == value.shape,
                    f"{name}: expected shape {value.shape}, got {got[name].shape}")  # fmt: skip
            worst = max(worst, float(np.abs(got[name] - value).max()))
    require(worst <= FLOAT_ERROR, f"error {worst:.2e}")
    return f"error {worst:.1e}"


def check_int8_cosine(context, quantize, least):
    """The int8 program's outputs point where the reference's do."""
    worst = 1.0
    program = context.program(quantize)
    for inputs in all_inputs(context.case.spec):
        got = program(inputs)
        for name, value in context.expected(inputs).items():
            a, b = got[name].astype(np.float64).ravel(), value.ravel()
            worst = min(worst, a @ b / np.sqrt((a @ a) * (b @ b)))
    require(worst > least, f"cosine {worst:.5f}")
    return f"cosine {worst:.5f}"


def check_is_static(context):
    """All linears have ranges that were found."""
    layers = context.program("static").describe()["layers"]
    schemes = {layer["scheme"] for layer in layers if "linear" in layer["kernel"]}
    require(schemes == {"int8 static"}, f"linears are {schemes}")


def check_padding(context, quantize):
    """A row alone gives the bits it has in a padded batch."""
    program = context.program(quantize)
    inputs = make_inputs(context.case.spec, *SHAPES[-1], seed=99)
    together = program(inputs)
    for row in range(len(inputs["input_ids"])):
        alone = take_row(inputs, row)
        positions = alone["input_ids"].shape[1]
        expected = {
            name: value[row : row + 1, :positions] if value.ndim == 3 else value[row : row + 1]
            for name, value in together.items()
        }
        same_bits(program(alone), {k: np.ascontiguousarray(v) for k, v in expected.items()},
                  f"row {row} alone")  # fmt: skip


def check_targets(program, reference_program, all_runs, reference_cpu=lambda cpu: None):
    """The code for every CPU gives the same bits, with 1, 2 and 7 threads.

    `reference_cpu` says whose bits those of a CPU have to be; None: any.
    """
    cpus = program.cpus()
    require(cpus, "no code runs here")
    for inputs in all_runs:
        expected = {}
        for cpu in cpus:
            other = reference_cpu(cpu)
            if other not in expected:
                expected[other] = reference_program(inputs, cpu=other)
            for threads in (1, 2, 7):
                same_bits(program(inputs, threads, cpu), expected[other],
                          f"{cpu}, {threads} threads")  # fmt: skip
    return ", ".join(cpus)


def get_reference_cpu(context, quantize):
    """What tells check_targets: instructions for bf16 round sums in their own way."""
    if context.case.attention != "bf16" or quantize == "none":
        return lambda cpu: None
    plain = context.program(quantize).cpus()[-1]
    return lambda cpu: cpu if "bf16" in cpu else plain


def check_x86(context, quantize):
    """The code for all CPUs here gives the same bits."""
    program = context.program(quantize)
    return check_targets(program, program, all_inputs(context.case.spec),
                         get_reference_cpu(context, quantize))  # fmt: skip


def check_aarch64(context, quantize):
    """The code for Arm gives the bits of this machine's."""
    inputs = all_inputs(context.case.spec)
    return check_targets(context.program(quantize, "aarch64"), context.program(quantize),
                         inputs[1:3], get_reference_cpu(context, quantize))  # fmt: skip


def check_defaults(context):
    """Without a mask all tokens count; without token types all are 0."""
    program = context.program("dynamic")
    inputs = make_inputs(context.case.spec, 1, 9, seed=5)
    if "token_type_ids" in inputs:
        inputs["token_type_ids"][:] = 0
    short = {"input_ids": inputs["input_ids"]}
    same_bits(program(short), program(inputs), "defaults")


def check_arena(context):
    """The arena takes what the formula in --describe says; too large a batch is refused."""
    program = context.program("dynamic")
    formulas = {t["arena_formula"] for t in program.describe()["targets"] if t["runs_here"]}

    def evaluate(batch, sequence, threads):
        names = {"batch": batch, "sequence": sequence, "threads": threads,
                 "ceil": math.ceil, "max": max, "min": min}  # fmt: skip
        return eval(*formulas, names)  # pylint: disable=eval-used

    for batch, sequence, threads in ((1, 1, 1), (3, 13, 2), (5, 17, 7), (300, 31, 2)):
        report = program.ask("--benchmark", "--json", "--seconds", 0.001, "--threads", threads,
                             "--shape", f"input_ids={batch}x{sequence}")  # fmt: skip
        at_once = report["parts_at_once"]
        expected = at_once * evaluate(report["rows_per_part"], sequence, threads // at_once)
        require(report["arena_bytes"] == expected,
                f"expected {expected} bytes, got {report['arena_bytes']}")  # fmt: skip
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    error = run([program.path, "--benchmark", "--threads", 1,
                 "--shape", f"input_ids={memory // 20}x20"], expected=4)  # fmt: skip
    require("bytes, and this machine does not have them" in error, error)


def check_bad_input(context):
    """Ids outside the vocabulary, sequences beyond the position table, no rows at all."""
    program, spec = context.program("dynamic"), context.case.spec
    program.refuses({name: value[:0] for name, value in make_inputs(spec, 1, 5, 6).items()})
    for bad in (-1, spec.vocab):
        inputs = make_inputs(spec, 2, 5, seed=6)
        inputs["input_ids"][1, 3] = bad
        program.refuses(inputs)
    # RoBERTa's positions start behind the padding's.
    first = 2 if spec.family == "roberta" else 0
    program.refuses(make_inputs(spec, 1, spec.positions - first + 1, seed=6))


def check_selftest(context, quantize):
    """The program reproduces the outputs stored in it, with the code for every CPU."""
    program = context.program(quantize)
    # What is stored has to hold on every CPU, be it this one or another.
    everywhere = [target["cpu"] for target in program.describe()["targets"]]
    if len({get_reference_cpu(context, quantize)(cpu) for cpu in everywhere}) > 1:
        error = run([program.path, "--selftest"], expected=1)
        require("no self-test was stored" in error, error)
        return
    for cpu in program.cpus():
        run([program.path, "--selftest", "--target-cpu", cpu])


def list_checks(case, tq_compile):
    """Names and functions of all checks of a case; None where it cannot run here."""
    checks = {"float error": check_float_error,
              "int8 cosine": lambda c: check_int8_cosine(c, "dynamic", INT8_COSINE)}
    if case.calibrate:
        checks["static cosine"] = lambda c: check_int8_cosine(c, "static", STATIC_COSINE)
        checks["static scheme"] = check_is_static
    runs_aarch64 = find_emulator("aarch64") and has_cross_runtime(tq_compile, "aarch64")
    for quantize in ("none", "dynamic", *(["static"] if case.calibrate else [])):
        checks |= {
            f"{quantize} padding": lambda c, q=quantize: check_padding(c, q),
            f"{quantize} targets": lambda c, q=quantize: check_x86(c, q),
            f"{quantize} selftest": lambda c, q=quantize: check_selftest(c, q),
        }  # fmt: skip
        if case.everywhere:
            checks[f"{quantize} aarch64"] = (
                (lambda c, q=quantize: check_aarch64(c, q)) if runs_aarch64 else None
            )
    return checks | {"defaults": check_defaults, "arena": check_arena,
                     "bad input": check_bad_input}  # fmt: skip


# ---------------------------------------------------------------------- running


def run_check(context, check):
    """passed, failed or skipped, and a detail."""
    if check is None:
        return "skipped", "not on this machine"
    try:
        return "passed", check(context) or ""
    except (Failure, OSError, subprocess.TimeoutExpired) as error:
        return "failed", str(error)


def run_case(case, arguments):
    """Results of all checks of a case: (name, result, detail)."""
    directory = arguments.work / case.name
    shutil.rmtree(directory, ignore_errors=True)
    model = tiny_models.write_model(directory / "model", case.spec)
    context = Context(case, reference.Model(model), arguments.tq_compile, directory, {})
    return [(f"{case.name}: {name}", *run_check(context, check))
            for name, check in list_checks(case, arguments.tq_compile).items()]  # fmt: skip


def parse_arguments(description):
    """The command line."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    path = {"type": lambda text: pathlib.Path(text).resolve(), "required": True}
    parser.add_argument("--tq-compile", help="the compiler", **path)
    parser.add_argument("--work", help="directory for models and programs", **path)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time (default 2)")
    parser.add_argument("--verbose", action="store_true", help="print passed checks too")
    return parser.parse_args()


def run_cases(description, all_cases, run_one):
    """Run the cases that the command line names and print the closing line."""
    arguments = parse_arguments(description)
    cases = [case for case in all_cases if arguments.only in case.name]
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for results in pool.map(lambda case: run_one(case, arguments), cases):
            for name, result, detail in results:
                counts[result] += 1
                if result != "passed" or arguments.verbose:
                    print(f"{result.upper()} {name}: {detail}", flush=True)
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(run_cases(__doc__, CASES, run_case))
