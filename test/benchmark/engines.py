# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Engines that run BERT encoders: tq and its peers.

Every engine makes its files once (`build`), starts with a number of threads
(`load`), prepares a run of given token ids and mask (`bind`) and tells the
embeddings of the last run. Nothing of a peer is imported before `build` or
`load`, which happen in processes of their own (see worker.py). All compute
in float32 what is not int8.
"""

import importlib.metadata
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

import bert_model
import tq_program
from tq_program import is_fresh


class Engine:
    """One engine in one precision, "int8" or "float"."""

    family = ""
    needs = ()  # packages, the first of which has the version to report
    form = ""

    def __init__(self, precision, model, work):
        self.precision = precision
        self.model = Path(model)
        self.work = Path(work)
        self.work.mkdir(parents=True, exist_ok=True)

    @property
    def name(self):
        """What the engine is called in tables."""
        return " ".join(filter(None, (self.family, self.precision,
                                      self.form)))

    def file(self, ending):
        """Where the engine keeps a file of its own."""
        stem = f"{self.model.name} {self.name}".replace(" ", "-")
        return self.work / (stem + ending)

    def is_stale(self, path):
        """Whether a file made from the model has to be made anew."""
        return not is_fresh(path, self.model / "model.safetensors", __file__,
                            *Path(__file__).parent.glob("*_bert.py"))

    def missing(self):
        """The first needed package that is not installed, or None."""
        for package in self.needs:
            try:
                importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                return package
        return None

    def version(self):
        """The version of what is measured."""
        return importlib.metadata.version(self.needs[0])

    def build(self):
        """Makes the files that `load` reads; a remark, or None."""

    def load(self, threads):
        """Gets ready to run with this many threads."""
        raise NotImplementedError

    def bind(self, ids, mask):
        """A function that runs once on ids and mask, int64 [B, S]."""
        raise NotImplementedError

    def embedding(self):
        """The embeddings that the last run found, [B, width]."""
        raise NotImplementedError


class Tq(Engine):
    """A compiled model, as a shared library."""

    family = "tq"

    def __init__(self, model, work, variant, options, compiler):
        is_float = "--quantize=none" in options
        super().__init__("float" if is_float else "int8", model, work)
        self.variant = variant
        self.options = list(options)
        self.compiler = compiler
        self.session = self.run = None

    @property
    def name(self):
        return f"tq {self.variant}"

    def version(self):
        text = tq_program.run([self.compiler, "--version"]).stdout
        return text.strip().removeprefix("tq ")

    def make(self, ending, kind):
        """Compiles the model to a program or a library."""
        return tq_program.compile_model(
            self.compiler, self.model, self.file(ending),
            [f"--emit={kind}", "--pooling=mean", *self.options])

    def build(self):
        self.make(".so", "so")
        self.make("", "exe")

    def load(self, threads):
        self.session = tq_program.Session(self.file(".so"), threads)

    def bind(self, ids, mask):
        return self.session.bind(input_ids=ids, attention_mask=mask)

    def embedding(self):
        return self.session.output("embedding")


class OnnxRuntime(Engine):
    """A graph of onnx_bert.py; int8: dynamic, weights by channel."""

    graph = None  # the form of the graph if `form` says something else

    family = "onnxruntime"
    needs = ("onnxruntime", "onnx")

    def __init__(self, precision, model, work, form):
        super().__init__(precision, model, work)
        self.form = form
        self.session = self.binding = self.inputs = None

    def build(self):
        import onnx_bert
        path = self.file(".onnx")
        if not self.is_stale(path):
            return None
        if self.precision == "float":
            onnx_bert.build_float(self.model, self.form, path)
            return None
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            float_path = Path(folder) / "float.onnx"
            onnx_bert.build_float(self.model, self.graph or self.form,
                                  float_path)
            return self.quantize(float_path, path)

    def quantize(self, float_path, path):
        """Writes the int8 graph; a remark, or None."""
        import onnx_bert
        onnx_bert.build_int8(float_path, path)

    def load(self, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # All optimizations that keep the form.
        self.session = onnxruntime.InferenceSession(
            str(self.file(".onnx")), options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion", "BiasGeluFusion"])

    def bind(self, ids, mask):
        self.binding = self.session.io_binding()
        self.inputs = {"input_ids": ids, "attention_mask": mask,
                       "token_type_ids": np.zeros_like(ids)}
        for name, value in self.inputs.items():
            self.inputs[name] = value.astype(np.int32)
            self.binding.bind_cpu_input(name, self.inputs[name])
        self.binding.bind_output("embedding")
        return lambda: self.session.run_with_iobinding(self.binding)

    def embedding(self):
        return self.binding.copy_outputs_to_cpu()[0]


class OnnxRuntimeStatic(OnnxRuntime):
    """The same with static int8, by min-max."""

    graph = "split"

    def __init__(self, model, work, data):
        super().__init__("int8", model, work, "static")
        self.data = data

    def quantize(self, float_path, path):
        import onnx_bert
        samples, source = bert_model.calibration_ids(self.model, self.data)
        onnx_bert.build_static_int8(float_path, path, samples)
        return f"calibrated with {len(samples)} samples, {source}"


def openvino_properties(threads):
    """How OpenVINO compiles, wherever it is measured."""
    return {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}


def quantize_linears(module):
    """A module of PyTorch with linears in dynamic int8, weights by channel."""
    import torch
    quantization = torch.ao.quantization
    return quantization.quantize_dynamic(module, {
        torch.nn.Linear: quantization.per_channel_dynamic_qconfig})


class OpenVino(Engine):
    """OpenVINO, with static int8 by NNCF. Compiled for the shape that is
    run, which is faster than with dynamic dimensions."""

    family = "openvino"
    needs = ("openvino", "torch")
    ending = ".xml"

    def __init__(self, precision, model, work, data):
        super().__init__(precision, model, work)
        if precision == "int8":
            self.needs = (*self.needs, "nncf")
        self.data = data
        self.core = self.graph = self.request = self.properties = None

    def build(self):
        path, remark = self.file(self.ending), self.file(".txt")
        if self.is_stale(path):
            remark.write_text(self.convert(path))
        return remark.read_text() or None

    def convert(self, path):
        """Writes the model; says what calibrated it."""
        import openvino
        import torch
        import torch_bert
        ids = torch.ones((2, 16), dtype=torch.int64)
        graph = openvino.convert_model(
            torch_bert.load(self.model),
            example_input={"input_ids": ids, "attention_mask": ids})
        source = ""
        if self.precision == "int8":
            import nncf
            samples, source = bert_model.calibration_ids(self.model, self.data)
            data = nncf.Dataset(samples, lambda ids: {
                "input_ids": ids, "attention_mask": np.ones_like(ids)})
            graph = nncf.quantize(graph, data, subset_size=len(samples),
                                  model_type=nncf.ModelType.TRANSFORMER)
            source = f"calibrated with {len(samples)} samples, {source}"
        openvino.save_model(graph, path, compress_to_fp16=False)
        return source

    def load(self, threads):
        import openvino
        self.core = openvino.Core()
        self.graph = self.core.read_model(self.file(self.ending))
        self.properties = openvino_properties(threads)

    def bind(self, ids, mask):
        import openvino
        self.graph.reshape({port: list(ids.shape)
                            for port in self.graph.inputs})
        compiled = self.core.compile_model(self.graph, "CPU", self.properties)
        self.request = compiled.create_infer_request()
        self.request.set_tensor("input_ids", openvino.Tensor(ids))
        self.request.set_tensor("attention_mask", openvino.Tensor(mask))
        return self.request.infer

    def embedding(self):
        return np.array(self.request.get_output_tensor(0).data)


class OpenVinoOfOnnx(OpenVino):
    """The same in float with a graph of onnx_bert.py, which needs no torch."""

    needs = ("openvino", "onnx")
    form = "onnx"
    ending = ".onnx"

    def __init__(self, model, work):
        super().__init__("float", model, work, data=None)

    def convert(self, path):
        import onnx_bert
        onnx_bert.build_float(self.model, "fused", path)
        return ""

    def bind(self, ids, mask):
        import openvino
        run_once = super().bind(ids.astype(np.int32), mask.astype(np.int32))
        types = np.zeros(ids.shape, np.int32)
        self.request.set_tensor("token_type_ids", openvino.Tensor(types))
        return run_once

    def embedding(self):
        return np.array(self.request.get_tensor("embedding").data)


class CTranslate2(Engine):
    """CTranslate2; int8: rows of weights and of activations. It gives token
    vectors: the mean over them is not part of its runs."""

    family = "ctranslate2"
    needs = ("ctranslate2", "transformers", "torch")
    compute_types = {"int8": "int8", "float": "float32"}

    def __init__(self, precision, model, work):
        super().__init__(precision, model, work)
        self.encoder = self.inputs = self.mask = self.output = None

    def folder(self):
        """One directory for both precisions: the weights are the same."""
        return self.work / f"{self.model.name}-ctranslate2"

    def build(self):
        if self.is_stale(self.folder() / "model.bin"):
            from ctranslate2.converters import TransformersConverter
            shutil.rmtree(self.folder(), ignore_errors=True)
            TransformersConverter(str(self.model)).convert(str(self.folder()))

    def load(self, threads):
        import ctranslate2
        self.encoder = ctranslate2.Encoder(
            str(self.folder()), device="cpu", inter_threads=1,
            intra_threads=threads,
            compute_type=self.compute_types[self.precision])

    def bind(self, ids, mask):
        import ctranslate2
        self.mask = mask
        # Views: they do not own the arrays.
        self.inputs = ids.astype(np.int32), mask.sum(axis=1, dtype=np.int32)
        views = [ctranslate2.StorageView.from_array(array)
                 for array in self.inputs]

        def run_once():
            self.output = self.encoder.forward_batch(*views)
        return run_once

    def embedding(self):
        states = np.array(self.output.last_hidden_state)
        return bert_model.masked_mean(states, self.mask)


class Torch(Engine):
    """PyTorch, eager; int8: dynamic, weights by channel, by torch.ao."""

    family = "torch"
    needs = ("torch",)

    def __init__(self, precision, model, work):
        super().__init__(precision, model, work)
        self.module = self.output = None

    def load(self, threads):
        import torch
        import torch_bert
        torch.set_num_threads(threads)
        self.module = torch_bert.load(self.model)
        if self.precision == "int8":
            self.module = quantize_linears(self.module)

    def bind(self, ids, mask):
        import torch
        inputs = torch.from_numpy(ids), torch.from_numpy(mask)

        def run_once():
            with torch.inference_mode():
                self.output = self.module(*inputs)
        return run_once

    def embedding(self):
        return self.output.numpy()


def write_samples(model, work, data):
    """The samples that calibrate all engines, as arrays in a folder."""
    folder = Path(work) / f"{Path(model).name}-samples"
    folder.mkdir(parents=True, exist_ok=True)
    samples, _ = bert_model.calibration_ids(model, data)
    for i, ids in enumerate(samples):
        path = folder / f"{i:04}.npy"
        if not path.exists():
            np.save(path, ids.astype(np.int64))
    return folder


FAMILIES = ("onnxruntime", "openvino", "ctranslate2", "torch")


def make_peers(families, model, work, data):
    """The engines of these families, in both precisions."""
    makers = {
        "onnxruntime": lambda kind: [
            *(OnnxRuntime(kind, model, work, form)
              for form in ("fused", "tuned")),
            *([OnnxRuntimeStatic(model, work, data)]
              if kind == "int8" else [])],
        "openvino": lambda kind: [OpenVino(kind, model, work, data)],
        "ctranslate2": lambda kind: [CTranslate2(kind, model, work)],
        "torch": lambda kind: [Torch(kind, model, work)]}
    return [engine for kind in ("int8", "float") for family in families
            for engine in makers[family](kind)]


def program_start(engine, shape, threads):
    """Milliseconds to the first answer and peak bytes of a tq program, as it
    tells itself."""
    done = tq_program.run(
        [engine.file("").resolve(), "--benchmark", "--json",
         "--seconds", 0.1, "--threads", threads,
         "--shape", "input_ids={}x{}".format(*shape)])
    report = json.loads(done.stdout)
    return {key: report[key] for key in ("first_answer_ms", "peak_rss_bytes")}
