// A program without code, to look at its section of weights.
module attributes {program.phase = "codegen"} {
  program.entry @main : () -> () inputs [] outputs []

  // Bytes 1 to 4 of the file are two f16, bytes 5 to 12 two f32, then four f64:
  // not aligned.
  tq.weight @half : tensor<2xf16> = #tq.mapped<"w.bin", 1>
  tq.weight @single {offset = 0 : i64} : tensor<2xf32> = #tq.mapped<"w.bin", 5>
  tq.weight @wide {offset = 64 : i64} : tensor<2xf32> initializer {
    %h = tq.get_weight @half : tensor<2xf32>
    tq.yield %h : tensor<2xf32>
  }
  tq.weight @flags {offset = 128 : i64} : tensor<3xi1> =
    dense<[true, false, true]> : tensor<3xi1>
  tq.weight @splat {offset = 192 : i64} : tensor<2x2xi32> = dense<7> : tensor<2x2xi32>
  tq.weight @a : tensor<2x3xf32> = dense<[[127.0, 1.0, -2.0], [0.0, 0.0, 0.0]]> : tensor<2x3xf32>
  tq.weight @b : tensor<1x3xf32> = dense<[[-254.0, 3.0, 1.0]]> : tensor<1x3xf32>
  tq.weight @values {offset = 256 : i64} : tensor<3x3x!quant.any<i8<-127:127>:f32>> initializer {
    %a = tq.get_weight @a : tensor<2x3xf32>
    %b = tq.get_weight @b : tensor<1x3xf32>
    %ab = tensor.concat dim(0) %a, %b
      : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<3x3xf32>
    %q, %s = tq.quantize_weight %ab : tensor<3x3xf32>
      -> tensor<3x3x!quant.any<i8<-127:127>:f32>>, tensor<3xf32>
    tq.yield %q : tensor<3x3x!quant.any<i8<-127:127>:f32>>
  }
  tq.weight @sums {offset = 320 : i64} : tensor<3xi32> initializer {
    %q = tq.get_weight @values : tensor<3x3x!quant.any<i8<-127:127>:f32>>
    %sums = tq.column_sums %q : tensor<3x3x!quant.any<i8<-127:127>:f32>> -> tensor<3xi32>
    tq.yield %sums : tensor<3xi32>
  }
  tq.weight @packed {offset = 384 : i64} : tensor<2x1x2x4xi8> initializer {
    %q = tq.get_weight @values : tensor<3x3x!quant.any<i8<-127:127>:f32>>
    %p = tq.pack_weight %q {panel = 2 : i64, group = 4 : i64}
      : tensor<3x3x!quant.any<i8<-127:127>:f32>> -> tensor<2x1x2x4xi8>
    tq.yield %p : tensor<2x1x2x4xi8>
  }
  tq.weight @columns {offset = 448 : i64} : tensor<2x4xf32> initializer {
    %a = tq.get_weight @a : tensor<2x3xf32>
    %c = tq.get_weight @column : tensor<2x1xf32>
    %ac = tensor.concat dim(1) %a, %c
      : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x4xf32>
    tq.yield %ac : tensor<2x4xf32>
  }
  tq.weight @column : tensor<2x1xf32> = dense<[[5.0], [6.0]]> : tensor<2x1xf32>
  tq.weight @resource {offset = 512 : i64} : tensor<2xf32> =
    dense_resource<numbers> : tensor<2xf32>
  tq.weight @double : tensor<4xf64> = #tq.mapped<"w.bin", 13>
  tq.weight @rounded {offset = 576 : i64} : tensor<4xf32> initializer {
    %d = tq.get_weight @double : tensor<4xf32>
    tq.yield %d : tensor<4xf32>
  }

  module @target_0 attributes {
    program.target = #program.target<"x86-64-v3", "x86_64-unknown-linux-gnu">} {
    llvm.func @main.run(%c: !llvm.ptr, %i: !llvm.ptr, %d: !llvm.ptr,
                              %o: !llvm.ptr, %a: !llvm.ptr, %w: !llvm.ptr) {
      llvm.return
    }
    llvm.func @main.plan(%d: !llvm.ptr, %t: i64, %o: !llvm.ptr) -> i64 {
      llvm.return %t : i64
    }
  }
}

{-#
  dialect_resources: {
    builtin: {
      numbers: "0x040000000000803F00000040"
    }
  }
#-}
