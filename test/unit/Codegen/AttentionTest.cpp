//===- AttentionTest.cpp - Attention of floats against the reference ------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In f32, and in integers whose parameters are found at run time: bit for bit.
//
//===----------------------------------------------------------------------===//

#include "KernelProgram.h"

#include "tq/Quant/Reference.h"

#include <gtest/gtest.h>

using namespace tq;
using namespace tq::test;

namespace {

using Floats = std::vector<float>;

std::string str(int64_t value) { return std::to_string(value); }

std::string argument(size_t position) { return "%a" + str(position); }

struct AttentionCase {
  int64_t heads, kvHeads, dim;
  bool mask = false, causal = false, integer = false;
  Values values = Values::Mixed;
  int64_t window = 0;
};

/// Queries and keys are `s` and `t` positions.
void addAttention(KernelProgram &program, const AttentionCase &c,
                  const std::string &s, const std::string &t) {
  std::string width = str(c.heads * c.dim), kvWidth = str(c.kvHeads * c.dim);
  std::string qType = KernelProgram::type({"b", s, width}),
              kvType = KernelProgram::type({"b", t, kvWidth});
  size_t q = program.input({"b", s, width}, c.values),
         k = program.input({"b", t, kvWidth}, c.values),
         v = program.input({"b", t, kvWidth}, c.values);
  size_t mask = c.mask ? program.idInput({"b", t}, 2) : 0;
  const float scale = 0.1375f;
  std::string value = "attention" + str(c.heads) + "_" + str(c.kvHeads) + "_" +
                      str(c.dim) + (c.mask ? "_mask" : "") +
                      (c.causal ? "_causal" : "") +
                      (c.window ? "_window" + str(c.window) : "") +
                      (c.values == Values::Special ? "_special" : "");
  program.line("%" + value + " = tq.attention " + argument(q) + ", " +
               argument(k) + ", " + argument(v) +
               (c.mask ? " mask(" + argument(mask) + ")" : "") +
               " {num_heads = " + str(c.heads) +
               " : i64, num_kv_heads = " + str(c.kvHeads) +
               " : i64, scale = 0.1375 : f32" + (c.causal ? ", causal" : "") +
               (c.window ? ", window = " + str(c.window) + " : i64" : "") +
               (c.integer ? ", precision = #tq.precision<int8>" : "") +
               "} : (" + qType + ", " + kvType + ", " + kvType +
               (c.mask ? ", " + KernelProgram::type({"b", t}, "i64") : "") +
               ") -> " + qType);
  program.output(value, {"b", s, width}, [=](const RunData &data) {
    quant::AttentionShape shape{data.sizes.at("b"), data.sizes.at(s),
                                data.sizes.at(t),   c.heads,
                                c.kvHeads,          c.dim,
                                c.causal,           c.window};
    Floats y(data.floats[q].size());
    (c.integer ? quant::integerAttention : quant::attention)(
        data.floats[q].data(), data.floats[k].data(), data.floats[v].data(),
        c.mask ? data.ids[mask].data() : nullptr, shape, scale, y.data());
    return y;
  });
}

TEST(Attention, Self) {
  KernelProgram program("self attention");
  for (const AttentionCase &c : {AttentionCase{2, 2, 32, true},
                                 {3, 3, 5},
                                 {2, 1, 12, true, true},
                                 {4, 2, 36, false, true},
                                 {1, 1, 64, true},
                                 {2, 2, 80, false, false}})
    addAttention(program, c, "s", "s");
  program.check(selfAttentionSizes());
}

TEST(Attention, Cross) {
  KernelProgram program("cross attention");
  addAttention(program, {2, 2, 16, true, false}, "s", "t");
  addAttention(program, {4, 1, 12, true, true}, "s", "t");
  program.check(crossAttentionSizes());
}

TEST(Attention, IntegerSelf) {
  KernelProgram program("integer self attention");
  for (AttentionCase c : {AttentionCase{2, 2, 32, true},
                          {3, 3, 5},
                          {1, 1, 1, true},
                          {2, 1, 12, true, true},
                          {4, 2, 36, false, true},
                          {2, 1, 32, true, true},
                          {2, 2, 64, true},
                          {2, 2, 80},
                          {1, 1, 128, true}}) {
    c.integer = true;
    addAttention(program, c, "s", "s");
  }
  program.check(selfAttentionSizes());
}

TEST(Attention, IntegerCross) {
  KernelProgram program("integer cross attention");
  addAttention(program, {2, 2, 16, true, false, true}, "s", "t");
  addAttention(program, {4, 1, 12, true, true, true}, "s", "t");
  addAttention(program, {2, 1, 64, true, true, true}, "s", "t");
  program.check(crossAttentionSizes());
}

/// In f32 and in integers, with the queries' own keys and with more of them.
TEST(Attention, Window) {
  for (bool integer : {false, true}) {
    KernelProgram self("self attention in a window"),
        cross("cross attention in a window");
    for (AttentionCase c : {AttentionCase{2, 2, 32, true, true},
                            {2, 1, 12, false, true},
                            {1, 1, 20, true, false}})
      for (int64_t window : {1, 20}) {
        c.integer = integer;
        c.window = window;
        addAttention(self, c, "s", "s");
        if (window == 20)
          addAttention(cross, c, "s", "t");
      }
    self.check(selfAttentionSizes());
    cross.check(crossAttentionSizes());
  }
}

TEST(Attention, IntegerSpecialValues) {
  KernelProgram program("integer attention of special values");
  for (int64_t dim : {12, 32, 64})
    addAttention(program, {2, 2, dim, true, dim == 32, true, Values::Special},
                 "s", "s");
  program.check({{{"b", 3}, {"s", 1}},
                 {{"b", 3}, {"s", 3}},
                 {{"b", 3}, {"s", 20}},
                 {{"b", 2}, {"s", 70}}});
}

} // namespace
