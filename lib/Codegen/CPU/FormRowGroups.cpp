//===- FormRowGroups.cpp - Calls that go through the rows together --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/CPU/Passes.h"
#include "tq/Dialect/Program/Analysis/Buffers.h"
#include "tq/Dialect/Program/Analysis/ShapeFormulas.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

namespace tq {
#define GEN_PASS_DEF_FORMROWGROUPSPASS
#include "tq/Codegen/CPU/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;
using namespace tq::program;

/// Rows of a block at most. Larger ones read the weights less often, but leave
/// the cache themselves.
static constexpr int64_t kBlockRows = 256;
/// Rows for each thread from which on blocks pay: each thread reads all weights
/// for its rows. With fewer, the threads share the outputs of each kernel.
static constexpr int64_t kLeastBlockRows = 32;
/// The same where the weights come from memory in every run.
static constexpr int64_t kLeastBlockRowsFromMemory = 128;
/// Weights that a last cache holds from run to run.
static constexpr int64_t kCachedWeightBytes = 32 << 20;
static_assert(kLeastBlockRowsFromMemory <= kBlockRows,
              "without blocks, their buffers hold all rows");
/// What the rows of a block are a multiple of, where there are as many.
static constexpr int64_t kBlockRowUnit = 16;

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static bool isDynamicTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && !tensor.hasStaticShape();
}

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
    bool isDynamic = isDynamicTensor(operand.get().getType());
    if ((type && !hasRows(type, rank)) ||
        (op.isDpsInit(&operand) && !isDynamic))
      return false;
    return mapsRows(op.getMatchingIndexingMap(&operand), isDynamic, rank);
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
    if (isa<linalg::LinalgOp>(op) &&
        llvm::none_of(op.getOperandTypes(), isDynamicTensor))
      continue; // on weights alone
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (!linalgOp || !isRowWise(linalgOp, rank))
      return false;
    computes = true;
  }
  return computes && rank > 0;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

namespace {

/// Consecutive calls, by their number, both included.
struct RowGroup {
  int64_t first, last;
  SizeFormula rows;
};

class RowGrouper {
public:
  RowGrouper(ScheduleOp schedule, SymbolTable &symbols, int64_t leastRows)
      : schedule(schedule), symbols(symbols), shapes(schedule),
        calls(schedule.getCalls()), leastRows(leastRows) {
    for (auto [number, call] : llvm::enumerate(calls))
      numbers[call] = number;
  }

  void run();

private:
  std::optional<SizeFormula> getRows(CallOp call);
  int64_t getLastUse(OpResult result);
  int64_t findEnd(int64_t first, int64_t end);
  SmallVector<RowGroup> findGroups();

  ArrayRef<CallOp> getCalls(const RowGroup &group) {
    return ArrayRef(calls).slice(group.first, group.last - group.first + 1);
  }
  SmallVector<Value> findInnerBuffers(const RowGroup &group);
  int64_t getBorderBytes(const RowGroup &group, ArrayRef<Value> inner);
  SmallVector<Operation *> collectOps(const RowGroup &group);
  void form(const RowGroup &group);

  ScheduleOp schedule;
  SymbolTable &symbols;
  ShapeFormulas shapes;
  SmallVector<CallOp> calls;
  llvm::DenseMap<Operation *, int64_t> numbers; ///< of the calls
  int64_t leastRows;
};

} // namespace

/// Of a call of a row-wise kernel.
static bool hasRows(Value operand) {
  return isDynamicTensor(operand.getType());
}

/// The number of rows that a call of a row-wise kernel is for; none for other
/// calls. What it reads whole must not be written in a group: other blocks of
/// rows may not have got that far.
std::optional<SizeFormula> RowGrouper::getRows(CallOp call) {
  auto kernel = symbols.lookup<KernelOp>(call.getKernel());
  if (!isRowWise(kernel.getDefinition()) ||
      kernel.getVariant(schedule.getTarget()).hasWorkspace())
    return std::nullopt;
  std::optional<SizeFormula> rows;
  for (Value operand : call.getArguments()) {
    if (!hasRows(operand)) {
      if (isAllocated(operand))
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
int64_t RowGrouper::getLastUse(OpResult result) {
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
int64_t RowGrouper::findEnd(int64_t first, int64_t end) {
  SmallVector<int64_t> handedOn(end - first, 0); // bytes behind each call
  for (int64_t i = first; i < end; ++i)
    for (OpResult result : calls[i]->getResults())
      for (int64_t j = i; j < std::min(end, getLastUse(result)); ++j)
        handedOn[j - first] += getRowBytes(result.getType());
  int64_t best = first + 1;
  for (int64_t last = best; last < end; ++last)
    if (handedOn[last - first] <= handedOn[best - first])
      best = last;
  return best;
}

SmallVector<RowGroup> RowGrouper::findGroups() {
  SmallVector<std::optional<SizeFormula>> rows; // of each call
  for (CallOp call : calls)
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
    groups.push_back({first, end - 1, *rows[first]});
  }
  return groups;
}

//===----------------------------------------------------------------------===//
// Forming
//===----------------------------------------------------------------------===//

/// Buffers that nothing outside of the group needs.
SmallVector<Value> RowGrouper::findInnerBuffers(const RowGroup &group) {
  llvm::SetVector<Value> buffers;
  for (CallOp call : getCalls(group))
    for (Value operand : call.getArguments())
      if (hasRows(operand) && isAllocated(operand))
        buffers.insert(getRoot(operand));
  auto dropOuter = [&](Value tensor) {
    if (isa<RankedTensorType>(tensor.getType()))
      buffers.remove(getRoot(tensor));
  };
  for (auto [number, call] : llvm::enumerate(calls))
    if (int64_t(number) < group.first || int64_t(number) > group.last)
      llvm::for_each(call.getArguments(), dropOuter);
  llvm::for_each(schedule.getResults(), dropOuter);
  return buffers.takeVector();
}

/// Bytes of the widest row that enters or leaves a group.
int64_t RowGrouper::getBorderBytes(const RowGroup &group,
                                   ArrayRef<Value> inner) {
  int64_t bytes = 0;
  for (CallOp call : getCalls(group))
    for (Value operand : call.getArguments())
      if (hasRows(operand) && !llvm::is_contained(inner, getRoot(operand)))
        bytes = std::max(bytes, getRowBytes(operand.getType()));
  return bytes;
}

/// The calls and, in between, what is made of their results.
SmallVector<Operation *> RowGrouper::collectOps(const RowGroup &group) {
  llvm::SetVector<Operation *> ops;
  Operation *last = calls[group.last];
  for (Operation *op = calls[group.first]; op != last->getNextNode();
       op = op->getNextNode())
    if (numbers.contains(op) ||
        llvm::any_of(op->getOperands(), [&](Value operand) {
          return ops.contains(operand.getDefiningOp());
        }))
      ops.insert(op);
  return ops.takeVector();
}

void RowGrouper::form(const RowGroup &group) {
  SmallVector<Value> inner = findInnerBuffers(group);
  int64_t borderBytes = getBorderBytes(group, inner);
  SmallVector<Operation *> ops = collectOps(group);
  auto isInside = [&](Operation *op) { return llvm::is_contained(ops, op); };
  // Inner rows wider than what enters and leaves the group.
  SmallVector<Operation *> blocks;
  for (Value buffer : inner)
    if (shapes.countRows(buffer) == group.rows &&
        getRowBytes(buffer.getType()) > borderBytes &&
        llvm::all_of(buffer.getUsers(), isInside))
      blocks.push_back(buffer.getDefiningOp());

  SmallVector<Value> results;
  for (Operation *op : ops)
    for (Value result : op->getResults())
      if (!llvm::all_of(result.getUsers(), isInside))
        results.push_back(result);
  OpBuilder builder(calls[group.last]);
  builder.setInsertionPointAfter(calls[group.last]);
  auto rowsOp = RowsOp::create(builder, calls[group.first].getLoc(),
                               TypeRange(ValueRange(results)), kBlockRows,
                               kBlockRowUnit, leastRows);
  Block *body = builder.createBlock(&rowsOp.getBodyRegion());
  for (auto [result, outer] : llvm::zip(results, rowsOp.getResults()))
    result.replaceUsesWithIf(
        outer, [&](OpOperand &use) { return !isInside(use.getOwner()); });
  for (ArrayRef<Operation *> part : {ArrayRef(blocks), ArrayRef(ops)})
    for (Operation *op : part)
      op->moveBefore(body, body->end());
  builder.setInsertionPointToEnd(body);
  program::YieldOp::create(builder, rowsOp.getLoc(), results);
}

void RowGrouper::run() {
  for (const RowGroup &group : findGroups())
    form(group);
}

namespace {

struct FormRowGroupsPass
    : public tq::impl::FormRowGroupsPassBase<FormRowGroupsPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    int64_t weightBytes = 0;
    for (auto weight : getOperation().getOps<WeightOp>())
      if (weight.getOffset())
        weightBytes += llvm::alignTo(*getTensorBytes(weight.getTensorType()),
                                     kWeightAlignment);
    int64_t leastRows = weightBytes <= kCachedWeightBytes
                            ? kLeastBlockRows
                            : kLeastBlockRowsFromMemory;
    for (auto schedule : getOperation().getOps<ScheduleOp>())
      RowGrouper(schedule, symbols, leastRows).run();
  }
};

} // namespace
