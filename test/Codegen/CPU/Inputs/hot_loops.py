# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: hot_loops.py INSTRUCTION FILE.s: the densest loop with most of it."""

import re
import sys


def find_loops(lines):
    """Lines of loops without a label inside: from a label to a jump back to it."""
    label, body = None, []
    for line in lines:
        if found := re.match(r"(\.L\w+):", line):
            label, body = found[1], []
            continue
        body.append(line)
        if (found := re.match(r"\s+j\w+\s+(\.L\w+)", line)) and found[1] == label:
            yield list(body)


def main():
    """Exit code 1 where there is no such loop."""
    instruction, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        loops = [(sum(instruction in line for line in body), -len(body), body)
                 for body in find_loops(file)]  # fmt: skip
    count, _, body = max(loops, default=(0, 0, []))
    stack = sum("(%rsp" in line for line in body)
    print(f"{instruction}: {count}, stack references: {stack}")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
