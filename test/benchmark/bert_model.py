# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Directories of BERT encoders, and token ids for them.

A model is a Hugging Face directory with one model.safetensors, or BERT_BASE:
the shape of BERT-base with random weights, which is written on first use.
"""

import csv
import json
import mmap
import struct
from pathlib import Path

import numpy as np

BERT_BASE = "bert-base"
BERT_BASE_CONFIG = {
    "architectures": ["BertModel"], "model_type": "bert",
    "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
    "intermediate_size": 3072, "hidden_act": "gelu", "vocab_size": 30522,
    "max_position_embeddings": 512, "type_vocab_size": 2,
    "layer_norm_eps": 1e-12, "position_embedding_type": "absolute",
    "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    "pad_token_id": 0}
# Large enough that attention is no plain mean, and a wrong one is noticed.
RANDOM_DEVIATION = 0.05
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CALIBRATION_SAMPLES = 64
_DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64,
           "I32": np.int32, "I64": np.int64, "U8": np.uint8, "I8": np.int8}


def load_safetensors(path):
    """Reads a safetensors file into a dictionary; floats become float32."""
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        raw = data[begin:end]
        if entry["dtype"] == "BF16":
            bits = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
            tensor = bits.view(np.float32)
        else:
            tensor = np.frombuffer(raw, _DTYPES[entry["dtype"]])
        if tensor.dtype.kind == "f":
            tensor = tensor.astype(np.float32)
        tensors[name] = tensor.reshape(entry["shape"])
    return tensors


def save_safetensors(path, tensors):
    """Writes float32 tensors."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": tensor.shape,
                        "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.tobytes())


def load_config(model):
    """The model's config.json."""
    return json.loads((Path(model) / "config.json").read_text())


def load_weights(model):
    """The weights of a BertModel directory, without a `bert.` prefix."""
    tensors = load_safetensors(Path(model) / "model.safetensors")
    return {name.removeprefix("bert."): t for name, t in tensors.items()}


def weight_shapes(config):
    """Shapes of the weights of a BertModel by name."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    rows = {"word": "vocab_size", "position": "max_position_embeddings",
            "token_type": "type_vocab_size"}
    shapes = {f"embeddings.{kind}_embeddings.weight": (config[key], width)
              for kind, key in rows.items()}
    linears = {f"attention.self.{kind}": (width, width)
               for kind in ("query", "key", "value")}
    linears |= {"attention.output.dense": (width, width),
                "intermediate.dense": (inner, width),
                "output.dense": (width, inner)}
    norms = ["embeddings.LayerNorm"]
    for i in range(config["num_hidden_layers"]):
        prefix = f"encoder.layer.{i}."
        for name, shape in linears.items():
            shapes[f"{prefix}{name}.weight"] = shape
            shapes[f"{prefix}{name}.bias"] = shape[:1]
        norms += [f"{prefix}attention.output.LayerNorm",
                  f"{prefix}output.LayerNorm"]
    for name in norms:
        shapes[name + ".weight"] = shapes[name + ".bias"] = (width,)
    return shapes


def make_bert_base(folder):
    """Writes a model of BERT-base's shape, if it is missing; its path."""
    path = Path(folder) / BERT_BASE
    if (path / "model.safetensors").exists():
        return path
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(BERT_BASE_CONFIG, indent=1))
    count = BERT_BASE_CONFIG["vocab_size"] - len(SPECIAL_TOKENS)
    words = [f"word{i}" for i in range(count)]
    (path / "vocab.txt").write_text("\n".join([*SPECIAL_TOKENS, *words, ""]))
    (path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "BertTokenizer"}))
    random = np.random.default_rng(0)
    tensors = {}
    for name, shape in weight_shapes(BERT_BASE_CONFIG).items():
        tensors[name] = RANDOM_DEVIATION * random.standard_normal(
            shape, np.float32)
        if name.endswith("LayerNorm.weight"):
            tensors[name] += 1
    partial = path / "partial"
    save_safetensors(partial, tensors)
    partial.rename(path / "model.safetensors")
    return path


def find_model(name, folder):
    """The directory of a model, and what it is called in tables."""
    if name == BERT_BASE:
        return make_bert_base(folder), "BERT-base"
    path = Path(name).resolve()
    if not (path / "model.safetensors").exists():
        raise SystemExit(f"{name}: expected {BERT_BASE} or a directory with "
                         "model.safetensors")
    return path, path.name


def random_ids(batch, length, vocab, seed=0):
    """Reproducible token ids of shape [batch, length], int64."""
    generator = np.random.default_rng(seed)
    return generator.integers(min(1000, vocab // 2), vocab, (batch, length))


def random_mask(batch, length, padded, seed=0):
    """Ones; if padded, then each row ends in zeros after a random length,
    evenly spread from an eighth to all of the tokens."""
    if not padded:
        return np.ones((batch, length), np.int64)
    lengths = np.linspace(max(1, length // 8), length, batch).round()
    lengths = np.random.default_rng(seed).permutation(lengths)
    return (np.arange(length) < lengths[:, None]).astype(np.int64)


def calibration_ids(model, data):
    """Token ids of CALIBRATION_SAMPLES texts, and where they are from.

    Of sentences of STS-B's dev set, or random if there are no data or the
    model has no tokenizer.json.
    """
    tokenizer_path = Path(model) / "tokenizer.json"
    data_path = Path(data or "") / "stsb-en-dev.csv"
    if data and data_path.exists() and tokenizer_path.exists():
        from tokenizers import Tokenizer
        tokenizer = Tokenizer.from_file(str(tokenizer_path))
        tokenizer.no_padding()
        with open(data_path, newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
        step = len(rows) // CALIBRATION_SAMPLES
        texts = [row[0] for row in rows[1::step][:CALIBRATION_SAMPLES]]
        samples = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        return [np.array([ids]) for ids in samples], "STS-B dev"
    vocab = load_config(model)["vocab_size"]
    return [random_ids(1, 8 + i, vocab, seed=i)
            for i in range(CALIBRATION_SAMPLES)], "random ids"


def masked_mean(states, mask):
    """Means of the token vectors where the mask is set, of unit length."""
    total = (states * mask[:, :, None]).sum(axis=1, dtype=np.float64)
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def parse_shape(text):
    """`8x128` -> (8, 128)."""
    batch, length = text.split("x")
    return int(batch), int(length)
