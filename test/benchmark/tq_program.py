# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled models, for the benchmarks: made with tq-compile, run in processes
of their own or, as a shared library, inside this one."""

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

from tq._abi import CODES  # noqa: E402
from tq._abi import CSessionOptions as SessionOptions  # noqa: E402
from tq._abi import CTensor as Tensor  # noqa: E402
from tq._abi import CTensorInfo as TensorInfo  # noqa: E402

TQ_OK = 0


def default_compiler():
    """The compiler of this checkout; the release build if there are both."""
    paths = [ROOT / "build" / preset / "bin" / "tq-compile"
             for preset in ("release", "dev")]
    return next((path for path in paths if path.exists()), paths[-1])


def run(command):
    """Runs a command; its output, or the end of the script."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n"
                         f"{done.stderr.strip()}")
    return done


def is_fresh(output, *sources):
    """Whether a file is there and newer than all that it is made from."""
    output = Path(output)
    return output.exists() and all(
        Path(source).stat().st_mtime < output.stat().st_mtime
        for source in sources)


def compile_model(compiler, source, output, options):
    """Compiles a model's directory or an .mlir file; the output's path.

    Done anew only if the compiler, the runtime that it links, the model or the
    options changed.
    """
    source, output = Path(source), Path(output)
    prefix = Path(compiler).resolve().parent.parent
    runtime = prefix.glob("lib*/**/libtq_*.a")
    command = [compiler, source, "-o", output, "--no-golden", *options]
    weights = source / "model.safetensors" if source.is_dir() else source
    note = output.with_name(output.name + ".command")
    text = "\n".join(map(str, command))
    if not (is_fresh(output, compiler, weights, *runtime) and note.exists()
            and note.read_text() == text):
        run(command)
        note.write_text(text)
    return output


class Session:
    """A session of a library that was made with --emit=so."""

    def __init__(self, path, threads):
        self.library = ctypes.CDLL(str(Path(path).resolve()))
        self.library.tq_last_message.restype = ctypes.c_char_p
        self.model, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("tq_model_open", ctypes.byref(self.model))
        options = SessionOptions(ctypes.sizeof(SessionOptions), threads)
        self.call("tq_session_create", self.model, ctypes.byref(options),
                  ctypes.byref(self.session))
        self.inputs = self.names("input")
        self.outputs = self.names("output")
        self.results = (Tensor * len(self.outputs))()
        self.kept = []

    def call(self, function, *arguments):
        """Calls a function of the C interface that returns a status."""
        if getattr(self.library, function)(*arguments) != TQ_OK:
            raise RuntimeError(self.message())

    def message(self):
        """Why the last call failed."""
        return self.library.tq_last_message().decode()

    def names(self, kind):
        """Names of the inputs or outputs in the model's order."""
        count = getattr(self.library, f"tq_model_num_{kind}s")(self.model)
        info, names = TensorInfo(ctypes.sizeof(TensorInfo)), []
        for i in range(count):
            self.call(f"tq_model_{kind}", self.model, i, ctypes.byref(info))
            names.append(info.name.decode())
        return names

    def bind(self, **arrays):
        """A function that runs the model once on these inputs."""
        tensors = (Tensor * len(self.inputs))()
        self.kept = [np.ascontiguousarray(array) for array in arrays.values()]
        for name, array in zip(arrays, self.kept):
            tensor = tensors[self.inputs.index(name)]
            tensor.data = array.ctypes.data
            tensor.dims[:array.ndim] = array.shape
            tensor.rank, tensor.dtype = array.ndim, CODES[array.dtype.name]
        function, results = self.library.tq_session_run, self.results
        arguments = self.session, tensors, len(tensors), results, len(results)

        def run_once():
            for result in results:  # wanted in memory of the session
                result.data = None
            if function(*arguments) != TQ_OK:
                raise RuntimeError(self.message())
        return run_once

    def output(self, name):
        """A float output of the last run."""
        result = self.results[self.outputs.index(name)]
        shape = tuple(result.dims[:result.rank])
        data = ctypes.cast(result.data, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(data, shape).copy()
