//===- KernelsTest.cpp - Generated kernels against the scalar reference ---===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bit for bit: with AVX2 and with what this machine has, on 1, 2 and 7 threads,
// over sizes on both sides of each tile.
//
//===----------------------------------------------------------------------===//

#include "KernelProgram.h"

#include "tq/Quant/Math.h"
#include "tq/Quant/Quantize.h"
#include "tq/Quant/Reference.h"
#include "tq/Quant/Smoothing.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace tq;
using namespace tq::test;
using quant::Activation;

namespace {

using Floats = std::vector<float>;

std::string str(int64_t value) { return std::to_string(value); }

std::string argument(size_t position) { return "%a" + str(position); }

/// The op of an activation: its name and what follows the operand.
struct ActivationOp {
  const char *name, *attribute;
};
ActivationOp opOf(Activation activation) {
  switch (activation) {
  case Activation::None:
    return {"", ""};
  case Activation::Relu:
    return {"relu", ""};
  case Activation::Gelu:
    return {"gelu", ""};
  case Activation::GeluTanh:
    return {"gelu", " {tanh}"};
  case Activation::Silu:
    return {"silu", ""};
  case Activation::Tanh:
    return {"tanh", ""};
  case Activation::Sigmoid:
    return {"sigmoid", ""};
  case Activation::QuickGelu:
    return {"quick_gelu", ""};
  }
  return {"", ""};
}

//===----------------------------------------------------------------------===//
// Linear
//===----------------------------------------------------------------------===//

struct LinearCase {
  int64_t n, k;
  Activation activation = Activation::None;
  bool bias = false, residual = false;
  Values values = Values::Mixed;
};

/// The weight of a linear as the compiler quantizes it.
struct QuantizedCopy {
  explicit QuantizedCopy(const Floats &w, int64_t n, int64_t k)
      : values(w.size()), scales(n), sums(n) {
    quant::quantizeWeights(w.data(), n, k, values.data(), scales.data());
    for (int64_t i = 0; i < n * k; ++i)
      sums[i / k] += values[i];
    view = {values.data(), scales.data(), sums.data(), n, k};
  }
  std::vector<int8_t> values;
  Floats scales;
  std::vector<int32_t> sums;
  quant::QuantizedWeight view;
};

Floats quantizedLinear(const Floats &x, const Floats &w, int64_t n, int64_t k,
                       const quant::Epilogue &epilogue) {
  int64_t m = std::ssize(x) / k;
  std::vector<uint8_t> q(x.size());
  std::vector<int32_t> zeroPoints(m);
  Floats scales(m), y(m * n);
  quant::quantizeRowsU8(x.data(), m, k, q.data(), scales.data(),
                        zeroPoints.data());
  quant::quantizedLinear({q.data(), scales.data(), zeroPoints.data(), m},
                         QuantizedCopy(w, n, k).view, epilogue, y.data());
  return y;
}

Floats floatLinear(const Floats &x, const Floats &w, int64_t n, int64_t k,
                   const quant::Epilogue &epilogue) {
  int64_t m = std::ssize(x) / k;
  Floats y(m * n);
  quant::floatLinear(x.data(), w.data(), m, n, k, epilogue, y.data());
  return y;
}

/// Each linear reads an argument of its own: those that share one are merged.
void addLinear(KernelProgram &program, const LinearCase &c, size_t index,
               bool quantized) {
  std::string id = str(index) + "_" + str(c.n) + "x" + str(c.k);
  std::string n = str(c.n), k = str(c.k), rows = KernelProgram::type({"m", n});
  size_t x = program.input({"m", k}, c.values);
  size_t residual = c.residual ? program.input({"m", n}) : 0;
  Floats w = program.weight("w" + id, c.n, c.k), bias;
  if (c.bias)
    bias = program.vector("b" + id, c.n);

  std::string value = "linear" + id;
  program.line(
      "%" + value + " = tq.linear " + argument(x) + ", %w" + id +
      (c.bias ? ", %b" + id : "") + " : (" + KernelProgram::type({"m", k}) +
      ", " + KernelProgram::type({n, k}) +
      (c.bias ? ", " + KernelProgram::type({n}) : "") + ") -> " + rows);
  if (c.activation != Activation::None) {
    ActivationOp op = opOf(c.activation);
    program.line("%act_" + value + " = tq." + op.name + " %" + value +
                 op.attribute + " : " + rows);
    value = "act_" + value;
  }
  if (c.residual) {
    program.line("%add_" + value + " = tq.add %" + value + ", " +
                 argument(residual) + " : (" + rows + ", " + rows + ") -> " +
                 rows);
    value = "add_" + value;
  }
  program.output(
      value, {"m", n},
      [=](const RunData &data) {
        quant::Epilogue epilogue;
        epilogue.bias = c.bias ? bias.data() : nullptr;
        epilogue.activation = c.activation;
        epilogue.residual = c.residual ? data.floats[residual].data() : nullptr;
        return (quantized ? quantizedLinear : floatLinear)(data.floats[x], w,
                                                           c.n, c.k, epilogue);
      },
      quantized ? Compare::FiniteRowsBits : Compare::Bits);
}

std::vector<Sizes> rowCounts() {
  std::vector<Sizes> result;
  for (int64_t m : {100, 1, 2, 3, 5, 6, 7, 13, 16, 17, 31, 32, 33, 49, 63})
    result.push_back({{"m", m}});
  return result;
}

const LinearCase linearCases[] = {
    {1, 1},
    {15, 3, Activation::Gelu, true},
    {16, 4, Activation::Relu, true, true},
    {17, 5, Activation::Silu},
    {63, 30, Activation::Tanh, true, true},
    {33, 31, Activation::QuickGelu, true, true},
    {64, 64, Activation::Gelu, true},
    {65, 67, Activation::GeluTanh, true},
    {130, 30, Activation::Sigmoid, true, true},
    {64, 65, Activation::None, true, true},
    {200, 128, Activation::Gelu, true, true},
    {130, 64, Activation::None, false, true},
    {70, 601, Activation::None, true}, // inputs in blocks, a rest of each kind
};

TEST(Kernels, QuantizedLinear) {
  KernelProgram program("quantized linear");
  size_t index = 0;
  for (const LinearCase &c : linearCases)
    addLinear(program, c, index++, /*quantized=*/true);
  program.check(rowCounts());
}

TEST(Kernels, QuantizedLinearOfSpecialValues) {
  KernelProgram program("quantized linear of special values");
  addLinear(program, {17, 67, Activation::None, true, false, Values::Special},
            0, /*quantized=*/true);
  program.check({{{"m", 49}}});
}

TEST(Kernels, FloatLinear) {
  KernelProgram program("float linear", "none");
  size_t index = 0;
  for (const LinearCase &c : linearCases)
    if (c.n != 16 && c.n != 15 && c.n != 63 &&
        c.activation != Activation::Sigmoid)
      addLinear(program, c, index++, /*quantized=*/false);
  addLinear(program, {33, 7, Activation::Gelu, true, false, Values::Special},
            index++, false);
  program.check(rowCounts());
}

//===----------------------------------------------------------------------===//
// Parameters known at compile time
//===----------------------------------------------------------------------===//

/// Static parameters of a program: those of a range, and a factor for each
/// column where they are per column.
struct StaticParams {
  float scale;
  std::vector<int32_t> zeroPoints; ///< one a column
  Floats inverses;                 ///< one, or one a column
};

/// One range has one zero point, of all.
std::string zerosType(int64_t columns) {
  return columns == 1 ? "tensor<i32>"
                      : KernelProgram::type({str(columns)}, "i32");
}

/// Adds the parameters NAME for `columns` columns: %NAME_s, %NAME_i and
/// %NAME_z are scale, inverse scales and zero point.
StaticParams addParams(KernelProgram &program, const std::string &name,
                       int64_t columns, bool perColumn) {
  std::string type = KernelProgram::type({str(columns)});
  Floats low = program.vector(name + "_low", columns, -2.0f),
         high = program.vector(name + "_high", columns, 1.5f);
  StaticParams result;
  result.zeroPoints.resize(columns);
  result.scale = quant::chooseActivationU8({low, high}, result.zeroPoints);
  result.inverses = {1.0f / result.scale};
  program.line("%" + name + "_s, %" + name + "_one, %" + name +
               "_z = tq.activation_parameters %" + name + "_low, %" + name +
               "_high : " + type + " -> tensor<f32>, tensor<f32>, " +
               zerosType(columns));
  if (!perColumn) { // twice that of the range, so that values are clamped
    program.line("%" + name + "_two = arith.constant dense<2.0> : tensor<f32>");
    program.line("%" + name + "_i = tq.mul %" + name + "_one, %" + name +
                 "_two : (tensor<f32>, tensor<f32>) -> tensor<f32>");
    result.inverses[0] *= 2.0f;
    return result;
  }
  Floats values = program.vector(name + "_factors", columns, 1.0f);
  program.line("%" + name + "_i = tq.mul %" + name + "_factors, %" + name +
               "_one : (" + type + ", tensor<f32>) -> " + type);
  for (float &value : values)
    value = value * result.inverses[0];
  result.inverses = values;
  return result;
}

/// Appends %TO = tq.quantize %FROM {coarse} with parameters of addParams.
void addQuantize(KernelProgram &program, const std::string &to,
                 const std::string &from, const std::string &params,
                 const std::string &columns, bool perColumn) {
  program.line("%" + to + " = tq.quantize %" + from + " inverse_scales(%" +
               params + "_i) zero_points(%" + params +
               "_z) {coarse} : " + KernelProgram::type({"m", columns}) + ", " +
               (perColumn ? KernelProgram::type({columns}) : "tensor<f32>") +
               ", " + zerosType(std::stoll(columns)) + " -> " +
               KernelProgram::type({"m", columns}, "!quant.any<u8:f32>"));
}

/// Returns %FROM, which is quantized, as floats.
void outputDequantized(KernelProgram &program, const std::string &from,
                       const std::string &params, const std::string &columns,
                       KernelProgram::Expected expected) {
  std::string value = from + "_back";
  program.line("%" + value + " = tq.dequantize %" + from + " scales(%" +
               params + "_s) zero_points(%" + params + "_z) : (" +
               KernelProgram::type({"m", columns}, "!quant.any<u8:f32>") +
               ", tensor<f32>, " + zerosType(std::stoll(columns)) + ") -> " +
               KernelProgram::type({"m", columns}));
  program.output(value, {"m", columns}, std::move(expected));
}

std::vector<uint8_t> quantizeStatic(const Floats &x, const StaticParams &p) {
  std::vector<uint8_t> q(x.size());
  quant::quantizeRowsU8(x, p.inverses, p.zeroPoints, q.data());
  return q;
}

/// x after a round trip through u8.
Floats roundTrip(const Floats &x, const StaticParams &p) {
  Floats result(x.size());
  std::vector<uint8_t> q = quantizeStatic(x, p);
  for (size_t i = 0; i < x.size(); ++i)
    result[i] =
        static_cast<float>(q[i] - p.zeroPoints[i % p.zeroPoints.size()]) *
        p.scale;
  return result;
}

Floats staticLinear(const Floats &x, const StaticParams &params,
                    const Floats &w, int64_t n, int64_t k,
                    const quant::Epilogue &epilogue) {
  int64_t m = std::ssize(x) / k;
  QuantizedCopy copy(w, n, k);
  std::vector<int32_t> starts(n);
  quant::zeroPointSums(copy.values.data(), n, k, params.zeroPoints,
                       starts.data());
  Floats scales(n), y(m * n);
  for (int64_t i = 0; i < n; ++i)
    scales[i] = copy.scales[i] * params.scale;
  quant::staticLinear(quantizeStatic(x, params).data(), m,
                      {copy.values.data(), starts.data(), scales.data(), n, k},
                      epilogue, y.data());
  return y;
}

/// What reads a static linear.
enum class Reader { Output, Quantize, QuantizeColumns, Both };

/// tq.quantize -> tq.static_linear, and what reads it.
void addStaticLinear(KernelProgram &program, const LinearCase &c, size_t index,
                     Reader reader) {
  std::string id = "s" + str(index) + "_" + str(c.n) + "x" + str(c.k),
              n = str(c.n), k = str(c.k), q = "q" + id, w = "w" + id,
              value = "static" + id, rows = KernelProgram::type({"m", n});
  // The first of a row of layers is smoothed, as behind a normalization.
  bool perColumn = index % 2 == 0;
  size_t x = program.input({"m", k}, c.values);
  size_t residual = c.residual ? program.input({"m", n}) : 0;
  StaticParams in = addParams(program, "in" + id, c.k, perColumn), out;
  Floats weight = program.weight(w, c.n, c.k), bias;
  if (c.bias)
    bias = program.vector("b" + id, c.n);
  addQuantize(program, q, argument(x).substr(1), "in" + id, k, perColumn);
  std::string weightType =
                  KernelProgram::type({n, k}, "!quant.any<i8<-127:127>:f32>"),
              vector = KernelProgram::type({n}),
              starts = KernelProgram::type({n}, "i32");
  program.line("%" + w + "_q, %" + w + "_s = tq.quantize_weight %" + w + " : " +
               KernelProgram::type({n, k}) + " -> " + weightType + ", " +
               vector);
  program.line("%" + w + "_z = tq.zero_point_sums %" + w + "_q, %in" + id +
               "_z : (" + weightType + ", " + zerosType(c.k) + ") -> " +
               starts);
  program.line("%" + w + "_c = tq.mul %" + w + "_s, %in" + id + "_s : (" +
               vector + ", tensor<f32>) -> " + vector);
  ActivationOp op = opOf(c.activation);
  std::string activation = *op.name ? op.name : "none";
  if (*op.attribute)
    activation += "_tanh";
  program.line("%" + value + " = tq.static_linear %" + q + " weight(%" + w +
               "_q) starts(%" + w + "_z) scales(%" + w + "_c)" +
               (c.bias ? " bias(%b" + id + ")" : "") +
               (c.residual ? " residual(" + argument(residual) + ")" : "") +
               " {activation = #tq.activation<" + activation + ">} : (" +
               KernelProgram::type({"m", k}, "!quant.any<u8:f32>") + ", " +
               weightType + ", " + starts + ", " + vector +
               (c.bias ? ", " + vector : "") + (c.residual ? ", " + rows : "") +
               ") -> " + rows);
  auto expected = [=](const RunData &data) {
    quant::Epilogue epilogue;
    epilogue.bias = c.bias ? bias.data() : nullptr;
    epilogue.activation = c.activation;
    epilogue.residual = c.residual ? data.floats[residual].data() : nullptr;
    // Nothing but integers of 8 bits is made of it.
    epilogue.coarse =
        !c.residual && reader != Reader::Output && reader != Reader::Both;
    return staticLinear(data.floats[x], in, weight, c.n, c.k, epilogue);
  };
  if (reader == Reader::Output || reader == Reader::Both)
    program.output(value, {"m", n}, expected);
  if (reader == Reader::Output)
    return;
  bool outPerColumn = reader == Reader::QuantizeColumns;
  out = addParams(program, "out" + id, c.n, outPerColumn);
  addQuantize(program, "next" + id, value, "out" + id, n, outPerColumn);
  outputDequantized(
      program, "next" + id, "out" + id, n,
      [=](const RunData &data) { return roundTrip(expected(data), out); });
}

TEST(Kernels, StaticLinear) {
  KernelProgram program("static linear", "none");
  size_t index = 0;
  for (const LinearCase &c : linearCases)
    addStaticLinear(program, c, index++, Reader::Output);
  program.check(rowCounts());
}

TEST(Kernels, StaticLinearThenQuantize) {
  KernelProgram program("static linear, quantized", "none");
  const Reader readers[] = {Reader::Quantize, Reader::QuantizeColumns,
                            Reader::Both};
  size_t index = 0;
  for (const LinearCase &c : {LinearCase{1, 1},
                              {15, 3, Activation::Gelu, true},
                              {16, 4, Activation::Relu, true, true},
                              {17, 5, Activation::None, true},
                              {63, 30, Activation::Gelu, true},
                              {64, 64, Activation::Relu, true},
                              {65, 67, Activation::GeluTanh, true},
                              {130, 30, Activation::Gelu, true, true},
                              {64, 65, Activation::None, false, true},
                              {200, 128, Activation::Gelu, true},
                              {130, 64, Activation::Relu, false}}) {
    addStaticLinear(program, c, index, readers[index % 3]);
    ++index;
  }
  program.check(rowCounts());
}

/// What is no number gives the smallest integer, what is infinite or huge one
/// of the ends.
TEST(Kernels, StaticLinearOfSpecialValues) {
  KernelProgram program("static linear of special values", "none");
  LinearCase c = {17, 67, Activation::None, true, false, Values::Special};
  addStaticLinear(program, c, 0, Reader::QuantizeColumns);
  addStaticLinear(program, c, 1, Reader::Both);
  program.check({{{"m", 49}}, {{"m", 1}}});
}

TEST(Kernels, QuantizeSpecialValues) {
  KernelProgram program("quantize special values", "none");
  for (int64_t width : {1, 19, 64, 100})
    for (bool perColumn : {false, true}) {
      size_t x = program.input({"m", str(width)}, Values::Special);
      std::string id = str(width) + (perColumn ? "columns" : "all");
      StaticParams params = addParams(program, "params" + id, width, perColumn);
      addQuantize(program, "q" + id, argument(x).substr(1), "params" + id,
                  str(width), perColumn);
      outputDequantized(program, "q" + id, "params" + id, str(width),
                        [=](const RunData &data) {
                          return roundTrip(data.floats[x], params);
                        });
    }
  program.check({{{"m", 100}}, {{"m", 1}}, {{"m", 7}}});
}

/// A product next to the middle of two integers is rounded before the zero
/// point, an odd one, is added: no other order gives the same.
void addExactQuantize(KernelProgram &program, int64_t width, Values values) {
  constexpr float inverse = 256.0f;
  constexpr int32_t zero = 255;
  std::string w = str(width), id = w + "_" + str(int(values)),
              type = KernelProgram::type({"m", w}),
              u8 = KernelProgram::type({"m", w}, "!quant.any<u8:f32>");
  size_t x = program.input({"m", w}, values);
  program.line("%i" + id + " = arith.constant dense<256.0> : tensor<f32>");
  program.line("%s" + id + " = arith.constant dense<1.0> : tensor<f32>");
  program.line("%z" + id + " = arith.constant dense<255> : tensor<i32>");
  program.line("%e" + id + " = tq.quantize " + argument(x) +
               " inverse_scales(%i" + id + ") zero_points(%z" + id +
               ") : " + type + ", tensor<f32>, tensor<i32> -> " + u8);
  program.line("%f" + id + " = tq.dequantize %e" + id + " scales(%s" + id +
               ") zero_points(%z" + id + ") : (" + u8 +
               ", tensor<f32>, tensor<i32>) -> " + type);
  program.output("f" + id, {"m", w}, [=](const RunData &data) {
    Floats result;
    for (float value : data.floats[x])
      result.push_back(static_cast<float>(
          quant::quantizeClamped(value, inverse, zero, 0, 255) - zero));
    return result;
  });
}

TEST(Kernels, QuantizeExactly) {
  KernelProgram program("quantize exactly", "none");
  for (int64_t width : {1, 19, 64, 100})
    for (Values values : {Values::Ties, Values::Special})
      addExactQuantize(program, width, values);
  program.check({{{"m", 100}}, {{"m", 1}}, {{"m", 7}}});
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Applies `op` to each row of `width` values.
template <typename Op>
Floats mapRows(const Floats &x, int64_t width, Op op) {
  Floats y(x.size());
  for (int64_t i = 0; i < std::ssize(x); i += width)
    op(std::span(x).subspan(i, width), &y[i]);
  return y;
}

/// Returns what %layer_normWIDTH has to be.
KernelProgram::Expected addLayerNorm(KernelProgram &program, int64_t width) {
  std::string w = str(width), type = KernelProgram::type({"m", w}),
              vector = KernelProgram::type({w});
  size_t x = program.input({"m", w});
  Floats gamma = program.vector("g" + w, width, 1.0f);
  Floats beta = program.vector("b" + w, width);
  program.line("%layer_norm" + w + " = tq.layer_norm " + argument(x) + ", %g" +
               w + ", %b" + w + " {epsilon = 1.0e-5 : f32} : (" + type + ", " +
               vector + ", " + vector + ") -> " + type);
  auto expected = [=](const RunData &data) {
    return mapRows(data.floats[x], width,
                   [&](std::span<const float> row, float *y) {
                     quant::layerNorm(row, gamma.data(), beta.data(), 1e-5f, y);
                   });
  };
  program.output("layer_norm" + w, {"m", w}, expected);
  return expected;
}

void addRmsNorm(KernelProgram &program, int64_t width) {
  std::string w = str(width), type = KernelProgram::type({"m", w});
  size_t x = program.input({"m", w});
  Floats gamma = program.vector("rg" + w, width, 1.0f);
  program.line("%rms_norm" + w + " = tq.rms_norm " + argument(x) + ", %rg" + w +
               " {epsilon = 1.0e-6 : f32} : (" + type + ", " +
               KernelProgram::type({w}) + ") -> " + type);
  program.output("rms_norm" + w, {"m", w}, [=](const RunData &data) {
    return mapRows(data.floats[x], width,
                   [&](std::span<const float> row, float *y) {
                     quant::rmsNorm(row, gamma.data(), 1e-6f, y);
                   });
  });
}

using RowOp = void (*)(std::span<const float>, float *);
void addRowOp(KernelProgram &program, const std::string &op, RowOp reference,
              const std::string &width) {
  size_t x = program.input({"m", width});
  std::string value = op + "_" + width;
  program.line("%" + value + " = tq." + op + " " + argument(x) + " : " +
               KernelProgram::type({"m", width}));
  program.output(value, {"m", width}, [=](const RunData &data) {
    const Floats &values = data.floats[x];
    return mapRows(values, std::ssize(values) / data.sizes.at("m"), reference);
  });
}

TEST(Kernels, RowsOfFixedWidth) {
  KernelProgram program("rows");
  for (int64_t width : {1, 17, 64, 100})
    addLayerNorm(program, width);
  for (int64_t width : {5, 130})
    addRmsNorm(program, width);
  addRowOp(program, "softmax", quant::softmax, "67");
  addRowOp(program, "l2_normalize", quant::l2Normalize, "100");
  addRowOp(program, "l2_normalize", quant::l2Normalize, "3");
  program.check({{{"m", 49}}, {{"m", 1}}, {{"m", 7}}});
}

/// Sums that a program has as `linalg.generic`, not as an op of tq, are in the
/// one order, too.
TEST(Kernels, SumOfARow) {
  KernelProgram program("sums of rows", "none");
  for (int64_t width : {1, 64, 300}) {
    std::string w = str(width), id = "sum" + w,
                type = KernelProgram::type({"8", w});
    size_t x = program.input({"8", w});
    program.line("%e" + id + " = tensor.empty() : tensor<8xf32>");
    program.line("%z" + id + " = arith.constant 0.0 : f32");
    program.line("%f" + id + " = linalg.fill ins(%z" + id + " : f32) outs(%e" +
                 id + " : tensor<8xf32>) -> tensor<8xf32>");
    program.line(
        "%" + id +
        " = linalg.generic {indexing_maps = [affine_map<(d0, d1) "
        "-> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = "
        "[\"parallel\", \"reduction\"]} ins(" +
        argument(x) + " : " + type + ") outs(%f" + id +
        " : tensor<8xf32>) {\n^bb0(%in: f32, %out: f32):\n"
        "%s = arith.addf %in, %out : f32\nlinalg.yield %s : f32\n} -> "
        "tensor<8xf32>");
    program.output(id, {"8"}, [=](const RunData &data) {
      Floats y;
      for (int64_t row = 0; row < 8; ++row)
        y.push_back(quant::rowSum(
            {&data.floats[x][row * width], static_cast<size_t>(width)}));
      return y;
    });
  }
  program.check({{}});
}

/// Rows that are quantized where they are made, and used as floats, too.
TEST(Kernels, LayerNormThenQuantize) {
  KernelProgram program("quantized rows", "none");
  for (int64_t width : {1, 17, 64, 100, 130}) {
    bool perColumn = width % 2 == 0;
    KernelProgram::Expected norm = addLayerNorm(program, width);
    std::string w = str(width);
    StaticParams params = addParams(program, "p" + w, width, perColumn);
    addQuantize(program, "q" + w, "layer_norm" + w, "p" + w, w, perColumn);
    outputDequantized(program, "q" + w, "p" + w, w, [=](const RunData &data) {
      return roundTrip(norm(data), params);
    });
  }
  program.check({{{"m", 49}}, {{"m", 1}}, {{"m", 7}}});
}

TEST(Kernels, RowsOfDynamicWidth) {
  KernelProgram program("dynamic rows");
  addRowOp(program, "softmax", quant::softmax, "k");
  std::vector<Sizes> sizes;
  for (int64_t k : {1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 130, 300})
    sizes.push_back({{"m", 9}, {"k", k}});
  program.check(sizes);
}

TEST(Kernels, ActivationsOfSpecialValues) {
  KernelProgram program("activations");
  for (Activation activation :
       {Activation::Relu, Activation::Gelu, Activation::GeluTanh,
        Activation::Silu, Activation::Tanh, Activation::Sigmoid,
        Activation::QuickGelu}) {
    size_t x = program.input({"m", "19"}, Values::Special);
    ActivationOp op = opOf(activation);
    std::string value = std::string(op.name) + (*op.attribute ? "_tanh" : "");
    program.line("%" + value + " = tq." + op.name + " " + argument(x) +
                 op.attribute + " : " + KernelProgram::type({"m", "19"}));
    program.output(value, {"m", "19"}, [=](const RunData &data) {
      Floats y = data.floats[x];
      for (float &element : y)
        element = quant::activate(activation, element);
      return y;
    });
  }
  program.check({{{"m", 100}}, {{"m", 1}}});
}

/// Those that have no op of their own.
TEST(Kernels, MathFunctions) {
  KernelProgram program("math functions");
  struct Function {
    const char *name;
    float (*scalar)(float);
  };
  for (Function f : {Function{"sin", quant::sin}, Function{"cos", quant::cos},
                     Function{"log", quant::log}})
    for (Values values : {Values::Mixed, Values::Special, Values::AnyBits}) {
      size_t x = program.input({"m", "19"}, values);
      std::string value = f.name + str(x);
      program.line("%" + value + " = math." + f.name + " " + argument(x) +
                   " : " + KernelProgram::type({"m", "19"}));
      program.output(value, {"m", "19"}, [=](const RunData &data) {
        Floats y = data.floats[x];
        std::ranges::transform(y, y.begin(), f.scalar);
        return y;
      });
    }
  program.check({{{"m", 1000}}, {{"m", 1}}});
}

//===----------------------------------------------------------------------===//
// Rotary embeddings
//===----------------------------------------------------------------------===//

/// Heads of `columns` columns; angles of each token or of each head.
void addRotaryEmbedding(KernelProgram &program, int64_t columns,
                        bool interleaved, bool ofHeads) {
  std::string width = str(columns), name = "rotary" + width +
                                           (interleaved ? "i" : "") +
                                           (ofHeads ? "h" : "");
  std::vector<std::string> dims = {"b", "s", "3", width},
                           angleDims = {"b", "s", ofHeads ? "3" : "1", width};
  size_t x = program.input(dims), cos = program.input(angleDims),
         sin = program.input(angleDims);
  std::string type = KernelProgram::type(dims),
              angles = KernelProgram::type(angleDims);
  program.line("%" + name + " = tq.rotary_embedding " + argument(x) + ", " +
               argument(cos) + ", " + argument(sin) +
               (interleaved ? " {interleaved}" : "") + " : (" + type + ", " +
               angles + ", " + angles + ") -> " + type);
  program.output(name, dims, [=](const RunData &data) {
    const Floats &input = data.floats[x];
    Floats y(input.size());
    for (size_t row = 0; row * columns < y.size(); ++row) {
      size_t angle = (ofHeads ? row : row / 3) * columns;
      quant::rotaryEmbedding({&input[row * columns], size_t(columns)},
                             &data.floats[cos][angle], &data.floats[sin][angle],
                             interleaved, &y[row * columns]);
    }
    return y;
  });
}

/// Widths whose halves are whole vectors, one vector, and less.
TEST(Kernels, RotaryEmbedding) {
  KernelProgram program("rotary embeddings");
  for (int64_t columns : {2, 6, 16, 32, 48, 128})
    for (bool interleaved : {false, true})
      addRotaryEmbedding(program, columns, interleaved, columns == 32);
  program.check({{{"b", 2}, {"s", 5}}, {{"b", 1}, {"s", 1}}});
}

//===----------------------------------------------------------------------===//
// Pooling and embeddings
//===----------------------------------------------------------------------===//

using Pool = void (*)(const float *, const int64_t *, int64_t, int64_t, int64_t,
                      float *);
constexpr std::pair<const char *, Pool> maskedPools[] = {
    {"mean", quant::meanPool},
    {"mean_sqrt_len", quant::meanSqrtLenPool},
    {"weighted_mean", quant::weightedMeanPool},
    {"max", quant::maxPool},
    {"last", quant::lastPool},
};

void addMaskedPools(KernelProgram &program, int64_t width, Values values) {
  std::string w = str(width), type = KernelProgram::type({"b", "s", w}),
              result = KernelProgram::type({"b", w});
  size_t x = program.input({"b", "s", w}, values);
  size_t mask = program.idInput({"b", "s"}, 2);
  for (auto [kind, pool] : maskedPools) {
    std::string name = kind + w;
    program.line("%" + name + " = tq.pool " + argument(x) + " mask(" +
                 argument(mask) + ") {kind = #tq.pool_kind<" + kind + ">} : (" +
                 type + ", " + KernelProgram::type({"b", "s"}, "i64") +
                 ") -> " + result);
    program.output(name, {"b", w}, [=](const RunData &data) {
      int64_t batch = data.sizes.at("b");
      Floats y(batch * width);
      pool(data.floats[x].data(), data.ids[mask].data(), batch,
           data.sizes.at("s"), width, y.data());
      return y;
    });
  }
}

void addFirstPool(KernelProgram &program, int64_t width) {
  std::string w = str(width);
  size_t x = program.input({"b", "s", w});
  program.line("%first" + w + " = tq.pool " + argument(x) +
               " {kind = #tq.pool_kind<first>} : (" +
               KernelProgram::type({"b", "s", w}) + ") -> " +
               KernelProgram::type({"b", w}));
  program.output("first" + w, {"b", w}, [=](const RunData &data) {
    int64_t batch = data.sizes.at("b");
    Floats y(batch * width);
    quant::firstPool(data.floats[x].data(), batch, data.sizes.at("s"), width,
                     y.data());
    return y;
  });
}

void addEmbedding(KernelProgram &program, int64_t rows, int64_t width,
                  bool quantized) {
  std::string w = str(width);
  size_t ids = program.idInput({"b", "s"}, rows);
  Floats table = program.weight("table" + w, rows, width);
  program.line("%rows" + w + " = tq.embedding " + argument(ids) + ", %table" +
               w + " : (" + KernelProgram::type({"b", "s"}, "i64") + ", " +
               KernelProgram::type({str(rows), w}) + ") -> " +
               KernelProgram::type({"b", "s", w}));
  program.output("rows" + w, {"b", "s", w}, [=](const RunData &data) {
    const std::vector<int64_t> &positions = data.ids[ids];
    Floats y(positions.size() * width);
    QuantizedCopy copy(table, rows, width);
    if (quantized)
      quant::embedding(positions, copy.values.data(), copy.scales.data(), rows,
                       width, y.data());
    else
      quant::embedding(positions, table.data(), rows, width, y.data());
    return y;
  });
}

const std::vector<Sizes> textSizes = {{{"b", 4}, {"s", 13}},
                                      {{"b", 1}, {"s", 1}},
                                      {{"b", 3}, {"s", 67}},
                                      {{"b", 7}, {"s", 2}}};

TEST(Kernels, PoolAndQuantizedEmbedding) {
  KernelProgram program("pool and quantized embedding");
  for (int64_t poolWidth : {5, 100}) {
    addMaskedPools(program, poolWidth,
                   poolWidth == 5 ? Values::Special : Values::Mixed);
    addFirstPool(program, poolWidth);
  }
  addEmbedding(program, 97, 19, /*quantized=*/true);
  addEmbedding(program, 11, 130, /*quantized=*/true);
  program.check(textSizes);
}

TEST(Kernels, FloatEmbedding) {
  KernelProgram program("float embedding", "none");
  addEmbedding(program, 97, 19, /*quantized=*/false);
  program.check(textSizes);
}

} // namespace
