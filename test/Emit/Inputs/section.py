"""Writes the file of weights.mlir, and prints the section made of it."""

import struct
import sys

LAYOUT = {
    "single": (0, "<2f"),
    "wide": (64, "<2f"),
    "flags": (128, "<4b"),
    "splat": (192, "<4i"),
    "values": (256, "<10b"),
    "sums": (320, "<4i"),
    "packed": (384, "<16b"),
    "columns": (448, "<8f"),
    "resource": (512, "<3f"),
    "rounded": (576, "<4f"),
}

if sys.argv[1] == "write":
    with open(sys.argv[2], "wb") as file:
        file.write(b"?" + struct.pack("<2e2f", 1.5, -2, 3, 4))
        # Halfway between two f32, twice: down and up to the even one.
        file.write(struct.pack("<4d", 1 + 2**-24, 1 + 3 * 2**-24, -0.25, 1e39))
else:
    with open(sys.argv[2], "rb") as file:
        data = file.read()
    for name, (offset, layout) in LAYOUT.items():
        print(name, *struct.unpack_from(layout, data, offset))
    print("bytes", len(data))
