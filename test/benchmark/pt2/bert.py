#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles a BertModel from its directory, and as torch.export writes it.

    bert.py --model all-MiniLM-L6-v2 [--rounds N]

Both programs have to give the same bits at every token that is no padding, in
float and in dynamic int8. Ratios are of the direct program's time over that of
the exported one, one thread, interleaved rounds, without padding, which the
direct program leaves out: its answer has no hidden states of such tokens. Import
is the seconds that tq-compile names; memory is the most that it had resident
until then, and of that what no file backs: mapped weights are not. Needs torch 2.13, transformers.
"""

import re
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import bert_model  # noqa: E402
import tq_program  # noqa: E402
from compile_cost import MIB, compile_once  # noqa: E402
from measuring import (PROGRESS, interleave, make_parser, parse,  # noqa: E402
                       print_table, ratio_text, ratios)
from worker import Worker  # noqa: E402

SCHEMES = ("none", "dynamic")
SHAPES = ((1, 1), (2, 17), (5, 64), (8, 128))
TIMED = ((1, 128), (8, 128))
SOURCES = ("directory", "export")
NAMES = ("input_ids", "attention_mask")


def export(model, path):
    """Writes the archive, batch and tokens of any size."""
    import torch
    from torch.export import Dim
    from transformers import BertModel
    module = BertModel.from_pretrained(model, attn_implementation="sdpa",
                                       add_pooling_layer=False).eval()
    sizes = {0: Dim("batch", min=1, max=64), 1: Dim("tokens", min=1, max=512)}
    # Two tensors: torch.export takes one that comes twice for one input.
    sample = tuple(torch.ones(2, 7, dtype=torch.int64) for _ in NAMES)
    with torch.no_grad():
        program = torch.export.export(module, sample, dynamic_shapes={
            "input_ids": sizes, "attention_mask": sizes}, strict=False)
    torch.export.save(program, path)


class Engine:
    """A compiled model, for a process of its own."""

    session = None

    def __init__(self, path):
        self.path = path

    def load(self, threads):
        """Opens it."""
        self.session = tq_program.Session(self.path, threads)

    def bind(self, *inputs):
        """A function that runs it."""
        return self.session.bind(**dict(zip(NAMES, inputs)))

    def embedding(self):
        """The hidden state of the last layer."""
        return self.session.output(self.session.outputs[0])


def make_inputs(batch, tokens, vocab, padded):
    """Ids and a mask."""
    return (bert_model.random_ids(batch, tokens, vocab),
            bert_model.random_mask(batch, tokens, padded))


def differ(workers, scheme, vocab):
    """How many numbers of tokens that are no padding have other bits."""
    count = total = 0
    for shape in SHAPES:
        inputs = make_inputs(*shape, vocab, padded=True)
        answers = []
        for source in SOURCES:
            worker = workers[source, scheme]
            worker.call("bind", *inputs)
            answers.append(worker.call("embedding")[inputs[1] == 1])
        count += int((answers[0].view(np.uint32)
                      != answers[1].view(np.uint32)).sum())
        total += answers[0].size
    return f"{count} of {total}"


def import_cost(compiler, source):
    """Seconds, resident and private MiB, as texts."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(compiler), str(source), "--stop-after=import", "-o",
                   f"{folder}/model.mlir"]
        done = tq_program.run(command)
        cost = compile_once(command)
    seconds = re.search(r"^import +([\d.]+) s", done.stdout + done.stderr,
                        re.MULTILINE).group(1)
    return (seconds, f"{cost['resident'] / MIB:.0f}",
            f"{cost['private'] / MIB:.0f}")


def compile_all(args, title, sources):
    """Workers by source and scheme."""
    workers = {}
    for source, file in sources.items():
        for scheme in SCHEMES:
            PROGRESS.show(f"compiling the {source}, {scheme}")
            library = tq_program.compile_model(
                args.tq_compile, file, args.work_dir /
                f"{title}-{source}-{scheme}.so",
                ["--emit=so", f"--quantize={scheme}"])
            worker = workers[source, scheme] = Worker(Engine(library), 1)
            worker.call("load", 1)
    return workers


def measure(args, workers, scheme, inputs):
    """Time of the directory's program over that of the export's."""
    pair = {source: workers[source, scheme] for source in SOURCES}
    for worker in pair.values():
        worker.call("bind", *inputs)
    times = interleave(
        {source: lambda worker=worker: worker.call("burst", args.seconds)
         for source, worker in pair.items()}, args.rounds, scheme)
    return ratio_text(ratios(times["directory"], times["export"]))


def main():
    parser = make_parser(__doc__, rounds=5, seconds=2.0)
    parser.add_argument("--model", required=True, metavar="DIR",
                        help="Hugging Face directory of a BertModel, or "
                        f"{bert_model.BERT_BASE}: random weights")
    args = parse(parser)
    warnings.filterwarnings("ignore")
    path, title = bert_model.find_model(args.model, args.work_dir)
    archive = args.work_dir / f"{title}.pt2"
    args.work_dir.mkdir(parents=True, exist_ok=True)
    PROGRESS.show("exporting")
    export(path, archive)
    sources = dict(zip(SOURCES, (path, archive)))
    vocab = len(bert_model.load_safetensors(path / "model.safetensors")[
        "embeddings.word_embeddings.weight"])
    workers = compile_all(args, title, sources)
    rows = [[f"{title}, {scheme}", differ(workers, scheme, vocab),
             *(measure(args, workers, scheme,
                       make_inputs(*shape, vocab, padded=False))
               for shape in TIMED)] for scheme in SCHEMES]
    print_table(["", "numbers that differ", *("{}x{}".format(*shape)
                                              for shape in TIMED)], rows)
    print_table(["", "import, s", "resident, MiB", "private, MiB"], [
        [f"{title}, {source}", *import_cost(args.tq_compile, file)]
        for source, file in sources.items()])
    for worker in workers.values():
        worker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
