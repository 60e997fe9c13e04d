#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Modules whose exports tq is checked with: small models of the real classes.

Each entry gives a module in eval mode with random weights, the names of its
inputs, and for several sizes what to put in. The first case is the sample that
`torch.export` sees, whose batch and lengths are at least 2; the others differ
from it in every dynamic size, and have padding where the model has a mask.
"""

from __future__ import annotations

import dataclasses
from typing import Callable

import torch
from torch import nn
from torch.export import Dim

DYNAMIC = Dim.AUTO
SHAPES = ((2, 7), (1, 5), (3, 12), (1, 33), (4, 3))
VOCABULARY = 99
HIDDEN = 32


@dataclasses.dataclass
class Example:
    """A module and what to run it on."""

    module: nn.Module
    cases: list[tuple[torch.Tensor, ...]]
    names: list[str]
    dynamic: tuple


EXAMPLES: dict[str, Callable[[str], Example]] = {}
IMPLEMENTATIONS: dict[str, tuple[str, ...]] = {}


def example(name: str, attention: tuple[str, ...] = ("",)):
    """Registers what makes an example, for each attention implementation."""

    def register(make: Callable[[str], Example]):
        EXAMPLES[name] = make
        IMPLEMENTATIONS[name] = attention
        return make

    return register


BOTH = ("sdpa", "eager")


def ids_and_mask(batch: int, length: int, vocabulary: int = VOCABULARY):
    """Token ids from 3 on, and a mask whose rows get shorter and shorter."""
    ids = torch.randint(3, vocabulary, (batch, length))
    mask = torch.ones(batch, length, dtype=torch.long)
    for row in range(1, batch):
        mask[row, length - min(row, length - 1):] = 0
    return ids, mask


def per_shape(make: Callable[[int, int], tuple[torch.Tensor, ...]],
              shapes=SHAPES) -> list[tuple[torch.Tensor, ...]]:
    torch.manual_seed(1)
    return [make(batch, length) for batch, length in shapes]


class Positional(nn.Module):
    """Passes its arguments to a model of transformers by name, and gives a
    tuple back."""

    def __init__(self, model: nn.Module, names: tuple[str, ...]):
        super().__init__()
        self.model = model
        self.names = names


def positional(names: tuple[str, ...]):
    """A class whose forward has these arguments: export names inputs so."""
    arguments = ", ".join(names)
    keywords = ", ".join(f"{name}={name}" for name in names)
    scope: dict = {}
    exec(f"def forward(self, {arguments}):\n"
         f"    return self.model({keywords}).to_tuple()\n", scope)
    return type("Model", (Positional,), {"forward": scope["forward"]})


def wrap(model: nn.Module, names: tuple[str, ...], cases, dynamic) -> Example:
    return Example(positional(names)(model, names).eval(), cases, list(names),
                   dynamic)


# ---------------------------------------------------------------------------
# torch.nn
# ---------------------------------------------------------------------------


def randomize(module: nn.Module) -> nn.Module:
    """Gives every parameter a value that matters, norms and biases included."""
    torch.manual_seed(0)
    for name, parameter in module.named_parameters():
        with torch.no_grad():
            noise = torch.randn_like(parameter)
            if parameter.dim() < 2:
                base = 1.0 if "norm" in name and name.endswith("weight") else 0.0
                parameter.copy_(base + 0.2 * noise)
            else:
                parameter.copy_(noise * parameter.shape[-1] ** -0.5)
    return module.eval()


class Encoder(nn.Module):

    def __init__(self, batch_first: bool, norm_first: bool, activation: str,
                 causal: bool = False):
        super().__init__()
        layer = nn.TransformerEncoderLayer(HIDDEN, 4, 64, batch_first=batch_first,
                                           norm_first=norm_first,
                                           activation=activation)
        self.encoder = nn.TransformerEncoder(
            layer, 2, norm=nn.LayerNorm(HIDDEN) if norm_first else None,
            enable_nested_tensor=False)
        self.causal = causal

    def forward(self, src):
        if not self.causal:
            return self.encoder(src)
        length = src.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.encoder(src, mask=mask, is_causal=True)


class PaddedEncoder(Encoder):

    def forward(self, src, padding):
        return self.encoder(src, src_key_padding_mask=padding)


def encoder_example(batch_first: bool, norm_first: bool, activation: str):
    def make(_: str) -> Example:
        module = randomize(Encoder(batch_first, norm_first, activation))
        cases = per_shape(lambda b, s: (torch.randn(
            (b, s, HIDDEN) if batch_first else (s, b, HIDDEN)),))
        return Example(module, cases, ["src"], ({0: DYNAMIC, 1: DYNAMIC},))
    return make


for batch_first in (True, False):
    for norm_first in (True, False):
        for activation in ("relu", "gelu"):
            first = "batch" if batch_first else "seq"
            norm = "pre" if norm_first else "post"
            EXAMPLES[f"nn-encoder-{first}-{norm}-{activation}"] = encoder_example(
                batch_first, norm_first, activation)
            IMPLEMENTATIONS[f"nn-encoder-{first}-{norm}-{activation}"] = ("",)


@example("nn-encoder-padding")
def nn_encoder_padding(_: str) -> Example:
    module = randomize(PaddedEncoder(True, False, "relu"))

    def case(batch, length):
        return torch.randn(batch, length, HIDDEN), ids_and_mask(batch, length)[1] == 0

    return Example(module, per_shape(case), ["src", "padding"],
                   ({0: DYNAMIC, 1: DYNAMIC}, {0: DYNAMIC, 1: DYNAMIC}))


@example("nn-encoder-causal")
def nn_encoder_causal(_: str) -> Example:
    module = randomize(Encoder(True, True, "gelu", causal=True))
    cases = per_shape(lambda b, s: (torch.randn(b, s, HIDDEN),))
    return Example(module, cases, ["src"], ({0: DYNAMIC, 1: DYNAMIC},))


class QuantTransformer(nn.Module):
    """nn.Transformer with a projection to a vocabulary behind it."""

    def __init__(self, hidden: int = HIDDEN, heads: int = 4, layers: int = 2,
                 outputs: int = VOCABULARY, feedforward: int = 64):
        super().__init__()
        self.transformer = nn.Transformer(hidden, heads, layers, layers,
                                          feedforward, batch_first=True)
        self.fc = nn.Linear(hidden, outputs)

    def forward(self, src, trg):
        return self.fc(self.transformer(src, trg))


@example("nn-transformer")
def nn_transformer(_: str) -> Example:
    module = randomize(QuantTransformer())
    cases = per_shape(lambda b, s: (torch.randn(b, s, HIDDEN),
                                    torch.randn(b, s + 2, HIDDEN)))
    batch = Dim("batch", min=1, max=64)
    return Example(module, cases, ["src", "trg"],
                   ({0: batch, 1: Dim("src", min=1, max=512)},
                    {0: batch, 1: Dim("trg", min=1, max=512)}))


class MultiheadAttention(nn.Module):

    def __init__(self, need_weights: bool, batch_first: bool, **kwargs):
        super().__init__()
        self.attention = nn.MultiheadAttention(HIDDEN, 4, batch_first=batch_first,
                                               **kwargs)
        self.need_weights = need_weights

    def forward(self, query, memory):
        result, weights = self.attention(query, memory, memory,
                                         need_weights=self.need_weights)
        return (result, weights) if self.need_weights else result


def mha_example(need_weights: bool, batch_first: bool, width: int = HIDDEN,
                **kwargs):
    def make(_: str) -> Example:
        module = randomize(MultiheadAttention(need_weights, batch_first, **kwargs))

        def case(b, s):
            query, memory = torch.randn(b, s, HIDDEN), torch.randn(b, s + 3, width)
            if batch_first:
                return query, memory
            return query.transpose(0, 1).contiguous(), memory.transpose(
                0, 1).contiguous()

        batch = Dim("batch")
        sizes = [Dim("queries"), Dim("keys")]
        axes = (0, 1) if batch_first else (1, 0)
        return Example(module, per_shape(case), ["query", "memory"],
                       tuple({axes[0]: batch, axes[1]: size} for size in sizes))
    return make


EXAMPLES["nn-mha"] = mha_example(False, True)
EXAMPLES["nn-mha-weights"] = mha_example(True, True)
EXAMPLES["nn-mha-seq-first"] = mha_example(False, False)
EXAMPLES["nn-mha-kdim"] = mha_example(False, True, 24, kdim=24, vdim=24)
for name in ("nn-mha", "nn-mha-weights", "nn-mha-seq-first", "nn-mha-kdim"):
    IMPLEMENTATIONS[name] = ("",)


class PatchClassifier(nn.Module):
    """A vision transformer on nn.TransformerEncoder."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, HIDDEN, 4, 4)
        self.cls = nn.Parameter(torch.zeros(1, 1, HIDDEN))
        self.positions = nn.Parameter(torch.zeros(1, 17, HIDDEN))
        layer = nn.TransformerEncoderLayer(HIDDEN, 4, 64, batch_first=True,
                                           norm_first=True, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(HIDDEN),
                                             enable_nested_tensor=False)
        self.head = nn.Linear(HIDDEN, 10)

    def forward(self, pixels):
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.encoder(x)[:, 0])


@example("nn-vit")
def nn_vit(_: str) -> Example:
    cases = per_shape(lambda b, _: (torch.randn(b, 3, 16, 16),))
    return Example(randomize(PatchClassifier()), cases, ["pixels"],
                   ({0: DYNAMIC},))


class TextClassifier(nn.Module):
    """Embeddings, nn.TransformerEncoder with padding, mean pooling."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, HIDDEN)
        self.positions = nn.Parameter(torch.zeros(64, HIDDEN))
        layer = nn.TransformerEncoderLayer(HIDDEN, 4, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(HIDDEN, 5)

    def forward(self, ids, padding):
        x = self.embedding(ids) + self.positions[:ids.shape[1]]
        x = self.encoder(x, src_key_padding_mask=padding)
        return self.head(x.mean(1))


@example("nn-classifier")
def nn_classifier(_: str) -> Example:
    def case(batch, length):
        ids, mask = ids_and_mask(batch, length)
        return ids, mask == 0

    length = Dim("length", max=64)
    return Example(randomize(TextClassifier()), per_shape(case),
                   ["ids", "padding"],
                   ({0: Dim("batch"), 1: length},) * 2)


# ---------------------------------------------------------------------------
# transformers
# ---------------------------------------------------------------------------

SMALL = dict(hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=4,
             intermediate_size=64, vocab_size=VOCABULARY)
TEXT = ("input_ids", "attention_mask")


def text_model(model_class: str, config_class: str, longest: int = 64,
               **settings):
    def make(attention: str) -> Example:
        import transformers
        config = getattr(transformers, config_class)(**settings)
        if attention:
            config._attn_implementation = attention
        config.use_cache = False
        model = getattr(transformers, model_class)(config)
        randomize_transformer(model)
        return wrap(model, TEXT, per_shape(ids_and_mask),
                    ({0: Dim("batch"), 1: Dim("length", max=longest)},) * 2)
    return make


def randomize_transformer(model: nn.Module) -> nn.Module:
    """Weights of a size at which attention is neither flat nor a choice."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        with torch.no_grad():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


TEXT_MODELS = {
    "bert": ("BertModel", "BertConfig", SMALL),
    "bert-seqcls": ("BertForSequenceClassification", "BertConfig", SMALL),
    "bert-tokencls": ("BertForTokenClassification", "BertConfig", SMALL),
    "bert-qa": ("BertForQuestionAnswering", "BertConfig", SMALL),
    "bert-mlm": ("BertForMaskedLM", "BertConfig", SMALL),
    "distilbert": ("DistilBertModel", "DistilBertConfig",
                   dict(dim=HIDDEN, n_layers=2, n_heads=4, hidden_dim=64,
                        vocab_size=VOCABULARY)),
    "roberta": ("RobertaModel", "RobertaConfig", SMALL),
    "xlm-roberta": ("XLMRobertaModel", "XLMRobertaConfig", SMALL),
    "electra": ("ElectraModel", "ElectraConfig",
                dict(SMALL, embedding_size=16)),
    "albert": ("AlbertModel", "AlbertConfig", dict(SMALL, embedding_size=16)),
    "modernbert": ("ModernBertModel", "ModernBertConfig",
                   dict(SMALL, pad_token_id=0, local_attention=8,
                        global_attn_every_n_layers=2)),
    "nomic-bert": ("NomicBertModel", "NomicBertConfig", SMALL),
    "gpt2": ("GPT2Model", "GPT2Config",
             dict(n_embd=HIDDEN, n_layer=2, n_head=4, vocab_size=VOCABULARY,
                  n_positions=64)),
    "llama": ("LlamaModel", "LlamaConfig", dict(SMALL, num_key_value_heads=2)),
    "mistral": ("MistralModel", "MistralConfig",
                dict(SMALL, num_key_value_heads=2, sliding_window=8)),
    "qwen2": ("Qwen2Model", "Qwen2Config", dict(SMALL, num_key_value_heads=2)),
    "qwen3": ("Qwen3Model", "Qwen3Config",
              dict(SMALL, num_key_value_heads=2, head_dim=8)),
    "gemma": ("GemmaModel", "GemmaConfig",
              dict(SMALL, num_key_value_heads=1, head_dim=8)),
    "gemma3": ("Gemma3TextModel", "Gemma3TextConfig",
               dict(SMALL, num_key_value_heads=1, head_dim=8, sliding_window=8,
                    layer_types=["sliding_attention", "full_attention"])),
}
EAGER_MODELS = {
    "mpnet": ("MPNetModel", "MPNetConfig", SMALL),
    "deberta-v2": ("DebertaV2Model", "DebertaV2Config",
                   dict(SMALL, relative_attention=True, position_buckets=16,
                        pos_att_type=["p2c", "c2p"], share_att_key=True,
                        norm_rel_ebd="layer_norm")),
    "gemma2": ("Gemma2Model", "Gemma2Config",
               dict(SMALL, num_key_value_heads=2, head_dim=8, sliding_window=8)),
}
for table, implementations in ((TEXT_MODELS, BOTH), (EAGER_MODELS, ("eager",))):
    for name, (model_class, config_class, settings) in table.items():
        EXAMPLES[name] = text_model(model_class, config_class, **settings)
        IMPLEMENTATIONS[name] = implementations


def image_example(model_class: str, config_class: str):
    def make(attention: str) -> Example:
        import transformers
        config = getattr(transformers, config_class)(
            hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=64, image_size=16, patch_size=4)
        config._attn_implementation = attention
        model = randomize_transformer(getattr(transformers, model_class)(config))
        return wrap(model, ("pixel_values",),
                    per_shape(lambda b, _: (torch.randn(b, 3, 16, 16),)),
                    ({0: DYNAMIC},))
    return make


EXAMPLES["vit"] = image_example("ViTModel", "ViTConfig")
EXAMPLES["deit"] = image_example("DeiTModel", "DeiTConfig")
IMPLEMENTATIONS["vit"] = IMPLEMENTATIONS["deit"] = BOTH


@example("whisper-encoder", BOTH)
def whisper_encoder(attention: str) -> Example:
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder
    config = WhisperConfig(d_model=HIDDEN, encoder_layers=2,
                           encoder_attention_heads=4, encoder_ffn_dim=64,
                           num_mel_bins=16, max_source_positions=24,
                           vocab_size=VOCABULARY, pad_token_id=0,
                           bos_token_id=1, eos_token_id=2,
                           decoder_start_token_id=1)
    config._attn_implementation = attention
    model = randomize_transformer(WhisperEncoder(config))
    return wrap(model, ("input_features",),
                per_shape(lambda b, _: (torch.randn(b, 16, 48),)),
                ({0: DYNAMIC},))


@example("wav2vec2-ctc", BOTH)
def wav2vec2(attention: str) -> Example:
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC
    config = Wav2Vec2Config(hidden_size=HIDDEN, num_hidden_layers=2,
                            num_attention_heads=4, intermediate_size=64,
                            conv_dim=(16, 16, 16), conv_stride=(5, 2, 2),
                            conv_kernel=(10, 3, 2), num_feat_extract_layers=3,
                            num_conv_pos_embeddings=8,
                            num_conv_pos_embedding_groups=2, vocab_size=31)
    config._attn_implementation = attention
    model = randomize_transformer(Wav2Vec2ForCTC(config))

    def case(batch, length):
        samples = 400 + 40 * length
        values = torch.randn(batch, samples)
        mask = torch.ones(batch, samples, dtype=torch.long)
        for row in range(1, batch):
            mask[row, samples - 60 * row:] = 0
        return values, mask

    return wrap(model, ("input_values", "attention_mask"), per_shape(case),
                ({0: DYNAMIC, 1: DYNAMIC},) * 2)


@example("t5-encoder", BOTH)
def t5_encoder(attention: str) -> Example:
    from transformers import T5Config, T5EncoderModel
    config = T5Config(d_model=HIDDEN, num_layers=2, num_heads=4, d_kv=8, d_ff=64,
                      vocab_size=VOCABULARY)
    config._attn_implementation = attention
    model = randomize_transformer(T5EncoderModel(config))
    return wrap(model, TEXT, per_shape(ids_and_mask),
                ({0: Dim("batch"), 1: Dim("length", max=64)},) * 2)


def marian(attention: str):
    from transformers import MarianConfig, MarianModel
    config = MarianConfig(d_model=HIDDEN, encoder_layers=2, decoder_layers=2,
                          encoder_attention_heads=4, decoder_attention_heads=4,
                          encoder_ffn_dim=64, decoder_ffn_dim=64,
                          vocab_size=VOCABULARY, max_position_embeddings=64,
                          pad_token_id=0, eos_token_id=1,
                          decoder_start_token_id=0)
    config._attn_implementation = attention
    config.use_cache = False
    return randomize_transformer(MarianModel(config))


@example("marian-encoder", BOTH)
def marian_encoder(attention: str) -> Example:
    return wrap(marian(attention).encoder, TEXT, per_shape(ids_and_mask),
                ({0: Dim("batch"), 1: Dim("length", max=64)},) * 2)


@example("marian-decoder", BOTH)
def marian_decoder(attention: str) -> Example:
    def case(batch, length):
        ids, mask = ids_and_mask(batch, length)
        memory = torch.randn(batch, length + 2, HIDDEN)
        memory_mask = ids_and_mask(batch, length + 2)[1]
        return ids, mask, memory, memory_mask

    names = ("input_ids", "attention_mask", "encoder_hidden_states",
             "encoder_attention_mask")
    batch, length, source = Dim("batch"), Dim("length", max=64), Dim("source",
                                                                     max=64)
    return wrap(marian(attention).decoder, names, per_shape(case),
                ({0: batch, 1: length},) * 2 + ({0: batch, 1: source},) * 2)


class CachedLlama(nn.Module):
    """One step of a decoder that takes and returns keys and values."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, keys, values):
        from transformers import DynamicCache
        cache = DynamicCache()
        for layer in range(len(self.model.layers)):
            cache.update(keys[layer], values[layer], layer)
        result = self.model(input_ids=input_ids, attention_mask=attention_mask,
                            past_key_values=cache, use_cache=True)
        layers = result.past_key_values.layers
        return (result.last_hidden_state, torch.stack([l.keys for l in layers]),
                torch.stack([l.values for l in layers]))


@example("llama-cache", BOTH)
def llama_cache(attention: str) -> Example:
    from transformers import LlamaConfig, LlamaModel
    config = LlamaConfig(**SMALL, num_key_value_heads=2)
    config._attn_implementation = attention
    model = CachedLlama(randomize_transformer(LlamaModel(config))).eval()

    def case(batch, length):
        past = length + 4
        ids = ids_and_mask(batch, length)[0]
        mask = torch.ones(batch, past + length, dtype=torch.long)
        cache = torch.randn(2, 2, batch, 2, past, HIDDEN // 4)
        return ids, mask, cache[0], cache[1]

    return Example(model, per_shape(case),
                   ["input_ids", "attention_mask", "keys", "values"],
                   ({0: DYNAMIC, 1: DYNAMIC}, {0: DYNAMIC, 1: DYNAMIC},
                    {1: DYNAMIC, 3: DYNAMIC}, {1: DYNAMIC, 3: DYNAMIC}))


def moonshine(attention: str):
    from transformers import MoonshineConfig, MoonshineModel
    config = MoonshineConfig(hidden_size=HIDDEN, intermediate_size=64,
                             encoder_num_hidden_layers=2,
                             decoder_num_hidden_layers=2,
                             encoder_num_attention_heads=4,
                             decoder_num_attention_heads=4,
                             vocab_size=VOCABULARY, max_position_embeddings=64,
                             pad_head_dim_to_multiple_of=None,
                             pad_token_id=0, bos_token_id=1, eos_token_id=2,
                             decoder_start_token_id=1)
    config._attn_implementation = attention
    config.use_cache = False
    return randomize_transformer(MoonshineModel(config))


@example("moonshine-encoder", BOTH)
def moonshine_encoder(attention: str) -> Example:
    return wrap(moonshine(attention).encoder, ("input_values",),
                per_shape(lambda b, s: (torch.randn(b, 1000 + 384 * s),)),
                ({0: DYNAMIC, 1: DYNAMIC},))


@example("moonshine-decoder", BOTH)
def moonshine_decoder(attention: str) -> Example:
    def case(batch, length):
        ids = ids_and_mask(batch, length)[0]
        return ids, torch.randn(batch, length + 4, HIDDEN)

    batch = Dim("batch")
    return wrap(moonshine(attention).decoder, ("input_ids", "encoder_hidden_states"),
                per_shape(case),
                ({0: batch, 1: Dim("length", max=64)},
                 {0: batch, 1: Dim("source", max=64)}))
