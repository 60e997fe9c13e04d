# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Engines in processes of their own.

So no engine's threads, allocator or environment is another's, all use the
same loop of timing, and one that crashes does not end the measurement.
"""

import multiprocessing
import os
import statistics
import time
import traceback
import warnings
from pathlib import Path

WARM_RUNS, WARM_SECONDS = 3, 1.0


class EngineError(Exception):
    """What went wrong in an engine's process, in one line."""


def peak_rss():
    """Peak resident bytes of this process.

    Not ru_maxrss: Linux carries it over from the parent through exec.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def process_age():
    """Seconds since this process started."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


class Server:
    """What a worker does for its owner."""

    def __init__(self, engine):
        self.engine = engine
        self.run = None

    def build(self):
        """Makes the engine's files; a remark, or None."""
        return self.engine.build()

    def load(self, threads):
        """Makes the engine ready."""
        self.engine.load(threads)

    def bind(self, *inputs):
        """Sets the inputs, ids and mask for an encoder, and warms up."""
        self.run = self.engine.bind(*inputs)
        end = time.perf_counter() + WARM_SECONDS
        for _ in range(WARM_RUNS):
            self.run()
            if time.perf_counter() > end:
                break

    def embedding(self):
        """The embeddings that the last run found."""
        return self.engine.embedding()

    def times(self, seconds):
        """Times of the runs of about `seconds`, in ms. A first run, which
        brings code and weights back into the caches, does not count."""
        self.run()
        times, end = [], time.perf_counter() + seconds
        begin = time.perf_counter()
        while not times or begin < end:
            self.run()
            after = time.perf_counter()
            times.append((after - begin) * 1e3)
            begin = after
        return times

    def burst(self, seconds):
        """Their median."""
        return statistics.median(self.times(seconds))

    def first_answer(self, *inputs):
        """Milliseconds from the start of the process to the end of a first
        run, and peak bytes. Call it before anything but `load`."""
        self.engine.bind(*inputs)()
        return {"first_answer_ms": process_age() * 1e3,
                "peak_rss_bytes": peak_rss()}


def silence():
    """No output of libraries among ours; errors come back as messages."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    warnings.simplefilter("ignore")


def serve(connection, engine, quiet):
    """Answers calls until the owner hangs up."""
    if quiet:
        silence()
    server = Server(engine)
    while True:
        try:
            method, arguments = connection.recv()
        except EOFError:
            return
        try:
            reply = True, getattr(server, method)(*arguments)
        except Exception as error:  # of any library
            text = traceback.format_exception_only(error)[-1].strip()
            reply = False, text.splitlines()[0]
        connection.send(reply)


class Worker:
    """The owner's end of a process with one engine: methods of Server."""

    def __init__(self, engine, threads, quiet=True):
        # Read by the peers' libraries when they are loaded.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        context = multiprocessing.get_context("spawn")
        self.connection, remote = context.Pipe()
        self.process = context.Process(
            target=serve, args=(remote, engine, quiet), daemon=True)
        self.process.start()
        remote.close()

    def call(self, method, *arguments):
        """What a method of Server returns."""
        try:
            self.connection.send((method, arguments))
            fine, value = self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            raise EngineError(
                f"its process ended, code {self.process.exitcode}") from None
        if not fine:
            raise EngineError(value)
        return value

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        """Ends the process."""
        self.connection.close()
        self.process.join()
