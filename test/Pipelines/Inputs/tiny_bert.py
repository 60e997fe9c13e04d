"""tiny_bert.py DIRECTORY: writes a BertModel of one layer with a tokenizer."""

import json
import pathlib
import struct
import sys

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "."]
CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": len(WORDS),
    "max_position_embeddings": 6,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}

shapes = {}


def add(name, *outputs):
    """A linear of (outputs, inputs), or a norm."""
    shapes[name + ".weight"] = outputs
    shapes[name + ".bias"] = outputs[:1]


for table, rows in (("word", len(WORDS)), ("position", 6), ("token_type", 2)):
    shapes[f"embeddings.{table}_embeddings.weight"] = (rows, 8)
add("embeddings.LayerNorm", 8)
for part in ("query", "key", "value"):
    add("encoder.layer.0.attention.self." + part, 8, 8)
add("encoder.layer.0.attention.output.dense", 8, 8)
add("encoder.layer.0.attention.output.LayerNorm", 8)
add("encoder.layer.0.intermediate.dense", 12, 8)
add("encoder.layer.0.output.dense", 8, 12)
add("encoder.layer.0.output.LayerNorm", 8)
add("pooler.dense", 8, 8)

header, data = {}, b""
for name, shape in shapes.items():
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    begin = len(data)
    data += struct.pack(f"<{count}f", *((i * 37 % 64 - 31) / 64 for i in range(count)))
    header[name] = {
        "dtype": "F32",
        "shape": list(shape),
        "data_offsets": [begin, len(data)],
    }
text = json.dumps(header).encode()

directory = pathlib.Path(sys.argv[1])
directory.mkdir(parents=True)
(directory / "config.json").write_text(json.dumps(CONFIG))
(directory / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
(directory / "vocab.txt").write_text("\n".join(WORDS) + "\n")
(directory / "tokenizer_config.json").write_text(
    json.dumps({"do_lower_case": True, "tokenizer_class": "BertTokenizer"})
)
