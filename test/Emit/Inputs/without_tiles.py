#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run a command on a system that grants no tile registers: without_tiles.py COMMAND...

A seccomp filter answers EINVAL to the system call that asks for them.
"""

import ctypes
import os
import struct
import sys

ARCH_PRCTL, REQUEST_PERMISSION, EINVAL = 158, 0x1023, 22
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
FAIL, ALLOW = 0x00050000 | EINVAL, 0x7FFF0000
NUMBER, FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data
PROGRAM = (
    (LOAD, 0, 0, NUMBER),
    (IF_EQUAL, 0, 3, ARCH_PRCTL),
    (LOAD, 0, 0, FIRST_ARGUMENT),
    (IF_EQUAL, 0, 1, REQUEST_PERMISSION),
    (RETURN, 0, 0, FAIL),
    (RETURN, 0, 0, ALLOW),
)


class Filter(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


code = b"".join(struct.pack("HBBI", *instruction) for instruction in PROGRAM)
program = Filter(len(PROGRAM), code)
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(program)):
    sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
