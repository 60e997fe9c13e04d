//===- DotProduct.cpp - Dot products of words per ISA ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DotProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq::cpu;

static Value splat(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  auto vector = cast<VectorType>(type);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             vector, b.getIntegerAttr(vector.getElementType(), value)));
}

/// Whether the dot product takes bytes as they are.
static bool takesBytes(DotKind kind) {
  return kind == DotKind::Vpdpbusd || kind == DotKind::VpdpbusdHalf ||
         kind == DotKind::Usdot;
}

static Value callIntrinsic(ImplicitLocOpBuilder &b, StringRef name, Type type,
                           ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands)
      .getResults();
}

/// The second bf16 of a word.
static constexpr int32_t kHighHalf = static_cast<int32_t>(0xFFFF0000);

static VectorType pairs(ImplicitLocOpBuilder &b) {
  return VectorType::get({2 * kLanes}, b.getBF16Type());
}

/// The bf16 of 16 words: as they are, or the first and the second ones as f32.
static SmallVector<Value, 2> unpackBf16(ImplicitLocOpBuilder &b, DotKind kind,
                                        Value words) {
  if (kind == DotKind::Vdpbf16ps)
    return {vector::BitCastOp::create(b, pairs(b), words)};
  auto floats = VectorType::get({kLanes}, b.getF32Type());
  Value low = arith::ShLIOp::create(b, words, splat(b, words.getType(), 16));
  Value high =
      arith::AndIOp::create(b, words, splat(b, words.getType(), kHighHalf));
  return {arith::BitcastOp::create(b, floats, low),
          arith::BitcastOp::create(b, floats, high)};
}

/// Adds to each part of the lanes (one register each) with `add(sums, input,
/// weight)`, register by register.
static Value emitParts(ImplicitLocOpBuilder &b, int64_t parts, Value sums,
                       const DotInputs &inputs, const DotWeights &weights,
                       llvm::function_ref<Value(Value, Value, Value)> add) {
  SmallVector<Value> results;
  for (int64_t part = 0; part < parts; ++part) {
    auto slice = [&](Value vector) -> Value {
      int64_t size =
          cast<VectorType>(vector.getType()).getNumElements() / parts;
      return vector::ExtractStridedSliceOp::create(
          b, vector, ArrayRef<int64_t>{part * size}, ArrayRef<int64_t>{size},
          ArrayRef<int64_t>{1});
    };
    Value sum = slice(sums);
    for (auto [input, weight] : llvm::zip(inputs.parts, weights.parts))
      sum = add(sum, slice(input), slice(weight));
    results.push_back(sum);
  }
  // Neighbours become one vector until there is only one.
  while (results.size() > 1) {
    SmallVector<Value> joined;
    for (size_t i = 0; i < results.size(); i += 2) {
      int64_t size =
          cast<VectorType>(results[i].getType()).getNumElements() * 2;
      joined.push_back(vector::ShuffleOp::create(
          b, results[i], results[i + 1],
          llvm::to_vector(llvm::seq<int64_t>(0, size))));
    }
    results = std::move(joined);
  }
  return results.front();
}

/// Adds with `llvm.aarch64.neon.NAME`, four sums at a time.
static Value emitNeon(ImplicitLocOpBuilder &b, StringRef name, Value sums,
                      const DotInputs &inputs, const DotWeights &weights) {
  std::string intrinsic = ("llvm.aarch64.neon." + name + ".v4i32.v16i8").str();
  return emitParts(b, kLanes / 4, sums, inputs, weights,
                   [&](Value sum, Value input, Value weight) {
                     return callIntrinsic(b, intrinsic, sum.getType(),
                                          ValueRange{sum, input, weight});
                   });
}

/// 128 * the sum of each group of four: what inputs that were moved down by 128
/// are short of. 64 + 64, as 128 is no s8.
static Value sumGroups128(ImplicitLocOpBuilder &b, Value weights) {
  Value sums = splat(b, VectorType::get({kLanes}, b.getI32Type()), 0);
  Value factor = splat(b, weights.getType(), 64);
  for (int64_t i = 0; i < 2; ++i)
    sums = emitNeon(b, "sdot", sums, {{factor}}, {{weights}});
  return sums;
}

/// For 16-bit products the bytes at even places of each 32-bit group and those
/// at odd places, sign extended.
DotWeights tq::cpu::prepareWeights(ImplicitLocOpBuilder &b, DotKind kind,
                                   Value weights) {
  if (takesBytes(kind))
    return {{weights}};
  if (isBf16(kind)) {
    auto lanes = VectorType::get({kLanes}, b.getI32Type());
    return {unpackBf16(b, kind, vector::BitCastOp::create(b, lanes, weights))};
  }
  if (kind == DotKind::Sdot)
    return {{weights}, sumGroups128(b, weights)};
  auto words = VectorType::get({2 * kLanes}, b.getI16Type());
  if (kind == DotKind::Pmaddwd) {
    Value all = vector::BitCastOp::create(b, words, weights);
    Value eight = splat(b, words, 8);
    Value even =
        arith::ShRSIOp::create(b, arith::ShLIOp::create(b, all, eight), eight);
    return {{even, arith::ShRSIOp::create(b, all, eight)}};
  }
  auto wide = VectorType::get({4 * kLanes}, b.getI32Type());
  return {{arith::ExtSIOp::create(b, wide, weights)}};
}

DotInputs tq::cpu::prepareInputs(ImplicitLocOpBuilder &b, DotKind kind,
                                 Value inputs) {
  auto lanes = VectorType::get({kLanes}, b.getI32Type());
  auto bytes = VectorType::get({4 * kLanes}, b.getI8Type());
  Value all = vector::BroadcastOp::create(b, lanes, inputs);
  if (takesBytes(kind))
    return {{vector::BitCastOp::create(b, bytes, all)}};
  if (isBf16(kind))
    return {unpackBf16(b, kind, all)};
  if (kind == DotKind::Sdot) {
    Value moved = arith::XOrIOp::create(
        b, all, splat(b, lanes, static_cast<int32_t>(0x80808080)));
    return {{vector::BitCastOp::create(b, bytes, moved)}};
  }
  if (kind == DotKind::Pmaddwd) {
    auto words = VectorType::get({2 * kLanes}, b.getI16Type());
    Value even = arith::AndIOp::create(b, all, splat(b, lanes, 0x00FF00FF));
    Value odd = arith::ShRUIOp::create(
        b, vector::BitCastOp::create(b, words, all), splat(b, words, 8));
    return {{vector::BitCastOp::create(b, words, even), odd}};
  }
  auto wide = VectorType::get({4 * kLanes}, b.getI32Type());
  return {{arith::ExtUIOp::create(b, wide,
                                  vector::BitCastOp::create(b, bytes, all))}};
}

/// Both pairs of a group in two multiply-adds of 16-bit words.
static Value addPmaddwd(ImplicitLocOpBuilder &b, Value sums, Value inputs,
                        Value weights) {
  Value products = callIntrinsic(b, "llvm.x86.avx2.pmadd.wd", sums.getType(),
                                 ValueRange{inputs, weights});
  return arith::AddIOp::create(b, sums, products);
}

static Value emitWiden(ImplicitLocOpBuilder &b, Value sums,
                       const DotInputs &inputs, const DotWeights &weights) {
  Value products = arith::MulIOp::create(b, inputs.parts[0], weights.parts[0]);
  for (int64_t i = 0; i < kDotGroup; ++i) {
    SmallVector<int64_t> places;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      places.push_back(kDotGroup * lane + i);
    sums = arith::AddIOp::create(
        b, sums, vector::ShuffleOp::create(b, products, products, places));
  }
  return sums;
}

Value tq::cpu::emitDot(ImplicitLocOpBuilder &b, DotKind kind, Value sums,
                       const DotInputs &inputs, const DotWeights &weights) {
  switch (kind) {
  case DotKind::Vpdpbusd:
    return callIntrinsic(b, "llvm.x86.avx512.vpdpbusd.512", sums.getType(),
                         ValueRange{sums, inputs.parts[0], weights.parts[0]});
  case DotKind::VpdpbusdHalf:
    return emitParts(
        b, 2, sums, inputs, weights, [&](Value sum, Value input, Value weight) {
          return callIntrinsic(b, "llvm.x86.avx512.vpdpbusd.256", sum.getType(),
                               ValueRange{sum, input, weight});
        });
  case DotKind::Pmaddwd:
    return emitParts(b, 2, sums, inputs, weights,
                     [&](Value sum, Value input, Value weight) {
                       return addPmaddwd(b, sum, input, weight);
                     });
  case DotKind::Usdot:
    return emitNeon(b, "usdot", sums, inputs, weights);
  case DotKind::Sdot:
    return arith::AddIOp::create(b, emitNeon(b, "sdot", sums, inputs, weights),
                                 weights.correction);
  case DotKind::Widen:
    return emitWiden(b, sums, inputs, weights);
  case DotKind::Vdpbf16ps:
    return callIntrinsic(b, "llvm.x86.avx512bf16.dpbf16ps.512", sums.getType(),
                         ValueRange{sums, inputs.parts[0], weights.parts[0]});
  case DotKind::WidenBf16:
    for (auto [input, weight] : llvm::zip(inputs.parts, weights.parts))
      sums = math::FmaOp::create(b, input, weight, sums);
    return sums;
  }
  llvm_unreachable("unknown dot product");
}

/// The nearest bf16 in the upper half of each word; the lower one holds
/// anything.
static Value roundToBf16(ImplicitLocOpBuilder &b, Value x) {
  auto lanes = VectorType::get({kLanes}, b.getI32Type());
  auto constant = [&](int64_t value) { return splat(b, lanes, value); };
  Value bits = arith::BitcastOp::create(b, lanes, x);
  Value isOdd = arith::AndIOp::create(
      b, arith::ShRUIOp::create(b, bits, constant(16)), constant(1));
  Value rounded = arith::AddIOp::create(
      b, arith::AddIOp::create(b, bits, constant(0x7FFF)), isOdd);
  Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
  Value quiet = arith::OrIOp::create(b, bits, constant(0x00400000));
  return arith::SelectOp::create(b, isNaN, quiet, rounded);
}

Value tq::cpu::packBf16(ImplicitLocOpBuilder &b, DotKind kind, Value low,
                        Value high) {
  auto lanes = VectorType::get({kLanes}, b.getI32Type());
  if (kind != DotKind::Vdpbf16ps) {
    Value first =
        arith::ShRUIOp::create(b, roundToBf16(b, low), splat(b, lanes, 16));
    Value second = arith::AndIOp::create(b, roundToBf16(b, high),
                                         splat(b, lanes, kHighHalf));
    return arith::OrIOp::create(b, first, second);
  }
  // All of `low`, then all of `high`.
  Value all = callIntrinsic(b, "llvm.x86.avx512bf16.cvtne2ps2bf16.512",
                            pairs(b), ValueRange{high, low});
  SmallVector<int64_t> places;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    places.append({lane, lane + kLanes});
  return vector::BitCastOp::create(
      b, lanes, vector::ShuffleOp::create(b, all, all, places));
}
