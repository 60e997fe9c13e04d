# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs that many tests run."""

import os

import pytest

import tq

ATTENTION = """\
!x = tensor<?x?x64xf32>
func.func @main(
    %q: !x {program.port = #program.port<"q", ["batch", "s", "64"]>},
    %k: !x {program.port = #program.port<"k", ["batch", "t", "64"]>})
    -> (!x {program.port = #program.port<"y", ["batch", "s", "64"]>}) {
  %y = tq.attention %q, %k, %k {num_heads = 4 : i64, scale = 0.25 : f32}
       : (!x, !x, !x) -> !x
  return %y : !x
}
"""


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Programs of tests are kept for the tests alone."""
    os.environ["TQ_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def attention(tmp_path_factory):
    """A program of an attention, without torch."""
    source = tmp_path_factory.mktemp("source") / "attention.mlir"
    source.write_text(ATTENTION)
    return tq.compile(source, quantize="none")
