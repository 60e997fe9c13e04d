"""Puts weights, each NAME.txt, into a module as codegen leaves it, NAME.mlir."""

import sys

MODULE = """\
module attributes {{program.phase = "codegen"}} {{
program.entry @main : () -> () inputs [] outputs []
{weights}
module @target_0 attributes {{
    program.target = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">}} {{
llvm.func @main.run(%c: !llvm.ptr, %i: !llvm.ptr, %d: !llvm.ptr, %o: !llvm.ptr,
                          %a: !llvm.ptr, %w: !llvm.ptr) {{
  llvm.return
}}
llvm.func @main.plan(%d: !llvm.ptr, %t: i64, %o: !llvm.ptr) -> i64 {{
  llvm.return %t : i64
}}
}}
}}
"""

LINK = """\
tq.weight @w{0} {1} : tensor<4xf32> initializer {{
  %w = tq.get_weight @w{2} : tensor<4xf32>
  tq.yield %w : tensor<4xf32>
}}
"""


def chain(length):
    weights = "tq.weight @w0 : tensor<4xf32> = dense<0.0> : tensor<4xf32>\n"
    for i in range(1, length):
        weights += LINK.format(i, "{offset = 0 : i64}" if i == length - 1 else "", i - 1)
    return weights


for name in sys.argv[1:]:
    with open(name) as file:
        weights = file.read()
    if weights.startswith("chain"):
        weights = chain(int(weights.split()[1]))
    with open(name.replace(".txt", ".mlir"), "w") as file:
        file.write(MODULE.format(weights=weights))
