#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports modules of models.py that PyTorch has quantized, with its answers.

    export_quantized.py --output DIR [--only NAME ...]

writes DIR/NAME.RECIPE.pt2, DIR/NAME.RECIPE.core.pt2 and their cases, as
export.py does. Recipes: those of PT2E with the quantizers X86Inductor (static,
dynamic, quantization-aware training) and XNNPACK (static, dynamic), and
torchao's quantize_ with its subclasses unwrapped. What PyTorch cannot quantize
is said, with its reason. `nudged0.npy` and so on are what PyTorch answers where
the float results of all ops are off by up to four units in the last place, the
farthest of a few such answers: what rounding to integers makes of that is no
fault of whoever sums in another order. Needs torch 2.13, torchao 0.18 and
transformers.
"""

from __future__ import annotations

import copy
import pathlib
import sys

import torch
import torchao.quantization.pt2e.quantizer.x86_inductor_quantizer as x86
from torchao.quantization import (Int8DynamicActivationInt8WeightConfig,
                                  Int8WeightOnlyConfig, quantize_)
from torchao.quantization.pt2e import move_exported_model_to_eval
from torchao.quantization.pt2e.quantize_pt2e import (
    convert_pt2e, prepare_pt2e, prepare_qat_pt2e)
from torchao.testing.pt2e import _xnnpack_quantizer as xnnpack
from torchao.utils import unwrap_tensor_subclass

import models
from export import (first_line, flatten, parse_arguments, save_answers,
                    save_cases)

NUDGES = 8
NUDGE = 4 * 2**-24
NAMES = ("nn-encoder-batch-post-relu", "nn-encoder-seq-post-gelu",
         "nn-transformer", "bert", "vit")


def x86_quantizer(**options):
    config = x86.get_default_x86_inductor_quantization_config(**options)
    return x86.X86InductorQuantizer().set_global(config)


def xnnpack_quantizer(**options):
    config = xnnpack.get_symmetric_quantization_config(**options)
    return xnnpack.XNNPACKQuantizer().set_global(config)


def pt2e(make_quantizer, prepare=prepare_pt2e, **options):
    def quantize(example: models.Example, exported: torch.nn.Module):
        prepared = prepare(exported, make_quantizer(**options))
        for case in example.cases:
            prepared(*case)
        if prepare is prepare_qat_pt2e:
            move_exported_model_to_eval(prepared)
        return convert_pt2e(prepared)
    return quantize


def torchao(make_config):
    def quantize(example: models.Example, _):
        module = copy.deepcopy(example.module)
        quantize_(module, make_config())
        return unwrap_tensor_subclass(module)
    return quantize


RECIPES = {
    "x86-static": pt2e(x86_quantizer),
    "x86-dynamic": pt2e(x86_quantizer, is_dynamic=True),
    "x86-qat": pt2e(x86_quantizer, prepare_qat_pt2e, is_qat=True),
    "xnnpack-static": pt2e(xnnpack_quantizer, is_per_channel=True),
    "xnnpack-tensor": pt2e(xnnpack_quantizer, is_per_channel=False),
    "xnnpack-dynamic": pt2e(xnnpack_quantizer, is_per_channel=True,
                            is_dynamic=True),
    "torchao-dynamic": torchao(Int8DynamicActivationInt8WeightConfig),
    "torchao-weights": torchao(Int8WeightOnlyConfig),
}


def export_module(example: models.Example, module: torch.nn.Module):
    return torch.export.export(module, example.cases[0],
                               dynamic_shapes=example.dynamic, strict=False)


class Nudged(torch.fx.Interpreter):
    """Runs a module so that each result of floats is off by up to a few units in
    its last place, as one that is summed in another order may be."""

    def __init__(self, module: torch.fx.GraphModule, seed: int):
        super().__init__(module)
        self.generator = torch.Generator().manual_seed(seed)

    def run_node(self, node: torch.fx.Node):
        result = super().run_node(node)
        if (node.op != "call_function" or not isinstance(result, torch.Tensor)
                or result.dtype != torch.float32):
            return result
        units = torch.rand(result.shape, generator=self.generator) * 2 - 1
        return result * (1 + units * NUDGE)


def distance(answers: list[torch.Tensor], plain: list[torch.Tensor]) -> float:
    return max(float((a.double() - b.double()).abs().max())
               for a, b in zip(answers, plain))


def answer_nudged(module: torch.fx.GraphModule,
                  case: tuple) -> list[torch.Tensor]:
    """The answer farthest from that of the module as it is."""
    plain = flatten(module(*case))
    answers = [flatten(Nudged(module, seed).run(*case))
               for seed in range(NUDGES)]
    return max(answers, key=lambda answer: distance(answer, plain))


def export(directory: pathlib.Path, name: str, recipe: str):
    title = f"{name}.{recipe}"
    example = models.EXAMPLES[name](models.IMPLEMENTATIONS[name][0])
    try:
        with torch.no_grad():
            exported = export_module(example, example.module).module()
            module = RECIPES[recipe](example, exported)
            program = export_module(example, module)
    except Exception as error:  # whatever PyTorch does not quantize
        print(f"{title}: {type(error).__name__}: {first_line(error)}",
              flush=True)
        return
    example.module = program.module()
    save_cases(directory / title, example)
    torch.export.save(program, directory / f"{title}.pt2")
    torch.export.save(program.run_decompositions(),
                      directory / f"{title}.core.pt2")
    for number, case in enumerate(example.cases):
        with torch.no_grad():
            answers = answer_nudged(example.module, case)
        save_answers(directory / title / str(number), "nudged", answers)
    print(f"{title}: exported", flush=True)


def main() -> int:
    args = parse_arguments(__doc__)
    for name in args.only or NAMES:
        for recipe in RECIPES:
            export(args.output, name, recipe)
    return 0


if __name__ == "__main__":
    sys.exit(main())
