# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX graphs of BERT encoders for onnxruntime, in float and in int8.

Three forms of the graph are built, because the usual one is not the fastest,
and its Attention is not quantized statically:
  fused  the operators of onnxruntime's own transformer optimizer
         (EmbedLayerNormalization, Attention, SkipLayerNormalization,
         BiasGelu);
  tuned  the same, but Add + LayerNormalization and Gelu, whose kernels are
         vectorized better, and biases that join the int8 products;
  split  tuned, with the products for queries, keys and values apart from
         MultiHeadAttention.
All take `input_ids`, `token_type_ids` and `attention_mask` (int32, [B, S])
and give `last_hidden_state` and `embedding` (masked mean, unit length).
"""

import logging

import numpy as np

from bert_model import load_config, load_weights

INPUTS = ("input_ids", "token_type_ids", "attention_mask")


class GraphBuilder:
    """Collects the nodes and the initializers of one ONNX graph."""

    def __init__(self, config, weights):
        self.config = config
        self.weights = weights
        self.nodes = []
        self.initializers = []

    def constant(self, name, value):
        """Adds an initializer and returns its name."""
        from onnx import numpy_helper
        value = np.ascontiguousarray(value)
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, name, transpose=False):
        """Adds a weight of the model and returns its name."""
        value = self.weights[name]
        return self.constant(name, value.T if transpose else value)

    def node(self, op, inputs, outputs, domain="com.microsoft", **attributes):
        """Adds a node and returns its first output."""
        from onnx import helper
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(
            op, inputs, outputs, name=outputs[0], domain=domain, **attributes))
        return outputs[0]

    def norm(self, prefix):
        """Scale and shift of a layer normalization."""
        return [self.weight(prefix + ".weight"), self.weight(prefix + ".bias")]

    def embed(self):
        """The sum of the three embeddings, normalized."""
        tables = [self.weight(f"embeddings.{kind}_embeddings.weight")
                  for kind in ("word", "position", "token_type")]
        return self.node(
            "EmbedLayerNormalization",
            ["input_ids", "token_type_ids", *tables,
             *self.norm("embeddings.LayerNorm")],
            ["embeddings", "embeddings_mask"],
            epsilon=self.config["layer_norm_eps"])

    def attention(self, x, prefix):
        """Self attention up to, not including, its output projection."""
        parts = [f"{prefix}.self.{kind}" for kind in ("query", "key", "value")]
        weight = np.concatenate(
            [self.weights[part + ".weight"].T for part in parts], axis=1)
        bias = np.concatenate([self.weights[part + ".bias"] for part in parts])
        return self.node(
            "Attention",
            [x, self.constant(prefix + ".qkv.weight", weight),
             self.constant(prefix + ".qkv.bias", bias), "attention_mask"],
            prefix + ".context",
            num_heads=self.config["num_attention_heads"])

    def matmul(self, x, prefix):
        """A linear layer without its bias."""
        return self.node(
            "MatMul", [x, self.weight(prefix + ".weight", transpose=True)],
            prefix + ".product", domain="")

    def gelu(self, x, linear, output):
        """gelu(x + bias)."""
        return self.node("BiasGelu", [x, self.weight(linear + ".bias")],
                         output)

    def add_norm(self, x, residual, linear, norm, output):
        """layer_norm(x + bias + residual)."""
        return self.node(
            "SkipLayerNormalization",
            [x, residual, *self.norm(norm), self.weight(linear + ".bias")],
            output, epsilon=self.config["layer_norm_eps"])

    def layer(self, x, index, output):
        """One encoder layer."""
        prefix = f"encoder.layer.{index}"
        dense = prefix + ".attention.output.dense"
        context = self.attention(x, prefix + ".attention")
        x = self.add_norm(
            self.matmul(context, dense), x, dense,
            prefix + ".attention.output.LayerNorm", prefix + ".attended")
        up, down = prefix + ".intermediate.dense", prefix + ".output.dense"
        hidden = self.gelu(self.matmul(x, up), up, prefix + ".hidden")
        return self.add_norm(self.matmul(hidden, down), x, down,
                             prefix + ".output.LayerNorm", output)

    def pool(self, x):
        """The masked mean over the tokens, scaled to unit length."""
        from onnx import TensorProto
        mask = self.node("Cast", ["attention_mask"], "mask", domain="",
                         to=TensorProto.FLOAT)
        mask = self.node("Unsqueeze",
                         [mask, self.constant("one", np.array([1], np.int64))],
                         "mask_row", domain="")
        # The direction of the mean is that of the sum: no division needed.
        total = self.node("MatMul", [mask, x], "sum", domain="")
        total = self.node("Squeeze", [total, "one"], "sum_row", domain="")
        return self.node("LpNormalization", [total], "embedding", domain="",
                         axis=-1, p=2)

    def model(self):
        """Builds the whole model."""
        from onnx import TensorProto, helper
        x = self.embed()
        count = self.config["num_hidden_layers"]
        for i in range(count):
            last = i == count - 1
            x = self.layer(
                x, i, "last_hidden_state" if last else f"encoder.layer.{i}")
        self.pool(x)
        width = self.config["hidden_size"]
        inputs = [helper.make_tensor_value_info(
            name, TensorProto.INT32, ["B", "S"]) for name in INPUTS]
        outputs = [
            helper.make_tensor_value_info(
                "last_hidden_state", TensorProto.FLOAT, ["B", "S", width]),
            helper.make_tensor_value_info(
                "embedding", TensorProto.FLOAT, ["B", width])]
        graph = helper.make_graph(self.nodes, "bert", inputs, outputs,
                                  self.initializers)
        opsets = [helper.make_opsetid("", 17),
                  helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


class TunedGraphBuilder(GraphBuilder):
    """The graph with the operators whose kernels are fastest."""

    def biased(self, x, linear):
        """x + bias, which onnxruntime merges into an int8 product."""
        return self.node("Add", [x, self.weight(linear + ".bias")],
                         linear + ".biased", domain="")

    def gelu(self, x, linear, output):
        return self.node("Gelu", [self.biased(x, linear)], output)

    def add_norm(self, x, residual, linear, norm, output):
        total = self.node("Add", [self.biased(x, linear), residual],
                          linear + ".residual", domain="")
        return self.node(
            "LayerNormalization", [total, *self.norm(norm)], output,
            domain="", axis=-1, epsilon=self.config["layer_norm_eps"])


class SplitGraphBuilder(TunedGraphBuilder):
    """The tuned graph, in which all linears are products of their own."""

    def attention(self, x, prefix):
        parts = [self.node("Add",
                           [self.matmul(x, f"{prefix}.self.{kind}"),
                            self.weight(f"{prefix}.self.{kind}.bias")],
                           f"{prefix}.{kind}", domain="")
                 for kind in ("query", "key", "value")]
        return self.node("MultiHeadAttention",
                         [*parts, "", "attention_mask"], prefix + ".context",
                         num_heads=self.config["num_attention_heads"])


BUILDERS = {"fused": GraphBuilder, "tuned": TunedGraphBuilder,
            "split": SplitGraphBuilder}


def build_float(model_dir, form, path):
    """Writes the float32 graph of a BertModel directory to `path`."""
    import onnx
    config = load_config(model_dir)
    if config["hidden_act"] != "gelu":
        raise ValueError(f"hidden_act is {config['hidden_act']}, not gelu")
    builder = BUILDERS[form](config, load_weights(model_dir))
    onnx.save(builder.model(), str(path))


def build_int8(float_path, path):
    """Quantizes a float graph: dynamic activations, s8 weights by channel."""
    import onnx
    from onnxruntime import quantization
    logging.getLogger().setLevel(logging.ERROR)
    quantization.quantize_dynamic(
        str(float_path), str(path), per_channel=True,
        weight_type=quantization.QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})


def build_static_int8(float_path, path, samples):
    """Quantizes the linears of a float graph: static u8 activations with the
    ranges (min-max) of runs on `samples`, arrays of token ids [1, S]; s8
    weights by channel."""
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        """The samples as inputs of the graph."""

        def __init__(self):
            self.samples = iter(samples)

        def get_next(self):
            ids = next(self.samples, None)
            if ids is None:
                return None
            ids = ids.astype(np.int32)
            return dict(zip(INPUTS, (ids, np.zeros_like(ids),
                                     np.ones_like(ids))))
    logging.getLogger().setLevel(logging.ERROR)
    quantization.quantize_static(
        str(float_path), str(path), Reader(), per_channel=True,
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        op_types_to_quantize=["MatMul"], nodes_to_exclude=["sum"])
