// y[b, i] = x[b, i] + w[i] + s[i]: what codegen leaves, written by hand. s are
// the scales of a quantized weight.
module attributes {
  program.phase = "codegen", program.name = "adder",
  program.symbols = [#program.symbol<"batch", max = 16>]} {
  program.entry @main : (tensor<?x4xf32>) -> tensor<?x4xf32>
    inputs [#program.port<"x", ["batch", ""]>] outputs [#program.port<"y", ["batch", ""]>]
    calls [#program.call_site<@add_4, "adder", "f32", "additions stay in float">]
    arenas ["64"]
  tq.weight @big : tensor<4x2xf32> =
    dense<[[127.0, 1.0], [254.0, 0.0], [0.0, 0.0], [-508.0, 3.0]]> : tensor<4x2xf32>
  tq.weight @s {offset = 64 : i64} : tensor<4xf32> initializer {
    %w = tq.get_weight @big : tensor<4x2xf32>
    %q, %s = tq.quantize_weight %w : tensor<4x2xf32>
      -> tensor<4x2x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
    tq.yield %s : tensor<4xf32>
  }
  tq.weight @w {offset = 0 : i64} : tensor<4xf32> =
    dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>

  module @target_0 attributes {
    program.target = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">} {
    llvm.func @tq_kernel_begin(!llvm.ptr) -> i64
    llvm.func @tq_kernel_end(!llvm.ptr, i64, i64, i64, i64, i64)

    llvm.func @add_4.body(%x: !llvm.ptr, %y: !llvm.ptr, %w: !llvm.ptr, %count: i64)
        attributes {no_inline} {
      %zero = llvm.mlir.constant(0 : i64) : i64
      llvm.br ^head(%zero : i64)
    ^head(%i: i64):
      %more = llvm.icmp "slt" %i, %count : i64
      llvm.cond_br %more, ^body, ^exit
    ^body:
      %one = llvm.mlir.constant(1 : i64) : i64
      %three = llvm.mlir.constant(3 : i64) : i64
      %sixteen = llvm.mlir.constant(16 : i64) : i64
      %column = llvm.and %i, %three : i64
      %scale = llvm.add %column, %sixteen : i64
      %px = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %py = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %pw = llvm.getelementptr %w[%column] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %ps = llvm.getelementptr %w[%scale] : (!llvm.ptr, i64) -> !llvm.ptr, f32
      %vx = llvm.load %px : !llvm.ptr -> f32
      %vw = llvm.load %pw : !llvm.ptr -> f32
      %vs = llvm.load %ps : !llvm.ptr -> f32
      %sum = llvm.fadd %vx, %vw : f32
      %vy = llvm.fadd %sum, %vs : f32
      llvm.store %vy, %py : f32, !llvm.ptr
      %next = llvm.add %i, %one : i64
      llvm.br ^head(%next : i64)
    ^exit:
      llvm.return
    }

    llvm.func @main.run(%context: !llvm.ptr, %inputs: !llvm.ptr, %dims: !llvm.ptr,
                              %outputs: !llvm.ptr, %arena: !llvm.ptr, %weights: !llvm.ptr) {
      %zero = llvm.mlir.constant(0 : i64) : i64
      %four = llvm.mlir.constant(4 : i64) : i64
      %all = llvm.mlir.constant(-1 : i64) : i64
      %begin = llvm.call @tq_kernel_begin(%context) : (!llvm.ptr) -> i64
      %x = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
      %y = llvm.load %outputs : !llvm.ptr -> !llvm.ptr
      %batch = llvm.load %dims : !llvm.ptr -> i64
      %count = llvm.mul %batch, %four : i64
      llvm.call @add_4.body(%x, %y, %weights, %count)
        : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> ()
      llvm.call @tq_kernel_end(%context, %zero, %all, %begin, %count, %count)
        : (!llvm.ptr, i64, i64, i64, i64, i64) -> ()
      llvm.return
    }

    llvm.func @main.plan(%dims: !llvm.ptr, %threads: i64, %out: !llvm.ptr) -> i64 {
      %four = llvm.mlir.constant(4 : i64) : i64
      %bytes = llvm.mlir.constant(64 : i64) : i64
      %batch = llvm.load %dims : !llvm.ptr -> i64
      llvm.store %batch, %out : i64, !llvm.ptr
      %width = llvm.getelementptr %out[1] : (!llvm.ptr) -> !llvm.ptr, i64
      llvm.store %four, %width : i64, !llvm.ptr
      llvm.return %bytes : i64
    }
  }
}
