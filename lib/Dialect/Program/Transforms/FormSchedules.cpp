//===- FormSchedules.cpp - Entries, and a schedule for each target --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DerivedWeights.h"
#include "EntryOps.h"
#include "tq/Dialect/Program/Analysis/Buffers.h"
#include "tq/Dialect/Program/Analysis/ShapeFormulas.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringSet.h"

namespace tq::program {
#define GEN_PASS_DEF_FORMSCHEDULESPASS
#include "tq/Dialect/Program/Transforms/Passes.h.inc"
} // namespace tq::program

using namespace mlir;
using namespace tq;
using namespace tq::program;

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

static LogicalResult checkOps(func::FuncOp entry) {
  for (Type type : entry.getArgumentTypes())
    if (!isa<RankedTensorType>(type))
      return entry.emitError("expected tensors as arguments of @")
             << entry.getName() << ", but got " << type;
  for (Operation &op : entry.getBody().front()) {
    auto dim = dyn_cast<tensor::DimOp>(op);
    if (dim && !getConstantDim(dim))
      return dim.emitError("expected a constant dimension of ")
             << dim.getSource().getType();
    if (!isScheduled(&op))
      return op.emitError(
                 "expected only allocations, views, sizes and kernel calls "
                 "in a schedule, but got '")
             << op.getName() << "'";
  }
  return success();
}

/// Value semantics lets several calls write into "the same" tensor.empty; each
/// gets a buffer of its own.
static void splitBuffers(func::FuncOp entry) {
  for (auto call : entry.getBody().front().getOps<CallOp>())
    for (OpOperand &operand : call->getOpOperands()) {
      auto empty = operand.get().getDefiningOp<tensor::EmptyOp>();
      if (empty && !operand.get().hasOneUse())
        operand.set(OpBuilder(call).clone(*empty)->getResult(0));
    }
}

/// The call that a tensor is a result of, through views; null: none.
static Operation *getWriter(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isView(op))
      return isa<CallOp>(op) ? op : nullptr;
    tensor = op->getOperand(0);
  }
  return nullptr;
}

/// Each output is written by a kernel into a buffer of its own.
static LogicalResult checkOutputs(func::FuncOp entry) {
  llvm::DenseSet<Value> seen;
  Operation *terminator = entry.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands())
    if (!isAllocated(operand.get()) ||
        !seen.insert(getRoot(operand.get())).second)
      return entry.emitError("expected result ")
             << operand.getOperandNumber() << " of @" << entry.getName()
             << " to be written by a kernel of its own";
  return success();
}

/// What is stored in a state has been written into its memory, and nothing
/// reads what was there before once that has begun.
static LogicalResult checkStates(func::FuncOp entry) {
  Block &block = entry.getBody().front();
  for (auto set : block.getOps<SetStateOp>()) {
    if (set.getValue().getType().isIndex())
      continue;
    auto get = getRoot(set.getValue()).getDefiningOp<GetStateOp>();
    if (!get || get.getName() != set.getName())
      return set.emitError("expected what is stored in state @")
             << set.getName() << " to be written into its memory";
  }
  llvm::DenseMap<StringRef, Operation *> lastWriters;
  for (auto call : block.getOps<CallOp>()) {
    unsigned inputs = call.getArguments().size() - call.getNumResults();
    for (auto [i, operand] : llvm::enumerate(call.getArguments())) {
      if (!isa<RankedTensorType>(operand.getType()))
        continue;
      auto get = getRoot(operand).getDefiningOp<GetStateOp>();
      if (!get)
        continue;
      Operation *writer = lastWriters.lookup(get.getName());
      if (writer && getWriter(operand) != writer)
        return call.emitError("expected state @")
               << get.getName()
               << " to be read before it is written, or as it is written";
      if (i >= inputs)
        lastWriters[get.getName()] = call;
    }
  }
  return success();
}

/// Whether it compares what the formulas show to be equal.
static bool isProven(cf::AssertOp check, ShapeFormulas &shapes) {
  auto compare = check.getArg().getDefiningOp<arith::CmpIOp>();
  APInt zero(64, 0);
  return compare && compare.getLhs().getType().isIndex() &&
         arith::applyCmpPredicate(compare.getPredicate(), zero, zero) &&
         shapes.areEqual(compare.getLhs(), compare.getRhs());
}

//===----------------------------------------------------------------------===//
// The entry
//===----------------------------------------------------------------------===//

namespace {

/// Completes the ports of inputs, or of outputs, where they lack a name.
class PortNamer {
public:
  PortNamer(StringRef prefix, StringAttr batch)
      : prefix(prefix), batch(batch) {}

  void add(PortAttr port, Type type, ArrayRef<SizeFormula> sizes);
  /// All ports, each with a name of its own.
  ArrayAttr finish(MLIRContext *context);

private:
  StringRef prefix; ///< of names that nobody gave
  StringAttr batch;
  SmallVector<Attribute> ports;
  llvm::StringSet<> names;
};

} // namespace

void PortNamer::add(PortAttr port, Type type, ArrayRef<SizeFormula> sizes) {
  MLIRContext *context = type.getContext();
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<StringAttr> dims;
  for (auto [dim, size] : llvm::enumerate(tensor.getShape()))
    dims.push_back(ShapedType::isDynamic(size)
                       ? StringAttr::get(context, sizes[dim].str())
                   : port ? port.getDims()[dim]
                          : StringAttr::get(context, ""));
  if (!port) {
    ports.push_back(PortAttr::get(context, "", dims, 0, Fill::None, false));
    return;
  }
  bool isPadding = port.getPadding() && batch && tensor.getRank() == 2 &&
                   tensor.getNumDynamicDims() == 2 && dims[0] == batch;
  names.insert(port.getName());
  ports.push_back(PortAttr::get(context, port.getName(), dims, port.getLimit(),
                                port.getFill(), isPadding));
}

ArrayAttr PortNamer::finish(MLIRContext *context) {
  for (auto [number, attr] : llvm::enumerate(ports)) {
    auto port = cast<PortAttr>(attr);
    if (!port.getName().empty())
      continue;
    std::string name = prefix.str() + std::to_string(number);
    while (!names.insert(name).second)
      name += "_";
    attr = PortAttr::get(context, name, port.getDims(), port.getLimit(),
                         port.getFill(), port.getPadding());
  }
  return ArrayAttr::get(context, ports);
}

static EntryOp createEntry(func::FuncOp function, ShapeFormulas &shapes) {
  OpBuilder builder(function);
  // What a run leaves behind ties the rows of a batch together.
  auto module = function->getParentOfType<ModuleOp>();
  SymbolAttr batch =
      module.getOps<StateOp>().empty() ? findBatch(module) : SymbolAttr();
  StringAttr batchName =
      batch ? builder.getStringAttr(batch.getName()) : StringAttr();
  Block &block = function.getBody().front();
  PortNamer inputs("arg", batchName), outputs("result", batchName);
  for (BlockArgument argument : block.getArguments())
    inputs.add(
        function.getArgAttrOfType<PortAttr>(argument.getArgNumber(), kPortAttr),
        argument.getType(), shapes.getDims(argument));
  for (OpOperand &operand : block.getTerminator()->getOpOperands())
    outputs.add(function.getResultAttrOfType<PortAttr>(
                    operand.getOperandNumber(), kPortAttr),
                operand.get().getType(), shapes.getDims(operand.get()));
  SmallVector<Attribute> checks, calls;
  for (auto check : block.getOps<cf::AssertOp>())
    checks.push_back(check.getMsgAttr());
  for (auto call : block.getOps<CallOp>())
    calls.push_back(CallSiteAttr::get(builder.getContext(),
                                      call.getKernelAttr(), call.getLayer(),
                                      call.getScheme(), call.getReason()));
  return EntryOp::create(
      builder, function.getLoc(), function.getName(),
      function.getFunctionType(), inputs.finish(builder.getContext()),
      outputs.finish(builder.getContext()), builder.getArrayAttr(checks),
      builder.getArrayAttr(calls), builder.getArrayAttr({}));
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

namespace {

class ScheduleFormer {
public:
  explicit ScheduleFormer(ModuleOp module)
      : module(module), symbols(module), derived(symbols) {}

  LogicalResult run();

private:
  LogicalResult formEntry(func::FuncOp function, ArrayRef<TargetAttr> targets);
  LogicalResult formSchedule(func::FuncOp function, TargetAttr target);
  LogicalResult useStoredWeights(ScheduleOp schedule);
  FailureOr<Value> getStored(GetWeightOp get, PackedAttr packed);
  WeightOp packWeight(GetWeightOp get, WeightOp weight, PackedAttr packed);
  WeightOp widenWeight(GetWeightOp get, WeightOp weight);
  FailureOr<VariantOp> lookupVariant(CallOp call, TargetAttr target);

  ModuleOp module;
  SymbolTable symbols;
  DerivedWeights derived;
};

} // namespace

FailureOr<VariantOp> ScheduleFormer::lookupVariant(CallOp call,
                                                   TargetAttr target) {
  auto kernel = symbols.lookup<KernelOp>(call.getKernel());
  VariantOp variant = kernel.getVariant(target);
  if (!variant || !variant.hasCode())
    return kernel.emitError("expected code for ")
           << target.getCpu() << " in kernel @" << kernel.getSymName();
  return variant;
}

/// The weight `get` reads in panels. A quantized weight is packed as such; a
/// narrow float is widened first.
WeightOp ScheduleFormer::packWeight(GetWeightOp get, WeightOp weight,
                                    PackedAttr packed) {
  bool isQuantized =
      isa<quant::QuantizedType>(weight.getTensorType().getElementType());
  Type type = isQuantized ? weight.getType() : get.getType();
  RankedTensorType packedType =
      packed.getPackedType(cast<RankedTensorType>(get.getType()));
  return derived.getOrCreate(
      weight, ".packed", packedType, [&](OpBuilder &builder) -> Value {
        Value source = GetWeightOp::create(builder, weight.getLoc(), type,
                                           FlatSymbolRefAttr::get(weight));
        return PackWeightOp::create(
            builder, weight.getLoc(), packedType, source,
            builder.getI64IntegerAttr(packed.getPanel()),
            builder.getI64IntegerAttr(packed.getGroup()));
      });
}

/// A weight of the type that is read, where the stored one is another.
WeightOp ScheduleFormer::widenWeight(GetWeightOp get, WeightOp weight) {
  if (weight.getType() == get.getType() ||
      isa<quant::QuantizedType>(weight.getTensorType().getElementType()))
    return weight;
  return derived.getOrCreate(
      weight, ".f32", cast<RankedTensorType>(get.getType()),
      [&](OpBuilder &builder) {
        return GetWeightOp::create(builder, weight.getLoc(), get.getType(),
                                   get.getNameAttr());
      });
}

/// What `get` reads, from a weight that is stored in this form.
FailureOr<Value> ScheduleFormer::getStored(GetWeightOp get, PackedAttr packed) {
  auto weight = symbols.lookup<WeightOp>(get.getName());
  if (!weight)
    return get.emitError("expected a weight, but got '@")
           << get.getName() << "'";
  auto type = cast<RankedTensorType>(get.getType());
  WeightOp stored =
      packed ? packWeight(get, weight, packed) : widenWeight(get, weight);
  OpBuilder builder(get);
  return GetWeightOp::create(builder, get.getLoc(),
                             packed ? packed.getPackedType(type) : type,
                             FlatSymbolRefAttr::get(stored))
      .getResult();
}

LogicalResult ScheduleFormer::useStoredWeights(ScheduleOp schedule) {
  for (auto get : llvm::to_vector(schedule.getBody()->getOps<GetWeightOp>())) {
    llvm::DenseMap<Attribute, Value> forms;
    for (OpOperand &use : llvm::make_early_inc_range(get->getUses())) {
      PackedAttr packed;
      if (auto call = dyn_cast<CallOp>(use.getOwner())) {
        FailureOr<VariantOp> variant =
            lookupVariant(call, schedule.getTarget());
        if (failed(variant))
          return failure();
        packed = variant->getPacked(use.getOperandNumber());
      }
      Value &form = forms[packed];
      if (!form) {
        FailureOr<Value> stored = getStored(get, packed);
        if (failed(stored))
          return failure();
        form = *stored;
      }
      use.set(form);
    }
    get.erase();
  }
  for (CallOp call : schedule.getCalls()) {
    FailureOr<VariantOp> variant = lookupVariant(call, schedule.getTarget());
    if (failed(variant))
      return failure();
    for (auto [i, operand] : llvm::enumerate(call.getArguments()))
      if (variant->getPacked(i) && !operand.getDefiningOp<GetWeightOp>())
        return call.emitError("expected a weight as operand ")
               << i << " of kernel @" << call.getKernel()
               << ", whose code reads it in panels";
  }
  return success();
}

LogicalResult ScheduleFormer::formSchedule(func::FuncOp function,
                                           TargetAttr target) {
  OpBuilder builder(function);
  auto schedule =
      ScheduleOp::create(builder, function.getLoc(), function.getName(), target,
                         /*arena=*/StringAttr());
  IRMapping mapping;
  function.getBody().cloneInto(&schedule.getBodyRegion(), mapping);
  Operation *terminator = schedule.getBody()->getTerminator();
  builder.setInsertionPoint(terminator);
  program::YieldOp::create(builder, terminator->getLoc(),
                           terminator->getOperands());
  terminator->erase();
  return useStoredWeights(schedule);
}

LogicalResult ScheduleFormer::formEntry(func::FuncOp function,
                                        ArrayRef<TargetAttr> targets) {
  if (failed(checkOps(function)))
    return failure();
  splitBuffers(function);
  if (failed(checkOutputs(function)) || failed(checkStates(function)))
    return failure();
  ShapeFormulas shapes(function);
  for (auto check : llvm::make_early_inc_range(
           function.getBody().front().getOps<cf::AssertOp>()))
    if (isProven(check, shapes))
      check.erase();
  createEntry(function, shapes);
  for (TargetAttr target : targets)
    if (failed(formSchedule(function, target)))
      return failure();
  return success();
}

LogicalResult ScheduleFormer::run() {
  auto targets = module->getAttrOfType<ArrayAttr>(kTargetsAttr);
  if (!targets)
    return module.emitError("expected the program's targets in ")
           << kTargetsAttr;
  FailureOr<SmallVector<func::FuncOp>> entries = findEntries(module);
  if (failed(entries))
    return failure();
  for (func::FuncOp entry : *entries)
    if (failed(formEntry(entry,
                         llvm::to_vector(targets.getAsRange<TargetAttr>()))))
      return failure();
  for (auto function : llvm::to_vector(module.getOps<func::FuncOp>()))
    function.erase();
  return success();
}

namespace {

struct FormSchedulesPass
    : public program::impl::FormSchedulesPassBase<FormSchedulesPass> {
  void runOnOperation() override {
    if (failed(ScheduleFormer(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
