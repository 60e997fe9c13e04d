# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""BERT encoders as PyTorch modules: for PyTorch, and to make OpenVINO's
models. They take `input_ids` and `attention_mask` (int64, [B, S]) and give
the embeddings (masked mean, unit length)."""

import torch
from torch import nn
from torch.nn import functional

from bert_model import load_config, load_weights

# What a key that is masked adds to its score.
MASKED = -10000.0


class Layer(nn.Module):
    """One encoder layer."""

    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        inner = config["intermediate_size"]
        epsilon = config["layer_norm_eps"]
        self.heads = config["num_attention_heads"]
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)

    def split(self, x):
        """[B, S, width] -> [B, heads, S, width / heads]."""
        batch, length, width = x.shape
        x = x.view(batch, length, self.heads, width // self.heads)
        return x.transpose(1, 2)

    def forward(self, x, bias):
        mixed = functional.scaled_dot_product_attention(
            self.split(self.query(x)), self.split(self.key(x)),
            self.split(self.value(x)), attn_mask=bias)
        mixed = mixed.transpose(1, 2).reshape(x.shape)
        x = self.norm1(x + self.output(mixed))
        return self.norm2(x + self.down(functional.gelu(self.up(x))))


class Bert(nn.Module):
    """A BertModel with mean pooling."""

    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.word = nn.Embedding(config["vocab_size"], width)
        self.position = nn.Embedding(config["max_position_embeddings"], width)
        self.token_type = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.layers = nn.ModuleList(
            Layer(config) for _ in range(config["num_hidden_layers"]))

    def forward(self, input_ids, attention_mask):
        x = self.word(input_ids) + self.token_type.weight[0]
        x = self.norm(x + self.position.weight[:input_ids.shape[1]])
        mask = attention_mask.to(x.dtype)
        bias = (1 - mask[:, None, None, :]) * MASKED
        for layer in self.layers:
            x = layer(x, bias)
        return functional.normalize((x * mask[:, :, None]).sum(1), dim=1)


# Names in a BertModel's file, and here.
_LAYER_NAMES = {
    "attention.self.query": "query", "attention.self.key": "key",
    "attention.self.value": "value", "attention.output.dense": "output",
    "attention.output.LayerNorm": "norm1", "intermediate.dense": "up",
    "output.dense": "down", "output.LayerNorm": "norm2"}
_NAMES = {"embeddings.word_embeddings": "word",
          "embeddings.position_embeddings": "position",
          "embeddings.token_type_embeddings": "token_type",
          "embeddings.LayerNorm": "norm"}


def load(model_dir):
    """The module of a BertModel directory."""
    config = load_config(model_dir)
    names = dict(_NAMES)
    for i in range(config["num_hidden_layers"]):
        for source, target in _LAYER_NAMES.items():
            names[f"encoder.layer.{i}.{source}"] = f"layers.{i}.{target}"
    state = {}
    for name, tensor in load_weights(model_dir).items():
        layer, _, kind = name.rpartition(".")
        if layer in names:
            state[f"{names[layer]}.{kind}"] = torch.tensor(tensor)
    module = Bert(config)
    module.load_state_dict(state)
    return module.eval()
