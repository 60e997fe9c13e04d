//===- CheckSizes.cpp - Checks of sizes that types leave open -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DimTable.h"
#include "EntryOps.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tq::program {
#define GEN_PASS_DEF_CHECKSIZESPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;
using namespace tq::program;

//===----------------------------------------------------------------------===//
// What is known of an index
//===----------------------------------------------------------------------===//

/// Computed from sizes and constants alone.
static bool isKnownBeforeRun(Value index) {
  Operation *op = index.getDefiningOp();
  if (!op)
    return false;
  if (isa<tensor::DimOp, GetStateOp>(op))
    return true;
  return isa<arith::ArithDialect, affine::AffineDialect>(op->getDialect()) &&
         op->getNumRegions() == 0 &&
         llvm::all_of(op->getOperands(), isKnownBeforeRun);
}

/// Whether the expression neither falls nor goes below 0 where its operands,
/// which are not negative, grow.
static bool isMonotone(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue() >= 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return !binary ||
         (binary.getKind() != AffineExprKind::Mod &&
          isMonotone(binary.getLHS()) && isMonotone(binary.getRHS()));
}

static bool isNeverNegative(Value index) {
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return !constant.isNegative();
  Operation *op = index.getDefiningOp();
  if (!op || isa<tensor::DimOp, GetStateOp>(op))
    return op;
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return isMonotone(apply.getAffineMap().getResult(0)) &&
           llvm::all_of(op->getOperands(), isNeverNegative);
  return isa<arith::AddIOp, arith::MulIOp, arith::DivUIOp, arith::DivSIOp,
             arith::CeilDivUIOp, arith::CeilDivSIOp, arith::FloorDivSIOp,
             arith::RemUIOp, arith::MinSIOp, arith::MinUIOp, arith::MaxSIOp,
             arith::MaxUIOp>(op) &&
         llvm::all_of(op->getOperands(), isNeverNegative);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

namespace {

/// Puts checks before the ops of a function.
class SizeChecker {
public:
  explicit SizeChecker(func::FuncOp function)
      : function(function), dims(function), builder(function.getContext()) {}

  LogicalResult run();

private:
  void checkOp(Operation *op);
  void checkResult(OpResult result);
  void checkLoops(linalg::LinalgOp op);
  void checkExpand(tensor::ExpandShapeOp op);
  void checkConcat(tensor::ConcatOp op);
  void checkSlice(OffsetSizeAndStrideOpInterface op, Value whole);
  void checkSource(tensor::InsertSliceOp op);
  void checkPad(tensor::PadOp op);
  void checkStaticSize(TensorDim result, AffineExpr computed,
                       ArrayRef<OpFoldResult> operands);
  void checkDivision(Operation *op);
  void checkIndices(ValueRange indices, Value tensor);

  // What has to hold, and in whose words.
  void expectEqual(OpFoldResult a, OpFoldResult b, const Twine &what);
  void expectEqualDims(TensorDim a, TensorDim b);
  void expectAtMost(OpFoldResult small, OpFoldResult large, const Twine &what);
  void expectNotNegative(OpFoldResult size, const Twine &what);
  void expect(arith::CmpIPredicate predicate, OpFoldResult a, OpFoldResult b,
              const Twine &what);

  InFlightDiagnostic fail() {
    hasErrors = true;
    return checked->emitOpError();
  }
  OpFoldResult sizeOf(TensorDim dim) {
    return dims.lookup(dim.tensor)[dim.dim];
  }
  OpFoldResult apply(AffineExpr expr, ArrayRef<OpFoldResult> operands) {
    return affine::makeComposedFoldedAffineApply(builder, checked->getLoc(),
                                                 expr, operands);
  }

  func::FuncOp function;
  DimTable dims;
  OpBuilder builder;
  Operation *checked = nullptr; ///< the op that checks are put before
  bool hasErrors = false;
};

} // namespace

/// Where the op comes from, for the user: a layer or a place in a file.
static std::string describePlace(Location loc) {
  if (StringRef layer = getLayerName(loc); !layer.empty())
    return (" (" + layer + ")").str();
  auto file = loc->findInstanceOf<FileLineColLoc>();
  if (!file)
    return "";
  return (" (" + file.getFilename().getValue() + ":" + Twine(file.getLine()) +
          ":" + Twine(file.getColumn()) + ")")
      .str();
}

void SizeChecker::expect(arith::CmpIPredicate predicate, OpFoldResult a,
                         OpFoldResult b, const Twine &what) {
  std::optional<int64_t> left = getConstantIntValue(a),
                         right = getConstantIntValue(b);
  if (left && right) {
    if (arith::applyCmpPredicate(predicate, APInt(64, *left, true),
                                 APInt(64, *right, true)))
      return;
    fail() << "expected " << what.str() << ", but got " << *left << " and "
           << *right;
    return;
  }
  for (OpFoldResult side : {a, b})
    if (auto value = dyn_cast<Value>(side); value && !isKnownBeforeRun(value)) {
      fail() << "expected sizes and offsets that are known before the program "
                "runs, but one is computed from elements of a tensor";
      return;
    }
  Location loc = checked->getLoc();
  Value holds = arith::CmpIOp::create(
      builder, loc, predicate, getValueOrCreateConstantIndexOp(builder, loc, a),
      getValueOrCreateConstantIndexOp(builder, loc, b));
  std::string message = ("'" + checked->getName().getStringRef() + "' needs " +
                         what + describePlace(loc))
                            .str();
  cf::AssertOp::create(builder, loc, holds, message);
}

void SizeChecker::expectEqual(OpFoldResult a, OpFoldResult b,
                              const Twine &what) {
  if (!isEqualConstantIntOrValue(a, b))
    expect(arith::CmpIPredicate::eq, a, b, what);
}

/// The state that the tensor is, or is made of in place; null: none.
static GetStateOp findState(Value tensor) {
  while (auto insert = tensor.getDefiningOp<tensor::InsertSliceOp>())
    tensor = insert.getDest();
  return tensor.getDefiningOp<GetStateOp>();
}

static std::string describeDim(TensorDim dim) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "dimension " << dim.dim;
  if (GetStateOp get = findState(dim.tensor)) {
    StringRef name = get.lookupState().getDimName(dim.dim);
    stream << (name.empty() ? "" : " (" + name.str() + ")") << " of state @"
           << get.getName();
  } else {
    stream << " of " << dim.tensor.getType();
  }
  return text;
}

void SizeChecker::expectEqualDims(TensorDim a, TensorDim b) {
  expectEqual(sizeOf(a), sizeOf(b),
              describeDim(a) + " and " + describeDim(b) + " to be equal");
}

void SizeChecker::expectAtMost(OpFoldResult small, OpFoldResult large,
                               const Twine &what) {
  if (!isEqualConstantIntOrValue(small, large))
    expect(arith::CmpIPredicate::sle, small, large, what);
}

void SizeChecker::expectNotNegative(OpFoldResult size, const Twine &what) {
  auto value = dyn_cast<Value>(size);
  if (!value || !isNeverNegative(value))
    expect(arith::CmpIPredicate::sge, size, builder.getIndexAttr(0), what);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// A size is not negative, and what the op computes is what the type says.
void SizeChecker::checkResult(OpResult result) {
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!type || isCompileTimeValue(result))
    return;
  for (auto [dim, size] : llvm::enumerate(dims.lookup(result)))
    expectNotNegative(size, describeDim({result, int64_t(dim)}) +
                                " not to be negative");
  bool hasOpenOperand = llvm::any_of(checked->getOperandTypes(), [](Type type) {
    auto shaped = dyn_cast<RankedTensorType>(type);
    return !shaped || !shaped.hasStaticShape();
  });
  if (!hasOpenOperand)
    return;
  auto computed = reifyComputedDims(
      builder, result, [&](Value value) { return dims.lookup(value); });
  if (failed(computed))
    return;
  for (auto [dim, size] : llvm::enumerate(*computed))
    if (!type.isDynamicDim(dim))
      expectEqual(size, builder.getIndexAttr(type.getDimSize(dim)),
                  describeDim({result, int64_t(dim)}) + " to be what it reads");
}

/// One size a loop, and no index beyond an operand.
void SizeChecker::checkLoops(linalg::LinalgOp op) {
  SmallVector<TensorDim> loops(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      if (!loop)
        continue;
      TensorDim own{operand.get(), int64_t(dim)};
      TensorDim &first = loops[loop.getPosition()];
      if (first.tensor)
        expectEqualDims(first, own);
      else
        first = own;
    }
  }
  SmallVector<OpFoldResult> ends;
  SmallVector<AffineExpr> lastIndices;
  for (auto [i, loop] : llvm::enumerate(loops)) {
    ends.push_back(loop.tensor ? sizeOf(loop) : builder.getIndexAttr(0));
    lastIndices.push_back(builder.getAffineDimExpr(i) - 1);
  }
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (!isa<AffineDimExpr>(expr) && isMonotone(expr))
        expectAtMost(apply(expr.replaceDims(lastIndices) + 1, ends),
                     sizeOf({operand.get(), int64_t(dim)}),
                     "its indices within " +
                         describeDim({operand.get(), int64_t(dim)}));
  }
}

void SizeChecker::checkExpand(tensor::ExpandShapeOp op) {
  Dims sizes = dims.lookup(op.getResult());
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    AffineExpr product = builder.getAffineConstantExpr(1);
    SmallVector<OpFoldResult> factors;
    for (int64_t part : group) {
      product = product * builder.getAffineSymbolExpr(factors.size());
      factors.push_back(sizes[part]);
    }
    TensorDim whole{op.getSrc(), int64_t(dim)};
    expectEqual(group.size() == 1 ? factors[0] : apply(product, factors),
                sizeOf(whole),
                describeDim(whole) + " to be the product of the sizes it "
                                     "becomes");
  }
}

void SizeChecker::checkConcat(tensor::ConcatOp op) {
  int64_t rank = op.getResultType().getRank();
  for (Value input : op.getInputs().drop_front())
    for (int64_t dim = 0; dim < rank; ++dim)
      if (dim != static_cast<int64_t>(op.getDim()))
        expectEqualDims({op.getInputs().front(), dim}, {input, dim});
  AffineExpr sum = builder.getAffineConstantExpr(0);
  SmallVector<OpFoldResult> parts;
  for (Value input : op.getInputs()) {
    sum = sum + builder.getAffineSymbolExpr(parts.size());
    parts.push_back(sizeOf({input, int64_t(op.getDim())}));
  }
  checkStaticSize({op.getResult(), int64_t(op.getDim())}, sum, parts);
}

void SizeChecker::checkPad(tensor::PadOp op) {
  auto low = op.getMixedLowPad(), high = op.getMixedHighPad();
  AffineExpr sum = builder.getAffineSymbolExpr(0) +
                   builder.getAffineSymbolExpr(1) +
                   builder.getAffineSymbolExpr(2);
  for (int64_t dim = 0; dim < op.getResultType().getRank(); ++dim) {
    for (OpFoldResult pad : {low[dim], high[dim]})
      expectNotNegative(pad, "paddings of 0 or more");
    checkStaticSize({op.getResult(), dim}, sum,
                    {low[dim], sizeOf({op.getSource(), dim}), high[dim]});
  }
}

/// What the type says of a result's size, if anything, is what the op computes:
/// interfaces tell of such a dimension what its type says.
void SizeChecker::checkStaticSize(TensorDim result, AffineExpr computed,
                                  ArrayRef<OpFoldResult> operands) {
  auto type = cast<RankedTensorType>(result.tensor.getType());
  if (!type.isDynamicDim(result.dim))
    expectEqual(apply(computed, operands), sizeOf(result),
                describeDim(result) + " to be what it reads");
}

/// A division by 0 has no result, not even before the program runs. Dimensions
/// of inputs are at least 1.
void SizeChecker::checkDivision(Operation *op) {
  Value divisor = op->getOperand(1);
  std::optional<int64_t> constant = getConstantIntValue(divisor);
  if (constant ? *constant > 0 : bool(divisor.getDefiningOp<tensor::DimOp>()))
    return;
  fail() << "expected a divisor that is known to be more than 0: a constant or "
            "the size of an input";
}

/// 0 <= offset, 0 < stride, and offset + (size - 1) * stride < dimension, but
/// for empty slices offset <= dimension.
void SizeChecker::checkSlice(OffsetSizeAndStrideOpInterface op, Value whole) {
  AffineExpr offset = builder.getAffineSymbolExpr(0),
             size = builder.getAffineSymbolExpr(1);
  auto sizes = op.getMixedSizes(), offsets = op.getMixedOffsets(),
       strides = op.getMixedStrides();
  for (size_t i = 0; i < sizes.size(); ++i) {
    TensorDim dim{whole, int64_t(i)};
    std::string name = describeDim(dim);
    expectNotNegative(offsets[i], "an offset of 0 or more in " + name);
    expectNotNegative(sizes[i], "a size of 0 or more in " + name);
    std::optional<int64_t> stride = getConstantIntValue(strides[i]);
    if (!stride || *stride < 1) {
      fail() << "expected constant strides of 1 or more";
      return;
    }
    OpFoldResult end = isConstantIntValue(offsets[i], 0) && *stride == 1
                           ? sizes[i]
                           : apply(offset + size * *stride - (*stride - 1),
                                   {offsets[i], sizes[i]});
    bool isState = isa<tensor::InsertSliceOp>(op) && findState(whole);
    expectAtMost(end, sizeOf(dim),
                 (isState ? "room in " : "its slice to lie within ") + name);
  }
}

void SizeChecker::checkSource(tensor::InsertSliceOp op) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  int64_t dim = 0;
  for (auto [i, size] : llvm::enumerate(op.getMixedSizes())) {
    if (dropped.test(i))
      continue;
    TensorDim own{op.getSource(), dim++};
    expectEqual(size, sizeOf(own), describeDim(own) + " to be its slice's");
  }
}

void SizeChecker::checkIndices(ValueRange indices, Value tensor) {
  for (auto [i, index] : llvm::enumerate(indices)) {
    TensorDim dim{tensor, int64_t(i)};
    std::string what = "its index within " + describeDim(dim);
    expectNotNegative(getAsOpFoldResult(index), what);
    expect(arith::CmpIPredicate::slt, getAsOpFoldResult(index), sizeOf(dim),
           what);
  }
}

void SizeChecker::checkOp(Operation *op) {
  if (auto equal = dyn_cast<EqualDimsOpInterface>(op))
    for (auto [a, b] : equal.getEqualDims())
      expectEqualDims(a, b);
  TypeSwitch<Operation *>(op)
      .Case([&](linalg::LinalgOp op) { checkLoops(op); })
      .Case([&](linalg::SoftmaxOp op) {
        int64_t rank = op.getInputOperandRank();
        for (int64_t dim = 0; dim < rank; ++dim)
          expectEqualDims({op.getInput(), dim}, {op.getOutput(), dim});
      })
      .Case([&](tensor::ExpandShapeOp op) { checkExpand(op); })
      .Case([&](tensor::ConcatOp op) { checkConcat(op); })
      .Case([&](tensor::ExtractSliceOp op) { checkSlice(op, op.getSource()); })
      .Case([&](tensor::InsertSliceOp op) {
        checkSlice(op, op.getDest());
        checkSource(op);
      })
      .Case([&](tensor::InsertOp op) {
        checkIndices(op.getIndices(), op.getDest());
      })
      .Case([&](tensor::ExtractOp op) {
        checkIndices(op.getIndices(), op.getTensor());
      })
      .Case([&](SetStateOp op) {
        if (op.getValue().getType().isIndex())
          expectNotNegative(getAsOpFoldResult(op.getValue()),
                            "state @" + op.getName() + " not to be negative");
      })
      .Case([&](tensor::PadOp op) { checkPad(op); })
      .Case<arith::DivUIOp, arith::DivSIOp, arith::CeilDivUIOp,
            arith::CeilDivSIOp, arith::FloorDivSIOp, arith::RemUIOp,
            arith::RemSIOp>([&](Operation *op) {
        if (op->getResult(0).getType().isIndex())
          checkDivision(op);
      });
  for (OpResult result : op->getResults())
    checkResult(result);
}

LogicalResult SizeChecker::run() {
  if (failed(dims.compute()))
    return failure();
  SmallVector<Operation *> ops;
  for (Operation &op : function.getBody().front())
    ops.push_back(&op);
  for (Operation *op : ops) {
    checked = op;
    builder.setInsertionPoint(op);
    checkOp(op);
  }
  return failure(hasErrors);
}

namespace {
struct CheckSizesPass : program::impl::CheckSizesPassBase<CheckSizesPass> {
  void runOnOperation() override {
    FailureOr<SmallVector<func::FuncOp>> entries = findEntries(getOperation());
    if (failed(entries))
      return signalPassFailure();
    for (func::FuncOp entry : *entries)
      if (failed(checkEntryOps(entry)) || failed(SizeChecker(entry).run()))
        return signalPassFailure();
  }
};
} // namespace
