"""calibration_data.py MODEL DIRECTORY: writes texts and arrays to calibrate MODEL with, and
models that MODEL becomes when some of its weights change."""

import json
import pathlib
import shutil
import struct
import sys
import zipfile

model, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
IDS = [2, 5, 6, 3, 0, 0, 2, 6, 7, 6, 5, 3, 2, 3, 0, 0, 0, 0]
MASK = [int(token != 0) for token in IDS]


def npy(dtype, code, values, shape):
    """The bytes of a file of numpy."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + struct.pack(f"<{len(values)}{code}", *values)
    )


def npz(name, **arrays):
    with zipfile.ZipFile(root / name, "w") as archive:
        for key, array in arrays.items():
            archive.writestr(key + ".npy", array)


def change(name, changes):
    """A copy of the model where tensors have other values."""
    shutil.copytree(model, root / name)
    path = root / name / "model.safetensors"
    data = bytearray(path.read_bytes())
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    for tensor, values in changes.items():
        begin, end = (8 + size + offset for offset in header[tensor]["data_offsets"])
        numbers = list(struct.unpack(f"<{(end - begin) // 4}f", data[begin:end]))
        for index in range(len(numbers)) if values == 0 else values:
            numbers[index] = 0 if values == 0 else values[index]
        data[begin:end] = struct.pack(f"<{len(numbers)}f", *numbers)
    path.write_bytes(data)


root.mkdir(parents=True)
(root / "texts.txt").write_text("hello world .\n\nworld\nhello . hello\n" * 6)
(root / "few.txt").write_text("hello world\n")
(root / "empty.txt").write_text("")
(root / "lines.txt").write_text("\n\n")
(root / "nul.txt").write_bytes(b"hello\nwor\0ld\n")

ids = npy("<i8", "q", IDS, (3, 6))
mask = npy("<i8", "q", MASK, (3, 6))
(root / "ids.npy").write_bytes(ids)
(root / "ids32.npy").write_bytes(npy("<i4", "i", IDS, (3, 6)))
(root / "range.npy").write_bytes(npy("<i8", "q", [8] + IDS[1:], (3, 6)))
(root / "negative.npy").write_bytes(npy("<i8", "q", [-1] + IDS[1:], (3, 6)))
(root / "f32.npy").write_bytes(npy("<f4", "f", IDS, (3, 6)))
(root / "f64.npy").write_bytes(npy("<f8", "d", IDS, (3, 6)))
(root / "rank.npy").write_bytes(npy("<i8", "q", IDS, (18,)))
(root / "long.npy").write_bytes(npy("<i8", "q", IDS, (2, 9)))
npz("both.npz", input_ids=ids, attention_mask=mask)
npz("unknown.npz", input_ids=ids, labels=mask)
npz("lacking.npz", attention_mask=mask)
npz("shapes.npz", input_ids=ids, attention_mask=npy("<i8", "q", MASK[:6], (1, 6)))
npz("hidden.npz", input_ids=ids, attention_mask=npy("<i8", "q", [0] * 18, (3, 6)))

(root / "all").mkdir()
for file in ("texts.txt", "ids.npy", "both.npz"):
    shutil.copy(root / file, root / "all")
shutil.copytree(root / "all", root / "foreign")
(root / "foreign" / "labels.csv").write_text("a,b\n")

LAYER = "encoder.layer.0."
change("constant", {LAYER + "intermediate.dense." + part: 0 for part in ("weight", "bias")})
change("nan", {LAYER + "output.dense.weight": {3: float("nan")}})
change("infinite", {LAYER + "intermediate.dense.bias": {3: float("inf")}})
shutil.copytree(model, root / "arrays-only")
for file in ("vocab.txt", "tokenizer_config.json"):
    (root / "arrays-only" / file).unlink()
