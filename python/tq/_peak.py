# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`python -m tq._peak PROGRAM INPUTS.npz`: peak memory of a run, in bytes.

Arrays go by the names of arguments. The process imports nothing but tq.
"""

from __future__ import annotations

import sys

import numpy as np

from .evaluation import peak_bytes
from .module import load


def main() -> None:
    """Runs a program once."""
    program, inputs = sys.argv[1:]
    with np.load(inputs, allow_pickle=False) as arrays:
        load(program)(**arrays)
    print(peak_bytes())


if __name__ == "__main__":
    main()
