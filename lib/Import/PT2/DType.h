//===- DType.h - Element types of PyTorch -----------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_PT2_DTYPE_H
#define TQ_LIB_IMPORT_PT2_DTYPE_H

#include "tq/Import/Weights/WeightArchive.h"

#include "mlir/IR/Builders.h"

#include <optional>

namespace tq::pt2 {

/// Those that a program can have; values are the numbers that files have for
/// them (torch/_export/serde/schema.py: not those of c10).
enum class DType {
  U8 = 1,
  I8 = 2,
  I16 = 3,
  I32 = 4,
  I64 = 5,
  F16 = 6,
  F32 = 7,
  F64 = 8,
  Bool = 12,
  BF16 = 13,
};

std::optional<DType> findDType(int64_t number);

/// As PyTorch prints it: "float32".
llvm::StringRef getName(DType dtype);

WeightType getWeightType(DType dtype);

bool isFloat(DType dtype);
inline bool isBool(DType dtype) { return dtype == DType::Bool; }
inline bool isInteger(DType dtype) { return !isFloat(dtype) && !isBool(dtype); }

/// What a program computes values in: f32 for all floats, else the type itself.
mlir::Type getComputeType(mlir::Builder &builder, DType dtype);

/// Of an op on both, without regard to what is a scalar: the wider one, a float
/// if one is.
DType promote(DType a, DType b);

} // namespace tq::pt2

#endif // TQ_LIB_IMPORT_PT2_DTYPE_H
