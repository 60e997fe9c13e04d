//===- DotProduct.cpp - u8 x s8 dot products per ISA -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DotProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq::cpu;

static Value splat(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  auto vector = cast<VectorType>(type);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             vector, b.getIntegerAttr(vector.getElementType(), value)));
}

static Value callIntrinsic(ImplicitLocOpBuilder &b, StringRef name, Type type,
                           ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands)
      .getResults();
}

/// The bytes at even places of each 32-bit group and those at odd places, sign
/// extended to 16 bits.
DotWeights tq::cpu::prepareWeights(ImplicitLocOpBuilder &b, DotKind kind,
                                   Value weights) {
  if (kind == DotKind::Vpdpbusd || kind == DotKind::VpdpbusdHalf)
    return {{weights}};
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
  if (kind == DotKind::Vpdpbusd || kind == DotKind::VpdpbusdHalf)
    return {{vector::BitCastOp::create(b, bytes, all)}};
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

/// Adds to each half of the lanes (one 256-bit register) with `add(sums, input,
/// weight)`, part by part.
static Value emitHalves(ImplicitLocOpBuilder &b, Value sums,
                        const DotInputs &inputs, const DotWeights &weights,
                        llvm::function_ref<Value(Value, Value, Value)> add) {
  SmallVector<Value, 2> halves;
  for (int64_t part = 0; part < 2; ++part) {
    auto slice = [&](Value vector) -> Value {
      int64_t size = cast<VectorType>(vector.getType()).getNumElements() / 2;
      return vector::ExtractStridedSliceOp::create(
          b, vector, ArrayRef<int64_t>{part * size}, ArrayRef<int64_t>{size},
          ArrayRef<int64_t>{1});
    };
    Value sum = slice(sums);
    for (auto [input, weight] : llvm::zip(inputs.parts, weights.parts))
      sum = add(sum, slice(input), slice(weight));
    halves.push_back(sum);
  }
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, kLanes));
  return vector::ShuffleOp::create(b, halves[0], halves[1], all);
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
    return emitHalves(
        b, sums, inputs, weights, [&](Value sum, Value input, Value weight) {
          return callIntrinsic(b, "llvm.x86.avx512.vpdpbusd.256", sum.getType(),
                               ValueRange{sum, input, weight});
        });
  case DotKind::Pmaddwd:
    return emitHalves(b, sums, inputs, weights,
                      [&](Value sum, Value input, Value weight) {
                        return addPmaddwd(b, sum, input, weight);
                      });
  case DotKind::Widen:
    return emitWiden(b, sums, inputs, weights);
  }
  llvm_unreachable("unknown dot product");
}
