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

static Value splat(ImplicitLocOpBuilder &builder, Type type, int64_t value) {
  auto vector = cast<VectorType>(type);
  return arith::ConstantOp::create(
      builder,
      DenseElementsAttr::get(
          vector, builder.getIntegerAttr(vector.getElementType(), value)));
}

/// Whether the dot product takes bytes as they are.
static bool takesBytes(DotKind kind) {
  return kind == DotKind::Vpdpbusd || kind == DotKind::VpdpbusdHalf ||
         kind == DotKind::Usdot;
}

static Value callIntrinsic(ImplicitLocOpBuilder &builder, StringRef name,
                           Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(builder, type,
                                       builder.getStringAttr(name), operands)
      .getResults();
}

/// The second bf16 of a word.
static constexpr int32_t kHighHalf = static_cast<int32_t>(0xFFFF0000);

static VectorType pairs(ImplicitLocOpBuilder &builder) {
  return VectorType::get({2 * kLanes}, builder.getBF16Type());
}

/// The bf16 of 16 words: as they are, or the first and the second ones as f32.
static SmallVector<Value, 2> unpackBf16(ImplicitLocOpBuilder &builder,
                                        DotKind kind, Value words) {
  if (kind == DotKind::Vdpbf16ps)
    return {vector::BitCastOp::create(builder, pairs(builder), words)};
  auto floats = VectorType::get({kLanes}, builder.getF32Type());
  Value low = arith::ShLIOp::create(builder, words,
                                    splat(builder, words.getType(), 16));
  Value high = arith::AndIOp::create(
      builder, words, splat(builder, words.getType(), kHighHalf));
  return {arith::BitcastOp::create(builder, floats, low),
          arith::BitcastOp::create(builder, floats, high)};
}

/// Adds to each part of the lanes (one register each) with `add(sums, input,
/// weight)`, register by register.
static Value emitParts(ImplicitLocOpBuilder &builder, int64_t parts, Value sums,
                       const DotInputs &inputs, const DotWeights &weights,
                       llvm::function_ref<Value(Value, Value, Value)> add) {
  SmallVector<Value> results;
  for (int64_t part = 0; part < parts; ++part) {
    auto slice = [&](Value vector) -> Value {
      int64_t size =
          cast<VectorType>(vector.getType()).getNumElements() / parts;
      return vector::ExtractStridedSliceOp::create(
          builder, vector, ArrayRef<int64_t>{part * size},
          ArrayRef<int64_t>{size}, ArrayRef<int64_t>{1});
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
          builder, results[i], results[i + 1],
          llvm::to_vector(llvm::seq<int64_t>(0, size))));
    }
    results = std::move(joined);
  }
  return results.front();
}

/// Adds with `llvm.aarch64.neon.NAME`, four sums at a time.
static Value emitNeon(ImplicitLocOpBuilder &builder, StringRef name, Value sums,
                      const DotInputs &inputs, const DotWeights &weights) {
  std::string intrinsic = ("llvm.aarch64.neon." + name + ".v4i32.v16i8").str();
  return emitParts(builder, kLanes / 4, sums, inputs, weights,
                   [&](Value sum, Value input, Value weight) {
                     return callIntrinsic(builder, intrinsic, sum.getType(),
                                          ValueRange{sum, input, weight});
                   });
}

/// 128 * the sum of each group of four: what inputs that were moved down by 128
/// are short of. 64 + 64, as 128 is no s8.
static Value sumGroups128(ImplicitLocOpBuilder &builder, Value weights) {
  Value sums =
      splat(builder, VectorType::get({kLanes}, builder.getI32Type()), 0);
  Value factor = splat(builder, weights.getType(), 64);
  for (int64_t i = 0; i < 2; ++i)
    sums = emitNeon(builder, "sdot", sums, {{factor}}, {{weights}});
  return sums;
}

/// For 16-bit products the bytes at even places of each 32-bit group and those
/// at odd places, sign extended.
DotWeights tq::cpu::prepareWeights(ImplicitLocOpBuilder &builder, DotKind kind,
                                   Value weights) {
  if (takesBytes(kind) || kind == DotKind::Fma)
    return {{weights}};
  if (isBf16(kind)) {
    auto lanes = VectorType::get({kLanes}, builder.getI32Type());
    return {unpackBf16(builder, kind,
                       vector::BitCastOp::create(builder, lanes, weights))};
  }
  if (kind == DotKind::Sdot)
    return {{weights}, sumGroups128(builder, weights)};
  auto words = VectorType::get({2 * kLanes}, builder.getI16Type());
  if (kind == DotKind::Pmaddwd) {
    Value all = vector::BitCastOp::create(builder, words, weights);
    Value eight = splat(builder, words, 8);
    Value even = arith::ShRSIOp::create(
        builder, arith::ShLIOp::create(builder, all, eight), eight);
    return {{even, arith::ShRSIOp::create(builder, all, eight)}};
  }
  auto wide = VectorType::get({4 * kLanes}, builder.getI32Type());
  return {{arith::ExtSIOp::create(builder, wide, weights)}};
}

DotInputs tq::cpu::prepareInputs(ImplicitLocOpBuilder &builder, DotKind kind,
                                 Value inputs) {
  auto lanes =
      VectorType::get({kLanes}, getElementTypeOrSelf(inputs.getType()));
  auto bytes = VectorType::get({4 * kLanes}, builder.getI8Type());
  Value all = vector::BroadcastOp::create(builder, lanes, inputs);
  if (kind == DotKind::Fma)
    return {{all}};
  if (takesBytes(kind))
    return {{vector::BitCastOp::create(builder, bytes, all)}};
  if (isBf16(kind))
    return {unpackBf16(builder, kind, all)};
  if (kind == DotKind::Sdot) {
    Value moved = arith::XOrIOp::create(
        builder, all, splat(builder, lanes, static_cast<int32_t>(0x80808080)));
    return {{vector::BitCastOp::create(builder, bytes, moved)}};
  }
  if (kind == DotKind::Pmaddwd) {
    auto words = VectorType::get({2 * kLanes}, builder.getI16Type());
    Value even =
        arith::AndIOp::create(builder, all, splat(builder, lanes, 0x00FF00FF));
    Value odd = arith::ShRUIOp::create(
        builder, vector::BitCastOp::create(builder, words, all),
        splat(builder, words, 8));
    return {{vector::BitCastOp::create(builder, words, even), odd}};
  }
  auto wide = VectorType::get({4 * kLanes}, builder.getI32Type());
  return {{arith::ExtUIOp::create(
      builder, wide, vector::BitCastOp::create(builder, bytes, all))}};
}

/// Both pairs of a group in two multiply-adds of 16-bit words.
static Value addPmaddwd(ImplicitLocOpBuilder &builder, Value sums, Value inputs,
                        Value weights) {
  Value products = callIntrinsic(builder, "llvm.x86.avx2.pmadd.wd",
                                 sums.getType(), ValueRange{inputs, weights});
  return arith::AddIOp::create(builder, sums, products);
}

static Value emitWiden(ImplicitLocOpBuilder &builder, Value sums,
                       const DotInputs &inputs, const DotWeights &weights) {
  Value products =
      arith::MulIOp::create(builder, inputs.parts[0], weights.parts[0]);
  for (int64_t i = 0; i < kDotGroup; ++i) {
    SmallVector<int64_t> places;
    for (int64_t lane = 0; lane < kLanes; ++lane)
      places.push_back(kDotGroup * lane + i);
    sums = arith::AddIOp::create(
        builder, sums,
        vector::ShuffleOp::create(builder, products, products, places));
  }
  return sums;
}

Value tq::cpu::emitDot(ImplicitLocOpBuilder &builder, DotKind kind, Value sums,
                       const DotInputs &inputs, const DotWeights &weights) {
  switch (kind) {
  case DotKind::Fma:
    return math::FmaOp::create(builder, inputs.parts[0], weights.parts[0],
                               sums);
  case DotKind::Vpdpbusd:
    return callIntrinsic(builder, "llvm.x86.avx512.vpdpbusd.512",
                         sums.getType(),
                         ValueRange{sums, inputs.parts[0], weights.parts[0]});
  case DotKind::VpdpbusdHalf:
    return emitParts(builder, 2, sums, inputs, weights,
                     [&](Value sum, Value input, Value weight) {
                       return callIntrinsic(
                           builder, "llvm.x86.avx512.vpdpbusd.256",
                           sum.getType(), ValueRange{sum, input, weight});
                     });
  case DotKind::Pmaddwd:
    return emitParts(builder, 2, sums, inputs, weights,
                     [&](Value sum, Value input, Value weight) {
                       return addPmaddwd(builder, sum, input, weight);
                     });
  case DotKind::Usdot:
    return emitNeon(builder, "usdot", sums, inputs, weights);
  case DotKind::Sdot:
    return arith::AddIOp::create(
        builder, emitNeon(builder, "sdot", sums, inputs, weights),
        weights.correction);
  case DotKind::Widen:
    return emitWiden(builder, sums, inputs, weights);
  case DotKind::Vdpbf16ps:
    return callIntrinsic(builder, "llvm.x86.avx512bf16.dpbf16ps.512",
                         sums.getType(),
                         ValueRange{sums, inputs.parts[0], weights.parts[0]});
  case DotKind::WidenBf16:
    for (auto [input, weight] : llvm::zip(inputs.parts, weights.parts))
      sums = math::FmaOp::create(builder, input, weight, sums);
    return sums;
  }
  llvm_unreachable("unknown dot product");
}

/// The nearest bf16 in the upper half of each word; the lower one holds
/// anything.
static Value roundToBf16(ImplicitLocOpBuilder &builder, Value x) {
  auto lanes = VectorType::get({kLanes}, builder.getI32Type());
  auto constant = [&](int64_t value) { return splat(builder, lanes, value); };
  Value bits = arith::BitcastOp::create(builder, lanes, x);
  Value isOdd = arith::AndIOp::create(
      builder, arith::ShRUIOp::create(builder, bits, constant(16)),
      constant(1));
  Value rounded = arith::AddIOp::create(
      builder, arith::AddIOp::create(builder, bits, constant(0x7FFF)), isOdd);
  Value isNaN = arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO, x, x);
  Value quiet = arith::OrIOp::create(builder, bits, constant(0x00400000));
  return arith::SelectOp::create(builder, isNaN, quiet, rounded);
}

Value tq::cpu::packBf16(ImplicitLocOpBuilder &builder, DotKind kind, Value low,
                        Value high) {
  auto lanes = VectorType::get({kLanes}, builder.getI32Type());
  if (kind != DotKind::Vdpbf16ps) {
    Value first = arith::ShRUIOp::create(builder, roundToBf16(builder, low),
                                         splat(builder, lanes, 16));
    Value second = arith::AndIOp::create(builder, roundToBf16(builder, high),
                                         splat(builder, lanes, kHighHalf));
    return arith::OrIOp::create(builder, first, second);
  }
  // All of `low`, then all of `high`.
  Value all = callIntrinsic(builder, "llvm.x86.avx512bf16.cvtne2ps2bf16.512",
                            pairs(builder), ValueRange{high, low});
  SmallVector<int64_t> places;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    places.append({lane, lane + kLanes});
  return vector::BitCastOp::create(
      builder, lanes, vector::ShuffleOp::create(builder, all, all, places));
}
