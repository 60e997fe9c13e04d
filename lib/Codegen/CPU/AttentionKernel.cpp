//===- AttentionKernel.cpp - Generate kernels of attention in f32 ---------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// A work item is one head of one sequence. In its scratch it lays the keys out
// as [T/64][D][64] and, for a block of query rows at a time, makes two passes
// over the keys: all scores with the rows' maxima, then the exponentials, their
// sum and the weighted values. Keeping the scores of a block beats rescaling on
// the fly, and gives the same bits for every tile: each output is one chain of
// fma over the head size or over the keys; only the sum has a fixed order of
// its own.
//
// Rows of a block beyond the last query repeat it, keys beyond the last are not
// visible: no shape needs code of its own.
//
//===----------------------------------------------------------------------===//

#include "KernelGenerator.h"
#include "LaneEvaluator.h"

#include "tq/Conversion/TQToLinalg/MathExpansion.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Quant/Polynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace tq::cpu;

namespace {

/// An operand of attention: columns of a [batch, token, column] memref.
struct Operand {
  Value memref;
  unsigned argument = 0;
  int64_t firstColumn = 0;
};

class AttentionKernelGenerator {
public:
  explicit AttentionKernelGenerator(Kernel &kernel)
      : kernel(kernel),
        b(kernel.source.getLoc(), kernel.function.getContext()) {}

  LogicalResult generate();

private:
  LogicalResult analyze();
  FailureOr<Operand> getOperand(Value value);
  void emitCounts();
  void emitItem(Value item);
  void packKeys();
  void packValues();
  void transposeKeys(Value panel, Value firstKey, int64_t firstDim);
  void emitRowBlock(Value firstRow);
  SmallVector<Value> emitScores();
  SmallVector<Value> emitScorePanel(Value panel, ValueRange maxima);
  SmallVector<Value> emitScoreTile(Value panel, int64_t firstVector);
  Value getVisible(Value firstKey, Value row);
  Value emitSoftmax(int64_t r, Value maximum);
  void emitValues(ValueRange scales);
  void emitValueTile(int64_t firstVector, int64_t vectors, ValueRange scales);
  SmallVector<Value> emitValuePanel(Value panel, int64_t firstVector,
                                    int64_t vectors, ValueRange sums);

  Value index(int64_t value) { return indexConstant(b, value); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
  Value mul(Value x, int64_t y) {
    return arith::MulIOp::create(b, x, index(y));
  }
  Value splat(float value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(vectorType(), value));
  }
  VectorType vectorType() { return VectorType::get({kLanes}, b.getF32Type()); }
  Value broadcast(Value scalar) {
    return vector::BroadcastOp::create(b, vectorType(), scalar);
  }
  /// Lanes of head dimension `vector` that exist; null: all.
  Value dimMask(int64_t vector) {
    int64_t exist = headSize - vector * kLanes;
    if (exist >= kLanes)
      return {};
    return vector::ConstantMaskOp::create(
        b, VectorType::get({kLanes}, b.getI1Type()), ArrayRef<int64_t>{exist});
  }
  Value loadDims(const Operand &operand, Value token, Value column,
                 int64_t vector);
  /// Halves a vector to one value with `combine`.
  Value reduce(Value vector, llvm::function_ref<Value(Value, Value)> combine);
  Value maxOf(Value x, Value y) {
    Value greater = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, y);
    return arith::SelectOp::create(b, greater, x, y);
  }
  /// Where the scores of a row of the block with a panel's keys start, in
  /// [T/64][rows][64]: all distances inside a panel are constants.
  Value scoreWord(Value panel, int64_t row) {
    return add(add(scores, mul(panel, rowsPerBlock * kPanel)),
               index(row * kPanel));
  }

  int64_t headVectors() const { return (headSize + kLanes - 1) / kLanes; }
  Value valueWord(Value key, int64_t vector) {
    return add(add(packedValues, mul(key, headVectors() * kLanes)),
               index(vector * kLanes));
  }

  Kernel &kernel;
  ImplicitLocOpBuilder b;
  tq::AttentionOp op;
  Operand query, key, value;
  Value mask, result, workspace;
  unsigned maskArgument = 0;
  int64_t headSize = 0, heads = 0, kvHeads = 0, rowsPerBlock = 0;
  Tile tile{};
  // Of the work item.
  Value queries, keys, panels, scores, packedValues, batch, queryColumn,
      keyColumn, valueColumn, resultColumn;
  SmallVector<Value> rows;
};

} // namespace

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

/// An argument, or a slice of the last dimension of one.
FailureOr<Operand> AttentionKernelGenerator::getOperand(Value value) {
  Operand operand;
  if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>()) {
    if (!slice.hasUnitStride() || slice.getSourceType().getRank() != 3)
      return failure();
    ArrayRef<int64_t> offsets = slice.getStaticOffsets();
    if (offsets[0] != 0 || offsets[1] != 0 || ShapedType::isDynamic(offsets[2]))
      return failure();
    operand.firstColumn = offsets[2];
    value = slice.getSource();
  }
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument)
    return failure();
  operand.argument = argument.getArgNumber();
  operand.memref = kernel.memrefs[operand.argument];
  return operand;
}

LogicalResult AttentionKernelGenerator::analyze() {
  for (Operation &inner : kernel.source.getBody().front()) {
    if (auto attention = dyn_cast<tq::AttentionOp>(inner)) {
      if (op)
        return failure();
      op = attention;
    } else if (!isa<tensor::ExtractSliceOp, tensor::DimOp, arith::ConstantOp,
                    func::ReturnOp>(inner)) {
      return failure();
    }
  }
  if (!op)
    return failure();
  for (auto [operand, source] :
       {std::pair<Operand *, Value>{&query, op.getQuery()},
        {&key, op.getKey()},
        {&value, op.getValue()}}) {
    FailureOr<Operand> found = getOperand(source);
    if (failed(found))
      return failure();
    *operand = *found;
  }
  if (op.getMask()) {
    auto argument = dyn_cast<BlockArgument>(op.getMask());
    if (!argument)
      return failure();
    maskArgument = argument.getArgNumber();
    mask = kernel.memrefs[maskArgument];
  }
  BlockArgument destination = getDestination(op.getResult());
  if (!destination)
    return failure();
  result = kernel.memrefs[destination.getArgNumber()];
  headSize = op.getHeadSize();
  heads = op.getNumHeads();
  kvHeads = op.getKvHeads();
  tile = kernel.target.floatTile;
  rowsPerBlock = tile.rows;
  return success();
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

void AttentionKernelGenerator::emitCounts() {
  CountBuilder count(kernel, ".count");
  count.finish(arith::MulIOp::create(count.builder,
                                     count.dim(query.argument, 0),
                                     indexConstant(count.builder, heads)));
  // Keys in panels, the scores of a block of rows, values.
  CountBuilder bytes(kernel, ".workspace");
  Value panels =
      arith::CeilDivUIOp::create(bytes.builder, bytes.dim(key.argument, 1),
                                 indexConstant(bytes.builder, kPanel));
  int64_t panelBytes =
      4 * kPanel * (headSize + rowsPerBlock + headVectors() * kLanes);
  bytes.finish(arith::MulIOp::create(bytes.builder, panels,
                                     indexConstant(bytes.builder, panelBytes)));
}

LogicalResult AttentionKernelGenerator::generate() {
  if (failed(analyze()))
    return failure();
  emitCounts();
  workspace = kernel.addWorkspace();
  b.setInsertionPointToEnd(&kernel.function.getBody().front());
  queries = memref::DimOp::create(b, query.memref, 1);
  keys = memref::DimOp::create(b, key.memref, 1);
  panels = arith::CeilDivUIOp::create(b, keys, index(kPanel));
  scores = mul(panels, kPanel * headSize);
  packedValues = add(scores, mul(panels, kPanel * rowsPerBlock));
  auto loop = scf::ForOp::create(b, kernel.begin, kernel.end, index(1));
  b.setInsertionPoint(loop.getBody()->getTerminator());
  emitItem(loop.getInductionVar());
  b.setInsertionPointToEnd(&kernel.function.getBody().front());
  func::ReturnOp::create(b);
  return success();
}

void AttentionKernelGenerator::emitItem(Value item) {
  batch = arith::DivUIOp::create(b, item, index(heads));
  Value head = arith::RemUIOp::create(b, item, index(heads));
  Value kvHead = arith::DivUIOp::create(b, head, index(heads / kvHeads));
  resultColumn = mul(head, headSize);
  queryColumn = add(resultColumn, index(query.firstColumn));
  keyColumn = add(mul(kvHead, headSize), index(key.firstColumn));
  valueColumn = add(mul(kvHead, headSize), index(value.firstColumn));
  packKeys();
  packValues();
  auto loop = scf::ForOp::create(b, index(0), queries, index(rowsPerBlock));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getBody()->getTerminator());
  emitRowBlock(loop.getInductionVar());
}

/// 16 dimensions of a head from `column` on, zeros beyond the last.
Value AttentionKernelGenerator::loadDims(const Operand &operand, Value token,
                                         Value column, int64_t vector) {
  SmallVector<Value> place{batch, token, add(column, index(vector * kLanes))};
  if (Value exist = dimMask(vector))
    return vector::MaskedLoadOp::create(b, vectorType(), operand.memref, place,
                                        exist, splat(0.0f));
  return vector::LoadOp::create(b, vectorType(), operand.memref, place);
}

void AttentionKernelGenerator::packKeys() {
  auto panelLoop = scf::ForOp::create(b, index(0), panels, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(panelLoop.getBody()->getTerminator());
  Value panel = panelLoop.getInductionVar();
  auto keyLoop = scf::ForOp::create(b, index(0), index(kPanel), index(kLanes));
  b.setInsertionPoint(keyLoop.getBody()->getTerminator());
  for (int64_t dim = 0; dim < headSize; dim += kLanes)
    transposeKeys(panel, keyLoop.getInductionVar(), dim);
}

/// scratch[panel][dim][key in panel] = key, a block of 16 x 16 by swapping the
/// off-diagonal halves of ever smaller blocks.
void AttentionKernelGenerator::transposeKeys(Value panel, Value firstKey,
                                             int64_t firstDim) {
  Value last = arith::SubIOp::create(b, keys, index(1));
  SmallVector<Value> block;
  for (int64_t i = 0; i < kLanes; ++i) {
    Value token = add(add(mul(panel, kPanel), firstKey), index(i));
    block.push_back(
        loadDims(key, minIndex(b, token, last), keyColumn, firstDim / kLanes));
  }
  for (int64_t stride = kLanes / 2; stride > 0; stride /= 2)
    for (int64_t i = 0; i < kLanes; ++i) {
      if (i & stride)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        bool swapped = lane & stride;
        low.push_back(swapped ? kLanes + lane - stride : lane);
        high.push_back(swapped ? kLanes + lane : lane + stride);
      }
      Value x = block[i], y = block[i + stride];
      block[i] = vector::ShuffleOp::create(b, x, y, low);
      block[i + stride] = vector::ShuffleOp::create(b, x, y, high);
    }
  Value base = add(mul(panel, kPanel * headSize), firstKey);
  for (int64_t i = 0; i < std::min(kLanes, headSize - firstDim); ++i)
    vector::StoreOp::create(b, block[i], workspace,
                            add(base, index((firstDim + i) * kPanel)));
}

/// scratch[key][vectors of a head] = value, zeros behind the head size: next to
/// each other they stay in the first cache, where their rows would collide.
void AttentionKernelGenerator::packValues() {
  auto loop = scf::ForOp::create(b, index(0), keys, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getBody()->getTerminator());
  Value key = loop.getInductionVar();
  for (int64_t v = 0; v < headVectors(); ++v)
    vector::StoreOp::create(b, loadDims(value, key, valueColumn, v), workspace,
                            valueWord(key, v));
}

void AttentionKernelGenerator::emitRowBlock(Value firstRow) {
  Value last = arith::SubIOp::create(b, queries, index(1));
  rows.clear();
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    rows.push_back(minIndex(b, add(firstRow, index(r)), last));
  SmallVector<Value> maxima = emitScores();
  SmallVector<Value> scales;
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    scales.push_back(emitSoftmax(r, maxima[r]));
  emitValues(scales);
}

/// All scores of the block into the scratch; gives each row's maximum, lane by
/// lane.
SmallVector<Value> AttentionKernelGenerator::emitScores() {
  SmallVector<Value> maxima(rowsPerBlock,
                            splat(-std::numeric_limits<float>::infinity()));
  auto loop = scf::ForOp::create(b, index(0), panels, index(1), maxima);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  SmallVector<Value> next =
      emitScorePanel(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, next);
  return loop.getResults();
}

SmallVector<Value>
AttentionKernelGenerator::emitScorePanel(Value panel, ValueRange initial) {
  SmallVector<Value> maxima(initial);
  for (int64_t first = 0; first < kPanel / kLanes; first += tile.vectors) {
    SmallVector<Value> sums = emitScoreTile(panel, first);
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Value firstKey = add(mul(panel, kPanel), index((first + v) * kLanes));
      Value visible = op.getCausal() ? Value() : getVisible(firstKey, {});
      for (int64_t r = 0; r < rowsPerBlock; ++r) {
        Value score =
            arith::MulFOp::create(b, sums[r * tile.vectors + v],
                                  splat(op.getScale().convertToFloat()));
        score = arith::SelectOp::create(
            b, visible ? visible : getVisible(firstKey, rows[r]), score,
            splat(-std::numeric_limits<float>::infinity()));
        vector::StoreOp::create(
            b, score, workspace,
            add(scoreWord(panel, r), index((first + v) * kLanes)));
        maxima[r] = maxOf(score, maxima[r]);
      }
    }
  }
  return maxima;
}

/// query . key for the block's rows and `tile.vectors` vectors of keys.
SmallVector<Value>
AttentionKernelGenerator::emitScoreTile(Value panel, int64_t firstVector) {
  SmallVector<Value> sums(rowsPerBlock * tile.vectors, splat(0.0f));
  auto loop = scf::ForOp::create(b, index(0), index(headSize), index(1), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  Value dim = loop.getInductionVar();
  SmallVector<Value> next(loop.getRegionIterArgs());
  Value base = add(mul(panel, kPanel * headSize), mul(dim, kPanel));
  SmallVector<Value> keyVectors;
  for (int64_t v = 0; v < tile.vectors; ++v)
    keyVectors.push_back(
        vector::LoadOp::create(b, vectorType(), workspace,
                               add(base, index((firstVector + v) * kLanes))));
  for (int64_t r = 0; r < rowsPerBlock; ++r) {
    Value input = broadcast(memref::LoadOp::create(
        b, query.memref, ValueRange{batch, rows[r], add(queryColumn, dim)}));
    for (int64_t v = 0; v < tile.vectors; ++v) {
      Value &sum = next[r * tile.vectors + v];
      sum = math::FmaOp::create(b, input, keyVectors[v], sum);
    }
  }
  scf::YieldOp::create(b, next);
  return loop.getResults();
}

/// Which of 16 keys the query in `row` sees (any row where that does not
/// matter).
Value AttentionKernelGenerator::getVisible(Value firstKey, Value row) {
  auto maskType = VectorType::get({kLanes}, b.getI1Type());
  Value limit = keys;
  if (op.getCausal()) // keys [0, row + T - S]
    limit = arith::MaxSIOp::create(
        b, index(0),
        arith::MinSIOp::create(
            b, keys,
            add(add(row, index(1)), arith::SubIOp::create(b, keys, queries))));
  Value count = arith::MinSIOp::create(
      b, index(kLanes),
      arith::MaxSIOp::create(b, index(0),
                             arith::SubIOp::create(b, limit, firstKey)));
  Value exist = vector::CreateMaskOp::create(b, maskType, count);
  if (!mask)
    return exist;
  auto type = VectorType::get({kLanes}, b.getI64Type());
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
  Value flags = vector::MaskedLoadOp::create(
      b, type, mask, ValueRange{batch, firstKey}, exist, zero);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, flags, zero);
}

Value AttentionKernelGenerator::reduce(
    Value vector, llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    auto slice = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(
          b, vector, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{half},
          ArrayRef<int64_t>{1});
    };
    vector = combine(slice(0), slice(half));
  }
  return vector::ExtractOp::create(b, vector, 0);
}

/// Replaces the scores of row `r` by exponentials; gives 1 / their sum, 0 for a
/// row without a visible key.
Value AttentionKernelGenerator::emitSoftmax(int64_t r, Value maximum) {
  auto constant = [&](float value) -> Value {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  };
  Value largest =
      reduce(maximum, [&](Value x, Value y) { return maxOf(x, y); });
  Value isNone =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, largest,
                            constant(-std::numeric_limits<float>::infinity()));
  largest = arith::SelectOp::create(b, isNone, constant(0.0f), largest);
  Value shift = broadcast(largest);
  constexpr int64_t parts = kPartialSums / kLanes;
  SmallVector<Value> sums(parts, splat(0.0f));
  static_assert(kPartialSums == kPanel, "a panel adds to each sum once");
  auto loop = scf::ForOp::create(b, index(0), panels, index(1), sums);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    SmallVector<Value> next;
    for (int64_t part = 0; part < parts; ++part) {
      Value place =
          add(scoreWord(loop.getInductionVar(), r), index(part * kLanes));
      Value score = vector::LoadOp::create(b, vectorType(), workspace, place);
      Value exponent = arith::MulFOp::create(
          b, arith::SubFOp::create(b, score, shift), splat(tq::quant::kLog2E));
      Value weight = tq::buildExp2Kernel(b, b.getLoc(), exponent);
      vector::StoreOp::create(b, weight, workspace, place);
      next.push_back(
          arith::AddFOp::create(b, loop.getRegionIterArg(part), weight));
    }
    scf::YieldOp::create(b, next);
  }
  auto sum = [&](Value x, Value y) -> Value {
    return arith::AddFOp::create(b, x, y);
  };
  Value total = reduce(sum(sum(loop.getResult(0), loop.getResult(2)),
                           sum(loop.getResult(1), loop.getResult(3))),
                       sum);
  Value inverse = arith::DivFOp::create(b, constant(1.0f), total);
  return arith::SelectOp::create(b, isNone, constant(0.0f), inverse);
}

void AttentionKernelGenerator::emitValues(ValueRange scales) {
  for (int64_t first = 0; first < headVectors(); first += tile.vectors)
    emitValueTile(first, std::min(tile.vectors, headVectors() - first), scales);
}

/// result = scale * sum over keys of weight * value, for some of the head's
/// vectors.
void AttentionKernelGenerator::emitValueTile(int64_t firstVector,
                                             int64_t vectors,
                                             ValueRange scales) {
  SmallVector<Value> sums(rowsPerBlock * vectors, splat(0.0f));
  auto loop = scf::ForOp::create(b, index(0), panels, index(1), sums);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(b, emitValuePanel(loop.getInductionVar(), firstVector,
                                           vectors, loop.getRegionIterArgs()));
  }
  for (int64_t r = 0; r < rowsPerBlock; ++r)
    for (int64_t v = 0; v < vectors; ++v) {
      Value out = arith::MulFOp::create(b, loop.getResult(r * vectors + v),
                                        broadcast(scales[r]));
      SmallVector<Value> place{
          batch, rows[r], add(resultColumn, index((firstVector + v) * kLanes))};
      if (Value exist = dimMask(firstVector + v))
        vector::MaskedStoreOp::create(b, result, place, exist, out);
      else
        vector::StoreOp::create(b, out, result, place);
    }
}

/// Adds the weighted values of a panel's keys, one key after the other.
SmallVector<Value> AttentionKernelGenerator::emitValuePanel(Value panel,
                                                            int64_t firstVector,
                                                            int64_t vectors,
                                                            ValueRange sums) {
  Value firstKey = mul(panel, kPanel);
  Value count =
      minIndex(b, index(kPanel), arith::SubIOp::create(b, keys, firstKey));
  Value firstScore = scoreWord(panel, 0);
  auto loop = scf::ForOp::create(b, index(0), count, index(1), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  Value key = loop.getInductionVar();
  SmallVector<Value> values, next(loop.getRegionIterArgs());
  for (int64_t v = 0; v < vectors; ++v)
    values.push_back(
        vector::LoadOp::create(b, vectorType(), workspace,
                               valueWord(add(firstKey, key), firstVector + v)));
  for (int64_t r = 0; r < rowsPerBlock; ++r) {
    Value place = add(add(firstScore, key), index(r * kPanel));
    Value weight = broadcast(memref::LoadOp::create(b, workspace, place));
    for (int64_t v = 0; v < vectors; ++v) {
      Value &sum = next[r * vectors + v];
      sum = math::FmaOp::create(b, weight, values[v], sum);
    }
  }
  scf::YieldOp::create(b, next);
  return loop.getResults();
}

LogicalResult tq::cpu::generateAttentionKernel(Kernel &kernel) {
  return AttentionKernelGenerator(kernel).generate();
}
