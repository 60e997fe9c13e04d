//===- ContractionKernel.cpp - Write kernels of linear layers -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContractionKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

ContractionWriter::ContractionWriter(Kernel &kernel,
                                     const ContractionPattern &pattern,
                                     ContractionPlanAttr plan)
    : pattern(pattern), plan(plan),
      builder(kernel.source.getLoc(), kernel.source.getContext()),
      kernel(kernel) {}

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

/// Of two tiles of rows each; those left over are part of the last.
static Value countMatrixBlocks(ImplicitLocOpBuilder &builder, Value rows) {
  Value whole = arith::DivUIOp::create(builder, rows,
                                       indexConstant(builder, kMatrixRows));
  Value one = minIndex(builder, rows, indexConstant(builder, 1));
  return arith::MaxUIOp::create(builder, whole, one);
}

Value ContractionWriter::countBlocks(ImplicitLocOpBuilder &builder,
                                     Value rows) {
  if (plan.getSums() == SumPlace::Tiles)
    return countMatrixBlocks(builder, rows);
  return arith::CeilDivUIOp::create(builder, rows,
                                    indexConstant(builder, plan.getRows()));
}

void ContractionWriter::emitSizes() {
  auto countRows = [&](SizeBuilder &sizes) {
    Value rows = indexConstant(sizes.builder, 1);
    for (unsigned i = 0; i < pattern.rowRank; ++i)
      rows = arith::MulIOp::create(sizes.builder, rows,
                                   sizes.dim(pattern.input.getArgNumber(), i));
    return rows;
  };
  SizeBuilder count(kernel, kernel.variant.getCount());
  Value rows = countRows(count);
  Value blocks = countBlocks(count.builder, rows);
  count.finish(arith::MulIOp::create(
      count.builder, blocks,
      indexConstant(count.builder, (pattern.outputs + kPanel - 1) / kPanel)));
  if (!plan.isWidened())
    return;
  SizeBuilder bytes(kernel, kernel.variant.getWorkspace());
  bytes.finish(
      WidenedOperands(*this).countBytes(bytes.builder, countRows(bytes)));
}

Value ContractionWriter::countRows() {
  return memref::DimOp::create(builder, inputMemref, 0);
}

void ContractionWriter::forColumns(
    Value panel, llvm::function_ref<void(int64_t columns)> emit) {
  int64_t whole = pattern.outputs / kPanel, rest = pattern.outputs % kPanel;
  if (rest == 0)
    return emit(kPanel);
  if (whole == 0)
    return emit(rest);
  Value isWhole = arith::CmpIOp::create(builder, arith::CmpIPredicate::ult,
                                        panel, index(whole));
  auto branch = scf::IfOp::create(builder, isWhole, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  emit(kPanel);
  builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  emit(rest);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// Folds the dimensions of rows into one.
Value ContractionWriter::collapseRows(Value memref) {
  int64_t rank = cast<MemRefType>(memref.getType()).getRank();
  SmallVector<ReassociationIndices> groups{
      llvm::to_vector(llvm::seq<int64_t>(0, pattern.rowRank))};
  for (int64_t i = pattern.rowRank; i < rank; ++i)
    groups.push_back({i});
  return memref::CollapseShapeOp::create(builder, memref, groups);
}

void ContractionWriter::bindArguments() {
  // Arguments that are read or written through a map with rows are folded.
  llvm::DenseSet<Value> withRows;
  for (auto op : kernel.source.getBody().getOps<linalg::GenericOp>())
    for (OpOperand &operand : op->getOpOperands())
      if (op.isDpsInit(&operand) ||
          usesDim(op.getMatchingIndexingMap(&operand), 0))
        withRows.insert(operand.get());
  for (auto op : kernel.source.getBody().getOps<linalg::FillOp>())
    withRows.insert(op.getOutputs().front());
  llvm::DenseMap<Value, Value> views;
  for (auto [argument, memref] :
       llvm::zip(kernel.source.getArguments(), kernel.memrefs)) {
    Value view = memref;
    if (pattern.rowRank != 1 && withRows.contains(argument))
      view = collapseRows(memref);
    views[argument] = view;
    evaluator->bind(argument, {view});
  }
  for (linalg::GenericOp op : pattern.epilogue)
    for (Value result : op.getResults())
      if (BlockArgument argument = getDestination(result))
        evaluator->bind(result, {views[argument]});
  inputMemref = views[pattern.input];
  // [N/16, groups, 16, group] -> [N/16, groups, 16 * group]
  weightMemref = memref::CollapseShapeOp::create(
      builder, kernel.memrefs[pattern.weight.getArgNumber()],
      SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
}

Value ContractionWriter::getPacked(Value panel, Value vector) {
  Value first = arith::MulIOp::create(builder, panel, index(kPanelVectors));
  return arith::AddIOp::create(builder, first, vector);
}

Value ContractionWriter::getPacked(const OutputTile &out, int64_t vector) {
  return getPacked(out.panel, arith::AddIOp::create(builder, out.firstVector,
                                                    index(vector)));
}

Value ContractionWriter::loadGroup(Value row, Value group, int64_t count) {
  Value first = arith::MulIOp::create(builder, group, index(kDotGroup));
  if (count == kDotGroup) {
    auto bytes = VectorType::get({kDotGroup}, builder.getI8Type());
    Value loaded = vector::LoadOp::create(builder, bytes, inputMemref,
                                          ValueRange{row, first});
    Value word = vector::BitCastOp::create(
        builder, VectorType::get({1}, builder.getI32Type()), loaded);
    return vector::ExtractOp::create(builder, word, 0);
  }
  Value word = arith::ConstantIntOp::create(builder, 0, 32);
  for (int64_t i = 0; i < count; ++i) {
    Value place = arith::AddIOp::create(builder, first, index(i));
    Value byte = arith::ExtUIOp::create(
        builder, builder.getI32Type(),
        memref::LoadOp::create(builder, inputMemref, ValueRange{row, place}));
    Value shifted = arith::ShLIOp::create(
        builder, byte, arith::ConstantIntOp::create(builder, 8 * i, 32));
    word = arith::OrIOp::create(builder, word, shifted);
  }
  return word;
}

void ContractionWriter::prefetch(Value packed, Value group, unsigned locality) {
  memref::PrefetchOp::create(builder, weightMemref,
                             ValueRange{packed, group, index(0)},
                             /*isWrite=*/false, locality, /*isDataCache=*/true);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

LanePoint ContractionWriter::getPoint(const OutputTile &out, Value row,
                                      int64_t vector) {
  Value base = arith::MulIOp::create(builder, out.panel, index(kPanel));
  Value place = arith::AddIOp::create(builder, out.firstVector, index(vector));
  LanePoint point{
      {row},
      arith::AddIOp::create(
          builder, base, arith::MulIOp::create(builder, place, index(kLanes))),
      {}};
  int64_t exist = out.columns - vector * kLanes;
  if (exist < kLanes)
    point.mask = vector::ConstantMaskOp::create(
        builder, VectorType::get({kLanes}, builder.getI1Type()),
        ArrayRef<int64_t>{exist});
  return point;
}

SmallVector<Value> ContractionWriter::emitInit(const OutputTile &out) {
  linalg::GenericOp op = pattern.op;
  Value init = op.getDpsInits().front();
  AffineMap map = AffineMap::getMultiDimIdentityMap(pattern.rowRank + 1,
                                                    builder.getContext());
  SmallVector<Value> values;
  evaluator->clearBlock();
  for (Value row : out.rows)
    for (int64_t v = 0; v < out.vectors; ++v) {
      evaluator->clearKnown();
      Value value = evaluator->read(init, map, getPoint(out, row, v));
      values.push_back(evaluator->broadcast(value));
    }
  return values;
}

/// The epilogue of a vector is a chain of dependent operations, and the CPU
/// looks only a few vectors ahead. Each chain more takes registers, which those
/// of accumulators leave few of.
void ContractionWriter::emitEpilogue(const OutputTile &out, ValueRange sums,
                                     int64_t chains) {
  int64_t count = sums.size();
  for (int64_t first = 0; first < count; first += chains) {
    SmallVector<SmallVector<Operation *>> code;
    for (int64_t i = first; i < std::min(first + chains, count); ++i) {
      if (i == first || i % out.vectors == 0)
        evaluator->clearBlock();
      Block *block = builder.getInsertionBlock();
      auto place = builder.getInsertionPoint();
      Operation *last = place == block->begin() ? nullptr : &*std::prev(place);
      emitEpilogue(out, i / out.vectors, i % out.vectors, sums[i]);
      SmallVector<Operation *> &chain = code.emplace_back();
      for (auto it = last ? std::next(last->getIterator()) : block->begin();
           it != builder.getInsertionPoint(); ++it)
        chain.push_back(&*it);
    }
    interleave(code);
  }
}

/// The epilogue of one vector of a row.
void ContractionWriter::emitEpilogue(const OutputTile &out, int64_t row,
                                     int64_t vector, Value sum) {
  evaluator->clearKnown();
  LanePoint point = getPoint(out, out.rows[row], vector);
  Value result = pattern.op->getResult(0);
  evaluator->setKnown(result, sum);
  if (BlockArgument stored = getDestination(result))
    evaluator->write(stored,
                     AffineMap::getMultiDimIdentityMap(pattern.rowRank + 1,
                                                       builder.getContext()),
                     sum, point);
  for (linalg::GenericOp op : pattern.epilogue) {
    SmallVector<Value> values = evaluator->evaluate(op, point);
    evaluator->writeResults(op, values, point);
    for (auto [result, value] : llvm::zip(op.getResults(), values))
      evaluator->setKnown(result, evaluator->broadcast(value));
  }
}

/// Whether a value computed in the kernel can differ from row to row.
static bool dependsOnRows(Value value) {
  if (value.getDefiningOp<linalg::FillOp>())
    return false;
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.hasIndexSemantics())
    return true;
  return llvm::any_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    AffineMap map = op.getMatchingIndexingMap(input);
    return usesDim(map, 0);
  });
}

void ContractionWriter::emitEpilogues(
    Value panel, int64_t columns, Value first, Value last, int64_t rows,
    int64_t chains, llvm::function_ref<Value(Value, int64_t)> load) {
  OutputTile out{panel,   index(0), (columns + kLanes - 1) / kLanes,
                 columns, {first},  {}};
  linalg::GenericOp contraction = pattern.op;
  bool isSameInRows = !dependsOnRows(contraction.getDpsInits().front());
  SmallVector<Value> initial;
  if (isSameInRows)
    initial = emitInit(out);
  auto loop = scf::ForOp::create(builder, first, last, index(rows));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  out.rows = {loop.getInductionVar()};
  for (int64_t r = 1; r < rows; ++r) {
    Value next =
        arith::AddIOp::create(builder, loop.getInductionVar(), index(r));
    out.rows.push_back(minIndex(
        builder, next, arith::SubIOp::create(builder, last, index(1))));
  }
  if (!isSameInRows)
    initial = emitInit(out);
  SmallVector<Value> all;
  for (Value row : out.rows)
    for (int64_t v = 0; v < out.vectors; ++v) {
      Value start = initial[all.size() % initial.size()];
      all.push_back(arith::AddIOp::create(builder, load(row, v), start));
    }
  emitEpilogue(out, all, std::min<int64_t>(chains, all.size()));
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// Rows that one tile of vectors holds leave tile registers mostly empty.
static void emitMatrixItem(ContractionWriter &writer, MatrixContraction &matrix,
                           Value item) {
  ImplicitLocOpBuilder &builder = writer.builder;
  Value isFew = arith::CmpIOp::create(builder, arith::CmpIPredicate::ule,
                                      writer.countRows(),
                                      writer.index(writer.plan.getTileRows()));
  auto branch = scf::IfOp::create(builder, isFew, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  VectorContraction(writer).emitItem(item);
  builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  matrix.emitItem(item);
}

void ContractionWriter::write() {
  emitSizes();
  kernel.pack(pattern.weight.getArgNumber(), kPackedOutputs,
              getGroupSize(plan.getDot()));
  if (plan.isWidened())
    workspace = kernel.addWorkspace();
  builder.setInsertionPointToEnd(kernel.getCode());
  evaluator = std::make_unique<LaneEvaluator>(builder, pattern.rowRank,
                                              /*collapsed=*/true);
  bindArguments();
  std::optional<MatrixContraction> matrix;
  if (plan.getSums() == SumPlace::Tiles)
    matrix.emplace(*this);
  auto loop = scf::ForOp::create(builder, kernel.begin, kernel.end, index(1));
  evaluator->setLoop(loop);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  if (matrix)
    emitMatrixItem(*this, *matrix, loop.getInductionVar());
  else
    VectorContraction(*this).emitItem(loop.getInductionVar());
  builder.setInsertionPointToEnd(kernel.getCode());
  if (matrix)
    matrix->finish();
  program::YieldOp::create(builder);
}

void tq::cpu::writeContraction(Kernel &kernel,
                               const ContractionPattern &pattern,
                               ContractionPlanAttr plan) {
  ContractionWriter(kernel, pattern, plan).write();
}
