//===- MathTest.cpp - Error budgets of tq's math functions ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every function is swept over floats of all magnitudes and compared with libm
// in double precision. The budgets below are what docs/Quantization.md
// promises; the test prints what it measured.
//
//===----------------------------------------------------------------------===//

#include "tq/Quant/Math.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cstdio>
#include <limits>

using namespace tq;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

double exactSigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double exactGelu(double x) { return 0.5 * x * std::erfc(-x * M_SQRT1_2); }
double exactGeluTanh(double x) {
  double c = std::sqrt(2.0 / M_PI);
  return x * exactSigmoid(2.0 * c * (x + 0.044715 * x * x * x));
}
double exactSilu(double x) { return x * exactSigmoid(x); }
double exactQuickGelu(double x) { return x * exactSigmoid(1.702 * x); }

enum class Unit {
  Ulp,      // units in the last place of the exact result
  Absolute, // difference divided by max(1, |exact result|)
};

struct Budget {
  const char *name;
  float (*function)(float);
  double (*exact)(double);
  float low, high;
  Unit unit;
  double limit;
};

double libmExp2(double x) { return std::exp2(x); }
double libmExp(double x) { return std::exp(x); }
double libmErf(double x) { return std::erf(x); }
double libmTanh(double x) { return std::tanh(x); }
double libmSin(double x) { return std::sin(x); }
double libmCos(double x) { return std::cos(x); }
double libmLog(double x) { return std::log(x); }

const Budget kBudgets[] = {
    {"exp2", quant::exp2, libmExp2, -126.0f, 127.9999f, Unit::Ulp, 0.9},
    {"exp2 in kernels", quant::exp2Kernel, libmExp2, -126.0f, 0.0f, Unit::Ulp,
     0.9},
    {"exp", quant::exp, libmExp, -87.33f, 88.72f, Unit::Ulp, 1.1},
    {"tanh", quant::tanh, libmTanh, -50.0f, 50.0f, Unit::Ulp, 1.5},
    {"sigmoid", quant::sigmoid, exactSigmoid, -87.0f, 1e4f, Unit::Ulp, 2.5},
    {"erf", quant::erf, libmErf, -50.0f, 50.0f, Unit::Absolute, 1.6e-7},
    {"silu", quant::silu, exactSilu, -1e4f, 1e4f, Unit::Absolute, 1.6e-7},
    {"quick gelu", quant::quickGelu, exactQuickGelu, -1e4f, 1e4f,
     Unit::Absolute, 1.6e-7},
    {"gelu", quant::gelu, exactGelu, -1e4f, 1e4f, Unit::Absolute, 1.6e-7},
    {"gelu tanh", quant::geluTanh, exactGeluTanh, -1e4f, 1e4f, Unit::Absolute,
     1.6e-7},
    {"sin", quant::sin, libmSin, -0x1p40f, 0x1p40f, Unit::Ulp, 1.6},
    {"sin, absolute", quant::sin, libmSin, -0x1p40f, 0x1p40f, Unit::Absolute,
     7.5e-8},
    {"cos", quant::cos, libmCos, -0x1p40f, 0x1p40f, Unit::Ulp, 1.6},
    {"cos, absolute", quant::cos, libmCos, -0x1p40f, 0x1p40f, Unit::Absolute,
     7.5e-8},
    {"log", quant::log, libmLog, FLT_TRUE_MIN, FLT_MAX, Unit::Ulp, 0.95},
    {"gelu coarse", quant::geluCoarse, exactGelu, -FLT_MAX, FLT_MAX,
     Unit::Absolute, 3.7e-5},
    {"gelu tanh coarse", quant::geluTanhCoarse, exactGeluTanh, -FLT_MAX,
     FLT_MAX, Unit::Absolute, 2.3e-5},
};

void PrintTo(const Budget &budget, std::ostream *os) { *os << budget.name; }

class MathBudget : public testing::TestWithParam<Budget> {};

double errorOf(const Budget &budget, float x) {
  double exact = budget.exact(x);
  double difference = std::fabs(budget.function(x) - exact);
  if (budget.unit == Unit::Absolute)
    return difference / std::max(1.0, std::fabs(exact));
  if (std::fabs(exact) < FLT_MIN)
    return 0.0;
  int exponent;
  std::frexp(exact, &exponent);
  return difference / std::ldexp(1.0, exponent - 24);
}

/// Raises `worst` to the largest error over floats of one sign, every
/// `step`-th.
void sweep(const Budget &budget, uint32_t sign, uint32_t step, double &worst) {
  for (uint32_t bits = 0; bits < 0x7F800000u; bits += step) {
    float x = quant::bitsFloat(static_cast<int32_t>(bits | sign));
    if (x >= budget.low && x <= budget.high)
      worst = std::max(worst, errorOf(budget, x));
  }
}

/// The same over an even grid, dense where the functions bend.
void sweepGrid(const Budget &budget, double &worst) {
  for (int i = -2000000; i <= 2000000; ++i) {
    float x = static_cast<float>(i) * 1e-5f;
    if (x >= budget.low && x <= budget.high)
      worst = std::max(worst, errorOf(budget, x));
  }
}

TEST_P(MathBudget, holds) {
  const Budget &budget = GetParam();
  double worst = 0.0;
  sweep(budget, 0, 1009, worst);
  sweep(budget, 0x80000000u, 1009, worst);
  sweepGrid(budget, worst);
  const char *unit = budget.unit == Unit::Ulp ? "ulp" : "max(1, |y|)";
  std::printf("%-16s [%g, %g]: %.3g %s (budget %.3g)\n", budget.name,
              budget.low, budget.high, worst, unit, budget.limit);
  EXPECT_LE(worst, budget.limit);
}

INSTANTIATE_TEST_SUITE_P(Functions, MathBudget, testing::ValuesIn(kBudgets));

struct Special {
  const char *name;
  float (*function)(float);
  float atMinusInfinity, atInfinity, atMinusZero;
};

const Special kSpecials[] = {
    {"exp2", quant::exp2, 0.0f, kInf, 1.0f},
    {"exp", quant::exp, 0.0f, kInf, 1.0f},
    {"erf", quant::erf, -1.0f, 1.0f, -0.0f},
    {"tanh", quant::tanh, -1.0f, 1.0f, -0.0f},
    {"sigmoid", quant::sigmoid, 0.0f, 1.0f, 0.5f},
    {"silu", quant::silu, kNaN, kInf, -0.0f}, // -inf / inf, as in PyTorch
    {"gelu tanh", quant::geluTanh, kNaN, kInf, -0.0f},
    {"quick gelu", quant::quickGelu, kNaN, kInf, -0.0f},
    {"gelu coarse", quant::geluCoarse, 0.0f, kInf, -0.0f},
    {"gelu tanh coarse", quant::geluTanhCoarse, 0.0f, kInf, -0.0f},
    {"relu", quant::relu, 0.0f, kInf, -0.0f},
    {"sin", quant::sin, kNaN, kNaN, -0.0f},
    {"cos", quant::cos, kNaN, kNaN, 1.0f},
    {"log", quant::log, kNaN, kInf, -kInf},
};

bool sameBits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         quant::floatBits(a) == quant::floatBits(b);
}

TEST(Math, specialValues) {
  for (const Special &s : kSpecials) {
    EXPECT_TRUE(sameBits(s.function(-kInf), s.atMinusInfinity)) << s.name;
    EXPECT_TRUE(sameBits(s.function(kInf), s.atInfinity)) << s.name;
    EXPECT_TRUE(sameBits(s.function(-0.0f), s.atMinusZero)) << s.name;
  }
}

/// Also for NaNs whose low mantissa bits would disturb the exponent trick.
TEST(Math, nanStaysNaN) {
  for (int32_t bits : {0x7FC00000, 0x7FC00001, 0x7FC00101, 0x7FFFFFFF}) {
    for (const Special &s : kSpecials) {
      EXPECT_TRUE(std::isnan(s.function(quant::bitsFloat(bits)))) << s.name;
      EXPECT_TRUE(std::isnan(s.function(-quant::bitsFloat(bits)))) << s.name;
    }
    EXPECT_TRUE(std::isnan(quant::gelu(quant::bitsFloat(bits))));
  }
}

TEST(Math, exp2Edges) {
  EXPECT_EQ(quant::exp2(128.0f), kInf);
  EXPECT_LT(quant::exp2(127.99999f), kInf);
  EXPECT_EQ(quant::exp2(-127.0f), 0.0f);
  EXPECT_EQ(quant::exp2(-1e30f), 0.0f);
  EXPECT_EQ(quant::exp2(-126.0f), FLT_MIN);
  for (int n = -126; n < 128; ++n)
    EXPECT_EQ(quant::exp2(static_cast<float>(n)), std::ldexp(1.0f, n));
}

/// What masked and far-away keys of softmax rely on.
TEST(Math, kernelExp2OfClampedArgumentsIsZero) {
  for (float x : {-127.0f, -128.0f, -1e30f, -kInf, kNaN})
    EXPECT_EQ(quant::floatBits(quant::exp2Kernel(x)), 0) << x;
  EXPECT_EQ(quant::exp2Kernel(0.0f), 1.0f);
}

/// Between -127 and -126 the result is subnormal; it only has to stay there.
TEST(Math, exp2BelowTheNormalRangeStaysBelowIt) {
  for (float x = -127.0f; x < -126.0f; x += 1.0f / 4096.0f) {
    EXPECT_GE(quant::exp2(x), 0.0f);
    EXPECT_LE(quant::exp2(x), FLT_MIN);
  }
}

TEST(Math, expEdges) {
  EXPECT_EQ(quant::exp(88.7228394f), kInf);
  EXPECT_LT(quant::exp(88.7228317f), kInf);
  EXPECT_EQ(quant::exp(-87.34f), 0.0f);
  EXPECT_GT(quant::exp(-87.33f), FLT_MIN);
  EXPECT_EQ(quant::exp(0.0f), 1.0f);
}

TEST(Math, oddFunctionsAreExactlyOdd) {
  for (int i = 0; i < 20000; ++i) {
    float x = static_cast<float>(i) * 3.7e-4f;
    EXPECT_EQ(quant::erf(-x), -quant::erf(x));
    EXPECT_EQ(quant::tanh(-x), -quant::tanh(x));
    EXPECT_EQ(quant::sin(-x), -quant::sin(x));
    EXPECT_EQ(quant::cos(-x), quant::cos(x));
  }
}

/// Where the reduction cancels the most: the floats around multiples of pi/2,
/// up to 2^40.
TEST(Math, sinAndCosNearTheirZeros) {
  double worst = 0.0;
  for (int64_t multiple = 1; multiple < int64_t(1) << 39;
       multiple += 1 + multiple / 10000) {
    float x = static_cast<float>(static_cast<double>(multiple) * M_PI_2);
    for (const Budget &budget :
         {Budget{"sin", quant::sin, libmSin, 0, 0, Unit::Ulp, 0},
          Budget{"cos", quant::cos, libmCos, 0, 0, Unit::Ulp, 0}})
      for (float near : {std::nextafter(x, 0.0f), x, std::nextafter(x, kInf)})
        worst = std::max(worst, errorOf(budget, near));
  }
  EXPECT_LE(worst, 1.6);
}

TEST(Math, sinAndCosEdges) {
  EXPECT_EQ(quant::floatBits(quant::sin(0.0f)), 0);
  EXPECT_EQ(quant::cos(0.0f), 1.0f);
  for (float x : {FLT_TRUE_MIN, FLT_MIN, 1e-5f})
    EXPECT_EQ(quant::sin(x), x);
  for (float x : {0x1.000002p40f, 1e30f, FLT_MAX}) {
    EXPECT_EQ(quant::sin(x), quant::sin(0x1p40f));
    EXPECT_EQ(quant::sin(-x), quant::sin(-0x1p40f));
    EXPECT_EQ(quant::cos(x), quant::cos(0x1p40f));
  }
}

TEST(Math, logEdges) {
  EXPECT_EQ(quant::log(0.0f), -kInf);
  EXPECT_EQ(quant::floatBits(quant::log(1.0f)), 0);
  for (float x : {FLT_TRUE_MIN, FLT_MIN, 1.0f, FLT_MAX})
    EXPECT_TRUE(std::isnan(quant::log(-x))) << x;
  // The largest steps between neighbours: of the exponent, and of its scaling.
  for (float x : {0.707106769f, 1.41421354f, FLT_MIN})
    EXPECT_GE(quant::log(std::nextafter(x, kInf)), quant::log(x)) << x;
}

TEST(Math, geluFarOutIsIdentityOrNearlyZero) {
  EXPECT_EQ(quant::gelu(100.0f), 100.0f);
  EXPECT_EQ(quant::gelu(kInf), kInf);
  EXPECT_LE(std::fabs(quant::gelu(-100.0f)), 6e-8f);
  EXPECT_LE(std::fabs(quant::gelu(-kInf)), 6e-8f);
}

/// S(bound) is 0 without any rounding, so nothing is left there.
TEST(Math, coarseGeluFarOutIsExact) {
  for (float x : {4.5f, 20.0f, 1e30f, FLT_MAX, kInf}) {
    for (auto *function : {quant::geluCoarse, quant::geluTanhCoarse}) {
      EXPECT_EQ(function(x), x);
      EXPECT_EQ(quant::floatBits(function(-x)), 0) << x;
    }
  }
  float bound = quant::kGeluCoarseMax;
  EXPECT_EQ(quant::geluCoarse(bound), bound);
  EXPECT_EQ(quant::floatBits(quant::geluCoarse(-bound)), 0);
  bound = quant::kGeluTanhCoarseMax;
  EXPECT_EQ(quant::geluTanhCoarse(bound), bound);
  EXPECT_EQ(quant::floatBits(quant::geluTanhCoarse(-bound)), 0);
  EXPECT_EQ(quant::floatBits(quant::geluCoarse(0.0f)), 0);
  EXPECT_EQ(quant::floatBits(quant::geluTanhCoarse(0.0f)), 0);
}

} // namespace
