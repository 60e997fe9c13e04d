//===- ContractionKernel.cpp - Generate kernels of linear layers ----------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel with one contraction of rows with a packed weight,
//
//     acc[rows..., n] = init + sum_k x[rows..., k] * w[n, k],
//
// and elementwise ops around it. A work item is one panel of 64 outputs for a
// block of rows: the panel stays in the cache while the rows stream by.
// Accumulators live in registers from the initial value to the end of the
// epilogue.
//
//===----------------------------------------------------------------------===//

#include "ContractionKernel.h"

#include "DotProduct.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

/// The body is acc + extui(x) * extsi(w), or fma(x, w, acc).
static LogicalResult matchBody(linalg::GenericOp op, bool &isInteger) {
  Block &body = *op.getBody();
  Value x = body.getArgument(0), w = body.getArgument(1),
        acc = body.getArgument(2);
  Operation *last = body.getTerminator()->getOperand(0).getDefiningOp();
  if (auto fma = dyn_cast_or_null<math::FmaOp>(last)) {
    isInteger = false;
    return success(fma.getA() == x && fma.getB() == w && fma.getC() == acc &&
                   x.getType().isF32() && w.getType().isF32());
  }
  auto add = dyn_cast_or_null<arith::AddIOp>(last);
  if (!add)
    return failure();
  bool accFirst = add.getLhs() == acc;
  auto mul =
      (accFirst ? add.getRhs() : add.getLhs()).getDefiningOp<arith::MulIOp>();
  if (!mul || (accFirst ? add.getLhs() : add.getRhs()) != acc)
    return failure();
  auto input = mul.getLhs().getDefiningOp<arith::ExtUIOp>();
  auto weight = mul.getRhs().getDefiningOp<arith::ExtSIOp>();
  isInteger = true;
  return success(input && weight && input.getIn() == x && weight.getIn() == w &&
                 x.getType().isInteger(8) && w.getType().isInteger(8) &&
                 acc.getType().isInteger(32));
}

/// A weight in all calls, which nothing else of the kernel reads.
static bool isPackable(BlockArgument argument) {
  auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  return function.getArgAttr(argument.getArgNumber(), program::kWeightAttr) &&
         type && type.getRank() == 2 && type.hasStaticShape() &&
         argument.hasOneUse();
}

LogicalResult
ContractionKernelGenerator::analyzeContraction(linalg::GenericOp op) {
  if (contraction || op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() != 1 || op.getNumLoops() < 2)
    return failure();
  contraction = op;
  rowRank = op.getNumLoops() - 2;
  MLIRContext *context = op.getContext();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  AffineExpr n = getAffineDimExpr(rowRank, context);
  AffineExpr k = getAffineDimExpr(rowRank + 1, context);
  SmallVector<AffineExpr> rows;
  for (unsigned i = 0; i < rowRank; ++i)
    rows.push_back(getAffineDimExpr(i, context));
  SmallVector<AffineExpr> inputExprs(rows), outputExprs(rows);
  inputExprs.push_back(k);
  outputExprs.push_back(n);
  SmallVector<AffineExpr> weightExprs{n, k};
  if (maps[0].getResults() != ArrayRef(inputExprs) ||
      maps[1].getResults() != ArrayRef(weightExprs) ||
      maps[2].getResults() != ArrayRef(outputExprs) ||
      op.getIteratorTypesArray().back() != utils::IteratorType::reduction)
    return failure();
  inputArgument = dyn_cast<BlockArgument>(op.getDpsInputs()[0]);
  weightArgument = dyn_cast<BlockArgument>(op.getDpsInputs()[1]);
  if (!inputArgument || !weightArgument || !isPackable(weightArgument))
    return failure();
  auto weightType = cast<RankedTensorType>(weightArgument.getType());
  outputs = weightType.getDimSize(0);
  inputs = weightType.getDimSize(1);
  return matchBody(op, isInteger);
}

/// Row dimensions all together or not at all, so that they fold into one.
LogicalResult
ContractionKernelGenerator::checkElementwise(linalg::GenericOp op) {
  if (op.getNumReductionLoops() != 0 || op.getNumLoops() > rowRank + 1 ||
      op.getNumLoops() < rowRank)
    return failure();
  for (AffineMap map : op.getIndexingMapsArray()) {
    ArrayRef<AffineExpr> results = map.getResults();
    if (rowRank > 0 && usesDim(map, 0)) {
      for (unsigned i = 0; i < rowRank; ++i)
        if (results.size() <= i ||
            results[i] != getAffineDimExpr(i, op.getContext()))
          return failure();
      results = results.drop_front(rowRank);
    }
    for (AffineExpr expr : results)
      if (expr != getAffineDimExpr(rowRank, op.getContext()))
        return failure();
  }
  return success();
}

LogicalResult ContractionKernelGenerator::analyze() {
  SmallVector<linalg::GenericOp> others;
  for (Operation &op : kernel.source.getBody().front()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      if (generic.getNumReductionLoops() == 0)
        others.push_back(generic);
      else if (failed(analyzeContraction(generic)))
        return failure();
    } else if (!isa<linalg::FillOp, tensor::EmptyOp, tensor::DimOp,
                    arith::ConstantOp, func::ReturnOp>(op)) {
      return failure();
    }
  }
  if (!contraction)
    return failure();
  for (linalg::GenericOp op : others) {
    if (failed(checkElementwise(op)))
      return failure();
    // What is stored is the epilogue; the rest is evaluated where it is used.
    if (llvm::any_of(op.getResults(), [](Value result) {
          return static_cast<bool>(getDestination(result));
        }))
      epilogue.push_back(op);
  }
  SmallVector<linalg::GenericOp> all = others;
  all.push_back(contraction);
  if (!haveEqualExtents(all))
    return failure();
  tile = isInteger ? kernel.isa.integerTile : kernel.isa.floatTile;
  return success();
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

/// Blocks of rows that are items of their own.
Value ContractionKernelGenerator::countBlocks(ImplicitLocOpBuilder &builder,
                                              Value rows) {
  if (!usesMatrixTiles())
    return arith::CeilDivUIOp::create(builder, rows,
                                      indexConstant(builder, kRowBlock));
  Value whole = arith::DivUIOp::create(builder, rows,
                                       indexConstant(builder, kMatrixRowBlock));
  Value one = minIndex(builder, rows, indexConstant(builder, 1));
  return arith::MaxUIOp::create(builder, whole, one);
}

void ContractionKernelGenerator::emitCount() {
  SizeBuilder count(kernel, kernel.variant.getCount());
  Value rows = indexConstant(count.builder, 1);
  for (unsigned i = 0; i < rowRank; ++i)
    rows = arith::MulIOp::create(count.builder, rows,
                                 count.dim(inputArgument.getArgNumber(), i));
  Value blocks = countBlocks(count.builder, rows);
  count.finish(arith::MulIOp::create(
      count.builder, blocks,
      indexConstant(count.builder, (outputs + kPanel - 1) / kPanel)));
}

/// Folds the leading `rowRank` dimensions into one.
Value ContractionKernelGenerator::collapseRows(Value memref, unsigned rank) {
  if (rowRank == 1)
    return memref;
  SmallVector<ReassociationIndices> groups;
  if (rowRank > 0)
    groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rowRank)));
  for (unsigned i = rowRank; i < rank; ++i)
    groups.push_back({i});
  if (rowRank == 0) { // one row: [n] becomes [1, n]
    auto type = cast<MemRefType>(memref.getType());
    SmallVector<int64_t> shape{1};
    llvm::append_range(shape, type.getShape());
    SmallVector<ReassociationIndices> expansion{{0, 1}};
    return memref::ExpandShapeOp::create(
        builder, MemRefType::get(shape, type.getElementType()), memref,
        expansion);
  }
  return memref::CollapseShapeOp::create(builder, memref, groups);
}

void ContractionKernelGenerator::bindArguments() {
  // Arguments that are read or written through a map with rows are folded.
  llvm::DenseMap<Value, bool> hasRows;
  auto note = [&](linalg::GenericOp op) {
    for (auto [operand, map] :
         llvm::zip(op->getOperands(), op.getIndexingMapsArray()))
      if (rowRank > 0 && usesDim(map, 0))
        hasRows[operand] = true;
  };
  note(contraction);
  for (Operation &op : kernel.source.getBody().front())
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      note(generic);
  llvm::DenseMap<Value, Value> views;
  for (auto [argument, memref] :
       llvm::zip(kernel.source.getArguments(), kernel.memrefs)) {
    auto type = cast<MemRefType>(memref.getType());
    Value view = memref;
    bool isOut = llvm::any_of(argument.getUsers(), [&](Operation *user) {
      auto dps = dyn_cast<DestinationStyleOpInterface>(user);
      return dps && llvm::is_contained(dps.getDpsInits(), argument);
    });
    if (rowRank != 1 && (hasRows.lookup(argument) || isOut) &&
        type.getRank() >= static_cast<int64_t>(rowRank) && type.getRank() > 0)
      view = collapseRows(memref, type.getRank());
    views[argument] = view;
    evaluator->bind(argument, {view});
  }
  for (linalg::GenericOp op : epilogue)
    for (Value result : op.getResults())
      if (BlockArgument argument = getDestination(result))
        evaluator->bind(result, {views[argument]});
  inputMemref = views[inputArgument];
  // [N/16, groups, 16, group] -> [N/16, groups, 16 * group]
  weightMemref = memref::CollapseShapeOp::create(
      builder, kernel.memrefs[weightArgument.getArgNumber()],
      SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
}

LogicalResult ContractionKernelGenerator::generate() {
  if (failed(analyze()) || rowRank == 0)
    return failure();
  emitCount();
  kernel.pack(weightArgument.getArgNumber(), kPackedOutputs,
              isInteger ? kDotGroup : 1);
  builder.setInsertionPointToEnd(kernel.getCode());
  evaluator =
      std::make_unique<LaneEvaluator>(builder, rowRank, /*collapsed=*/true);
  bindArguments();
  if (usesMatrixTiles()) {
    auto align = builder.getI64IntegerAttr(64);
    tiles.emplace(
        builder,
        memref::AllocaOp::create(
            builder, MemRefType::get({64}, builder.getI8Type()), align));
    tileSums = memref::AllocaOp::create(
        builder,
        MemRefType::get({kMatrixRowBlock, kPanel}, builder.getI32Type()),
        align);
    // Slow, so once: fewer rows than a tile has are all rows there are.
    Value rows = memref::DimOp::create(builder, inputMemref, 0);
    tiles->configure(kWeightTile, minIndex(builder, rows,
                                           indexConstant(builder, kTileRows)));
  }
  auto loop = scf::ForOp::create(builder, kernel.begin, kernel.end,
                                 indexConstant(builder, 1));
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  if (failed(emitItem(loop.getInductionVar())))
    return failure();
  builder.setInsertionPointToEnd(kernel.getCode());
  if (tiles)
    tiles->release();
  program::YieldOp::create(builder);
  kernel.variant.setPlan(describePlan());
  return success();
}

std::string ContractionKernelGenerator::describePlan() const {
  StringRef dot = isInteger ? getDotName(kernel.isa.dot) : "fma";
  std::string vectors = llvm::formatv("{0} in tiles of {1} x {2}", dot,
                                      tile.rows, tile.vectors * kLanes);
  if (!tiles)
    return llvm::formatv("{0}, items of {1} rows x {2} outputs", vectors,
                         kRowBlock, kPanel);
  return llvm::formatv("tdpbusd in tiles of {0} x {0}, items of {0} rows x {1} "
                       "outputs; up to {2} rows {3}",
                       kMatrixRowBlock, kPanel, tile.rows, vectors);
}

/// Rows that one tile of vectors holds leave tile registers mostly empty.
LogicalResult ContractionKernelGenerator::emitItem(Value item) {
  if (!tiles)
    return emitVectorItem(item);
  Value rows = memref::DimOp::create(builder, inputMemref, 0);
  Value isFew = arith::CmpIOp::create(builder, arith::CmpIPredicate::ule, rows,
                                      indexConstant(builder, tile.rows));
  auto branch = scf::IfOp::create(builder, isFew, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  if (failed(emitVectorItem(item)))
    return failure();
  builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  return emitMatrixItem(item);
}

LogicalResult ContractionKernelGenerator::emitVectorItem(Value item) {
  Value rows = memref::DimOp::create(builder, inputMemref, 0);
  Value blocks = countBlocks(builder, rows);
  Value block = indexConstant(builder, kRowBlock);
  Value panel = arith::DivUIOp::create(builder, item, blocks);
  Value first = arith::MulIOp::create(
      builder, arith::RemUIOp::create(builder, item, blocks), block);
  Value last =
      minIndex(builder, rows, arith::AddIOp::create(builder, first, block));
  return forColumns(panel, [&](int64_t columns) {
    return emitPanel(panel, columns, first, last);
  });
}

/// Emits a panel with all its columns, and the last with those that exist.
LogicalResult ContractionKernelGenerator::forColumns(
    Value panel, llvm::function_ref<LogicalResult(int64_t columns)> emit) {
  int64_t whole = outputs / kPanel, rest = outputs % kPanel;
  if (rest == 0)
    return emit(kPanel);
  if (whole == 0)
    return emit(rest);
  Value isWhole = arith::CmpIOp::create(builder, arith::CmpIPredicate::ult,
                                        panel, indexConstant(builder, whole));
  auto branch = scf::IfOp::create(builder, isWhole, /*withElse=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(branch.thenBlock()->getTerminator());
  if (failed(emit(kPanel)))
    return failure();
  builder.setInsertionPoint(branch.elseBlock()->getTerminator());
  return emit(rest);
}

//===----------------------------------------------------------------------===//
// With vectors
//===----------------------------------------------------------------------===//

/// `columns` outputs of a panel, as many vectors at a time as the tile has.
LogicalResult ContractionKernelGenerator::emitPanel(Value panel,
                                                    int64_t columns,
                                                    Value first, Value last) {
  int64_t vectors = (columns + kLanes - 1) / kLanes;
  int64_t whole = vectors - vectors % tile.vectors;
  bool isPartial = columns % kLanes != 0;
  if (isPartial && whole == vectors)
    whole -= tile.vectors; // the last tile has masked lanes
  if (whole > 0 && whole <= tile.vectors) {
    if (failed(emitRowTiles(panel, indexConstant(builder, 0), whole,
                            whole * kLanes, first, last)))
      return failure();
  } else if (whole > 0) {
    auto loop = scf::ForOp::create(builder, indexConstant(builder, 0),
                                   indexConstant(builder, whole),
                                   indexConstant(builder, tile.vectors));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(loop.getBody()->getTerminator());
    if (failed(emitRowTiles(panel, loop.getInductionVar(), tile.vectors,
                            tile.vectors * kLanes, first, last)))
      return failure();
  }
  if (whole == vectors)
    return success();
  return emitRowTiles(panel, indexConstant(builder, whole), vectors - whole,
                      columns - whole * kLanes, first, last);
}

/// One of two values, by comparing `value` with a constant.
static Value selectWhere(ImplicitLocOpBuilder &builder,
                         arith::CmpIPredicate predicate, Value value,
                         int64_t bound, Value ifTrue, Value ifFalse) {
  Value holds = arith::CmpIOp::create(builder, predicate, value,
                                      indexConstant(builder, bound));
  return arith::SelectOp::create(builder, holds, ifTrue, ifFalse);
}

/// Whole tiles of rows, then the rest in one smaller tile or in two halves.
LogicalResult
ContractionKernelGenerator::emitRowTiles(Value panel, Value firstVector,
                                         int64_t vectors, int64_t columns,
                                         Value first, Value last) {
  using arith::CmpIPredicate;
  OutputTile out{panel, firstVector, vectors, columns, {}, {}};
  RowRest rest = splitRest(first, last);
  if (failed(emitTiles(out, first, rest.begin, tile.rows)))
    return failure();
  for (int64_t size = 1; size <= getLargestRestTile(); ++size) {
    Value begin = selectWhere(builder, CmpIPredicate::eq, rest.upperRows, size,
                              rest.begin, rest.middle);
    Value end = selectWhere(builder, CmpIPredicate::eq, rest.lowerRows, size,
                            last, rest.middle);
    if (failed(emitTiles(out, begin, end, size)))
      return failure();
  }
  return success();
}

/// A tile of one row has few sums that do not wait for each other, so one row
/// left over takes the last whole tile into the rest.
RowRest ContractionKernelGenerator::splitRest(Value first, Value last) {
  auto subtract = [&](Value a, Value b) -> Value {
    return arith::SubIOp::create(builder, a, b);
  };
  using arith::CmpIPredicate;
  Value zero = indexConstant(builder, 0), one = indexConstant(builder, 1);
  Value count = subtract(last, first);
  Value rest =
      arith::RemUIOp::create(builder, count, indexConstant(builder, tile.rows));
  Value joined = selectWhere(builder, CmpIPredicate::ugt, count, tile.rows,
                             indexConstant(builder, tile.rows + 1), one);
  rest = selectWhere(builder, CmpIPredicate::eq, rest, 1, joined, rest);
  Value lower =
      selectWhere(builder, CmpIPredicate::ugt, rest, getLargestRestTile(),
                  arith::ShRUIOp::create(builder, rest, one), zero);
  return {subtract(last, rest), subtract(last, lower), subtract(rest, lower),
          lower};
}

/// Tiles of `size` rows each from `begin` to `end`. Whole ones prefetch.
LogicalResult ContractionKernelGenerator::emitTiles(OutputTile out, Value begin,
                                                    Value end, int64_t size) {
  auto loop =
      scf::ForOp::create(builder, begin, end, indexConstant(builder, size));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop.getBody()->getTerminator());
  Value row = loop.getInductionVar();
  for (int64_t r = 0; r < size; ++r)
    out.rows.push_back(
        arith::AddIOp::create(builder, row, indexConstant(builder, r)));
  if (size == tile.rows)
    out.prefetched =
        getPrefetched(out.panel, out.firstVector, out.vectors, row, size);
  return emitTile(out);
}

/// The first tiles of `size` rows each prefetch a packed panel of the next
/// outputs; the others one that is in the cache, so that the loop has no
/// branch.
Value ContractionKernelGenerator::getPrefetched(Value panel, Value firstVector,
                                                int64_t vectors, Value row,
                                                int64_t size) {
  Value index =
      arith::DivUIOp::create(builder, row, indexConstant(builder, size));
  Value isFirst = arith::CmpIOp::create(builder, arith::CmpIPredicate::ult,
                                        index, indexConstant(builder, vectors));
  Value next = getPacked(
      arith::AddIOp::create(builder, panel, indexConstant(builder, 1)),
      arith::AddIOp::create(builder, firstVector, index));
  int64_t packed = (outputs + kPackedOutputs - 1) / kPackedOutputs;
  return arith::SelectOp::create(
      builder, isFirst,
      minIndex(builder, next, indexConstant(builder, packed - 1)),
      getPacked(panel, firstVector));
}

LogicalResult ContractionKernelGenerator::emitTile(const OutputTile &out) {
  FailureOr<SmallVector<Value>> init = emitInit(out);
  if (failed(init))
    return failure();
  return emitEpilogue(out, emitContraction(out, *init), /*chains=*/1);
}

LanePoint ContractionKernelGenerator::getPoint(const OutputTile &out, Value row,
                                               int64_t vector) {
  Value base =
      arith::MulIOp::create(builder, out.panel, indexConstant(builder, kPanel));
  Value place = arith::AddIOp::create(builder, out.firstVector,
                                      indexConstant(builder, vector));
  LanePoint point{{row},
                  arith::AddIOp::create(
                      builder, base,
                      arith::MulIOp::create(builder, place,
                                            indexConstant(builder, kLanes))),
                  {}};
  int64_t exist = out.columns - vector * kLanes;
  if (exist < kLanes)
    point.mask = vector::ConstantMaskOp::create(
        builder, VectorType::get({kLanes}, builder.getI1Type()),
        ArrayRef<int64_t>{exist});
  return point;
}

/// Initial sums, row by row.
FailureOr<SmallVector<Value>>
ContractionKernelGenerator::emitInit(const OutputTile &out) {
  Value init = contraction.getDpsInits().front();
  AffineMap map =
      AffineMap::getMultiDimIdentityMap(rowRank + 1, builder.getContext());
  SmallVector<Value> values;
  evaluator->clearBlock();
  for (Value row : out.rows)
    for (int64_t v = 0; v < out.vectors; ++v) {
      evaluator->clearKnown();
      FailureOr<Value> value =
          evaluator->read(init, map, getPoint(out, row, v));
      if (failed(value))
        return failure();
      values.push_back(evaluator->broadcast(*value));
    }
  return values;
}

/// The packed panel with the outputs of a vector of an item's panel.
Value ContractionKernelGenerator::getPacked(Value panel, Value vector) {
  Value first = arith::MulIOp::create(builder, panel,
                                      indexConstant(builder, kPanelVectors));
  return arith::AddIOp::create(builder, first, vector);
}

Value ContractionKernelGenerator::getPacked(const OutputTile &out,
                                            int64_t vector) {
  return getPacked(out.panel,
                   arith::AddIOp::create(builder, out.firstVector,
                                         indexConstant(builder, vector)));
}

SmallVector<Value>
ContractionKernelGenerator::emitContraction(const OutputTile &out,
                                            ValueRange init) {
  int64_t group = isInteger ? kDotGroup : 1;
  int64_t whole = inputs / group, rest = inputs % group;
  SmallVector<Value> sums(init);
  if (whole > 0) {
    auto loop = scf::ForOp::create(builder, indexConstant(builder, 0),
                                   indexConstant(builder, whole),
                                   indexConstant(builder, 1), sums);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(loop.getBody());
    if (out.prefetched)
      emitPrefetches(out, loop.getInductionVar());
    SmallVector<Value> next =
        emitStep(out, loop.getInductionVar(), group, loop.getRegionIterArgs());
    scf::YieldOp::create(builder, next);
    sums.assign(loop.getResults().begin(), loop.getResults().end());
  }
  if (rest > 0)
    sums = emitStep(out, indexConstant(builder, whole), rest, sums);
  return sums;
}

/// A line of the panel to come, into the second cache, since those at work fill
/// the first. Panels of floats do not fit there, so that lines are also fetched
/// from the second to the first a few steps ahead.
void ContractionKernelGenerator::emitPrefetches(const OutputTile &out,
                                                Value group) {
  prefetch(out.prefetched, group, /*locality=*/2);
  if (isInteger)
    return;
  Value ahead = arith::AddIOp::create(builder, group,
                                      indexConstant(builder, kStepsAhead));
  for (int64_t v = 0; v < out.vectors; ++v)
    prefetch(getPacked(out, v), ahead, /*locality=*/3);
}

/// A line of weights; one that does not exist is ignored.
void ContractionKernelGenerator::prefetch(Value packed, Value group,
                                          unsigned locality) {
  memref::PrefetchOp::create(
      builder, weightMemref,
      ValueRange{packed, group, indexConstant(builder, 0)},
      /*isWrite=*/false, locality, /*isDataCache=*/true);
}

/// The i32 with `count` inputs of a group, zeros behind.
Value ContractionKernelGenerator::loadInputs(Value row, Value group,
                                             int64_t count) {
  Value first =
      arith::MulIOp::create(builder, group, indexConstant(builder, kDotGroup));
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
    Value place =
        arith::AddIOp::create(builder, first, indexConstant(builder, i));
    Value byte = arith::ExtUIOp::create(
        builder, builder.getI32Type(),
        memref::LoadOp::create(builder, inputMemref, ValueRange{row, place}));
    Value shifted = arith::ShLIOp::create(
        builder, byte, arith::ConstantIntOp::create(builder, 8 * i, 32));
    word = arith::OrIOp::create(builder, word, shifted);
  }
  return word;
}

SmallVector<Value> ContractionKernelGenerator::emitStep(const OutputTile &out,
                                                        Value group,
                                                        int64_t groupInputs,
                                                        ValueRange sums) {
  int64_t vectors = out.vectors;
  SmallVector<Value> next(sums);
  int64_t width = isInteger ? kLanes * kDotGroup : kLanes;
  Type element =
      isInteger ? Type(builder.getI8Type()) : Type(builder.getF32Type());
  auto type = VectorType::get({width}, element);
  SmallVector<Value> weights;
  for (int64_t v = 0; v < vectors; ++v)
    weights.push_back(vector::LoadOp::create(
        builder, type, weightMemref,
        ValueRange{getPacked(out, v), group, indexConstant(builder, 0)}));
  DotKind dot = kernel.isa.dot;
  SmallVector<DotWeights> prepared;
  if (isInteger)
    for (Value weight : weights)
      prepared.push_back(prepareWeights(builder, dot, weight));
  for (auto [r, row] : llvm::enumerate(out.rows)) {
    if (!isInteger) {
      Value input =
          memref::LoadOp::create(builder, inputMemref, ValueRange{row, group});
      Value lanes = evaluator->broadcast(input);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = next[r * vectors + v];
        sum = math::FmaOp::create(builder, lanes, weights[v], sum);
      }
      continue;
    }
    DotInputs input =
        prepareInputs(builder, dot, loadInputs(row, group, groupInputs));
    for (int64_t v = 0; v < vectors; ++v) {
      Value &sum = next[r * vectors + v];
      sum = emitDot(builder, dot, sum, input, prepared[v]);
    }
  }
  return next;
}

/// The epilogue of a vector is a chain of dependent operations, and the CPU
/// looks only a few vectors ahead: so many `chains` are interleaved. Each more
/// takes registers, which those of accumulators leave few of.
LogicalResult ContractionKernelGenerator::emitEpilogue(const OutputTile &out,
                                                       ValueRange sums,
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
      if (failed(emitEpilogue(out, i / out.vectors, i % out.vectors, sums[i])))
        return failure();
      SmallVector<Operation *> &chain = code.emplace_back();
      for (auto it = last ? std::next(last->getIterator()) : block->begin();
           it != builder.getInsertionPoint(); ++it)
        chain.push_back(&*it);
    }
    interleave(code);
  }
  return success();
}

/// The epilogue of one vector of a row.
LogicalResult ContractionKernelGenerator::emitEpilogue(const OutputTile &out,
                                                       int64_t row,
                                                       int64_t vector,
                                                       Value sum) {
  evaluator->clearKnown();
  LanePoint point = getPoint(out, out.rows[row], vector);
  evaluator->setKnown(contraction->getResult(0), sum);
  if (BlockArgument stored = getDestination(contraction->getResult(0))) {
    if (failed(evaluator->write(stored,
                                AffineMap::getMultiDimIdentityMap(
                                    rowRank + 1, builder.getContext()),
                                sum, point)))
      return failure();
  }
  for (linalg::GenericOp op : epilogue) {
    FailureOr<SmallVector<Value>> values = evaluator->evaluate(op, point);
    if (failed(values) || failed(evaluator->writeResults(op, *values, point)))
      return failure();
    for (auto [result, value] : llvm::zip(op.getResults(), *values))
      evaluator->setKnown(result, evaluator->broadcast(value));
  }
  return success();
}

LogicalResult tq::cpu::generateContractionKernel(Kernel &kernel) {
  return ContractionKernelGenerator(kernel).generate();
}
