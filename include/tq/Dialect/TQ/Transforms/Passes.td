//===- Passes.td - Passes from tq to tq --------------------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_TRANSFORMS_PASSES_TD
#define TQ_DIALECT_TQ_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===----------------------------------------------------------------------===//
// Before all others
//===----------------------------------------------------------------------===//

def CheckBoundsPass : Pass<"tq-check-bounds", "::mlir::ModuleOp"> {
  let summary = "Check sizes and constant indices that no verifier bounds";
  let description = [{
    The verifiers of `tensor` let pass what has no meaning at run time: an index that
    is a constant beyond what it indexes, a negative size, a type whose bytes do not
    fit into 64 bits. Here they are errors, so that the phases can count on them.

    Postcondition: each tensor has elements with a layout in memory and takes at most
    4 TiB, dynamic dimensions aside; constant indices of `tensor.dim`, `memref.dim`,
    `tensor.extract` and `tensor.insert` are within what they index; constant sizes of
    `tensor.empty` are not negative.

    Left alone: the IR is not changed.

    Before and after:
    ```mlir
    %c1 = arith.constant 1 : index
    %d = tensor.dim %x, %c1 : tensor<?x4xf32>
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Normalize
//===----------------------------------------------------------------------===//

def RaiseLinearsPass : Pass<"tq-raise-linears", "::mlir::func::FuncOp"> {
  let summary = "Raise linears from products with one matrix, and their biases";
  let description = [{
    A product whose right side repeats one matrix along all leading dimensions, as core
    ATen writes a layer on rows that do not lie one behind the other, is a linear; so is
    the sum of a linear without bias and a vector that is known at compile time.

    Precondition: float tq.

    Postcondition: none of either is left.

    Left alone: products of two activations with leading dimensions of their own; linears
    that something else reads, too, before the bias is added.

    Before and after:
    ```mlir
    %y = tq.linear %x, %w : (tensor<2x7x64xf32>, tensor<8x64xf32>) -> tensor<2x7x8xf32>
    %b = arith.constant dense<1.0> : tensor<8xf32>
    %z = tq.add %y, %b : (tensor<2x7x8xf32>, tensor<8xf32>) -> tensor<2x7x8xf32>
    ```
    ```mlir
    %b = arith.constant dense<1.0> : tensor<8xf32>
    %z = tq.linear %x, %w, %b
      : (tensor<2x7x64xf32>, tensor<8x64xf32>, tensor<8xf32>) -> tensor<2x7x8xf32>
    ```
  }];
}

def RaiseIntegerLinearsPass : Pass<"tq-raise-integer-linears", "::mlir::func::FuncOp"> {
  let summary = "Raise linears in integers from products of bytes";
  let description = [{
    Floats of the product of bytes with a matrix of s8 that is known at compile time, in
    sums of 32 bits, are `tq.quantized_linear` with scales of 1: s8 on the left is u8 with
    the zero point 128. So is a product of u8 from which z times the sums of the matrix's
    columns is taken: z is the zero point. PyTorch has the former where the CPU multiplies
    s8 by s8, and the latter where it only multiplies u8 by s8.

    Precondition: none.

    Postcondition: the floats of no such product come from a `linalg.generic`, but where
    the sums could overflow.

    Left alone: products whose sums are used as integers.

    Before and after, with the matrix transposed and both as quantized types:
    ```
    %p = linalg.generic  // sums of products of %x : tensor<?x32xi8> and %w : tensor<32x64xi8>
    %y = linalg.generic  // arith.sitofp of each element
    ```
    ```mlir
    %y = tq.quantized_linear %q, %r zero_points(%z) weight(%v, %c)
      : (tensor<2x64x!quant.any<u8:f32>>, tensor<2xf32>, tensor<2xi32>,
         tensor<8x64x!quant.any<i8:f32>>, tensor<8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::quant::QuantDialect", "::mlir::tensor::TensorDialect"];
}

def RaiseNormsPass : Pass<"tq-raise-norms", "::mlir::func::FuncOp"> {
  let summary = "Raise RMS norm and layer norm from their steps";
  let description = [{
    A value times the reciprocal root of the mean of its squares, or divided by the root,
    is `tq.rms_norm`; where the value is another one less its mean, `tq.layer_norm` of
    that. A vector that is multiplied with the norm is its weight, and one that is added
    its bias, where nothing else reads the norm.

    Precondition: float tq, where equal values are one.

    Postcondition: no norm of the last dimension is left in steps, but those whose mean
    or deviation is computed in another way.

    Before and after:
    ```mlir
    %one = arith.constant dense<1.0> : tensor<8xf32>
    %w = arith.constant dense<0.5> : tensor<8xf32>
    %n = tq.rms_norm %x, %one {epsilon = 1.0e-6 : f32}
      : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
    %y = tq.mul %n, %w : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
    ```
    ```mlir
    %w = arith.constant dense<0.5> : tensor<8xf32>
    %y = tq.rms_norm %x, %w {epsilon = 1.0e-6 : f32}
      : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def RaiseActivationsPass : Pass<"tq-raise-activations", "::mlir::func::FuncOp"> {
  let summary = "Raise GELU and SiLU from their formulas";
  let description = [{
    With x * sigmoid(x) as `tq.silu`, x * sigmoid(1.702 * x) as `tq.quick_gelu`,
    0.5 * x * (1 + erf(x / sqrt(2))) as `tq.gelu`, and
    0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) as `tq.gelu` with `tanh`;
    factors in any order, constants as f32 has them.

    Precondition: float tq, where equal values are one.

    Postcondition: none of these is left.

    Before and after:
    ```mlir
    %s = tq.sigmoid %x : tensor<2x8xf32>
    %y = tq.mul %x, %s : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
    ```mlir
    %y = tq.silu %x : tensor<2x8xf32>
    ```
  }];
}

def RaiseRotaryEmbeddingsPass
    : Pass<"tq-raise-rotary-embeddings", "::mlir::func::FuncOp"> {
  let summary = "Raise rotary embeddings from slices, negations and products";
  let description = [{
    x * cos + rotated(x) * sin becomes `tq.rotary_embedding`, where rotated(x) joins the
    negated second half of the columns and the first one or, `interleaved`, weaves
    negated columns of odd numbers and those of even ones together.

    Precondition: float tq, where equal values are one.

    Postcondition: none of these is left.

    Before, where %n is the negated second half of x, columns 4 to 7, and after:
    ```mlir
    %a = tensor.extract_slice %x[0, 0] [7, 4] [1, 1] : tensor<7x8xf32> to tensor<7x4xf32>
    %r = tensor.concat dim(1) %n, %a : (tensor<7x4xf32>, tensor<7x4xf32>) -> tensor<7x8xf32>
    %s = tq.mul %r, %sin : (tensor<7x8xf32>, tensor<7x8xf32>) -> tensor<7x8xf32>
    %c = tq.mul %x, %cos : (tensor<7x8xf32>, tensor<7x8xf32>) -> tensor<7x8xf32>
    %y = tq.add %c, %s : (tensor<7x8xf32>, tensor<7x8xf32>) -> tensor<7x8xf32>
    ```
    ```mlir
    %y = tq.rotary_embedding %x, %cos, %sin
      : (tensor<7x8xf32>, tensor<7x8xf32>, tensor<7x8xf32>) -> tensor<7x8xf32>
    ```
  }];
}

def RaiseAttentionPass : Pass<"tq-raise-attention", "::mlir::func::FuncOp"> {
  let summary = "Raise attention from its products, reshapes and masks";
  let description = [{
    Two steps. Products with a softmax between them, scaled and masked, become
    `tq.scaled_dot_product_attention`, whatever else reads the weights. Then that becomes
    `tq.attention`, whose heads are columns, as linears give them: reshapes and transposes
    before it are followed to where rows of all heads stand together, key and value heads
    that are repeated for groups of query heads are read once, and the program that
    computes the mask is evaluated at a symbolic place: conjunctions of bounds of `k - q`
    and of lookups [batch, keys] of ids or bools become `causal`, `window` and the operand
    `mask`; what shows everything goes.

    A mask of floats counts as hiding a key where it adds -1e30 or less. A query that sees
    no key gives 0, where a program that adds the lowest float gives a mean.

    Precondition: float tq; `canonicalize` and `cse` have run.

    Postcondition: no `tq.scaled_dot_product_attention` is left that `tq.attention` can
    compute. A remark says why one stays.

    Left alone: attention over other dimensions, with a bias, with a mask of another kind,
    of values wider than queries.

    Before and after:
    ```mlir
    %r = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [2, 7, 4, 16]
      : tensor<2x7x64xf32> into tensor<2x7x4x16xf32>
    %q = tq.permute %r dims = [0, 2, 1, 3]
      : tensor<2x7x4x16xf32> -> tensor<2x4x7x16xf32>
    %o = tq.scaled_dot_product_attention %q, %q, %q {scale = 0.25 : f32}
      : (tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>, tensor<2x4x7x16xf32>)
      -> tensor<2x4x7x16xf32>
    ```
    ```mlir
    %o = tq.attention %x, %x, %x {num_heads = 4 : i64, scale = 0.25 : f32}
      : (tensor<2x7x64xf32>, tensor<2x7x64xf32>, tensor<2x7x64xf32>) -> tensor<2x7x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SimplifyViewsPass : Pass<"tq-simplify-views", "::mlir::func::FuncOp"> {
  let summary = "Move permutations and reshapes of rows behind what works on rows";
  let description = [{
    A linear or a row-wise op on rows in another order, or in a tensor of another shape,
    gives the same rows in that order or shape. Permutations of leading dimensions, and
    reshapes that only join or part these, move behind such ops, so that those before
    and behind meet and cancel. Chains of views that come to less are made less.

    Precondition: float tq; `canonicalize` and `cse` have run.

    Postcondition: no linear or row-wise op reads rows permuted or joined, where all that
    it reads can be put in the other order.

    Left alone: views that move the last dimension.

    Before and after:
    ```mlir
    %p = tq.permute %x dims = [1, 0, 2] : tensor<2x7x64xf32> -> tensor<7x2x64xf32>
    %y = tq.relu %p : tensor<7x2x64xf32>
    ```
    ```mlir
    %r = tq.relu %x : tensor<2x7x64xf32>
    %y = tq.permute %r dims = [1, 0, 2] : tensor<2x7x64xf32> -> tensor<7x2x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def DecomposeAttentionPass : Pass<"tq-decompose-attention", "::mlir::func::FuncOp"> {
  let summary = "Make simpler ops of attention that was not raised";
  let description = [{
    What `tq.scaled_dot_product_attention` says, in `tq.matmul`, `tq.softmax` and what
    hides keys: a mask of one row for each query, of a bias for each head, of another
    order of dimensions than `tq.attention` has. A query that sees no key gives 0.

    Precondition: float tq.

    Postcondition: no `tq.scaled_dot_product_attention` is left.

    Left alone: `tq.attention`.

    Before and after:
    ```mlir
    %o = tq.scaled_dot_product_attention %q, %k, %v {scale = 1.0 : f32}
      : (tensor<2x4x3xf32>, tensor<2x5x3xf32>, tensor<2x5x3xf32>) -> tensor<2x4x3xf32>
    ```
    ```mlir
    %s = tq.matmul %q, %k {transpose_rhs}
      : (tensor<2x4x3xf32>, tensor<2x5x3xf32>) -> tensor<2x4x5xf32>
    %p = tq.softmax %s : tensor<2x4x5xf32>
    %o = tq.matmul %p, %v : (tensor<2x4x5xf32>, tensor<2x5x3xf32>) -> tensor<2x4x3xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MergeLinearsPass : Pass<"tq-merge-linears", "::mlir::func::FuncOp"> {
  let summary = "Merge linears of one input into one linear";
  let description = [{
    The Q, K and V projections of a layer read the same rows. One linear with their
    weights on top of each other reads the rows once and fills a kernel better; each
    old result is a slice of the new one, with the same bits.

    Precondition: float tq. `cse` has run, so that equal weights are one value.

    Postcondition: in each block, linears of the same input with weights known at
    compile time (and biases likewise, all or none) are one linear. Its location names
    all of them: `layer.0.{query,key}`.

    Weights that the model has in s8, with a scale for each row, are merged as integers.

    Left alone: linears that differ in having a bias, or in the type of the weight;
    weights computed at run time, or dequantized with other parameters;
    a linear whose only user is an activation, or an add of its own type, since the
    fuse phase puts that into the linear's epilogue, which a slice would prevent.

    Before:
    ```mlir
    %wq = tq.get_weight @wq : tensor<8x4xf32>
    %wk = tq.get_weight @wk : tensor<6x4xf32>
    %q = tq.linear %x, %wq : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    %k = tq.linear %x, %wk : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
    ```

    After:
    ```mlir
    %wq = tq.get_weight @wq : tensor<8x4xf32>
    %wk = tq.get_weight @wk : tensor<6x4xf32>
    %w = tensor.concat dim(0) %wq, %wk
      : (tensor<8x4xf32>, tensor<6x4xf32>) -> tensor<14x4xf32>
    %y = tq.linear %x, %w : (tensor<?x4xf32>, tensor<14x4xf32>) -> tensor<?x14xf32>
    %c0 = arith.constant 0 : index
    %d0 = tensor.dim %x, %c0 : tensor<?x4xf32>
    %q = tensor.extract_slice %y[0, 0] [%d0, 8] [1, 1] : tensor<?x14xf32> to tensor<?x8xf32>
    %k = tensor.extract_slice %y[0, 8] [%d0, 6] [1, 1] : tensor<?x14xf32> to tensor<?x6xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def DropUnusedWeightsPass : Pass<"tq-drop-unused-weights", "::mlir::ModuleOp"> {
  let summary = "Erase weights that nothing reads";
  let description = [{
    A checkpoint holds tensors that the compiled outputs do not need (a pooler, a
    language model head). Erased here, they are never read from the file.

    Postcondition: every `tq.weight` of the module is named by an op that is not a
    weight, or by the initializer of such a weight.

    Left alone: every other symbol. Visibility plays no part: nothing outside the
    module can name a weight.

    Before:
    ```mlir
    tq.weight @used : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    tq.weight @unused : tensor<2xf32> = dense<2.0> : tensor<2xf32>
    %w = tq.get_weight @used : tensor<2xf32>
    ```

    After:
    ```mlir
    tq.weight @used : tensor<2xf32> = dense<1.0> : tensor<2xf32>
    %w = tq.get_weight @used : tensor<2xf32>
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Calibrate
//===----------------------------------------------------------------------===//

def InsertObserversPass : Pass<"tq-insert-observers", "::mlir::func::FuncOp"> {
  let summary = "Mark the activations that could be quantized with a known range";
  let description = [{
    Precondition: float tq.

    Postcondition: each value that an op lists as an activation through
    `QuantizableOpInterface` and that is computed at run time comes from `tq.observe`,
    one for all who read the value, with a name of its own: that of the layer that reads
    it first. A second run changes nothing.

    Left alone: values whose last dimension is dynamic; ops that stay in float.

    Before:
    ```mlir
    %y = tq.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```

    After:
    ```mlir
    %o = tq.observe %x site("linear.input") : tensor<?x4xf32>
    %y = tq.linear %o, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = ["::tq::TQDialect"];
}

//===----------------------------------------------------------------------===//
// Quantize
//===----------------------------------------------------------------------===//

def ChooseRangesPass : Pass<"tq-choose-ranges", "::mlir::func::FuncOp"> {
  let summary = "Make ranges of statistics";
  let description = [{
    Precondition: the calibrate phase has run.

    Postcondition: each `tq.observe` that had statistics has the operands `low`, `high`
    and `mean` in their place, constants. `observer=minmax` gives each channel its
    range; the others, which weigh all values together, give one for the tensor.

    Before:
    ```mlir
    %o = tq.observe %x site("a.input") {statistics = #tq.statistics<rows = 9,
      low = dense<[-1.0, 0.0]> : tensor<2xf32>, high = dense<[1.0, 3.0]> : tensor<2xf32>,
      mean = dense<[0.0, 1.0]> : tensor<2xf32>, average = dense<[-1.0, 2.0]> : tensor<2xf32>,
      histogram = dense<[5, 4, 4, 0, 5]> : tensor<5xi64>,
      bins = dense<[-1.0, 1.0, -1.0, 3.0]> : tensor<4xf64>>}
      : tensor<?x2xf32>
    ```

    After:
    ```mlir
    %l = arith.constant dense<[-1.0, 0.0]> : tensor<2xf32>
    %h = arith.constant dense<[1.0, 3.0]> : tensor<2xf32>
    %m = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
    %o = tq.observe %x site("a.input") low(%l : tensor<2xf32>) high(%h : tensor<2xf32>)
      mean(%m : tensor<2xf32>) : tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"observer", "observer", "::tq::quant::Observer",
           /*default=*/"::tq::quant::Observer::MinMax", "How ranges are chosen",
           [{::llvm::cl::values(
             clEnumValN(::tq::quant::Observer::MinMax, "minmax", "all that was seen"),
             clEnumValN(::tq::quant::Observer::MovingAverage, "moving-average",
                        "moving averages of the range of a batch"),
             clEnumValN(::tq::quant::Observer::Percentile, "percentile",
                        "all but the outermost values"),
             clEnumValN(::tq::quant::Observer::Entropy, "entropy",
                        "the least Kullback-Leibler divergence"),
             clEnumValN(::tq::quant::Observer::Mse, "mse", "the least squared error"))}]>,
    Option<"percentile", "percentile", "double", /*default=*/"99.99",
           "How much of the values observer=percentile keeps">,
    Option<"config", "config", "std::string", /*default=*/"",
           "A file of rules for some layers, see docs/QuantizeConfig.md">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SmoothLinearsPass : Pass<"tq-smooth-linears", "::mlir::func::FuncOp"> {
  let summary = "Move magnitudes of a linear's input channels into its weight";
  let description = [{
    SmoothQuant: a few channels of activations are a hundred times as large as the rest,
    and one scale for all leaves little for these. Divided by a factor for each channel
    they are more alike; the weight's columns are multiplied by the same factors, and
    have a scale for each row.

    Precondition: `tq-choose-ranges` has run.

    Postcondition: each linear whose weight is known at compile time, and whose input is
    observed with a range for each channel, reads that input times
    `tq.smoothing_factors`. The fuse phase makes a factor for each column of
    `tq.quantize` of it, which costs nothing.

    Before:
    ```mlir
    %o = tq.observe %x site("a.input") low(%l : tensor<4xf32>) high(%h : tensor<4xf32>)
      : tensor<?x4xf32>
    %y = tq.linear %o, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```

    After:
    ```mlir
    %f, %i = tq.smoothing_factors %w, %l, %h {alpha = 8.0e-01 : f32}
      : (tensor<8x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
    %s = tq.mul %x, %i : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
    %sl = tq.mul %l, %i : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %sh = tq.mul %h, %i : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %o = tq.observe %s site("a.input") low(%sl : tensor<4xf32>) high(%sh : tensor<4xf32>)
      : tensor<?x4xf32>
    %sw = tq.mul %w, %f : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
    %y = tq.linear %o, %sw : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```
  }];
  let options = [
    Option<"alpha", "alpha", "double", /*default=*/"0.8",
           "How much of the magnitudes moves into the weight, from 0 to 1; less: no smoothing, "
           "where no rule says otherwise">,
    Option<"config", "config", "std::string", /*default=*/"",
           "A file of rules for some layers, see docs/QuantizeConfig.md">
  ];
  let dependentDialects = ["::tq::TQDialect"];
}

def SmoothAttentionPass : Pass<"tq-smooth-attention", "::mlir::func::FuncOp"> {
  let summary = "Balance the magnitudes of query and key of attention";
  let description = [{
    Each `tq.attention` whose query and key are observed with a range of each column
    reads them times factors that make these ranges alike (`tq.score_smoothing_factors`)
    and leave the scores as they are. The fuse phase puts the factors into what
    quantizes query and key.

    Precondition: `tq-choose-ranges` has run.

    Postcondition: the factors are those of the policy's static layers whose smoothing
    is not off; all others read what they read.

    Before:
    ```mlir
    %q = tq.observe %x site("q") low(%a : tensor<4xf32>) high(%b : tensor<4xf32>)
      : tensor<?x?x4xf32>
    %k = tq.observe %y site("k") low(%c : tensor<4xf32>) high(%d : tensor<4xf32>)
      : tensor<?x?x4xf32>
    %z = tq.attention %q, %k, %v {num_heads = 2 : i64, scale = 1.0 : f32}
      : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    ```

    After:
    ```mlir
    %f, %g = tq.score_smoothing_factors query(%a, %b) key(%c, %d) {kv_heads = 2 : i64}
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>)
    %xf = tq.mul %x, %f : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
    %af = tq.mul %a, %f : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %bf = tq.mul %b, %f : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %q = tq.observe %xf site("q") low(%af : tensor<4xf32>) high(%bf : tensor<4xf32>)
      : tensor<?x?x4xf32>
    %yg = tq.mul %y, %g : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
    %cg = tq.mul %c, %g : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %dg = tq.mul %d, %g : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %k = tq.observe %yg site("k") low(%cg : tensor<4xf32>) high(%dg : tensor<4xf32>)
      : tensor<?x?x4xf32>
    %z = tq.attention %q, %k, %v {num_heads = 2 : i64, scale = 1.0 : f32}
      : (tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
    ```
  }];
  let options = [
    Option<"enabled", "enabled", "bool", /*default=*/"true",
           "Where no rule says otherwise">,
    Option<"isStatic", "static", "bool", /*default=*/"true",
           "Whether attention is static where no rule says otherwise">,
    Option<"config", "config", "std::string", /*default=*/"",
           "A file of rules for some layers, see docs/QuantizeConfig.md">
  ];
  let dependentDialects = ["::tq::TQDialect"];
}

def CorrectBiasesPass : Pass<"tq-correct-biases", "::mlir::func::FuncOp"> {
  let summary = "Make up in biases for the mean of what quantizing weights changes";
  let description = [{
    Precondition: `tq-choose-ranges`, and `tq-smooth-linears` where it is used, have
    run.

    Postcondition: each linear whose weight and bias are known at compile time, and
    whose input is observed with its mean, has a bias of `tq.correct_bias`.

    Before:
    ```mlir
    %o = tq.observe %x site("a.input") mean(%m : tensor<4xf32>) : tensor<?x4xf32>
    %y = tq.linear %o, %w, %b
      : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    ```

    After:
    ```mlir
    %o = tq.observe %x site("a.input") mean(%m : tensor<4xf32>) : tensor<?x4xf32>
    %q, %s = tq.quantize_weight %w : tensor<8x4xf32>
      -> tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>
    %c = tq.correct_bias %w, %q, %s, %m bias(%b)
      : (tensor<8x4xf32>, tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>,
         tensor<4xf32>, tensor<8xf32>) -> tensor<8xf32>
    %y = tq.linear %o, %w, %c
      : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    ```
  }];
  let options = [
    Option<"enabled", "enabled", "bool", /*default=*/"true",
           "Where no rule says otherwise">,
    Option<"config", "config", "std::string", /*default=*/"",
           "A file of rules for some layers, see docs/QuantizeConfig.md">
  ];
  let dependentDialects = ["::tq::TQDialect"];
}

def InsertQuantizationPass : Pass<"tq-insert-quantization", "::mlir::func::FuncOp"> {
  let summary = "Put a quantize/dequantize pair before each operand that can be integer";
  let description = [{
    Asks each op, through `QuantizableOpInterface`, which operands can enter in
    integers; the values then are rounded as the integer program will round them, while
    every op still computes in float. `tq-fuse-integer-ops` makes integer ops of it.

    Precondition: float tq. A second run changes nothing.

    Postcondition of `mode=dynamic`: each operand that an op lists is produced by
    `tq.dequantize`, of `tq.quantize_weight` for weights and tables, of
    `tq.dynamic_quantize` for activations; or the op has the attribute `program.reason`
    and a remark that say why it stays in float. `mode=none` inserts nothing.
    `mode=static` is the same, but for activations that are observed with a range: they
    go through `tq.quantize` with `tq.activation_parameters` of the range, or, where the
    op wants s8, `tq.symmetric_parameters`. No `tq.observe` is left.
    `attention=bf16` sets the precision of each `tq.attention` that no rule makes integer,
    with any mode. With `attention=int8` attention is one more op that can be integer:
    static with `mode=static` where all its ranges are known, else with its precision
    set to `int8`. `attention=f32` leaves what the op says.

    Before:
    ```mlir
    %w = tq.get_weight @w : tensor<8x4xf32>
    %y = tq.linear %x, %w : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```

    After:
    ```mlir
    %w = tq.get_weight @w : tensor<8x4xf32>
    %qx, %sx, %zx = tq.dynamic_quantize %x : tensor<?x4xf32>
      -> tensor<?x4x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>
    %dx = tq.dequantize %qx scales(%sx) zero_points(%zx)
      : (tensor<?x4x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x4xf32>
    %qw, %sw = tq.quantize_weight %w : tensor<8x4xf32>
      -> tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>
    %dw = tq.dequantize %qw scales(%sw)
      : (tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>) -> tensor<8x4xf32>
    %y = tq.linear %dx, %dw : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```
  }];
  let options = [
    Option<"mode", "mode", "::tq::QuantizationMode",
           /*default=*/"::tq::QuantizationMode::Dynamic", "What runs in integers",
           [{::llvm::cl::values(
             clEnumValN(::tq::QuantizationMode::None, "none", "nothing"),
             clEnumValN(::tq::QuantizationMode::Dynamic, "dynamic",
                        "weights s8 per row, activations u8 per row at run time"),
             clEnumValN(::tq::QuantizationMode::Static, "static",
                        "the same, activations u8 with the range that calibration found"))}]>,
    Option<"attention", "attention", "::tq::Precision",
           /*default=*/"::tq::Precision::F32", "In what attention computes its products",
           [{::llvm::cl::values(
             clEnumValN(::tq::Precision::F32, "f32", "f32, or what the op says"),
             clEnumValN(::tq::Precision::BF16, "bf16",
                        "query, key, weights and value rounded to bf16, sums f32"),
             clEnumValN(::tq::Precision::Int8, "int8",
                        "query and key s8 per token and head, weights u8, value s8 per "
                        "channel"))}]>,
    Option<"config", "config", "std::string", /*default=*/"",
           "A file of rules for some layers, see docs/QuantizeConfig.md">
  ];
  let dependentDialects = ["::tq::program::ProgramDialect"];
}

//===----------------------------------------------------------------------===//
// Fuse
//===----------------------------------------------------------------------===//

def FuseIntegerOpsPass : Pass<"tq-fuse-integer-ops", "::mlir::func::FuncOp"> {
  let summary = "Turn dequantize and float op into the integer op, with its epilogue";
  let description = [{
    Each op whose operands are dequantized is replaced by the integer form it offers
    through `QuantizableOpInterface`. Then an activation, and after it an add of a
    tensor of the same type, move into the epilogue of `tq.quantized_linear` or
    `tq.static_linear`, where the linear has no other user, and a product with a vector
    that is known at compile time into the inverse scales of `tq.quantize`.

    Pairs that a model brings along become what the integer ops take: s8 with one scale
    that only `tq.dequantize` reads is u8 with a zero point that is larger by 128, and
    parameters of a whole tensor that are found at run time are repeated for its rows.
    Factors of rows and columns behind a `tq.quantized_linear` join its scales, and a
    vector that is added its bias.

    Precondition: `tq-insert-quantization` has run.

    An activation whose result only `coarse` `tq.quantize` and `tq.dynamic_quantize` read
    becomes `coarse`.

    Postcondition: no op that can run in integers reads a `tq.dequantize`. An op that
    was meant to and cannot has the attribute `program.reason` and a remark that say why.

    Left alone: a second residual, an activation after a residual, adds that
    broadcast. Equal `tq.dynamic_quantize` are left to `cse`.

    Before:
    ```mlir
    %dx = tq.dequantize %qx scales(%sx) zero_points(%zx)
      : (tensor<?x4x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>) -> tensor<?x4xf32>
    %dw = tq.dequantize %qw scales(%sw)
      : (tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>) -> tensor<8x4xf32>
    %y = tq.linear %dx, %dw : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    %g = tq.gelu %y : tensor<?x8xf32>
    %z = tq.add %g, %r : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    ```

    After:
    ```mlir
    %z = tq.quantized_linear %qx, %sx zero_points(%zx) weight(%qw, %sw) residual(%r)
      {activation = #tq.activation<gelu>}
      : (tensor<?x4x!quant.any<u8:f32>>, tensor<?xf32>, tensor<?xi32>,
         tensor<8x4x!quant.any<i8<-127:127>:f32>>, tensor<8xf32>, tensor<?x8xf32>)
      -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = ["::tq::program::ProgramDialect"];
}

def HoistWeightsPass : Pass<"tq-hoist-weights", "::mlir::ModuleOp"> {
  let summary = "Turn computations on weights into weights";
  let description = [{
    Each value that is computed from `tq.get_weight` alone and that anything else uses
    becomes a `tq.weight` with an initializer, evaluated when the program is emitted; a
    tensor constant becomes a `tq.weight` with that value.

    Before:
    ```mlir
    %w = tq.get_weight @w : tensor<4x8xf32>
    %q, %s = tq.quantize_weight %w : tensor<4x8xf32>
      -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
    %y = tq.relu %s : tensor<4xf32>
    ```

    After:
    ```mlir
    tq.weight "private" @w.scales : tensor<4xf32> initializer {
      %w = tq.get_weight @w : tensor<4x8xf32>
      %q, %s = tq.quantize_weight %w : tensor<4x8xf32>
        -> tensor<4x8x!quant.any<i8<-127:127>:f32>>, tensor<4xf32>
      tq.yield %s : tensor<4xf32>
    }
    %s = tq.get_weight @w.scales : tensor<4xf32>
    %y = tq.relu %s : tensor<4xf32>
    ```
  }];
  let dependentDialects = ["::tq::TQDialect"];
}

#endif // TQ_DIALECT_TQ_TRANSFORMS_PASSES_TD
