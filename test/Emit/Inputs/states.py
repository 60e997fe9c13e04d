# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: states.py LIBRARY: a cache that rows are added to, against all rows at once.

Compares `append` of cache.mlir, called with the rows of a sequence in parts, with `all`,
bit for bit.
"""

import array
import ctypes
import random
import sys

WIDTH, ROWS = 32, 70


class Tensor(ctypes.Structure):
    """tq_tensor."""

    _fields_ = [("data", ctypes.c_void_p), ("dims", ctypes.c_int64 * 8),
                ("rank", ctypes.c_int32), ("dtype", ctypes.c_int32)]  # fmt: skip


class SymbolSize(ctypes.Structure):
    """tq_symbol_size."""

    _fields_ = [("symbol", ctypes.c_char_p), ("value", ctypes.c_int64)]


class Options(ctypes.Structure):
    """tq_session_options."""

    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int32),
                ("num_sizes", ctypes.c_int32), ("sizes", ctypes.c_void_p)]  # fmt: skip


class Model:
    """The model of a library, and one session of it at a time."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.tq_last_message.restype = ctypes.c_char_p
        self.model, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("tq_model_open", ctypes.byref(self.model))

    def call(self, function, *arguments):
        """Calls a function that gives a status; an error where it fails."""
        if getattr(self.library, function)(*arguments):
            raise RuntimeError(self.library.tq_last_message().decode())

    def open(self, threads, **sizes):
        """A new session."""
        self.library.tq_session_destroy(self.session)
        pairs = (SymbolSize * len(sizes))(*((n.encode(), v) for n, v in sizes.items()))
        options = Options(ctypes.sizeof(Options), threads, len(sizes),
                          ctypes.addressof(pairs))  # fmt: skip
        self.call("tq_session_create", self.model, ctypes.byref(options),
                  ctypes.byref(self.session))  # fmt: skip

    def run(self, entry, batch):
        """The bytes of each row of the output for rows of bytes, [batch][rows]."""
        number = self.library.tq_model_find_entry(self.model, entry.encode())
        data = b"".join(row for rows in batch for row in rows)
        dims = (ctypes.c_int64 * 8)(len(batch), len(batch[0]), WIDTH)
        given = Tensor(ctypes.cast(data, ctypes.c_void_p), dims, 3, 0)
        result = Tensor()
        self.call("tq_session_run_entry", self.session, number, ctypes.byref(given), 1,
                  ctypes.byref(result), 1)  # fmt: skip
        found = ctypes.string_at(result.data, len(data))
        size, rows = 4 * WIDTH, result.dims[1]
        return [[found[(b * rows + r) * size :][:size] for r in range(rows)]
                for b in range(len(batch))]  # fmt: skip


def make_rows(count):
    """Rows of random floats, as bytes."""
    return [array.array("f", (random.gauss(0, 1) for _ in range(WIDTH))).tobytes()
            for _ in range(count)]  # fmt: skip


def check(model, batch, threads, parts):
    """Appends rows in parts of the given sizes, over and over."""
    rows = [make_rows(ROWS) for _ in range(batch)]
    model.open(threads, batch=batch, capacity=ROWS + 9)
    expected = model.run("all", rows)
    for _ in range(2):  # the second time in a session that was used
        found, begin = [[] for _ in range(batch)], 0
        while begin < ROWS:
            end = min(ROWS, begin + parts[begin % len(parts)])
            new = model.run("append", [one[begin:end] for one in rows])
            found = [a + b for a, b in zip(found, new)]
            begin = end
        if found != expected:
            sys.exit(f"batch {batch}, {threads} threads, parts {parts}: other bits")
        model.call("tq_session_reset", model.session)


def main():
    """Exit code 1 where bits differ."""
    random.seed(3)
    model = Model(sys.argv[1])
    count = 0
    for batch in (1, 3):
        for threads in (1, 2):
            for parts in ([1], [1, 5, 2], [ROWS], [64, 3]):
                check(model, batch, threads, parts)
                count += 1
    print(f"{count} caches, the same bits")
    model.open(1, batch=1, capacity=4)
    model.run("append", [make_rows(3)])
    for rows in (2, 1, 1):
        try:
            model.run("append", [make_rows(rows)])
            print(f"{rows} more")
        except RuntimeError as error:
            print(f"{rows} more: {error}")


if __name__ == "__main__":
    main()
