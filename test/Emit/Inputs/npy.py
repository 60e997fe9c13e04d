"""Writes and prints .npy files of f32 without numpy.

npy.py write FILE ROWSxCOLUMNS NUMBER...; npy.py print FILE
"""

import ast
import struct
import sys


def write(path, shape, numbers):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %r}" % (shape,)
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)))
        file.write(header.encode())
        file.write(struct.pack(f"<{len(numbers)}f", *numbers))


def show(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<H", data[8:10])
    header = ast.literal_eval(data[10 : 10 + length].decode())
    values = struct.unpack(f"<{(len(data) - 10 - length) // 4}f", data[10 + length :])
    print(header["shape"], *values)


if sys.argv[1] == "write":
    shape = tuple(int(size) for size in sys.argv[3].split("x"))
    write(sys.argv[2], shape, [float(number) for number in sys.argv[4:]])
else:
    show(sys.argv[2])
