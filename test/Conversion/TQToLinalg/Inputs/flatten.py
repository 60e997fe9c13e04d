# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Copies IR from stdin to stdout, with functions in the place of kernels."""

import re
import sys

text = sys.stdin.read()
text = re.sub(r"^  program\.kernel @\S+ \{\n(.*?)^  \}\n", r"\1", text, flags=re.S | re.M)
sys.stdout.write(text.replace("program.call @", "func.call @"))
