//===- StaticAttentionTest.cpp - Static attention against its reference ---===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bit for bit, as in KernelsTest: attention of s8 whose parameters are known at
// compile time, with its result in f32 or quantized at once.
//
//===----------------------------------------------------------------------===//

#include "KernelProgram.h"

#include "tq/Quant/Quantize.h"
#include "tq/Quant/Reference.h"
#include "tq/Quant/Smoothing.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace tq;
using namespace tq::test;

namespace {

using Floats = std::vector<float>;

/// What reads the result.
enum class Reader {
  Output,          ///< as f32
  Quantize,        ///< as u8, with one scale
  QuantizeColumns, ///< as u8, with a scale for each column
};

struct AttentionCase {
  int64_t heads, kvHeads, dim;
  bool mask = false, causal = false;
  Reader reader = Reader::Output;
  std::string scale = "0.1375";
  Values values = Values::Mixed;
  int64_t window = 0;
};

std::string str(int64_t value) { return std::to_string(value); }

/// An operand in s8, and how it was made.
struct Operand {
  size_t input;
  Floats scales, inverses;

  std::vector<int8_t> quantize(const RunData &data) const {
    std::vector<int8_t> q(data.floats[input].size());
    quant::quantizeRowsS8(data.floats[input], inverses, q.data());
    return q;
  }
};

/// Builds one attention of a program; all names begin with `name`.
class AttentionBuilder {
public:
  AttentionBuilder(KernelProgram &program, const AttentionCase &c,
                   std::string name, std::string s, std::string t)
      : program(program), c(c), name(std::move(name)), s(std::move(s)),
        t(std::move(t)) {}

  void build();

private:
  using Dims = std::vector<std::string>;

  std::string of(const std::string &part) const { return "%" + name + part; }
  static std::string s8(const Dims &dims) {
    return KernelProgram::type(dims, "!quant.any<i8<-127:127>:f32>");
  }
  Dims queryDims() const { return {"b", s, str(c.heads * c.dim)}; }
  Dims keyDims() const { return {"b", t, str(c.kvHeads * c.dim)}; }
  /// %NAMEpart of an input of its own.
  Operand addOperand(const std::string &part, const Dims &dims, int64_t blocks);
  /// %NAMEc, of the scales of both.
  Floats addScoreScales(const Operand &query, const Operand &key);
  void addOp();
  /// Returns %NAMEout, or what is quantized of it.
  void addReader(KernelProgram::Expected expected);

  KernelProgram &program;
  AttentionCase c;
  std::string name, s, t;
  size_t mask = 0;
};

} // namespace

Operand AttentionBuilder::addOperand(const std::string &part, const Dims &dims,
                                     int64_t blocks) {
  int64_t columns = std::stoll(dims.back());
  Operand operand{program.input(dims, c.values), Floats(blocks),
                  Floats(columns)};
  std::string id = name + part, type = KernelProgram::type({str(columns)});
  Floats low = program.vector(id + "_low", columns, -1.0f),
         high = program.vector(id + "_high", columns, 1.0f);
  quant::chooseActivationS8({low, high}, operand.scales, operand.inverses);
  program.line(of(part) + "_s, " + of(part) + "_i = tq.symmetric_parameters " +
               of(part) + "_low, " + of(part) + "_high : " + type + " -> " +
               KernelProgram::type({str(blocks)}) + ", " + type);
  program.line(of(part) + " = tq.quantize %a" + str(operand.input) +
               " inverse_scales(" + of(part) + "_i) {coarse} : " +
               KernelProgram::type(dims) + ", " + type + " -> " + s8(dims));
  return operand;
}

Floats AttentionBuilder::addScoreScales(const Operand &query,
                                        const Operand &key) {
  Floats scales(c.heads);
  quant::scoreScales(query.scales, key.scales,
                     std::strtof(c.scale.c_str(), nullptr), scales);
  program.line(of("c") + " = tq.score_scales " + of("q") + "_s, " + of("k") +
               "_s {scale = " + c.scale +
               " : f32} : " + KernelProgram::type({str(c.heads)}) + ", " +
               KernelProgram::type({str(c.kvHeads)}));
  return scales;
}

void AttentionBuilder::addOp() {
  std::string maskType = KernelProgram::type({"b", t}, "i64");
  program.line(of("out") + " = tq.static_attention " + of("q") + ", " +
               of("k") + ", " + of("v") +
               (c.mask ? " mask(%a" + str(mask) + ")" : "") + " scales(" +
               of("c") + ", " + of("v") + "_s) {num_heads = " + str(c.heads) +
               " : i64, num_kv_heads = " + str(c.kvHeads) + " : i64" +
               (c.causal ? ", causal" : "") +
               (c.window ? ", window = " + str(c.window) + " : i64" : "") +
               "} : (" + s8(queryDims()) + ", " + s8(keyDims()) + ", " +
               s8(keyDims()) + (c.mask ? ", " + maskType : "") + ", " +
               KernelProgram::type({str(c.heads)}) + ", " +
               KernelProgram::type({keyDims().back()}) + ") -> " +
               KernelProgram::type(queryDims()));
}

void AttentionBuilder::addReader(KernelProgram::Expected expected) {
  if (c.reader == Reader::Output)
    return program.output(name + "out", queryDims(), std::move(expected));
  int64_t columns = c.heads * c.dim;
  bool perColumn = c.reader == Reader::QuantizeColumns;
  int64_t size = perColumn ? columns : 1;
  std::string range = KernelProgram::type({str(size)}),
              scales = perColumn ? range : "tensor<f32>",
              type = KernelProgram::type(queryDims(), "!quant.any<u8:f32>");
  Floats low = program.vector(name + "low", size, -0.5f),
         high = program.vector(name + "high", size, 0.75f),
         factors = program.vector(name + "factors", size, 1.0f);
  std::vector<int32_t> zeroPoints(size);
  float scale = quant::chooseActivationU8({low, high}, zeroPoints);
  std::string zeros =
      perColumn ? KernelProgram::type({str(size)}, "i32") : "tensor<i32>";
  program.line(of("s") + ", " + of("one") + ", " + of("z") +
               " = tq.activation_parameters " + of("low") + ", " + of("high") +
               " : " + range + " -> tensor<f32>, tensor<f32>, " + zeros);
  if (perColumn)
    program.line(of("i") + " = tq.mul " + of("factors") + ", " + of("one") +
                 " : (" + range + ", tensor<f32>) -> " + range);
  program.line(of("u8") + " = tq.quantize " + of("out") + " inverse_scales(" +
               of(perColumn ? "i" : "one") + ") zero_points(" + of("z") +
               ") {coarse} : " + KernelProgram::type(queryDims()) + ", " +
               scales + ", " + zeros + " -> " + type);
  program.line(of("back") + " = tq.dequantize " + of("u8") + " scales(" +
               of("s") + ") zero_points(" + of("z") + ") : (" + type +
               ", tensor<f32>, " + zeros + ") -> " +
               KernelProgram::type(queryDims()));
  Floats inverses = perColumn ? factors : Floats{1.0f};
  for (float &inverse : inverses)
    inverse *= 1.0f / scale;
  program.output(name + "back", queryDims(), [=](const RunData &data) {
    Floats x = expected(data);
    std::vector<uint8_t> q(x.size());
    quant::quantizeRowsU8(x, inverses, zeroPoints, q.data());
    for (size_t i = 0; i < x.size(); ++i)
      x[i] =
          static_cast<float>(q[i] - zeroPoints[i % zeroPoints.size()]) * scale;
    return x;
  });
}

void AttentionBuilder::build() {
  Operand query = addOperand("q", queryDims(), c.heads),
          key = addOperand("k", keyDims(), c.kvHeads),
          value = addOperand("v", keyDims(), c.kvHeads * c.dim);
  if (c.mask)
    mask = program.idInput({"b", t}, 2);
  Floats scoreScales = addScoreScales(query, key);
  addOp();
  AttentionCase own = c;
  size_t maskInput = mask;
  std::string queries = s, keys = t;
  addReader([=](const RunData &data) {
    quant::AttentionShape shape{data.sizes.at("b"),  data.sizes.at(queries),
                                data.sizes.at(keys), own.heads,
                                own.kvHeads,         own.dim,
                                own.causal,          own.window};
    Floats y(data.floats[query.input].size());
    quant::staticAttention(
        query.quantize(data).data(), key.quantize(data).data(),
        value.quantize(data).data(),
        own.mask ? data.ids[maskInput].data() : nullptr, shape,
        scoreScales.data(), value.scales.data(), y.data());
    return y;
  });
}

/// s8 with a scale for each block of columns, and back: what attention stands
/// for if it stays in float.
static void addRoundTrip(KernelProgram &program, int64_t columns,
                         int64_t blocks) {
  std::string name = "r" + str(columns) + "_" + str(blocks);
  std::vector<std::string> dims = {"b", "s", str(columns)};
  size_t input = program.input(dims);
  std::string range = KernelProgram::type({str(columns)}),
              scaleType = KernelProgram::type({str(blocks)}),
              s8 = KernelProgram::type(dims, "!quant.any<i8<-127:127>:f32>");
  Floats low = program.vector(name + "_low", columns, -1.0f),
         high = program.vector(name + "_high", columns, 1.0f), scales(blocks),
         inverses(columns);
  quant::chooseActivationS8({low, high}, scales, inverses);
  std::string of = "%" + name;
  program.line(of + "_s, " + of + "_i = tq.symmetric_parameters " + of +
               "_low, " + of + "_high : " + range + " -> " + scaleType + ", " +
               range);
  program.line(of + "_q = tq.quantize %a" + str(input) + " inverse_scales(" +
               of + "_i) {coarse} : " + KernelProgram::type(dims) + ", " +
               range + " -> " + s8);
  program.line(of + " = tq.dequantize " + of + "_q column_scales(" + of +
               "_s) : (" + s8 + ", " + scaleType + ") -> " +
               KernelProgram::type(dims));
  program.output(name, dims, [=](const RunData &data) {
    Floats x = data.floats[input];
    std::vector<int8_t> q(x.size());
    quant::quantizeRowsS8(x, inverses, q.data());
    for (size_t i = 0; i < x.size(); ++i)
      x[i] =
          static_cast<float>(q[i]) * scales[i % columns / (columns / blocks)];
    return x;
  });
}

TEST(SymmetricQuantization, RoundTrip) {
  KernelProgram program("symmetric quantization", "none");
  addRoundTrip(program, 8, 2);
  addRoundTrip(program, 12, 12);
  addRoundTrip(program, 30, 1);
  addRoundTrip(program, 64, 4);
  program.check({{{"b", 2}, {"s", 3}}, {{"b", 1}, {"s", 17}}});
}

static void checkAttention(const std::string &name,
                           const std::vector<AttentionCase> &cases,
                           const std::string &t,
                           const std::vector<Sizes> &runs) {
  KernelProgram program(name, "none");
  for (size_t i = 0; i < cases.size(); ++i)
    AttentionBuilder(program, cases[i], "x" + str(i), "s", t).build();
  program.check(runs);
}

TEST(StaticAttention, Self) {
  checkAttention("static self attention",
                 {{2, 2, 32, true},
                  {3, 3, 5},
                  {1, 1, 1, true},
                  {2, 1, 12, true, true},
                  {4, 2, 36, false, true},
                  {2, 1, 32, true, true},
                  {2, 2, 64, true},
                  {2, 2, 80},
                  {1, 1, 128, true}},
                 "s", selfAttentionSizes());
}

TEST(StaticAttention, SelfThenQuantize) {
  checkAttention("static self attention, quantized",
                 {{2, 2, 32, true, false, Reader::Quantize},
                  {2, 2, 32, true, false, Reader::QuantizeColumns},
                  {3, 3, 5, true, false, Reader::QuantizeColumns},
                  {4, 2, 36, true, true, Reader::Quantize},
                  {1, 1, 100, false, false, Reader::QuantizeColumns}},
                 "s", selfAttentionSizes());
}

TEST(StaticAttention, Cross) {
  checkAttention("static cross attention",
                 {{2, 2, 16, true},
                  {4, 1, 12, true, true},
                  {2, 1, 64, true, true, Reader::QuantizeColumns}},
                 "t", crossAttentionSizes());
}

TEST(StaticAttention, Window) {
  std::vector<AttentionCase> cases;
  for (AttentionCase c : {AttentionCase{2, 2, 32, true, true},
                          {3, 1, 5, false, false, Reader::Quantize}})
    for (int64_t window : {5, 70}) {
      c.window = window;
      cases.push_back(c);
    }
  checkAttention("static self attention in a window", cases, "s",
                 selfAttentionSizes());
  checkAttention("static cross attention in a window", cases, "t",
                 crossAttentionSizes());
}

/// Keys that are hidden stay so where all scores are next to nothing, or far
/// apart.
TEST(StaticAttention, ScalesOfAnySize) {
  checkAttention("static attention of odd scales",
                 {{2, 2, 16, true, false, Reader::Output, "1.0e-12"},
                  {2, 1, 16, true, true, Reader::Output, "1.0e-12"},
                  {2, 2, 16, true, false, Reader::Output, "1.0e12"}},
                 "s", {{{"b", 3}, {"s", 20}}, {{"b", 4}, {"s", 1}}});
}

TEST(StaticAttention, SpecialValues) {
  checkAttention(
      "static attention of special values",
      {{2, 2, 12, true, false, Reader::Output, "0.1375", Values::Special},
       {2, 2, 32, true, true, Reader::Quantize, "0.1375", Values::Special}},
      "s", {{{"b", 3}, {"s", 3}}, {{"b", 2}, {"s", 70}}});
}
