//===- HoistWeights.cpp - Turn computations on weights into weights -------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringSet.h"

namespace tq {
#define GEN_PASS_DEF_HOISTWEIGHTSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {
class Hoister {
public:
  explicit Hoister(func::FuncOp schedule);
  LogicalResult run();

private:
  LogicalResult hoistConstant(arith::ConstantOp op);
  void hoistResult(OpResult result);
  /// A weight before the schedule, without value and initializer.
  WeightOp createWeight(Location loc, const std::string &name,
                        RankedTensorType type, Attribute value);
  void replace(Value value, WeightOp weight);
  std::string uniqueName(const std::string &base);

  func::FuncOp schedule;
  OpBuilder builder;
  llvm::StringSet<> names;
};
} // namespace

Hoister::Hoister(func::FuncOp schedule)
    : schedule(schedule), builder(schedule) {
  for (Operation &op : *schedule->getBlock())
    if (auto symbol = dyn_cast<SymbolOpInterface>(op))
      names.insert(symbol.getName());
}

std::string Hoister::uniqueName(const std::string &base) {
  std::string name = base;
  for (int i = 1; !names.insert(name).second; ++i)
    name = base + "_" + std::to_string(i);
  return name;
}

/// The weights that an expression starts from, and what is done to the first:
/// `query.weight.q8`.
static std::string describe(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto weight = dyn_cast<GetWeightOp>(op))
    return weight.getName().str();
  StringRef suffix =
      cast<CompileTimeOpInterface>(op).getWeightSuffix(cast<OpResult>(value));
  return describe(op->getOperand(0)) + suffix.str();
}

WeightOp Hoister::createWeight(Location loc, const std::string &name,
                               RankedTensorType type, Attribute value) {
  builder.setInsertionPoint(schedule);
  return WeightOp::create(builder, loc, builder.getStringAttr(uniqueName(name)),
                          builder.getStringAttr("private"), TypeAttr::get(type),
                          value, /*offset=*/IntegerAttr());
}

void Hoister::replace(Value value, WeightOp weight) {
  builder.setInsertionPointAfterValue(value);
  value.replaceAllUsesWith(GetWeightOp::create(
      builder, value.getLoc(), weight.getTensorType(), weight.getSymName()));
}

/// Elements that a program's weights can have.
static bool isWeightElement(Type type) {
  return type.isF32() || type.isF16() || type.isBF16() || type.isInteger(8) ||
         type.isInteger(32) || type.isInteger(64);
}

LogicalResult Hoister::hoistConstant(arith::ConstantOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type || op->use_empty())
    return success();
  if (!isWeightElement(type.getElementType()))
    return op.emitError("expected a constant of f32, f16, bf16, i8, i32 or i64 "
                        "elements, but got ")
           << type;
  replace(op, createWeight(op.getLoc(), "constant", type, op.getValue()));
  return success();
}

/// Clones the ops that compute `value`, each once.
static void cloneExpression(OpBuilder &builder, Value value,
                            IRMapping &mapping) {
  if (mapping.contains(value))
    return;
  for (Value operand : value.getDefiningOp()->getOperands())
    cloneExpression(builder, operand, mapping);
  builder.clone(*value.getDefiningOp(), mapping);
}

void Hoister::hoistResult(OpResult result) {
  Location loc = result.getLoc();
  WeightOp weight =
      createWeight(loc, describe(result),
                   cast<RankedTensorType>(result.getType()), Attribute());
  builder.createBlock(&weight.getInitializer());
  IRMapping mapping;
  cloneExpression(builder, result, mapping);
  YieldOp::create(builder, loc, mapping.lookup(result));
  replace(result, weight);
}

LogicalResult Hoister::run() {
  Block &block = schedule.getBody().front();
  for (auto op : llvm::make_early_inc_range(block.getOps<arith::ConstantOp>()))
    if (failed(hoistConstant(op)))
      return failure();
  // Results that something else than another such expression uses.
  SmallVector<OpResult> roots;
  for (Operation &op : block)
    for (OpResult result : op.getResults())
      if (isCompileTimeValue(result) &&
          !isa<GetWeightOp, arith::ConstantOp>(op) &&
          llvm::any_of(result.getUsers(), [](Operation *user) {
            return user->getNumResults() == 0 ||
                   !isCompileTimeValue(user->getResult(0));
          }))
        roots.push_back(result);
  for (OpResult root : roots)
    hoistResult(root);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (op.getNumResults() != 0 && op.use_empty() &&
        isCompileTimeValue(op.getResult(0)))
      op.erase();
  return success();
}

namespace {
struct HoistWeightsPass : tq::impl::HoistWeightsPassBase<HoistWeightsPass> {
  void runOnOperation() override {
    FailureOr<SmallVector<func::FuncOp>> entries =
        program::findEntries(getOperation());
    if (failed(entries))
      return signalPassFailure();
    for (func::FuncOp entry : *entries)
      if (failed(Hoister(entry).run()))
        return signalPassFailure();
  }
};
} // namespace
