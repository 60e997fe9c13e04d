//===- Isa.h - Instruction sets as data -------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_CPU_ISA_H
#define TQ_CODEGEN_CPU_ISA_H

#include "tq/Dialect/CPU/IR/CPU.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace tq::cpu {

/// Partial sums of a row reduction: four vectors (docs/Quantization.md).
constexpr int64_t kPartialSums = 64;

/// Output channels of a packed weight panel, on every ISA: one vector of sums,
/// one tile register.
constexpr int64_t kPackedOutputs = kLanes;

/// Inputs that a dot product of bytes takes at once.
constexpr int64_t kDotGroup = 4;

/// Register tile of a contraction: rows x (vectors of 16 lanes).
struct Tile {
  int64_t rows;
  int64_t vectors;
};

/// One row of the table of instruction sets: how kernels are written for it.
struct Isa {
  llvm::StringRef name;
  DotKind dot; ///< of bytes
  DotKind bf16Dot;
  OperandForm operands; ///< of contractions of bytes
  Tile integerTile;
  Tile bf16Tile;
  Tile floatTile;
  /// Integer sums in the tile registers of AMX, where the depth suits them.
  bool hasMatrixTiles;
  /// Sums of products of bf16 there, too.
  bool hasBf16Tiles;
  /// CPU features, as LLVM names them, that the kernels need.
  llvm::ArrayRef<llvm::StringRef> features;
};

/// All instruction sets, best first.
llvm::ArrayRef<Isa> getIsas();

/// The best instruction set whose features are all enabled.
const Isa &selectIsa(llvm::ArrayRef<std::string> enabledFeatures);

/// Whether a CPU with these features has the instructions of `dot`, with sums
/// in that place.
bool canRun(DotKind dot, SumPlace sums,
            llvm::ArrayRef<std::string> enabledFeatures);

} // namespace tq::cpu

#endif // TQ_CODEGEN_CPU_ISA_H
