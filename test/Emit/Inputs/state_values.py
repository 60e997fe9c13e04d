# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: state_values.py LIBRARY: entries of state_values.mlir against their meaning."""

import array
import ctypes
import random
import sys

from states import Model, Tensor

# Each takes x and the states (a, b), and gives the result and the states after the run,
# as [a00, a01, a10, a11].


def add(x, y):
    """Element by element."""
    return [p + q for p, q in zip(x, y)]


def swap(x, a, b):
    return add(x, a), b, a


def delay(x, a, b):
    return b, x, a


def turn(x, a, b):
    a = add([a[0], a[2], a[1], a[3]], x)
    return a, a, b


def sum_(x, a, b):
    a = add(a, x)
    return a, a, b


def both(x, a, _):
    new = x[:2] + a[2:]
    return [p - q for p, q in zip(a, new)], new, new


def capture(x, a, b):
    a = add([a[1], a[1], a[3], a[3]], x)
    return a, a, b


ENTRIES = {"swap": swap, "delay": delay, "turn": turn, "sum": sum_, "both": both,
           "capture": capture}  # fmt: skip


def run(model, entry, x):
    """The numbers that an entry gives."""
    number = model.library.tq_model_find_entry(model.model, entry.encode())
    data = array.array("f", x).tobytes()
    given = Tensor(ctypes.cast(data, ctypes.c_void_p), (ctypes.c_int64 * 8)(2, 2), 2, 0)
    result = Tensor()
    model.call("tq_session_run_entry", model.session, number, ctypes.byref(given), 1,
               ctypes.byref(result), 1)  # fmt: skip
    return array.array("f", ctypes.string_at(result.data, 16)).tolist()


def main():
    """Exit code 1 where a result is another."""
    random.seed(5)
    model = Model(sys.argv[1])
    count = 0
    for threads in (1, 2):
        model.open(threads)
        a = b = [0.0] * 4
        for _ in range(300):
            entry = random.choice(list(ENTRIES))
            x = [float(random.randint(-9, 9)) for _ in range(4)]
            expected, a, b = ENTRIES[entry](x, a, b)
            found = run(model, entry, x)
            if found != expected:
                sys.exit(f"{entry}: expected {expected}, got {found}")
            count += 1
    print(f"{count} runs as expected")


main()
