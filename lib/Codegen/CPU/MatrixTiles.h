//===- MatrixTiles.h - The tile registers of AMX ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_MATRIXTILES_H
#define TQ_LIB_CODEGEN_CPU_MATRIXTILES_H

#include "tq/Dialect/CPU/IR/CPU.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq::cpu {

/// Bytes of a row of a tile: inputs that one dot product of tiles takes.
constexpr int64_t kTileBytes = 64;

/// Emits instructions on the eight tile registers: sums s32 [rows][16], inputs
/// u8 [rows][64], weights s8 [16][16][4]. Which register holds what is fixed
/// by the one who emits.
class MatrixTiles {
public:
  /// `config`: 64 bytes of memory for the shapes of the tiles.
  MatrixTiles(mlir::ImplicitLocOpBuilder &builder, mlir::Value config)
      : builder(builder), config(config) {}

  /// From here on registers [0, plain) have `rows` rows (index, 1 to 16), the
  /// others 16. All become zero.
  void configure(int64_t plain, mlir::Value rows);
  void zero(int64_t tile);
  /// Rows of 64 bytes, `stride` (index) bytes apart, from element `indices`.
  void load(int64_t tile, mlir::Value memref, mlir::ValueRange indices,
            mlir::Value stride);
  void store(int64_t tile, mlir::Value memref, mlir::ValueRange indices,
             mlir::Value stride);
  /// sums += inputs * weights, exact in s32.
  void dot(int64_t sums, int64_t inputs, int64_t weights);
  /// The same with inputs s8.
  void dotSigned(int64_t sums, int64_t inputs, int64_t weights);
  /// The same with sums f32 and two bf16 in place of four bytes.
  void dotBf16(int64_t sums, int64_t inputs, int64_t weights);
  /// Gives the registers back: the system need not save them any more.
  void release();

private:
  void call(llvm::StringRef intrinsic, mlir::ValueRange operands);
  mlir::Value tile(int64_t number);
  mlir::Value pointerTo(mlir::Value memref, mlir::ValueRange indices);
  mlir::Value toI64(mlir::Value index);

  mlir::ImplicitLocOpBuilder &builder;
  mlir::Value config;
};

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_MATRIXTILES_H
