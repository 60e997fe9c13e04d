//===- Isa.h - Instruction sets as data -------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CODEGEN_CPU_ISA_H
#define TQ_CODEGEN_CPU_ISA_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace tq::cpu {

/// Lanes of the unit in which kernels are written: vector<16xf32>. An ISA with
/// narrower registers splits it, which changes no bit.
constexpr int64_t kLanes = 16;

/// Partial sums of a row reduction: four vectors (docs/Quantization.md).
constexpr int64_t kPartialSums = 64;

/// Outputs, or keys, that a work item handles at once.
constexpr int64_t kPanel = 64;

/// Output channels of a packed weight panel, on every ISA: one vector of sums,
/// one tile register.
constexpr int64_t kPackedOutputs = kLanes;

/// Inputs that a dot product of bytes takes at once.
constexpr int64_t kDotGroup = 4;

/// How a group of products is added to sums: four of u8 x s8 to s32 or, the
/// last ones, two of bf16 to f32.
enum class DotKind {
  Vpdpbusd,     ///< AVX-512 VNNI
  VpdpbusdHalf, ///< AVX-VNNI: half as wide
  Pmaddwd,      ///< AVX2: widen to 16 bits; `vpmaddubsw` would saturate
  Usdot,        ///< Arm i8mm: a quarter as wide
  Sdot,         ///< Arm dotprod: of s8 x s8, so inputs move down by 128
  Widen,        ///< any ISA: plain arithmetic in 32 bits
  Vdpbf16ps,    ///< AVX-512 BF16
  WidenBf16,    ///< any ISA: two fma in f32
};

/// The instruction that multiplies, or what is done without one.
llvm::StringRef getDotName(DotKind kind);

/// Whether the products are those of bf16.
inline bool isBf16(DotKind kind) {
  return kind == DotKind::Vdpbf16ps || kind == DotKind::WidenBf16;
}

/// Elements of a 32-bit word, whose products an instruction adds at once.
inline int64_t getGroupSize(DotKind kind) {
  return isBf16(kind) ? 2 : kDotGroup;
}

/// Register tile of a contraction: rows x (vectors of 16 lanes).
struct Tile {
  int64_t rows;
  int64_t vectors;
};

/// One row of the table of instruction sets: how kernels are written for it.
struct Isa {
  llvm::StringRef name;
  DotKind dot;
  DotKind bf16Dot;
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

/// The instruction set with this name, or null.
const Isa *lookupIsa(llvm::StringRef name);

/// The best instruction set whose features are all enabled.
const Isa &selectIsa(llvm::ArrayRef<std::string> enabledFeatures);

} // namespace tq::cpu

#endif // TQ_CODEGEN_CPU_ISA_H
