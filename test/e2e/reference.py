#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run a BERT-family Hugging Face directory in float64, in plain numpy.

The independent oracle of the end-to-end tests: it shares no code with the compiler,
reads the safetensors files itself and follows the semantics of HF transformers.
"""

import argparse
import json
import math
import pathlib

import numpy as np

# ---------------------------------------------------------------------- reading


def decode(data, dtype):
    """The values of one tensor in float64 (integers stay integers)."""
    if dtype == "BF16":
        bits = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).astype(np.float64)
    kind = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}[dtype]
    values = np.frombuffer(data, kind)
    return values.astype(np.float64) if dtype.startswith("F") else values


def read_safetensors(path):
    """All tensors of one file by name."""
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = decode(body[begin:end], entry["dtype"])
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def read_json(path):
    """A JSON file's value."""
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def read_tensors(directory):
    """All tensors of a directory, in one file or in shards."""
    index = directory / "model.safetensors.index.json"
    if not index.exists():
        return read_safetensors(directory / "model.safetensors")
    tensors = {}
    for file in sorted(set(read_json(index)["weight_map"].values())):
        tensors.update(read_safetensors(directory / file))
    return tensors


class Weights:
    """Tensors under any of the names that checkpoints use for them."""

    def __init__(self, tensors, prefix):
        self.tensors = {}
        for name, tensor in tensors.items():
            name = name.removeprefix(prefix)
            name = name.replace("LayerNorm.gamma", "LayerNorm.weight")
            self.tensors[name.replace("LayerNorm.beta", "LayerNorm.bias")] = tensor

    def has(self, name):
        return name + ".weight" in self.tensors

    def table(self, name, ids):
        return self.tensors[name + ".weight"][ids]

    def linear(self, name, x):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def norm(self, name, x, eps):
        mean = x.mean(-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(-1, keepdims=True)
        normalized = (x - mean) / np.sqrt(variance + eps)
        weight, bias = self.tensors[name + ".weight"], self.tensors[name + ".bias"]
        return normalized * weight + bias


# -------------------------------------------------------------------- functions

_erf = np.vectorize(math.erf, otypes=[np.float64])


def gelu(x):
    """The exact GELU."""
    return 0.5 * x * (1 + _erf(x / math.sqrt(2)))


def gelu_tanh(x):
    """GELU's tanh form."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = {
    "gelu": gelu,
    "gelu_new": gelu_tanh,
    "gelu_fast": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "quick_gelu": lambda x: x / (1 + np.exp(-1.702 * x)),
}


def attend(q, k, v, mask, heads):
    """Attention over [batch, positions, width]; keys with mask 0 do not count."""

    def split(x):
        return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)

    q, k, v = split(q), split(k), split(v)
    scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(q.shape[-1])
    scores = np.where(mask[:, None, None, :] != 0, scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    context = p / p.sum(-1, keepdims=True) @ v
    return context.transpose(0, 2, 1, 3).reshape(*mask.shape, -1)


# ----------------------------------------------------------------------- models


def bert_positions(config, ids):
    """Position ids: 0, 1, ...; RoBERTa counts from padding_idx + 1, over the ids that
    are not padding, and gives padding the padding_idx."""
    if config["model_type"] not in ("roberta", "xlm-roberta", "camembert"):
        return np.arange(ids.shape[1])[None, :]
    pad = config["pad_token_id"]
    real = (ids != pad).astype(np.int64)
    return np.cumsum(real, axis=1) * real + pad


def bert_layer(w, layer, x, mask, config):
    """One encoder layer of BERT, RoBERTa or ELECTRA."""
    eps = config["layer_norm_eps"]
    q, k, v = (
        w.linear(f"{layer}attention.self.{name}", x) for name in ("query", "key", "value")
    )
    context = attend(q, k, v, mask, config["num_attention_heads"])
    x = x + w.linear(layer + "attention.output.dense", context)
    x = w.norm(layer + "attention.output.LayerNorm", x, eps)
    middle = ACTIVATIONS[config["hidden_act"]](w.linear(layer + "intermediate.dense", x))
    x = x + w.linear(layer + "output.dense", middle)
    return w.norm(layer + "output.LayerNorm", x, eps)


def bert_encode(w, config, ids, mask, types):
    """last_hidden_state of BERT, RoBERTa or ELECTRA."""
    x = w.table("embeddings.word_embeddings", ids)
    x = x + w.table("embeddings.token_type_embeddings", types)
    x = x + w.table("embeddings.position_embeddings", bert_positions(config, ids))
    x = w.norm("embeddings.LayerNorm", x, config["layer_norm_eps"])
    if config.get("embedding_size", config["hidden_size"]) != config["hidden_size"]:
        x = w.linear("embeddings_project", x)
    for i in range(config["num_hidden_layers"]):
        x = bert_layer(w, f"encoder.layer.{i}.", x, mask, config)
    return x


def distilbert_layer(w, layer, x, mask, config):
    """One layer of DistilBERT."""
    q, k, v = (w.linear(f"{layer}attention.{name}_lin", x) for name in "qkv")
    context = attend(q, k, v, mask, config["n_heads"])
    x = x + w.linear(layer + "attention.out_lin", context)
    x = w.norm(layer + "sa_layer_norm", x, 1e-12)
    middle = ACTIVATIONS[config["activation"]](w.linear(layer + "ffn.lin1", x))
    x = x + w.linear(layer + "ffn.lin2", middle)
    return w.norm(layer + "output_layer_norm", x, 1e-12)


def distilbert_encode(w, config, ids, mask, types):
    """last_hidden_state of DistilBERT, which has no token types."""
    x = w.table("embeddings.word_embeddings", ids)
    x = x + w.table("embeddings.position_embeddings", np.arange(ids.shape[1])[None, :])
    x = w.norm("embeddings.LayerNorm", x, 1e-12)
    for i in range(config["n_layers"]):
        x = distilbert_layer(w, f"transformer.layer.{i}.", x, mask, config)
    return x


def classify(w, family, hidden):
    """Logits from the first position."""
    first = hidden[:, 0]
    if family == "bert":
        return w.linear("classifier", np.tanh(w.linear("pooler.dense", first)))
    if family == "distilbert":
        return w.linear("classifier", np.maximum(w.linear("pre_classifier", first), 0))
    activate = gelu if family == "electra" else np.tanh
    return w.linear("classifier.out_proj", activate(w.linear("classifier.dense", first)))


OLD_POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


def pooling_modes(config):
    """What a Pooling module does, as a list: of `pooling_mode`, or of the older keys."""
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [mode for key, mode in OLD_POOLING_KEYS.items() if config.get(key)] or "mean"
    return [modes] if isinstance(modes, str) else modes


def pool(mode, hidden, mask):
    """One vector of each text's token vectors."""
    rows, shown = np.arange(len(hidden)), mask != 0
    if mode == "cls":
        return hidden[:, 0]
    if mode == "lasttoken":
        return hidden[rows, mask.shape[1] - 1 - shown[:, ::-1].argmax(1)]
    if mode == "max":
        return np.where(shown[..., None], hidden, -np.inf).max(1)
    weights = shown.astype(float)
    if mode == "weightedmean":
        weights = shown * (np.arange(1, mask.shape[1] + 1) - shown.argmax(1)[:, None])
    count = weights.sum(1, keepdims=True)
    if mode == "mean_sqrt_len_tokens":
        count = np.sqrt(count)
    return (hidden * weights[..., None]).sum(1) / count


def dense(directory, rows):
    """A Dense module of sentence-transformers."""
    config, tensors = read_json(directory / "config.json"), read_tensors(directory)
    rows = rows @ tensors["linear.weight"].T.astype(np.float64)
    rows = rows + tensors["linear.bias"] if config["bias"] else rows
    return np.tanh(rows) if config["activation_function"].endswith(".Tanh") else rows


def embed(directory, hidden, mask, pooling=None):
    """The embedding that modules.json asks for; `pooling` overrides its modes."""
    rows = hidden
    for module in read_json(directory / "modules.json"):
        kind, folder = module["type"].split(".")[-1], directory / module["path"]
        if kind == "Pooling":
            modes = [pooling] if pooling else pooling_modes(read_json(folder / "config.json"))
            rows = np.concatenate([pool(mode, hidden, mask) for mode in modes], axis=-1)
        elif kind == "Dense":
            rows = dense(folder, rows)
        elif kind == "Normalize":
            norm = np.linalg.norm(rows, axis=-1, keepdims=True)
            rows = rows / np.maximum(norm, 1e-12)
    settings = directory / "config_sentence_transformers.json"
    return rows[:, : read_json(settings)["truncate_dim"]] if settings.exists() else rows


class Model:
    """A directory, read once and run many times."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.config = read_json(self.directory / "config.json")
        model_type = self.config["model_type"]
        same = {"xlm-roberta": "roberta", "camembert": "roberta"}
        self.family = same.get(model_type, model_type)
        self.weights = Weights(read_tensors(self.directory), self.family + ".")

    def run(self, input_ids, attention_mask=None, token_type_ids=None, pooling=None):
        """All outputs by name: logits of a classifier, otherwise last_hidden_state, and
        embedding where the directory has modules, else pooler_output where it has a
        pooler."""
        ids = np.asarray(input_ids)
        mask = np.ones_like(ids) if attention_mask is None else np.asarray(attention_mask)
        types = np.zeros_like(ids) if token_type_ids is None else np.asarray(token_type_ids)
        encode = distilbert_encode if self.family == "distilbert" else bert_encode
        hidden = encode(self.weights, self.config, ids, mask, types)
        if self.config["architectures"][0].endswith("ForSequenceClassification"):
            return {"logits": classify(self.weights, self.family, hidden)}
        outputs = {"last_hidden_state": hidden}
        if (self.directory / "modules.json").exists():
            outputs["embedding"] = embed(self.directory, hidden, mask, pooling)
        elif self.weights.has("pooler.dense"):
            outputs["pooler_output"] = np.tanh(self.weights.linear("pooler.dense", hidden[:, 0]))
        return outputs


def parse_arguments():
    """NAME=FILE.npy pairs, as the compiled program takes them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", help="Hugging Face model directory")
    pair = {"action": "append", "default": [], "metavar": "NAME=FILE.npy"}
    parser.add_argument("--input", required=True, **pair)
    parser.add_argument("--output", **pair)
    return parser.parse_args()


def main():
    """Run the model on npy files."""
    arguments = parse_arguments()
    inputs = dict(text.split("=", 1) for text in arguments.input)
    model = Model(arguments.directory)
    outputs = model.run(**{name: np.load(file) for name, file in inputs.items()})
    for text in arguments.output:
        name, file = text.split("=", 1)
        np.save(file, outputs[name])
    for name, value in outputs.items():
        print(name, value.shape, f"mean {value.mean():.6f}, deviation {value.std():.6f}")


if __name__ == "__main__":
    main()
