"""BERT encoders for onnxruntime, in float and in int8.

Two forms of the graph are built, because the usual one is not the fastest:
  fused  the operators of onnxruntime's own transformer optimizer
         (EmbedLayerNormalization, Attention, SkipLayerNormalization,
         BiasGelu);
  tuned  the same, but Add + LayerNormalization and Gelu, whose kernels are
         vectorized better, and biases that join the int8 products.
Both take `input_ids`, `token_type_ids` and `attention_mask` (int32, [B, S])
and give `last_hidden_state` and `embedding` (masked mean, unit length).

Run as a program, it measures one start of onnxruntime on one model:
    onnxruntime_bert.py MODEL.onnx --shape 1x16 --threads 1
"""

import argparse
import json
import logging
import mmap
import os
import struct
import time
from pathlib import Path

import numpy as np
import onnxruntime

INPUTS = ("input_ids", "token_type_ids", "attention_mask")
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


def load_weights(model_dir):
    """The weights of a BertModel directory, without a `bert.` prefix."""
    tensors = load_safetensors(Path(model_dir) / "model.safetensors")
    return {name.removeprefix("bert."): t for name, t in tensors.items()}


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


BUILDERS = {"fused": GraphBuilder, "tuned": TunedGraphBuilder}


def build_float(model_dir, form, path):
    """Writes the float32 graph of a BertModel directory to `path`."""
    import onnx
    config = json.loads((Path(model_dir) / "config.json").read_text())
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


def build(model_dir, work_dir, form="fused"):
    """Paths of the float and the int8 graph, built if missing or outdated."""
    work_dir = Path(work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    name = Path(model_dir).resolve().name
    paths = {kind: work_dir / f"{name}-{form}-{kind}.onnx"
             for kind in ("float", "int8")}
    newest = max(Path(source).stat().st_mtime for source in
                 (Path(model_dir) / "model.safetensors", __file__))
    fresh = all(path.exists() and path.stat().st_mtime > newest
                for path in paths.values())
    if not fresh:
        build_float(model_dir, form, paths["float"])
        build_int8(paths["float"], paths["int8"])
    return paths


def session(path, threads):
    """An inference session with all optimizations that keep the form."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion", "BiasGeluFusion"])


def feeds(ids):
    """Inputs for unpadded token ids of shape [B, S]."""
    ids = np.asarray(ids, np.int32)
    return dict(zip(INPUTS, (ids, np.zeros_like(ids), np.ones_like(ids))))


def random_ids(batch, length, vocab=30522, seed=0):
    """Reproducible token ids of shape [batch, length]."""
    generator = np.random.default_rng(seed)
    return generator.integers(min(1000, vocab // 2), vocab, (batch, length))


def runner(model, ids):
    """A function that runs `model` once on `ids`, buffers bound beforehand."""
    binding = model.io_binding()
    for name, value in feeds(ids).items():
        binding.bind_cpu_input(name, value)
    binding.bind_output("embedding")
    return lambda: model.run_with_iobinding(binding)


def peak_rss():
    """Peak resident bytes of this process.

    Not ru_maxrss: Linux carries it over from the parent through exec.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def process_age():
    """Seconds since this process started."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def parse_shape(text):
    """`8x128` -> (8, 128)."""
    batch, length = text.split("x")
    return int(batch), int(length)


def main():
    """Prints time to the first answer and peak memory of this process."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model")
    parser.add_argument("--shape", type=parse_shape, default=(1, 16))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    runner(session(args.model, args.threads), random_ids(*args.shape))()
    print(json.dumps({"first_answer_ms": process_age() * 1e3,
                      "peak_rss_bytes": peak_rss()}))


if __name__ == "__main__":
    main()
