//===- Layers.cpp - Products, norms, attention, convolutions --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;

using Kind = TensorBuilder::Reduction;

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

static void buildLinear(Call &call) {
  call.set(call.b.linear(call.tensor("input"), call.tensor("weight"),
                         call.tensor("bias")));
}

/// Vectors are matrices of one row, or of one column.
static void buildMatmul(Call &call) {
  TensorBuilder &b = call.b;
  Tensor lhs = call.tensor("self"),
         rhs = call.tensor(call.arguments.count("mat2") ? "mat2" : "other");
  bool isRow = lhs.getRank() == 1, isColumn = rhs.getRank() == 1;
  if (isRow)
    lhs = b.reshape(lhs, {SizeExpr(1), lhs.shape[0]});
  if (isColumn)
    rhs = b.reshape(rhs, {rhs.shape[0], SizeExpr(1)});
  Tensor result = b.matmul(lhs, rhs);
  if (!result)
    return;
  Shape shape = result.shape;
  if (isColumn)
    shape.pop_back();
  if (isRow)
    shape.erase(shape.end() - (isColumn ? 1 : 2));
  call.set(b.reshape(result, shape));
}

/// A layer whose weight is [inputs, outputs], where the bias is a vector.
static void buildAddmm(Call &call) {
  TensorBuilder &b = call.b;
  Tensor bias = call.tensor("self"), lhs = call.tensor("mat1"),
         rhs = call.tensor("mat2");
  bool isPlain = call.number("alpha") == 1 && call.number("beta") == 1;
  if (!b.expect(isPlain, "expected alpha and beta of 1") ||
      !b.expect(lhs.getRank() == 2 && rhs.getRank() == 2, "expected matrices"))
    return;
  if (bias.getRank() == 1 && bias.shape[0] == rhs.shape[1])
    call.set(b.linear(lhs, b.transpose(rhs, 0, 1), bias));
  else
    call.set(b.add(b.matmul(lhs, rhs), bias));
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// The last dimensions as one, along which rows are normalized.
static Tensor asRows(Call &call, const Tensor &tensor, int64_t normalized) {
  int64_t rank = tensor.getRank();
  if (!call.b.expect(normalized >= 1 && normalized <= rank,
                     "expected dimensions to normalize that there are"))
    return {};
  Shape shape(tensor.shape.begin(), tensor.shape.end() - normalized);
  shape.push_back(product(llvm::ArrayRef(tensor.shape).take_back(normalized)));
  return call.b.reshape(tensor, shape);
}

static Tensor asVector(Call &call, const Tensor &tensor) {
  return tensor ? call.b.reshape(tensor, {product(tensor.shape)}) : tensor;
}

static double getEpsilon(Call &call) {
  return call.has("eps") ? call.number("eps")
                         : double(std::numeric_limits<float>::epsilon());
}

static void buildLayerNorm(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  Tensor rows = asRows(call, input, call.sizes("normalized_shape").size());
  Tensor result =
      b.layerNorm(rows, asVector(call, call.tensor("weight")),
                  asVector(call, call.tensor("bias")), getEpsilon(call));
  if (result)
    call.set(b.reshape(result, input.shape));
}

/// Two results that only training reads; here nobody may.
static void leaveOutStatistics(Call &call) {
  if (!call.results.empty())
    call.set(std::vector<Tensor>{call.results.front(), {}, {}});
}

/// In core ATen the mean and 1 / standard deviation are results, too.
static void buildNativeLayerNorm(Call &call) {
  buildLayerNorm(call);
  leaveOutStatistics(call);
}

static void buildRmsNorm(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input");
  Tensor rows = asRows(call, input, call.sizes("normalized_shape").size());
  if (!rows || !b.expect(rows.shape.back().getConstant().has_value() &&
                             isFloat(rows.dtype) && getEpsilon(call) >= 0,
                         "expected rows of floats of a fixed size"))
    return;
  Tensor gamma = asVector(call, call.tensor("weight"));
  if (!gamma)
    gamma = b.full({rows.shape.back()}, rows.dtype, 1);
  if (!gamma || !b.expect(gamma.shape[0] == rows.shape.back(),
                          "expected a weight for each column"))
    return;
  Tensor result = rows;
  result.value =
      RmsNormOp::create(b.getOps(), b.getLocation(), rows.value, gamma.value,
                        b.getOps().getF32FloatAttr(float(getEpsilon(call))));
  call.set(b.reshape(result, input.shape));
}

/// (x - mean) / sqrt(variance + eps) over the dimensions.
static Tensor standardize(Call &call, const Tensor &x, ArrayRef<int64_t> dims,
                          double epsilon) {
  TensorBuilder &b = call.b;
  Tensor centered = b.sub(x, b.mean(x, dims, true));
  Tensor variance = b.mean(b.mul(centered, centered), dims, true);
  Tensor deviation =
      b.elementwise({variance, b.constant(x.dtype, epsilon)}, x.dtype,
                    [](OpBuilder &ops, Location loc, ValueRange v) {
                      Value sum = arith::AddFOp::create(ops, loc, v[0], v[1]);
                      return math::SqrtOp::create(ops, loc, sum);
                    });
  return b.div(centered, deviation);
}

/// A vector of channels beside [N, C, ...].
static Tensor beside(Call &call, const Tensor &vector, const Tensor &input) {
  if (!vector)
    return vector;
  Shape shape(input.getRank() - 1, SizeExpr(1));
  shape[0] = product(vector.shape);
  return call.b.reshape(vector, shape);
}

static Tensor scaleAndShift(Call &call, Tensor x, const Tensor &weight,
                            const Tensor &bias) {
  if (x && weight)
    x = call.b.mul(x, beside(call, weight, x));
  if (x && bias)
    x = call.b.add(x, beside(call, bias, x));
  return x;
}

/// `groups` of neighbouring channels of [N, C, ...], each with all positions.
static void buildGroupNormOf(Call &call, StringRef name, int64_t groups) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor(name);
  if (!b.expect(input.getRank() >= 2 && groups > 0 && isFloat(input.dtype),
                "expected floats [N, C, ...] and a number of groups"))
    return;
  std::optional<SizeExpr> channels = input.shape[1].divide(SizeExpr(groups));
  if (!b.expect(channels.has_value(), "expected channels in equal groups"))
    return;
  Shape shape = input.shape;
  shape[1] = *channels;
  shape.insert(shape.begin() + 1, SizeExpr(groups));
  Tensor x = b.reshape(input, shape);
  SmallVector<int64_t> dims =
      llvm::to_vector(llvm::seq<int64_t>(2, int64_t(shape.size())));
  Tensor result =
      b.reshape(standardize(call, x, dims, call.number("eps")), input.shape);
  call.set(
      scaleAndShift(call, result, call.tensor("weight"), call.tensor("bias")));
}

static void buildGroupNorm(Call &call) {
  buildGroupNormOf(call, "input", call.integer("num_groups"));
}

static void buildNativeGroupNorm(Call &call) {
  buildGroupNormOf(call, "input", call.integer("group"));
  leaveOutStatistics(call);
}

/// With the statistics that training left.
static void buildBatchNorm(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input"), mean = call.tensor("running_mean"),
         variance = call.tensor("running_var");
  bool isEval = !call.arguments.count("training") || !call.flag("training");
  if (!b.expect(isEval && mean && variance,
                "expected a module in eval mode, with running statistics") ||
      !b.expect(input.getRank() >= 2 && isFloat(input.dtype),
                "expected floats [N, C, ...]"))
    return;
  mean = b.cast(mean, input.dtype);
  variance = b.cast(variance, input.dtype);
  Tensor deviation = b.elementwise(
      {variance, b.constant(input.dtype, call.number("eps"))}, input.dtype,
      [](OpBuilder &ops, Location loc, ValueRange v) {
        Value sum = arith::AddFOp::create(ops, loc, v[0], v[1]);
        return math::SqrtOp::create(ops, loc, sum);
      });
  Tensor x = b.sub(input, beside(call, mean, input));
  x = b.div(x, beside(call, deviation, input));
  x = scaleAndShift(call, x, call.tensor("weight"), call.tensor("bias"));
  call.set(x);
  if (call.arguments.count("training") == 0)
    leaveOutStatistics(call);
}

/// v * (g / |v|), where a norm is of all dimensions but `dim`.
static void buildWeightNorm(Call &call) {
  TensorBuilder &b = call.b;
  Tensor v = call.tensor("v"), g = call.tensor("g");
  int64_t dim = call.dim("dim", v);
  SmallVector<int64_t> others;
  for (int64_t i = 0; i < v.getRank(); ++i)
    if (i != dim)
      others.push_back(i);
  if (!b.expect(!others.empty() && v.dtype == g.dtype && isFloat(v.dtype),
                "expected a weight of floats of rank 2 or more"))
    return;
  Tensor squares = b.reduce(b.mul(v, v), others, true, Kind::Sum);
  Tensor factor = b.elementwise(
      {g, squares}, v.dtype, [](OpBuilder &ops, Location loc, ValueRange x) {
        Value norm = math::SqrtOp::create(ops, loc, x[1]);
        return arith::DivFOp::create(ops, loc, x[0], norm);
      });
  call.set(b.mul(v, factor));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Each head of keys or values once for each query head that reads it.
static Tensor repeatHeads(Call &call, const Tensor &tensor,
                          const Tensor &query) {
  TensorBuilder &b = call.b;
  int64_t heads = query.getRank() - 3;
  std::optional<SizeExpr> count =
      heads >= 0 && tensor.getRank() == query.getRank()
          ? query.shape[heads].divide(tensor.shape[heads])
          : std::nullopt;
  if (!b.expect(count.has_value(), "expected groups of query heads for each "
                                   "head of keys and values"))
    return {};
  Shape apart = tensor.shape;
  apart.insert(apart.begin() + heads + 1, SizeExpr(1));
  Shape repeated = apart, result = tensor.shape;
  repeated[heads + 1] = *count;
  result[heads] = query.shape[heads];
  return b.reshape(b.expand(b.reshape(tensor, apart), repeated), result);
}

static void buildAttention(Call &call) {
  TensorBuilder &b = call.b;
  Tensor query = call.tensor("query"), key = call.tensor("key"),
         value = call.tensor("value"), mask = call.tensor("attn_mask");
  if (!b.expect(call.number("dropout_p") == 0,
                "expected attention without dropout, as in eval mode"))
    return;
  if (call.flag("enable_gqa")) {
    key = repeatHeads(call, key, query);
    value = repeatHeads(call, value, query);
  }
  int64_t rank = query.getRank();
  bool fits = !b.hasFailed() && rank >= 3 && key.getRank() == rank &&
              value.getRank() == rank && isFloat(query.dtype) &&
              isFloat(key.dtype) && isFloat(value.dtype) &&
              query.shape.back().getConstant().value_or(0) > 0;
  auto isEqual = [&](const SizeExpr &x, const SizeExpr &y) {
    fits &= TensorBuilder::canBeEqual(x, y);
  };
  for (int64_t i = 0; fits && i + 2 < rank; ++i) {
    isEqual(query.shape[i], key.shape[i]);
    isEqual(key.shape[i], value.shape[i]);
  }
  if (fits) {
    isEqual(query.shape[rank - 1], key.shape[rank - 1]);
    isEqual(key.shape[rank - 2], value.shape[rank - 2]);
  }
  if (mask) {
    fits &= (isFloat(mask.dtype) || isBool(mask.dtype)) &&
            mask.getRank() <= rank && mask.getRank() >= 1;
    for (int64_t i = 1; fits && i <= mask.getRank(); ++i) {
      const SizeExpr &size = mask.shape[mask.getRank() - i];
      if (!size.isConstant(1))
        isEqual(size, i == 1 ? key.shape[rank - 2] : query.shape[rank - i]);
    }
  }
  if (!b.expect(fits, "expected query, key and value [..., tokens, columns] "
                      "with a fixed number of columns, and a mask that "
                      "broadcasts to the scores"))
    return;
  double columns = double(*query.shape.back().getConstant());
  double scale =
      call.has("scale") ? call.number("scale") : 1.0 / std::sqrt(columns);
  Shape shape = query.shape;
  shape.back() = value.shape.back();
  OpBuilder &ops = b.getOps();
  mlir::Value result = ScaledDotProductAttentionOp::create(
      ops, b.getLocation(), b.getType(shape, query.dtype), query.value,
      key.value, value.value, mask ? mask.value : mlir::Value(),
      llvm::APFloat(float(scale)), call.flag("is_causal"));
  call.set(Tensor{result, shape, query.dtype});
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

namespace {
/// One number for each spatial dimension.
struct Window {
  SmallVector<int64_t> stride, padding, dilation;
};
} // namespace

static std::optional<Window> getWindow(Call &call, int64_t spatial) {
  Window window;
  auto get = [&](StringRef name, int64_t least, SmallVector<int64_t> &values) {
    values = call.integers(name);
    if (values.size() == 1)
      values.resize(spatial, values.front());
    constexpr int64_t most = int64_t(1) << 20;
    return int64_t(values.size()) == spatial &&
           llvm::all_of(values,
                        [=](int64_t v) { return v >= least && v <= most; });
  };
  bool fits = get("stride", 1, window.stride) &&
              get("padding", 0, window.padding) &&
              get("dilation", 1, window.dilation);
  if (!call.b.expect(fits, "expected a stride, padding and dilation for each "
                           "spatial dimension"))
    return std::nullopt;
  return window;
}

/// The rows that the weight is multiplied with: [N, positions..., channels of
/// the group * window], zeros where the window leaves the input.
static Tensor buildPatches(Call &call, const Tensor &input,
                           const Tensor &weight, const Window &window,
                           const SizeExpr &firstChannel) {
  TensorBuilder &b = call.b;
  int64_t spatial = weight.getRank() - 2;
  const Shape &result = call.shape();
  Shape shape{input.shape[0]};
  shape.append(result.begin() + 2, result.end());
  shape.append(weight.shape.begin() + 1, weight.shape.end());
  std::optional<int64_t> first = firstChannel.getConstant();
  Tensor patches = b.indexed(
      {}, shape, input.dtype,
      [&](OpBuilder &ops, Location loc, ValueRange,
          ValueRange at) -> mlir::Value {
        auto constant = [&](int64_t value) -> mlir::Value {
          return arith::ConstantIndexOp::create(ops, loc, value);
        };
        SmallVector<mlir::Value> position{
            at[0],
            arith::AddIOp::create(ops, loc, at[1 + spatial], constant(*first))};
        mlir::Value isInside;
        for (int64_t i = 0; i < spatial; ++i) {
          mlir::Value start = arith::MulIOp::create(ops, loc, at[1 + i],
                                                    constant(window.stride[i]));
          mlir::Value offset = arith::MulIOp::create(
              ops, loc, at[2 + spatial + i], constant(window.dilation[i]));
          mlir::Value place = arith::AddIOp::create(ops, loc, start, offset);
          if (window.padding[i] == 0) {
            position.push_back(place);
            continue;
          }
          place = arith::SubIOp::create(ops, loc, place,
                                        constant(window.padding[i]));
          // What is negative is large without its sign.
          mlir::Value size =
              ops.createOrFold<tensor::DimOp>(loc, input.value, 2 + i);
          mlir::Value fits = arith::CmpIOp::create(
              ops, loc, arith::CmpIPredicate::ult, place, size);
          isInside =
              isInside
                  ? arith::AndIOp::create(ops, loc, isInside, fits).getResult()
                  : fits;
          mlir::Value last = arith::SubIOp::create(ops, loc, size, constant(1));
          place = arith::MinSIOp::create(ops, loc, place, last);
          position.push_back(
              arith::MaxSIOp::create(ops, loc, place, constant(0)));
        }
        mlir::Value element =
            tensor::ExtractOp::create(ops, loc, input.value, position);
        if (!isInside)
          return element;
        return arith::SelectOp::create(ops, loc, isInside, element,
                                       buildNumber(ops, loc, input.dtype, 0));
      });
  if (!patches)
    return {};
  Shape rows(patches.shape.begin(), patches.shape.begin() + 1 + spatial);
  rows.push_back(
      product(llvm::ArrayRef(patches.shape).drop_front(1 + spatial)));
  return b.reshape(patches, rows);
}

/// The last position of each window lies within the padded input.
static bool checkPositions(Call &call, const Tensor &input,
                           const Tensor &weight, const Window &window) {
  const Shape &result = call.shape();
  for (int64_t i = 0; i + 2 < weight.getRank(); ++i) {
    std::optional<int64_t> size = input.shape[2 + i].getConstant(),
                           taps = weight.shape[2 + i].getConstant(),
                           count = result[2 + i].getConstant();
    constexpr int64_t most = int64_t(1) << 20;
    if (!call.b.expect(taps && *taps > 0 && *taps <= most,
                       "expected a window of a fixed size"))
      return false;
    int64_t reach = (*taps - 1) * window.dilation[i] + 1;
    SizeExpr expected =
        call.b.getSizes().floorDiv(input.shape[2 + i] +
                                       SizeExpr(2 * window.padding[i] - reach),
                                   SizeExpr(window.stride[i])) +
        SizeExpr(1);
    bool fits = !size || (count && expected.isConstant(*count));
    if (!call.b.expect(fits, "expected as many positions as the window has in "
                             "the input"))
      return false;
    SizeExpr last = (result[2 + i] - SizeExpr(1)) * window.stride[i];
    call.b.requireAtMost(last + reach,
                         input.shape[2 + i] + SizeExpr(2 * window.padding[i]),
                         "the windows of a convolution within its input");
  }
  return !call.b.hasFailed();
}

/// Each group of channels is a layer on its windows: the weight is [outputs,
/// channels, window...].
static void buildConvolution(Call &call) {
  TensorBuilder &b = call.b;
  Tensor input = call.tensor("input"), weight = call.tensor("weight"),
         bias = call.tensor("bias");
  int64_t rank = weight.getRank(), groups = call.integer("groups");
  bool isTransposed =
      call.arguments.count("transposed") && call.flag("transposed");
  bool fits = rank >= 3 && input.getRank() == rank && groups >= 1 &&
              groups <= 4096 && int64_t(call.shape().size()) == rank &&
              isFloat(input.dtype) && isFloat(weight.dtype) && !isTransposed;
  if (!b.expect(fits, "expected a convolution of floats [N, C, ...] with a "
                      "weight of its rank, not transposed"))
    return;
  std::optional<Window> window = getWindow(call, rank - 2);
  if (!window)
    return;
  std::optional<int64_t> outputs = weight.shape[0].getConstant(),
                         channels = weight.shape[1].getConstant();
  bool suits =
      outputs && channels && *outputs % groups == 0 &&
      input.shape[1] == weight.shape[1] * SizeExpr(groups) &&
      (!bias || (bias.getRank() == 1 && bias.shape[0].isConstant(*outputs)));
  if (!b.expect(suits, "expected channels in equal groups, and a bias for "
                       "each output") ||
      !checkPositions(call, input, weight, *window))
    return;
  int64_t part = *outputs / groups;
  Tensor matrix =
      b.reshape(weight, {weight.shape[0],
                         product(llvm::ArrayRef(weight.shape).drop_front(1))});
  std::vector<Tensor> parts;
  for (int64_t group = 0; group < groups && !b.hasFailed(); ++group) {
    Tensor patches =
        buildPatches(call, input, weight, *window, SizeExpr(group * *channels));
    parts.push_back(
        b.linear(patches, b.slice(matrix, 0, group * part, part),
                 bias ? b.slice(bias, 0, group * part, part) : Tensor()));
  }
  Tensor rows = b.concat(parts, rank - 1);
  // Channels come before positions.
  SmallVector<int64_t> order{0, rank - 1};
  for (int64_t i = 1; i + 1 < rank; ++i)
    order.push_back(i);
  call.set(b.permute(rows, order));
}

static constexpr OpRow kRows[] = {
    {"aten.linear.default(Tensor input, Tensor weight, Tensor? bias=None)",
     buildLinear},
    {"aten.matmul.default(Tensor self, Tensor other)", buildMatmul},
    {"aten.mm.default(Tensor self, Tensor mat2)", buildMatmul},
    {"aten.bmm.default(Tensor self, Tensor mat2)", buildMatmul},
    {"aten.addmm.default(Tensor self, Tensor mat1, Tensor mat2, *, Scalar "
     "beta=1, Scalar alpha=1)",
     buildAddmm},
    {"aten.layer_norm.default(Tensor input, SymInt[] normalized_shape, Tensor? "
     "weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enable=True)",
     buildLayerNorm},
    {"aten.native_layer_norm.default(Tensor input, SymInt[] normalized_shape, "
     "Tensor? weight, Tensor? bias, float eps)",
     buildNativeLayerNorm},
    {"aten.rms_norm.default(Tensor input, SymInt[] normalized_shape, Tensor? "
     "weight=None, float? eps=None)",
     buildRmsNorm},
    {"aten.group_norm.default(Tensor input, int num_groups, Tensor? "
     "weight=None, Tensor? bias=None, float eps=1e-05, bool "
     "cudnn_enabled=True)",
     buildGroupNorm},
    {"aten.native_group_norm.default(Tensor input, Tensor? weight, Tensor? "
     "bias, SymInt N, SymInt C, SymInt HxW, int group, float eps)",
     buildNativeGroupNorm},
    {"aten.batch_norm.default(Tensor input, Tensor? weight, Tensor? bias, "
     "Tensor? running_mean, Tensor? running_var, bool training, float "
     "momentum, "
     "float eps, bool cudnn_enabled)",
     buildBatchNorm},
    {"aten._native_batch_norm_legit_no_training.default(Tensor input, Tensor? "
     "weight, Tensor? bias, Tensor running_mean, Tensor running_var, float "
     "momentum, float eps)",
     buildBatchNorm},
    {"aten._weight_norm.default(Tensor v, Tensor g, int dim=0)",
     buildWeightNorm},
    {"aten.scaled_dot_product_attention.default(Tensor query, Tensor key, "
     "Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool "
     "is_causal=False, *, float? scale=None, bool enable_gqa=False)",
     buildAttention},
    {"aten.conv1d.default(Tensor input, Tensor weight, Tensor? bias=None, "
     "SymInt[1] stride=[1], SymInt[1] padding=[0], SymInt[1] dilation=[1], "
     "SymInt groups=1)",
     buildConvolution},
    {"aten.conv2d.default(Tensor input, Tensor weight, Tensor? bias=None, "
     "SymInt[2] stride=[1], SymInt[2] padding=[0], SymInt[2] dilation=[1], "
     "SymInt groups=1)",
     buildConvolution},
    {"aten.convolution.default(Tensor input, Tensor weight, Tensor? bias, "
     "SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, "
     "SymInt[] output_padding, SymInt groups)",
     buildConvolution},
};

llvm::ArrayRef<OpRow> pt2::getLayerOps() { return kRows; }
