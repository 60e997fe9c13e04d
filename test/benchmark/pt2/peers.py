#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times PyTorch modules that tq compiled against other engines.

    peers.py [--work DIR] [--only NAME ...] [--rounds N] [--threads N]

The modules have the sizes of known models and random weights. All engines run
the same inputs, each in a process of its own, in interleaved rounds: PyTorch
(dynamic int8 by torch.ao), onnxruntime (dynamic, by channel, of what
`torch.onnx.export` wrote, in 8 and in 7 bits) and OpenVINO (static int8 by
NNCF, compiled for the shape). Static programs of tq are calibrated with the
arrays that calibrate OpenVINO. Ratios are of times in one round, more than 1:
tq is faster, to the fastest peer and to the fastest that is not calibrated;
cosines are to PyTorch in float. Needs torch, transformers, onnx,
onnxscript, onnxruntime, openvino, nncf.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import statistics
import sys
import warnings

import numpy as np

BENCHMARK = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BENCHMARK))

import engines  # noqa: E402
import tq_program  # noqa: E402
from check import cosine  # noqa: E402
from measuring import interleave, ratio_text, ratios  # noqa: E402
from worker import EngineError, Worker  # noqa: E402

SAMPLES = 16  # that calibrate


# -------------------------------------------------------------------- modules

def make_seq2seq():
    """nn.Transformer between embeddings of 10000 words and a linear."""
    import torch
    from torch import nn

    class Seq2Seq(nn.Module):
        """Words of a source and the begin of a target to scores."""

        def __init__(self):
            super().__init__()
            self.source = nn.Embedding(10000, 512)
            self.target = nn.Embedding(10000, 512)
            self.transformer = nn.Transformer(512, 8, 6, 6, 2048,
                                              batch_first=True)
            self.output = nn.Linear(512, 10000)

        def forward(self, src, trg):
            mask = nn.Transformer.generate_square_subsequent_mask(trg.shape[1])
            x = self.transformer(self.source(src), self.target(trg),
                                 tgt_mask=mask, tgt_is_causal=True)
            return self.output(x)

    torch.manual_seed(0)
    return Seq2Seq().eval()


def make_vit():
    """ViT-base of 224 x 224 pixels."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    class Logits(torch.nn.Module):
        """The scores alone."""

        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, pixel_values):
            return self.model(pixel_values).logits

    torch.manual_seed(0)
    config = ViTConfig(num_labels=1000, attn_implementation="sdpa")
    return Logits(ViTForImageClassification(config)).eval()


def words(batch, source, target):
    """Random words of a source and of a target."""
    rng = np.random.default_rng(batch * 1000 + source)
    return (rng.integers(0, 10000, (batch, source)),
            rng.integers(0, 10000, (batch, target)))


def pixels(batch):
    """Random images."""
    rng = np.random.default_rng(batch)
    return (rng.standard_normal((batch, 3, 224, 224), np.float32),)


@dataclasses.dataclass
class Subject:
    """A module, its inputs, what may differ in them, sizes to run."""
    make: callable
    names: tuple
    inputs: callable
    dims: dict
    shapes: dict


SUBJECTS = {
    "nn.Transformer": Subject(
        make_seq2seq, ("src", "trg"), words,
        {"src": {0: "batch", 1: "source"}, "trg": {0: "batch", 1: "target"}},
        {"1x32x32": (1, 32, 32), "8x64x64": (8, 64, 64)}),
    "ViT-base": Subject(make_vit, ("pixel_values",), pixels,
                        {"pixel_values": {0: "batch"}},
                        {"1": (1,), "8": (8,)}),
}


def sample(subject):
    """Inputs to export with: no size is 1, and no two are equal."""
    return subject.inputs(*range(2, 2 + len(next(iter(
        subject.shapes.values())))))


def tensors(arrays):
    """The same as PyTorch has them."""
    import torch
    return tuple(torch.from_numpy(array) for array in arrays)


def dynamic_shapes(subject):
    """What torch.export takes for the sizes that may differ."""
    from torch.export import Dim
    dims = {name: Dim(name, min=1, max=512) for axes in subject.dims.values()
            for name in axes.values()}
    return {name: {axis: dims[dim] for axis, dim in axes.items()}
            for name, axes in subject.dims.items()}


# -------------------------------------------------------------------- engines

class Engine:
    """One engine with one module: see engines.py."""

    name = ""

    def __init__(self, title, work):
        self.subject = title
        self.work = pathlib.Path(work)

    @property
    def data(self):
        """The module and its inputs."""
        return SUBJECTS[self.subject]

    def file(self, ending):
        """Where the engine keeps a file of its own."""
        name = f"{self.subject} {self.name}".replace(",", "")
        return self.work / f"{name}{ending}".replace(" ", "-")

    def build(self):
        """Makes files."""

    def embedding(self):
        """What the last run gave."""
        raise NotImplementedError


class Torch(Engine):
    """PyTorch, eager."""

    name = "torch float"
    run = output = None

    def load(self, threads):
        import torch
        torch.set_num_threads(threads)
        self.run = self.data.make()

    def bind(self, *inputs):
        import torch
        values = tensors(inputs)

        def run_once():
            with torch.inference_mode():
                self.output = self.run(*values)
        return run_once

    def embedding(self):
        return self.output.numpy()


class TorchDynamic(Torch):
    """The same with linears in int8."""

    name = "torch dynamic"

    def load(self, threads):
        import torch
        super().load(threads)
        torch.backends.mha.set_fastpath_enabled(False)  # wants float weights
        self.run = engines.quantize_linears(self.run)


class OnnxRuntime(Engine):
    """A graph by torch.onnx.export, quantized dynamically."""

    name = "onnxruntime dynamic"
    reduce_range = False
    session = inputs = outputs = None

    def prepare(self, ready):
        """Writes the float graph, with shapes."""
        import torch
        from onnxruntime.quantization.shape_inference import quant_pre_process
        plain = self.work / f"{self.subject}.float.onnx"
        torch.backends.mha.set_fastpath_enabled(False)
        torch.onnx.export(self.data.make(), tensors(sample(self.data)), plain,
                          input_names=list(self.data.names),
                          output_names=["output"],
                          dynamic_shapes=dynamic_shapes(self.data),
                          dynamo=True, verbose=False,
                          external_data=False)
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)

    def build(self):
        from onnxruntime.quantization import QuantType, quantize_dynamic
        path, ready = self.file(".onnx"), self.work / f"{self.subject}.onnx"
        if path.exists():
            return
        if not ready.exists():
            self.prepare(ready)
        quantize_dynamic(ready, path, per_channel=True,
                         weight_type=QuantType.QInt8,
                         reduce_range=self.reduce_range,
                         op_types_to_quantize=["MatMul", "Gemm"])

    def load(self, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            str(self.file(".onnx")), options,
            providers=["CPUExecutionProvider"])

    def bind(self, *inputs):
        self.inputs = dict(zip(self.data.names, inputs))

        def run_once():
            self.outputs = self.session.run(None, self.inputs)
        return run_once

    def embedding(self):
        return self.outputs[0]


class OnnxRuntimeReduced(OnnxRuntime):
    """The same with weights of 7 bits, whose sums of two products never
    saturate where the CPU has no dot products of bytes."""

    name = "onnxruntime 7 bits"
    reduce_range = True


class OpenVino(Engine):
    """Static int8 by NNCF."""

    name = "openvino int8"
    graph = properties = core = request = None

    def build(self):
        import nncf
        import openvino
        import torch
        path = self.file(".xml")
        if path.exists():
            return
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.no_grad():
            program = torch.export.export(
                self.data.make(), tensors(sample(self.data)),
                dynamic_shapes=dynamic_shapes(self.data))
        graph = openvino.convert_model(program)
        data = nncf.Dataset(calibration(self.data), list)
        graph = nncf.quantize(graph, data, subset_size=SAMPLES,
                              model_type=nncf.ModelType.TRANSFORMER)
        openvino.save_model(graph, path, compress_to_fp16=False)

    def load(self, threads):
        import openvino
        self.core = openvino.Core()
        self.graph = self.core.read_model(self.file(".xml"))
        self.properties = engines.openvino_properties(threads)

    def bind(self, *inputs):
        import openvino
        self.graph.reshape({port: list(array.shape) for port, array
                            in zip(self.graph.inputs, inputs)})
        compiled = self.core.compile_model(self.graph, "CPU", self.properties)
        self.request = compiled.create_infer_request()
        for i, array in enumerate(inputs):
            self.request.set_input_tensor(i, openvino.Tensor(array))
        return self.request.infer

    def embedding(self):
        return np.array(self.request.get_output_tensor(0).data)


class Tq(Engine):
    """A library of tq-compile."""

    options = ()
    session = None
    compiler = tq_program.default_compiler()

    def build(self):
        source = self.work / f"{self.subject}.pt2"
        tq_program.compile_model(self.compiler, source, self.file(".so"),
                                 ["--emit=so", *self.options])

    def load(self, threads):
        self.session = tq_program.Session(self.file(".so"), threads)

    def bind(self, *inputs):
        return self.session.bind(**dict(zip(self.data.names, inputs)))

    def embedding(self):
        return self.session.output(self.session.outputs[0])


class TqDynamic(Tq):
    """With parameters found at run time."""

    name = "tq dynamic"
    options = ("--quantize=dynamic",)


class TqDynamicAttention(Tq):
    """With attention in int8, too: TqDynamic has it in f32."""

    name = "tq dynamic, attention int8"
    options = ("--quantize=dynamic", "--attention=int8")


class TqStatic(Tq):
    """With parameters that calibration found, attention in int8."""

    name = "tq static"

    @property
    def options(self):
        """Needs the folder of samples."""
        folder = self.work / f"{self.subject} samples"
        return "--quantize=static", f"--calibrate={folder}"


ENGINES = (Torch, TorchDynamic, OnnxRuntime, OnnxRuntimeReduced, OpenVino,
           TqDynamic, TqDynamicAttention, TqStatic)
# Peers in int8, and those that need no samples to calibrate with.
DYNAMIC_RIVALS = [kind.name for kind in
                  (TorchDynamic, OnnxRuntime, OnnxRuntimeReduced)]
RIVALS = [*DYNAMIC_RIVALS, OpenVino.name]


# ------------------------------------------------------------------- measures

def calibration(subject):
    """Inputs of the largest of the sizes, a row at a time."""
    shape = list(subject.shapes.values())[-1]
    rows = [subject.inputs(shape[0] + i, *shape[1:])
            for i in range(SAMPLES // shape[0] + 1)]
    split = [tuple(array[i:i + 1] for array in inputs)
             for inputs in rows for i in range(len(inputs[0]))]
    return split[:SAMPLES]


def prepare(title, work):
    """Writes the archive and the samples of a module."""
    import torch
    subject = SUBJECTS[title]
    archive = work / f"{title}.pt2"
    folder = work / f"{title} samples"
    if archive.exists():
        return
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.no_grad():
        program = torch.export.export(
            subject.make(), tensors(sample(subject)),
            dynamic_shapes=dynamic_shapes(subject))
    folder.mkdir(exist_ok=True)
    for i, inputs in enumerate(calibration(subject)):
        np.savez(folder / f"{i:04}.npz", **dict(zip(subject.names, inputs)))
    torch.export.save(program, archive)


def start(title, work, threads):
    """Workers by engine's name; without those that fail, which it says."""
    workers = {}
    for kind in ENGINES:
        worker = Worker(kind(title, work), threads)
        try:
            worker.call("build")
            worker.call("load", threads)
            workers[kind.name] = worker
        except EngineError as error:
            print(f"{title}, {kind.name}: {error}", file=sys.stderr)
            worker.close()
    return workers


def compare(times, names, row):
    """The least time of these, round by round, over that of `row`; None where
    none of them runs."""
    rivals = [times[name] for name in names if name in times]
    return ratios([min(each) for each in zip(*rivals)], row) if rivals else None


def measure(title, text, shape, workers, args):
    """Prints the rows of one shape."""
    inputs = SUBJECTS[title].inputs(*shape)
    outputs = {}
    for name, worker in workers.items():
        worker.call("bind", *inputs)
        outputs[name] = worker.call("embedding")
    jobs = {name: lambda worker=worker: worker.call("burst", args.seconds)
            for name, worker in workers.items()}
    times = interleave(jobs, args.rounds, f"{title} {text}")
    for name, row in times.items():
        overall = dynamic = ""
        if name.startswith("tq"):
            overall, dynamic = (ratio_text(compare(times, names, row))
                                for names in (RIVALS, DYNAMIC_RIVALS))
        print(f"| {title:14} | {text:7} | {name:26} | "
              f"{statistics.median(row):8.1f} | {overall:21} | {dynamic:21} | "
              f"{cosine(outputs[name], outputs['torch float']):.6f} |",
              flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--work", type=pathlib.Path,
                        default=tq_program.ROOT / "build" / "benchmark")
    parser.add_argument("--only", nargs="*", default=list(SUBJECTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    args.work.mkdir(parents=True, exist_ok=True)
    print("| module         | shape   | engine                     | ms       | "
          "to the fastest peer   | of dynamic ones       | cosine   |")
    print("|----------------|---------|----------------------------|----------|"
          "-----------------------|-----------------------|----------|")
    for title in args.only:
        prepare(title, args.work)
        workers = start(title, args.work, args.threads)
        for text, shape in SUBJECTS[title].shapes.items():
            measure(title, text, shape, workers, args)
        for worker in workers.values():
            worker.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
