#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Write tiny seeded Hugging Face model directories for the end-to-end tests.

Every directory looks like one from the hub (config.json, model.safetensors or its
shards, tokenizer files, sentence-transformers' modules), with random weights and
sizes that are no multiple of any tile. Needs numpy only.
"""

import argparse
import dataclasses
import json
import pathlib
import string

import numpy as np

import reference

# The beginning of an architecture's name, its model_type, the prefix of its tensors.
FAMILIES = (
    ("Bert", "bert", "bert"),
    ("DistilBert", "distilbert", "distilbert"),
    ("Roberta", "roberta", "roberta"),
    ("XLMRoberta", "xlm-roberta", "roberta"),
    ("Camembert", "camembert", "roberta"),
    ("Electra", "electra", "electra"),
)
KINDS = ("Model", "ForMaskedLM", "ForSequenceClassification")
ARCHITECTURES = tuple(family[0] + kind for family in FAMILIES for kind in KINDS)
DTYPES = ("F64", "F32", "F16", "BF16")
LABELS = ("negative", "neutral", "positive")


@dataclasses.dataclass(frozen=True)
class Spec:
    """What kind of directory to write; the defaults give a plain BertModel."""

    architecture: str = "BertModel"
    dtype: str = "F32"
    shards: int = 1
    prefixed: bool = False  # 'bert.' in front of a base model's names
    legacy: bool = False  # LayerNorm.gamma/beta, position_ids, a language-model head
    pooling: str = "none"  # sentence-transformers' modules; modes with a comma between
    old_keys: bool = True  # with pooling: one boolean a mode, as before version 5.4
    dense: int = 0  # with pooling: the width of its Dense modules, 0: none
    truncate: int = 0  # with pooling: numbers of an embedding that are kept, 0: all
    normalize: bool = True  # with pooling: its Normalize module
    tokenizer: str = "none"  # none, vocab, json
    embedding: int = 0  # columns of ELECTRA's tables; 0: as hidden
    hidden: int = 48
    heads: int = 4
    ffn: int = 80
    layers: int = 2
    vocab: int = 97
    positions: int = 40
    activation: str = "gelu"
    seed: int = 1

    @property
    def model_type(self):
        """What config.json calls the family."""
        for name, model_type, _ in FAMILIES:
            if self.architecture in (name + kind for kind in KINDS):
                return model_type
        raise ValueError(f"expected one of {ARCHITECTURES}, got {self.architecture}")

    @property
    def family(self):
        """bert, distilbert, roberta or electra: also the prefix of the names."""
        return {model_type: prefix for _, model_type, prefix in FAMILIES}[self.model_type]

    @property
    def encoder_only(self):
        """Whether a language model's head surrounds the encoder."""
        return self.architecture.endswith("ForMaskedLM")

    @property
    def has_pooler(self):
        """Whether the checkpoint has a layer for pooler_output."""
        if self.family == "bert":
            return not self.encoder_only
        return self.family == "roberta" and self.architecture.endswith("Model")

    @property
    def classifier(self):
        return self.architecture.endswith("ForSequenceClassification")


# ---------------------------------------------------------------- configuration


def bert_config(spec):
    """config.json of the BERT and RoBERTa families."""
    roberta = spec.family == "roberta"
    electra = {"embedding_size": spec.embedding or spec.hidden}
    return {
        **(electra if spec.family == "electra" else {}),
        "hidden_size": spec.hidden,
        "num_attention_heads": spec.heads,
        "num_hidden_layers": spec.layers,
        "intermediate_size": spec.ffn,
        "hidden_act": spec.activation,
        "type_vocab_size": 1 if roberta else 2,
        "layer_norm_eps": 1e-5 if roberta else 1e-12,
        "pad_token_id": 1 if roberta else 0,
        "position_embedding_type": "absolute",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
    }


def distilbert_config(spec):
    """config.json of the DistilBERT family."""
    return {
        "dim": spec.hidden,
        "n_heads": spec.heads,
        "n_layers": spec.layers,
        "hidden_dim": spec.ffn,
        "activation": spec.activation,
        "sinusoidal_pos_embds": False,
        "pad_token_id": 0,
        "dropout": 0.1,
        "attention_dropout": 0.1,
    }


def make_config(spec):
    """config.json for any architecture."""
    family = distilbert_config if spec.family == "distilbert" else bert_config
    config = {
        "architectures": [spec.architecture],
        "model_type": spec.model_type,
        "vocab_size": spec.vocab,
        "max_position_embeddings": spec.positions,
        "torch_dtype": {
            "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
        }[spec.dtype],
        **family(spec),
    }
    if spec.classifier:
        config["id2label"] = {str(i): label for i, label in enumerate(LABELS)}
        config["label2id"] = {label: i for i, label in enumerate(LABELS)}
    return config


# ---------------------------------------------------------------------- weights


class WeightMaker:
    """Collects named random tensors."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.tensors = {}

    def table(self, name, rows, columns):
        self.tensors[name + ".weight"] = self.random.normal(0, 0.5, (rows, columns))

    def linear(self, name, outputs, inputs):
        scale = 1.5 / np.sqrt(inputs)
        self.tensors[name + ".weight"] = self.random.normal(0, scale, (outputs, inputs))
        self.tensors[name + ".bias"] = self.random.normal(0, 0.1, outputs)

    def norm(self, name, width):
        self.tensors[name + ".weight"] = self.random.normal(1, 0.1, width)
        self.tensors[name + ".bias"] = self.random.normal(0, 0.1, width)


def add_bert_body(make, spec):
    """Embeddings, layers and pooler with the names of BERT, RoBERTa and ELECTRA."""
    config = bert_config(spec)
    width = spec.embedding or spec.hidden
    make.table("embeddings.word_embeddings", spec.vocab, width)
    make.table("embeddings.position_embeddings", spec.positions, width)
    make.table("embeddings.token_type_embeddings", config["type_vocab_size"], width)
    make.norm("embeddings.LayerNorm", width)
    if width != spec.hidden:
        make.linear("embeddings_project", spec.hidden, width)
    for i in range(spec.layers):
        layer = f"encoder.layer.{i}."
        for name in ("query", "key", "value"):
            make.linear(f"{layer}attention.self.{name}", spec.hidden, spec.hidden)
        make.linear(layer + "attention.output.dense", spec.hidden, spec.hidden)
        make.norm(layer + "attention.output.LayerNorm", spec.hidden)
        make.linear(layer + "intermediate.dense", spec.ffn, spec.hidden)
        make.linear(layer + "output.dense", spec.hidden, spec.ffn)
        make.norm(layer + "output.LayerNorm", spec.hidden)
    if spec.has_pooler:
        make.linear("pooler.dense", spec.hidden, spec.hidden)


def add_distilbert_body(make, spec):
    """Embeddings and layers with DistilBERT's names."""
    make.table("embeddings.word_embeddings", spec.vocab, spec.hidden)
    make.table("embeddings.position_embeddings", spec.positions, spec.hidden)
    make.norm("embeddings.LayerNorm", spec.hidden)
    for i in range(spec.layers):
        layer = f"transformer.layer.{i}."
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            make.linear(f"{layer}attention.{name}", spec.hidden, spec.hidden)
        make.norm(layer + "sa_layer_norm", spec.hidden)
        make.linear(layer + "ffn.lin1", spec.ffn, spec.hidden)
        make.linear(layer + "ffn.lin2", spec.hidden, spec.ffn)
        make.norm(layer + "output_layer_norm", spec.hidden)


def add_head(make, spec):
    """The classification head, each family with its own."""
    if spec.family == "bert":
        make.linear("classifier", len(LABELS), spec.hidden)
    elif spec.family == "distilbert":
        make.linear("pre_classifier", spec.hidden, spec.hidden)
        make.linear("classifier", len(LABELS), spec.hidden)
    else:
        make.linear("classifier.dense", spec.hidden, spec.hidden)
        make.linear("classifier.out_proj", len(LABELS), spec.hidden)


def to_legacy(tensors, spec, prefix):
    """The names of old checkpoints, with tensors that a base model does not use."""
    renamed = {}
    for name, tensor in tensors.items():
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        renamed[name.replace("LayerNorm.bias", "LayerNorm.beta")] = tensor
    ids = np.arange(spec.positions, dtype=np.int64)[None]
    renamed[prefix + "embeddings.position_ids"] = ids
    renamed["cls.predictions.bias"] = np.zeros(spec.vocab)
    return renamed


def make_tensors(spec):
    """All tensors of a model by name, in float64 (ids in int64)."""
    make = WeightMaker(spec.seed)
    body = add_distilbert_body if spec.family == "distilbert" else add_bert_body
    body(make, spec)
    surrounded = spec.classifier or spec.encoder_only
    prefix = spec.family + "." if surrounded or spec.prefixed else ""
    tensors = {prefix + name: tensor for name, tensor in make.tensors.items()}
    if spec.classifier:
        make.tensors = {}
        add_head(make, spec)
        tensors.update(make.tensors)
    if spec.encoder_only:
        tensors["cls.predictions.bias"] = make.random.normal(0, 1, spec.vocab)
    return to_legacy(tensors, spec, prefix) if spec.legacy else tensors


# ------------------------------------------------------------------ safetensors


def to_bfloat16(values):
    """The upper half of float32, rounded to nearest even."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def encode(tensor, dtype):
    """A tensor's safetensors dtype and little-endian bytes."""
    if tensor.dtype == np.int64:
        return "I64", tensor.astype("<i8").tobytes()
    if dtype == "BF16":
        return dtype, to_bfloat16(tensor).astype("<u2").tobytes()
    return dtype, tensor.astype({"F64": "<f8", "F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def write_safetensors(path, tensors, dtype="F32"):
    """Write one safetensors file: header length, JSON header, data."""
    header, chunks, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        tag, data = encode(tensor, dtype)
        header[name] = {
            "dtype": tag,
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(chunks))


def write_weights(directory, tensors, spec):
    """model.safetensors, or shards and their index."""
    if spec.shards == 1:
        write_safetensors(directory / "model.safetensors", tensors, spec.dtype)
        return
    names, weight_map = list(tensors), {}
    for i in range(spec.shards):
        file = f"model-{i + 1:05}-of-{spec.shards:05}.safetensors"
        part = {name: tensors[name] for name in names[i :: spec.shards]}
        write_safetensors(directory / file, part, spec.dtype)
        weight_map.update({name: file for name in part})
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    write_json(directory / "model.safetensors.index.json", index)


# -------------------------------------------------------------- everything else


def write_json(path, value):
    """Write indented JSON."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def make_vocabulary(size):
    """BERT's special tokens, some words, letters alone and as continuations."""
    words = ["the", "girl", "is", "play", "##ing", "##ed", "hair", "stock", "##s"]
    letters = list(string.ascii_lowercase)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "!", "?", "'"]
    tokens += words + letters + ["##" + c for c in letters if c != "s"]
    tokens += [f"[unused{i}]" for i in range(size)]
    return tokens[:size]


def write_tokenizer(directory, spec):
    """vocab.txt, or tokenizer.json with BERT's normalizer and WordPiece."""
    vocabulary = make_vocabulary(spec.vocab)
    if spec.tokenizer == "vocab":
        (directory / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
        write_json(directory / "tokenizer_config.json", {"do_lower_case": True})
        return
    special = [
        {"id": i, "content": vocabulary[i], "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False, "special": True}
        for i in range(5)
    ]  # fmt: skip
    sequence = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    write_json(
        directory / "tokenizer.json",
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": special,
            "normalizer": {"type": "BertNormalizer", "clean_text": True,
                           "handle_chinese_chars": True, "strip_accents": None,
                           "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": sequence,
                "pair": sequence + [{"Sequence": {"id": "B", "type_id": 1}},
                                    {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
                "special_tokens": {
                    token: {"id": token, "ids": [vocabulary.index(token)],
                            "tokens": [token]}
                    for token in ("[CLS]", "[SEP]")
                },
            },
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {token: i for i, token in enumerate(vocabulary)},
            },
        },
    )  # fmt: skip


def write_sentence_transformer(directory, spec):
    """modules.json and what it points to."""
    kinds = ["Transformer", "Pooling"] + ["Dense"] * (2 if spec.dense else 0)
    kinds += ["Normalize"] if spec.normalize else []
    modules = [
        {
            "idx": i,
            "name": str(i),
            "path": f"{i}_{kind}" if i else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for i, kind in enumerate(kinds)
    ]
    write_json(directory / "modules.json", modules)
    write_json(directory / "sentence_bert_config.json",
               {"max_seq_length": spec.positions - 8, "do_lower_case": False})  # fmt: skip
    (directory / "1_Pooling").mkdir(exist_ok=True)
    modes = spec.pooling.split(",")
    if spec.old_keys:
        pooling = {key: mode in modes for key, mode in reference.OLD_POOLING_KEYS.items()}
        pooling["word_embedding_dimension"] = spec.hidden
    else:
        pooling = {"embedding_dimension": spec.hidden, "include_prompt": True}
        pooling["pooling_mode"] = modes if len(modes) > 1 else modes[0]
    write_json(directory / "1_Pooling" / "config.json", pooling)
    if spec.dense:
        write_dense(directory / "2_Dense", spec.hidden * len(modes), spec.dense, "Tanh")
        write_dense(directory / "3_Dense", spec.dense, spec.dense, "Identity")
    if spec.truncate:
        write_json(directory / "config_sentence_transformers.json",
                   {"truncate_dim": spec.truncate})  # fmt: skip


def write_dense(directory, inputs, outputs, activation):
    """A Dense module; that of Identity has no bias."""
    random = np.random.default_rng(inputs)
    tensors = {"linear.weight": random.normal(0, inputs**-0.5, (outputs, inputs))}
    if activation != "Identity":
        tensors["linear.bias"] = random.normal(0, 0.1, outputs)
    directory.mkdir(exist_ok=True)
    package = "linear" if activation == "Identity" else "activation"
    write_json(
        directory / "config.json",
        {
            "in_features": inputs,
            "out_features": outputs,
            "bias": activation != "Identity",
            "activation_function": f"torch.nn.modules.{package}.{activation}",
        },
    )
    write_safetensors(directory / "model.safetensors", tensors, "F32")


def write_model(directory, spec):
    """Write the whole directory."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    write_json(directory / "config.json", make_config(spec))
    write_weights(directory, make_tensors(spec), spec)
    if spec.tokenizer != "none":
        write_tokenizer(directory, spec)
    if spec.pooling != "none":
        write_sentence_transformer(directory, spec)
    return directory


def parse_arguments():
    """One option for each field of Spec."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", help="where to write the model")
    choices = {
        "architecture": ARCHITECTURES,
        "dtype": DTYPES,
        "tokenizer": ("none", "vocab", "json"),
    }
    for field in dataclasses.fields(Spec):
        option = "--" + field.name
        if isinstance(field.default, bool):
            action = argparse.BooleanOptionalAction
            parser.add_argument(option, action=action, default=field.default)
        else:
            parser.add_argument(option, type=type(field.default), default=field.default,
                                choices=choices.get(field.name))  # fmt: skip
    return parser.parse_args()


def main():
    """Write the directory that the command line describes."""
    arguments = vars(parse_arguments())
    directory = arguments.pop("directory")
    write_model(directory, Spec(**arguments))


if __name__ == "__main__":
    main()
