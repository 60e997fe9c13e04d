//===- DotAttention.h - Attention by dot products of words ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CODEGEN_CPU_DOTATTENTION_H
#define TQ_LIB_CODEGEN_CPU_DOTATTENTION_H

#include "AttentionKernel.h"
#include "DotProduct.h"
#include "MatrixTiles.h"

#include <limits>
#include <optional>

namespace tq::cpu {

/// Attention whose products are dot products of words: groups of `u` elements,
/// narrower than f32, that an instruction multiplies and adds at once. Keys lie
/// as a weight does, [T/64][D/u][64] words; values as [T/64][64/u][D], where
/// the keys of a group come from `u` vectors of the panel: so vectors of
/// weights become one of groups without a shuffle. All scratch is words.
///
/// Where the target has tile registers for the element type, a block is 32 rows
/// and its sums are made in them; only that differs. Rows of a block beyond the
/// last query hold whatever was there before.
class DotAttention : public AttentionWriter {
public:
  using AttentionWriter::AttentionWriter;

protected:
  /// A row of the block.
  struct Row {
    mlir::Value r;
    std::optional<KeyRange> range; ///< if not all keys
  };
  /// A part of the scratch: some words, then some for each panel.
  struct Area {
    int64_t words = 0, perPanel = 0;
    mlir::Value start = {};
  };

  // What an element type adds.
  /// A query of the block as words, with zeros to the end of the last chunk.
  virtual void packQuery(mlir::Value r) = 0;
  /// Where the sums of 16 scores start, without tiles.
  virtual mlir::Value emitStart(mlir::Value firstKey) = 0;
  /// 16 scores of a row, the lowest of all where no key is visible. Here they
  /// are made of the sums, and stored, f32.
  virtual mlir::Value emitScores(const Row &row, mlir::Value panel,
                                 int64_t vector);
  /// The same of a sum, but for what a row's scores have in common.
  virtual mlir::Value emitScore(mlir::Value sum, mlir::Value /*firstKey*/) {
    return sum;
  }
  /// 16 scores below all others, and the larger of two.
  virtual mlir::Value lowestScores() { return negativeInfinity(); }
  virtual mlir::Value largerOf(mlir::Value x, mlir::Value y) {
    return maxOf(x, y);
  }
  /// Whether `largest` is of a row without a visible key.
  virtual mlir::Value emitIsNone(mlir::Value largest);
  /// Makes weights of the scores of some rows, whose largest are given; gives
  /// their sums as f32.
  virtual llvm::SmallVector<mlir::Value>
  emitWeights(llvm::ArrayRef<Row> rows,
              llvm::ArrayRef<mlir::Value> largest) = 0;
  /// What sums of the row's values are multiplied by.
  virtual mlir::Value emitRowScale(mlir::Value, mlir::Value inverse) {
    return inverse;
  }
  /// 16 values of the head from their sums, but for the row's scale.
  virtual mlir::Value emitValue(mlir::Value sum, int64_t vector) = 0;
  virtual void multiplyScoreTiles(int64_t sums, int64_t rows, int64_t keys) = 0;
  virtual void multiplyValueTiles(int64_t sums, int64_t rows,
                                  int64_t values) = 0;
  /// Scratch beyond what all have.
  virtual llvm::SmallVector<Area *> moreAreas() { return {}; }

  /// Says how many words each part of the scratch has.
  virtual void planAreas();
  std::pair<int64_t, int64_t> countWords() override;
  void begin() override;
  void end() override;
  void emitRowBlock() override;

  /// Stores what a score gets for being seen: 0, or minus infinity.
  void storeKeyBias(mlir::Value firstKey, mlir::Value visible);

  // Numbers.
  mlir::VectorType words() {
    return mlir::VectorType::get({kLanes}, builder.getI32Type());
  }
  mlir::Value intSplat(int32_t value) {
    return mlir::arith::ConstantOp::create(
        builder, mlir::DenseElementsAttr::get(words(), value));
  }
  mlir::Value loadFloats(mlir::Value place) {
    return mlir::vector::LoadOp::create(builder, vectorType(), workspace,
                                        place);
  }
  mlir::Value loadWords(mlir::Value place) {
    return mlir::arith::BitcastOp::create(builder, words(), loadFloats(place));
  }
  /// As dot products take them.
  mlir::Value loadGroups(mlir::Value place) {
    return mlir::vector::BitCastOp::create(
        builder, mlir::VectorType::get({4 * kLanes}, builder.getI8Type()),
        loadWords(place));
  }
  void storeFloats(mlir::Value vector, mlir::Value place) {
    mlir::vector::StoreOp::create(builder, vector, workspace, place);
  }
  void storeWords(mlir::Value vector, mlir::Value place) {
    storeFloats(mlir::arith::BitcastOp::create(builder, vectorType(), vector),
                place);
  }
  mlir::Value select(mlir::Value condition, mlir::Value yes, mlir::Value no) {
    return mlir::arith::SelectOp::create(builder, condition, yes, no);
  }
  mlir::Value negativeInfinity() {
    return splat(-std::numeric_limits<float>::infinity());
  }

  // Places.
  int64_t groupSize() const { return getGroupSize(dot); }
  int64_t groups() const { return (headSize + groupSize() - 1) / groupSize(); }
  /// Parts of a head that fill a row of a tile, the last one perhaps in part.
  int64_t chunks() const { return (groups() + kLanes - 1) / kLanes; }
  int64_t queryStride() const { return chunks() * kLanes; }
  /// Words of a row's weights in a panel.
  int64_t weightStride() const { return kPanel / groupSize(); }
  mlir::Value keyPlace(mlir::Value panel, mlir::Value group, int64_t vector) {
    return add(add(keyWords.start, mul(panel, keyWords.perPanel)),
               add(mul(group, kPanel), index(vector * kLanes)));
  }
  mlir::Value valuePlace(mlir::Value panel, mlir::Value group, int64_t vector) {
    return add(add(valueWords.start, mul(panel, valueWords.perPanel)),
               add(mul(group, headVectors() * kLanes), index(vector * kLanes)));
  }
  mlir::Value scorePlace(mlir::Value panel, mlir::Value r, int64_t vector) {
    return add(add(scores.start, mul(panel, scores.perPanel)),
               add(mul(r, kPanel), index(vector * kLanes)));
  }
  mlir::Value weightPlace(mlir::Value panel, mlir::Value r) {
    return add(add(weights.start, mul(panel, weights.perPanel)),
               mul(r, weightStride()));
  }
  mlir::Value ofKeys(const Area &area, mlir::Value firstKey) {
    return add(area.start, firstKey);
  }

  /// Vectors of keys in a panel.
  static constexpr int64_t kPanelVectors = kPanel / kLanes;

  std::optional<MatrixTiles> tiles;
  Area queryWords; ///< [rows][D/u], rounded up to chunks
  Area rowScales;  ///< [rows], 1 / sum of weights
  Area sums;       ///< [rows][64], of values
  Area keyWords;   ///< [T/64][D/u][64]
  Area keyBiases;  ///< [T], 0 or minus infinity
  Area valueWords; ///< [T/64][64/u][D]
  Area scores;     ///< [T/64][rows][64], first their sums
  Area weights;    ///< [T/64][rows][64/u]

private:
  llvm::SmallVector<Area *> areas();
  /// s32, or f32 for bf16.
  mlir::VectorType sumType() { return isBf16(dot) ? vectorType() : words(); }
  mlir::Value loadSums(mlir::Value place) {
    return mlir::arith::BitcastOp::create(builder, sumType(),
                                          loadFloats(place));
  }
  void storeSums(mlir::Value vector, mlir::Value place) {
    storeFloats(mlir::arith::BitcastOp::create(builder, vectorType(), vector),
                place);
  }
  void emitSums();
  void emitScoreTile(mlir::Value panel, int64_t firstVector);
  void emitMatrixSums();
  void loadRowTiles(mlir::Value place, int64_t stride);
  void storeSumTiles(mlir::Value panel, int64_t vector, int64_t vectors);
  void zeroSumTiles();
  void emitSoftmax(mlir::Value firstRow);
  llvm::SmallVector<mlir::Value> emitLargest(llvm::ArrayRef<Row> rows);
  void emitValues();
  void emitValueTile(int64_t firstVector, int64_t vectors);
  void emitMatrixValues(int64_t firstVector, int64_t vectors);
  void emitResults(int64_t firstVector, int64_t vectors);

  mlir::Value rows; ///< of the block
};

} // namespace tq::cpu

#endif // TQ_LIB_CODEGEN_CPU_DOTATTENTION_H
