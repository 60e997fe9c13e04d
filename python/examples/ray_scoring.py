#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Scores a data set on a cluster: Parquet in, Parquet out, by Ray Data.

    ray_scoring.py PROGRAM INPUT OUTPUT [--column x] [--workers N]

PROGRAM is a file of `tq.Module.save`, INPUT a folder of Parquet whose column
has rows of numbers for the program's input. OUTPUT gets them with two more
columns, `label` and `score`. A program is small and picklable: it travels to
the workers by itself, and Ray runs a batch again whose worker dies.
Needs ray and pyarrow; neither torch nor the compiler.
"""

import argparse
import time

import numpy as np
import ray

import tq


class Scorer:
    """A worker: one program, one thread."""

    def __init__(self, program, column):
        self.program = tq.Module.from_bytes(program, threads=1)
        self.column = column
        self.shape = [size for size in self.program.inputs[0].shape[1:]]

    def __call__(self, batch):
        rows = np.stack(batch[self.column]).astype(np.float32)
        scores = self.program(rows.reshape(len(rows), *self.shape))
        batch["label"] = scores.argmax(-1)
        batch["score"] = scores.max(-1)
        return batch


def score(program, source, target, column="x", workers=2, batch_size=256):
    """Scores all rows; how many there are."""
    data = ray.data.read_parquet(source)
    data = data.map_batches(
        Scorer, fn_constructor_args=(program.to_bytes(), column),
        batch_size=batch_size, batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(size=workers), num_cpus=1)
    data.write_parquet(target)
    return ray.data.read_parquet(target).count()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program")
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--column", default="x")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    ray.init(log_to_driver=False)
    start = time.perf_counter()
    count = score(tq.load(args.program), args.input, args.output, args.column,
                  args.workers)
    seconds = time.perf_counter() - start
    print(f"{count} rows in {seconds:.1f} s, {count / seconds:.0f} rows/s")


if __name__ == "__main__":
    main()
