//===- CPU.h - The cpu dialect ----------------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_CPU_IR_CPU_H
#define TQ_DIALECT_CPU_IR_CPU_H

#include "tq/Dialect/Program/IR/Program.h"

#include "tq/Dialect/CPU/IR/CPUDialect.h.inc"
#include "tq/Dialect/CPU/IR/CPUEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tq/Dialect/CPU/IR/CPUAttrs.h.inc"

namespace tq::cpu {

/// Lanes of the unit in which kernels are written: vector<16xf32>. A CPU with
/// narrower registers splits it, which changes no bit.
inline constexpr int64_t kLanes = 16;

/// Outputs, or keys, that a work item handles at once.
inline constexpr int64_t kPanel = 64;

/// Rows of a tile register, and its 32-bit columns.
inline constexpr int64_t kTileRows = 16;

/// Rows of a work item with tile registers: two of them.
inline constexpr int64_t kMatrixRows = 2 * kTileRows;

/// Whether the products are those of bf16.
inline bool isBf16(DotKind kind) {
  return kind == DotKind::Vdpbf16ps || kind == DotKind::WidenBf16;
}

/// Whether the products are those of bytes.
inline bool isInteger(DotKind kind) {
  return kind != DotKind::Fma && !isBf16(kind);
}

/// Elements of a 32-bit word, whose products are added at once.
inline int64_t getGroupSize(DotKind kind) {
  return isInteger(kind) ? 4 : isBf16(kind) ? 2 : 1;
}

} // namespace tq::cpu

#endif // TQ_DIALECT_CPU_IR_CPU_H
