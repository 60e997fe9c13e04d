//===- RowGroups.cpp - Calls that go through the rows together ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowGroups.h"
#include "ScheduleAnalysis.h"
#include "ShapeFormulas.h"

#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tq;

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Whether the dynamic dimensions are the first `rank` ones, or there are none.
static bool hasRows(RankedTensorType type, unsigned rank) {
  return type.hasStaticShape() ||
         (type.getNumDynamicDims() == rank &&
          llvm::all_of(type.getShape().take_front(rank),
                       ShapedType::isDynamic));
}

/// The dynamic dimensions of the arguments if they are rows, else 0.
static unsigned getArgumentRank(func::FuncOp kernel) {
  unsigned rank = 0;
  for (Type argument : kernel.getArgumentTypes()) {
    auto type = dyn_cast<RankedTensorType>(argument);
    if (!type)
      return 0;
    if (rank == 0)
      rank = type.getNumDynamicDims();
    if (!hasRows(type, rank))
      return 0;
  }
  return rank;
}

/// Rows are the first loops and the first dimensions of what has them.
static bool mapsRows(AffineMap map, bool isDynamic, unsigned rank) {
  ArrayRef<AffineExpr> results = map.getResults();
  if (isDynamic) {
    for (unsigned i = 0; i < rank; ++i)
      if (results[i] != getAffineDimExpr(i, map.getContext()))
        return false;
    results = results.drop_front(rank);
  }
  return llvm::none_of(results, [&](AffineExpr expr) {
    return llvm::any_of(llvm::seq(rank),
                        [&](unsigned i) { return expr.isFunctionOfDim(i); });
  });
}

/// What the body uses from outside: a size would tell rows apart.
static bool capturesConstantsOnly(linalg::LinalgOp op) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  return llvm::all_of(captured, [](Value value) {
    return value.getDefiningOp<arith::ConstantOp>();
  });
}

static bool isRowWise(linalg::LinalgOp op, unsigned rank) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  if (iterators.size() < rank || op.hasIndexSemantics() ||
      !capturesConstantsOnly(op) ||
      llvm::any_of(ArrayRef(iterators).take_front(rank),
                   [](utils::IteratorType type) {
                     return type != utils::IteratorType::parallel;
                   }))
    return false;
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    bool isDynamic = type && !type.hasStaticShape();
    if ((type && !hasRows(type, rank)) ||
        (op.isDpsInit(&operand) && !isDynamic))
      return false;
    return mapsRows(op.getMatchingIndexingMap(&operand), isDynamic, rank);
  });
}

static bool hasDynamicOperand(Operation &op) {
  return llvm::any_of(op.getOperandTypes(), [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && !tensor.hasStaticShape();
  });
}

/// Whether all dynamic dimensions of the arguments are rows, and row i of the
/// results depends on no other row. Arguments of static shape belong to all.
static bool isRowWise(func::FuncOp kernel) {
  unsigned rank = getArgumentRank(kernel);
  bool computes = false;
  for (Type result : kernel.getResultTypes())
    if (cast<RankedTensorType>(result).hasStaticShape())
      return false; // of all rows
  for (Operation &op : kernel.getBody().front()) {
    if (isa<arith::ConstantOp, tensor::DimOp, tensor::EmptyOp, func::ReturnOp>(
            op))
      continue;
    if (isa<linalg::LinalgOp, linalg::UnPackOp>(op) && !hasDynamicOperand(op))
      continue; // on weights alone
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (!linalgOp || !isRowWise(linalgOp, rank))
      return false;
    computes = true;
  }
  return computes && rank > 0;
}

int64_t tq::getRowBytes(Type tensor) {
  return *getTensorBytes(cast<RankedTensorType>(tensor));
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

namespace {

class GroupFinder {
public:
  GroupFinder(ModuleOp module, ArrayRef<ScheduledCall> calls,
              ShapeFormulas &shapes)
      : symbols(module), module(module), calls(calls), shapes(shapes) {
    for (const ScheduledCall &call : calls)
      numbers[call.op] = call.id;
  }

  SmallVector<RowGroup> run();

private:
  std::optional<SizeFormula> getRows(const ScheduledCall &call);
  int64_t getLastUse(OpResult result);
  int64_t findEnd(int64_t first, int64_t end);
  RowGroup makeGroup(int64_t first, int64_t last);

  SymbolTable symbols;
  ModuleOp module;
  ArrayRef<ScheduledCall> calls;
  ShapeFormulas &shapes;
  llvm::DenseMap<Operation *, int64_t> numbers; ///< of the calls
};

} // namespace

static bool hasRows(Value operand) {
  return !cast<RankedTensorType>(operand.getType()).hasStaticShape();
}

/// The number of rows that a call of a row-wise kernel is for; none for other
/// calls. What it reads whole must not be written in a group: other blocks of
/// rows may not have got that far.
std::optional<SizeFormula> GroupFinder::getRows(const ScheduledCall &call) {
  StringRef name = call.getKernel();
  if (!isRowWise(symbols.lookup<func::FuncOp>(name)) ||
      lookupPart(module, name, kWorkspaceSuffix))
    return std::nullopt;
  std::optional<SizeFormula> rows;
  for (Value operand : call.op->getOperands()) {
    if (!hasRows(operand)) {
      if (getRoot(operand).getDefiningOp<tensor::EmptyOp>())
        return std::nullopt;
      continue;
    }
    SizeFormula found = shapes.countRows(operand);
    if (rows && !(*rows == found))
      return std::nullopt;
    rows = found;
  }
  return rows;
}

/// The last call that reads a result; beyond all calls if anything else does.
int64_t GroupFinder::getLastUse(OpResult result) {
  int64_t last = 0;
  for (Operation *user : result.getUsers()) {
    auto found = numbers.find(user);
    last = std::max<int64_t>(last, found == numbers.end() ? calls.size()
                                                          : found->second);
  }
  return last;
}

/// The call in [first, end) behind which later calls need the fewest bytes of a
/// row: what a group hands on goes through memory, and lives in all of it.
int64_t GroupFinder::findEnd(int64_t first, int64_t end) {
  SmallVector<int64_t> handedOn(end - first, 0); // bytes behind each call
  for (int64_t i = first; i < end; ++i)
    for (OpResult result : calls[i].op->getResults())
      for (int64_t j = i; j < std::min(end, getLastUse(result)); ++j)
        handedOn[j - first] += getRowBytes(result.getType());
  int64_t best = first + 1;
  for (int64_t last = best; last < end; ++last)
    if (handedOn[last - first] <= handedOn[best - first])
      best = last;
  return best;
}

RowGroup GroupFinder::makeGroup(int64_t first, int64_t last) {
  Value tensor = *llvm::find_if(calls[first].op->getOperands(),
                                [](Value operand) { return hasRows(operand); });
  RowGroup group{first, last, tensor};
  for (const ScheduledCall &call : calls.slice(first, last - first + 1))
    group.operands += call.op->getNumOperands();
  return group;
}

SmallVector<RowGroup> GroupFinder::run() {
  SmallVector<std::optional<SizeFormula>> rows; // of each call
  for (const ScheduledCall &call : calls)
    rows.push_back(getRows(call));
  SmallVector<RowGroup> groups;
  int64_t count = calls.size();
  for (int64_t first = 0, end; first < count; first = end) {
    end = first + 1;
    while (rows[first] && end < count && rows[end] == rows[first])
      ++end;
    if (end - first < 2) // a call by itself gains nothing
      continue;
    end = findEnd(first, end) + 1;
    groups.push_back(makeGroup(first, end - 1));
  }
  return groups;
}

SmallVector<RowGroup> tq::findRowGroups(ModuleOp module,
                                        ArrayRef<ScheduledCall> calls,
                                        ShapeFormulas &shapes) {
  return GroupFinder(module, calls, shapes).run();
}
