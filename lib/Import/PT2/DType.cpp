//===- DType.cpp - Element types of PyTorch -------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DType.h"

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace tq;
using namespace tq::pt2;

namespace {
struct TypeInfo {
  DType dtype;
  StringLiteral name;
  WeightType weight;
  unsigned bits; ///< of integers, and of bool
};
} // namespace

static constexpr TypeInfo kTypes[] = {
    {DType::U8, "uint8", WeightType::U8, 8},
    {DType::I8, "int8", WeightType::I8, 8},
    {DType::I16, "int16", WeightType::I16, 16},
    {DType::I32, "int32", WeightType::I32, 32},
    {DType::I64, "int64", WeightType::I64, 64},
    {DType::F16, "float16", WeightType::F16, 0},
    {DType::F32, "float32", WeightType::F32, 0},
    {DType::F64, "float64", WeightType::F64, 0},
    {DType::Bool, "bool", WeightType::Bool, 1},
    {DType::BF16, "bfloat16", WeightType::BF16, 0},
};

static const TypeInfo &getInfo(DType dtype) {
  return *find_if(kTypes,
                  [&](const TypeInfo &info) { return info.dtype == dtype; });
}

std::optional<DType> pt2::findDType(int64_t number) {
  for (const TypeInfo &info : kTypes)
    if (static_cast<int64_t>(info.dtype) == number)
      return info.dtype;
  return std::nullopt;
}

StringRef pt2::getName(DType dtype) { return getInfo(dtype).name; }

WeightType pt2::getWeightType(DType dtype) { return getInfo(dtype).weight; }

bool pt2::isFloat(DType dtype) { return getInfo(dtype).bits == 0; }

mlir::Type pt2::getComputeType(mlir::Builder &builder, DType dtype) {
  if (isFloat(dtype))
    return builder.getF32Type();
  return builder.getIntegerType(getInfo(dtype).bits);
}

DType pt2::promote(DType a, DType b) {
  if (isFloat(a) || isFloat(b))
    return DType::F32;
  if (a != b && getInfo(a).bits == 8 && getInfo(b).bits == 8)
    return DType::I16; // holds those of both
  return getInfo(a).bits >= getInfo(b).bits ? a : b;
}
