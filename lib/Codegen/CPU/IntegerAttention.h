//===- IntegerAttention.h - Attention in int8 -------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_INTEGERATTENTION_H
#define TQ_LIB_CODEGEN_CPU_INTEGERATTENTION_H

#include "DotAttention.h"

namespace tq::cpu {

/// Attention in int8, wherever its operands are quantized. Both products are
/// dot products of four bytes, as in a quantized linear, whose sums are exact;
/// a group of four keys is i, i + 16, i + 32 and i + 48 of its panel. Without
/// tiles, queries are u8: 128 more than they stand for.
class IntegerAttention : public DotAttention {
public:
  using DotAttention::DotAttention;

protected:
  // What is added where operands are quantized.
  /// What is the same in all exponents of a row.
  virtual mlir::Value emitFactor(mlir::Value r) = 0;
  /// 16 exponents of 2, of which weights are made.
  virtual mlir::Value emitExponent(const Row &row, mlir::Value panel,
                                   int64_t vector, mlir::Value largest,
                                   mlir::Value factor) = 0;

  void planAreas() override;
  llvm::SmallVector<Area *> moreAreas() override { return {&keyStarts}; }
  mlir::Value emitStart(mlir::Value firstKey) override {
    return loadWords(ofKeys(keyStarts, firstKey));
  }
  llvm::SmallVector<mlir::Value>
  emitWeights(llvm::ArrayRef<Row> rows,
              llvm::ArrayRef<mlir::Value> largest) override;
  void multiplyScoreTiles(int64_t sums, int64_t rows, int64_t keys) override {
    tiles->dotSigned(sums, rows, keys);
  }
  void multiplyValueTiles(int64_t sums, int64_t rows, int64_t values) override {
    tiles->dot(sums, rows, values);
  }

  /// The low bytes of four vectors as one.
  mlir::Value packBytes(llvm::ArrayRef<mlir::Value> group);
  mlir::VectorType bytes(int64_t count) {
    return mlir::VectorType::get({count}, builder.getI8Type());
  }
  /// Stores all groups of 16 keys. Gives what takes the 128 from the sums of
  /// their scores.
  mlir::Value storeKeys(mlir::Value panel, mlir::Value firstInPanel,
                        mlir::ValueRange keyGroups);

  Area keyStarts; ///< [T], what the sums of a key's scores start from
};

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_INTEGERATTENTION_H
