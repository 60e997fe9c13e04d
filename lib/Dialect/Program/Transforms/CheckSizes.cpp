//===- CheckSizes.cpp - Checks of sizes that types leave open -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DimTable.h"
#include "EntryOps.h"
#include "IndexFacts.h"
#include "tq/Dialect/Program/IR/LayerTitle.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Runtime/Program.h"

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
// Checks
//===----------------------------------------------------------------------===//

namespace {

/// Puts checks before the ops of a function.
class SizeChecker {
public:
  explicit SizeChecker(func::FuncOp function)
      : function(function), dims(function), facts(dims),
        builder(function.getContext()) {}

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
  void checkState(SetStateOp op);
  void checkArithmetic(Operation *op);
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
    expectSafe(expr, operands, 0);
    return affine::makeComposedFoldedAffineApply(builder, checked->getLoc(),
                                                 expr, operands);
  }
  /// The value of the expression does not wrap.
  void expectSafe(AffineExpr expr, ArrayRef<OpFoldResult> operands,
                  unsigned numDims);
  Value emitMagnitude(AffineExpr expr, ArrayRef<OpFoldResult> operands,
                      unsigned numDims);
  Value emitMagnitude(OpFoldResult index);
  void addAssert(Value holds, const Twine &what);
  void addStates();

  func::FuncOp function;
  DimTable dims;
  IndexFacts facts;
  /// States as they are before the run, for those that the function sets.
  llvm::DenseMap<StringAttr, GetStateOp> states;
  OpBuilder builder;
  Operation *checked = nullptr; ///< the op that checks are put before
  bool hasErrors = false;
};

} // namespace

/// Where the op comes from, for the user: a layer or a place in a file.
static std::string describePlace(Location loc) {
  if (std::string layer = getLayerTitle(loc); !layer.empty())
    return " (" + layer + ")";
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
    if (!facts.lookup(side).isKnown) {
      fail() << "expected sizes and offsets that are known before the program "
                "runs, but one is computed from elements of a tensor";
      return;
    }
  Location loc = checked->getLoc();
  Value holds = arith::CmpIOp::create(
      builder, loc, predicate, getValueOrCreateConstantIndexOp(builder, loc, a),
      getValueOrCreateConstantIndexOp(builder, loc, b));
  addAssert(holds, what);
}

void SizeChecker::addAssert(Value holds, const Twine &what) {
  std::string message = ("'" + checked->getName().getStringRef() + "' needs " +
                         what + describePlace(checked->getLoc()))
                            .str();
  cf::AssertOp::create(builder, checked->getLoc(), holds, message);
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
  if (!facts.lookup(size).isNonNegative)
    expect(arith::CmpIPredicate::sge, size, builder.getIndexAttr(0), what);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value SizeChecker::emitMagnitude(OpFoldResult index) {
  Location loc = checked->getLoc();
  Value word = getValueOrCreateConstantIndexOp(builder, loc, index);
  if (word.getType().isIndex())
    word = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), word);
  Value number =
      arith::SIToFPOp::create(builder, loc, builder.getF64Type(), word);
  if (facts.lookup(index).isNonNegative)
    return number;
  return arith::MaximumFOp::create(builder, loc, number,
                                   arith::NegFOp::create(builder, loc, number));
}

/// What the expression is at most, in f64, which does not wrap.
Value SizeChecker::emitMagnitude(AffineExpr expr,
                                 ArrayRef<OpFoldResult> operands,
                                 unsigned numDims) {
  Location loc = checked->getLoc();
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return emitMagnitude(builder.getIndexAttr(constant.getValue()));
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return emitMagnitude(operands[dim.getPosition()]);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return emitMagnitude(operands[numDims + symbol.getPosition()]);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = emitMagnitude(binary.getLHS(), operands, numDims);
  if (binary.getKind() != AffineExprKind::Add &&
      binary.getKind() != AffineExprKind::Mul)
    return lhs; // a quotient or a rest
  Value rhs = emitMagnitude(binary.getRHS(), operands, numDims);
  if (binary.getKind() == AffineExprKind::Add)
    return arith::AddFOp::create(builder, loc, lhs, rhs);
  return arith::MulFOp::create(builder, loc, lhs, rhs);
}

void SizeChecker::expectSafe(AffineExpr expr, ArrayRef<OpFoldResult> operands,
                             unsigned numDims) {
  IndexFact fact = facts.compute(expr, operands, numDims);
  if (fact.isSafe())
    return;
  if (!fact.isKnown)
    return; // refused where it is used
  Value magnitude = emitMagnitude(expr, operands, numDims);
  Value bound = arith::ConstantOp::create(builder, checked->getLoc(),
                                          builder.getF64FloatAttr(kSafeBound));
  addAssert(arith::CmpFOp::create(builder, checked->getLoc(),
                                  arith::CmpFPredicate::OLE, magnitude, bound),
            "its indices to be at most 2^60");
}

static bool isWord(Type type) {
  return type.isIndex() || type.isSignlessInteger(64);
}

/// What is computed of sizes and states does not wrap.
void SizeChecker::checkArithmetic(Operation *op) {
  if (op->getNumResults() != 1 || !isWord(op->getResult(0).getType()) ||
      facts.lookup(op->getResult(0)).isSafe())
    return;
  bool isSum = true; // or a product
  AffineExpr a = builder.getAffineDimExpr(0), b = builder.getAffineDimExpr(1);
  TypeSwitch<Operation *>(op)
      .Case<arith::AddIOp, arith::SubIOp>([&](Operation *op) {
        expectSafe(a + b, getAsOpFoldResult(op->getOperands()), 2);
      })
      .Case([&](arith::MulIOp op) {
        SmallVector<OpFoldResult> sides = getAsOpFoldResult(op->getOperands());
        expectSafe(a * builder.getAffineSymbolExpr(0), sides, 1);
      })
      .Case([&](affine::AffineApplyOp op) {
        expectSafe(op.getAffineMap().getResult(0),
                   getAsOpFoldResult(op.getOperands()),
                   op.getAffineMap().getNumDims());
      })
      .Default([&](Operation *) { isSum = false; });
  if (isSum)
    facts.setSafe(op->getResult(0));
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
      if (!isa<AffineDimExpr>(expr) &&
          facts.compute(expr, ends, loops.size()).isNonNegative)
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

/// A number is a size, and a tensor is as large as its state.
void SizeChecker::checkState(SetStateOp op) {
  OpFoldResult value = getAsOpFoldResult(op.getValue());
  std::string state = "state @" + op.getName().str();
  if (op.getValue().getType().isIndex()) {
    expectNotNegative(value, state + " not to be negative");
    if (facts.lookup(value).bound > TQ_MAX_SIZE)
      expectAtMost(value, builder.getIndexAttr(TQ_MAX_SIZE),
                   state + " to be at most 2^48");
    return;
  }
  Value before = states.lookup(op.getNameAttr().getAttr());
  auto type = cast<RankedTensorType>(before.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    expectEqualDims({op.getValue(), dim}, {before, dim});
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
      .Case([&](SetStateOp op) { checkState(op); })
      .Case([&](tensor::PadOp op) { checkPad(op); })
      .Case<arith::DivUIOp, arith::DivSIOp, arith::CeilDivUIOp,
            arith::CeilDivSIOp, arith::FloorDivSIOp, arith::RemUIOp,
            arith::RemSIOp>([&](Operation *op) {
        if (op->getResult(0).getType().isIndex())
          checkDivision(op);
      });
  checkArithmetic(op);
  for (OpResult result : op->getResults())
    checkResult(result);
}

void SizeChecker::addStates() {
  builder.setInsertionPointToStart(&function.getBody().front());
  for (auto set : function.getBody().front().getOps<SetStateOp>())
    if (isa<RankedTensorType>(set.getValue().getType()))
      states[set.getNameAttr().getAttr()] = GetStateOp::create(
          builder, set.getLoc(), set.getValue().getType(), set.getNameAttr());
}

LogicalResult SizeChecker::run() {
  addStates();
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
  for (auto &[name, get] : states)
    if (get.use_empty())
      get.erase();
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
