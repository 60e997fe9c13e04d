//===- ScheduleAnalysis.cpp - Buffers, slots and tables of a schedule -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleAnalysis.h"
#include "ArenaPlan.h"
#include "ShapeFormulas.h"

#include "tq/Codegen/Common/DerivedWeights.h"
#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Runtime/Program.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace tq;

Value tq::getCallDestination(OpResult result) {
  auto call = cast<func::CallOp>(result.getOwner());
  return call.getOperand(call.getNumOperands() - call.getNumResults() +
                         result.getResultNumber());
}

FailureOr<SmallVector<Value>> tq::emitViewDims(ImplicitLocOpBuilder &builder,
                                               Operation &op,
                                               ArrayRef<Value> source,
                                               const IRMapping &indices) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, value);
  };
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    SmallVector<Value> dims;
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      Value size = constant(1);
      for (int64_t dim : group)
        size = arith::MulIOp::create(builder, size, source[dim]);
      dims.push_back(size);
    }
    return dims;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<Value> dims;
    for (OpFoldResult size : expand.getMixedOutputShape()) {
      if (auto attribute = dyn_cast<Attribute>(size))
        dims.push_back(constant(cast<IntegerAttr>(attribute).getInt()));
      else
        dims.push_back(indices.lookup(cast<Value>(size)));
    }
    return dims;
  }
  SmallVector<Value> dims(source);
  for (auto [dim, size] : llvm::zip(dims, type.getShape()))
    if (!ShapedType::isDynamic(size))
      dim = constant(size);
  return dims;
}

Value tq::getRoot(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (isView(op))
      tensor = op->getOperand(0);
    else if (isa<func::CallOp>(op))
      tensor = getCallDestination(cast<OpResult>(tensor));
    else
      break;
  }
  return tensor;
}

namespace {

class ScheduleAnalysis {
public:
  ScheduleAnalysis(func::FuncOp main, Schedule &schedule)
      : main(main), module(main->getParentOfType<ModuleOp>()), symbols(module),
        derived(symbols), schedule(schedule), builder(main.getContext()) {}

  LogicalResult run();

private:
  void splitBuffers();
  LogicalResult checkOps();
  LogicalResult findOutputs();
  void collectChecks(ShapeFormulas &shapes);
  LogicalResult collectCalls();
  void countKernel(func::FuncOp kernel, ScheduledCall &call);
  LogicalResult placeWeights();
  WeightOp convertWeight(GetWeightOp get, WeightOp weight);

  // Tables.
  void buildTables(ShapeFormulas &shapes, StringRef arenaFormula);
  DictionaryAttr dict(ArrayRef<std::pair<StringRef, Attribute>> entries);
  int64_t getSymbol(StringRef name);
  Attribute describeTensor(Type type, ArrayRef<SizeFormula> dims,
                           DictionaryAttr attributes, const Twine &name);

  func::FuncOp main;
  ModuleOp module;
  SymbolTable symbols;
  DerivedWeights derived;
  Schedule &schedule;
  OpBuilder builder;
  llvm::MapVector<StringRef, int64_t> symbolNames;
  SmallVector<std::string> kernelNames;
};

} // namespace

/// Value semantics lets several calls write into "the same" tensor.empty; each
/// gets a buffer of its own.
void ScheduleAnalysis::splitBuffers() {
  for (auto call : main.getBody().front().getOps<func::CallOp>())
    for (OpOperand &operand : call->getOpOperands()) {
      auto empty = operand.get().getDefiningOp<tensor::EmptyOp>();
      if (!empty || operand.get().hasOneUse())
        continue;
      builder.setInsertionPoint(call);
      operand.set(builder.clone(*empty)->getResult(0));
    }
}

LogicalResult ScheduleAnalysis::checkOps() {
  for (Type type : main.getArgumentTypes())
    if (!isa<RankedTensorType>(type))
      return main.emitError("expected tensors as arguments of @")
             << main.getName() << ", but got " << type;
  for (Operation &op : main.getBody().front()) {
    auto dim = dyn_cast<tensor::DimOp>(op);
    if (dim && !getConstantDim(dim))
      return dim.emitError("expected a constant dimension of ")
             << dim.getSource().getType();
    bool isIndexOp =
        op.getNumRegions() == 0 && isa<arith::ArithDialect>(op.getDialect()) &&
        llvm::none_of(op.getResultTypes(), llvm::IsaPred<ShapedType>);
    if (!isIndexOp && !isView(&op) &&
        !isa<tensor::EmptyOp, tensor::DimOp, cf::AssertOp, GetWeightOp,
             func::CallOp, func::ReturnOp>(op))
      return op.emitError(
                 "expected only allocations, views, sizes and kernel calls "
                 "in a schedule, but got '")
             << op.getName() << "'";
  }
  return success();
}

/// Each output is written by a kernel into a buffer of its own.
LogicalResult ScheduleAnalysis::findOutputs() {
  llvm::DenseMap<Value, int64_t> seen;
  Operation *terminator = main.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value root = getRoot(operand.get());
    if (!root.getDefiningOp<tensor::EmptyOp>() ||
        !seen.insert({root, operand.getOperandNumber()}).second)
      return main.emitError("expected result ")
             << operand.getOperandNumber() << " of @" << main.getName()
             << " to be written by a kernel of its own";
    schedule.outputs.push_back({root, operand.getOperandNumber()});
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

/// Checks that the formulas prove are dropped; the program makes the others.
void ScheduleAnalysis::collectChecks(ShapeFormulas &shapes) {
  for (auto check :
       llvm::to_vector(main.getBody().front().getOps<cf::AssertOp>()))
    if (isProven(check, shapes))
      check.erase();
    else
      schedule.checks.push_back(check);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// Operations of the linalg ops and attention of a kernel; operands that are
/// only gathered do not count as traffic.
void ScheduleAnalysis::countKernel(func::FuncOp kernel, ScheduledCall &call) {
  for (BlockArgument argument : kernel.getArguments()) {
    if (!isa<RankedTensorType>(argument.getType()))
      continue;
    bool isStreamed = false;
    for (Operation *user : argument.getUsers())
      isStreamed |= !isa<tensor::ExtractOp, tensor::DimOp>(user);
    if (isStreamed)
      call.streamed.push_back(argument.getArgNumber());
  }
  kernel.walk([&](linalg::LinalgOp op) {
    OpCount count;
    count.factor = 0;
    for (Operation &inner : op.getBlock()->without_terminator())
      count.factor += isa<arith::ConstantOp, linalg::IndexOp>(inner) ? 0 : 1;
    if (op.getNumReductionLoops() != 0 && op.getNumDpsInputs() == 2)
      count.factor = 2; // a contraction: multiply and add
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    for (auto [loop, range] : llvm::enumerate(ranges)) {
      if (!ShapedType::isDynamic(range)) {
        count.factor *= range;
        continue;
      }
      for (OpOperand &operand : op->getOpOperands()) {
        auto argument = dyn_cast<BlockArgument>(operand.get());
        if (!argument || argument.getOwner() != &kernel.getBody().front())
          continue;
        std::optional<unsigned> dim =
            op.getMatchingIndexingMap(&operand).getResultPosition(
                getAffineDimExpr(loop, op.getContext()));
        if (!dim)
          continue;
        count.sizes.push_back({argument.getArgNumber(), *dim});
        break;
      }
    }
    if (count.factor != 0)
      call.counts.push_back(count);
  });
  kernel.walk([&](AttentionOp op) {
    auto rootOf = [](Value value) {
      if (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
        value = slice.getSource();
      return dyn_cast<BlockArgument>(value);
    };
    BlockArgument query = rootOf(op.getQuery()), key = rootOf(op.getKey());
    if (query && key)
      call.counts.push_back({4 * op.getQuery().getType().getDimSize(2),
                             {{query.getArgNumber(), 0},
                              {query.getArgNumber(), 1},
                              {key.getArgNumber(), 1}}});
  });
}

LogicalResult ScheduleAnalysis::collectCalls() {
  for (auto call : main.getBody().front().getOps<func::CallOp>()) {
    auto kernel = symbols.lookup<func::FuncOp>(call.getCallee());
    if (!kernel || !kernel->hasAttr(kKernelAttr) || kernel.isDeclaration())
      return call.emitError("expected a call of a kernel, but got '@")
             << call.getCallee() << "'";
    ScheduledCall scheduled;
    scheduled.op = call;
    scheduled.id = schedule.calls.size();
    countKernel(kernel, scheduled);
    // Pointers, numbers and dimensions, then the workspace and its bytes.
    int64_t words =
        call.getNumOperands() + countSizes(call.getOperandTypes()) + 2;
    schedule.maxArgumentWords = std::max(schedule.maxArgumentWords, words);
    schedule.calls.push_back(scheduled);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// A weight of the type that is read, where the stored one is another.
WeightOp ScheduleAnalysis::convertWeight(GetWeightOp get, WeightOp weight) {
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

LogicalResult ScheduleAnalysis::placeWeights() {
  int64_t offset = 0;
  for (auto get : main.getBody().front().getOps<GetWeightOp>()) {
    auto weight = symbols.lookup<WeightOp>(get.getName());
    if (!weight)
      return get.emitError("expected a weight, but got '@")
             << get.getName() << "'";
    weight = convertWeight(get, weight);
    get.setName(weight.getSymName());
    if (!schedule.weightOffsets.insert({weight.getSymName(), offset}).second)
      continue;
    weight->setAttr("tq.offset", builder.getI64IntegerAttr(offset));
    offset += llvm::alignTo(*getTensorBytes(weight.getTensorType()),
                            kBufferAlignment);
    if (offset > kMaxTensorBytes)
      return get.emitError("expected at most 4 TiB of weights, but with @")
             << weight.getSymName() << " they are " << offset << " bytes";
  }
  schedule.weightBytes = offset;
  return success();
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

DictionaryAttr
ScheduleAnalysis::dict(ArrayRef<std::pair<StringRef, Attribute>> entries) {
  SmallVector<NamedAttribute> attributes;
  for (auto [name, value] : entries)
    attributes.push_back(builder.getNamedAttr(name, value));
  return builder.getDictionaryAttr(attributes);
}

/// Index of the symbol with this name; a formula of its own becomes a symbol,
/// too.
int64_t ScheduleAnalysis::getSymbol(StringRef name) {
  return symbolNames
      .insert({builder.getStringAttr(name).getValue(),
               static_cast<int64_t>(symbolNames.size())})
      .first->second;
}

static std::string getDtype(Type element) {
  if (element.isInteger(8))
    return element.isUnsignedInteger() ? "u8" : "i8";
  std::string text;
  llvm::raw_string_ostream(text) << element;
  return text;
}

Attribute ScheduleAnalysis::describeTensor(Type type,
                                           ArrayRef<SizeFormula> dims,
                                           DictionaryAttr attributes,
                                           const Twine &defaultName) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<Attribute> sizes;
  for (auto [size, formula] : llvm::zip(tensor.getShape(), dims))
    sizes.push_back(builder.getI64IntegerAttr(
        ShapedType::isDynamic(size) ? -(getSymbol(formula.str()) + 1) : size));
  auto get = [&](StringRef name) -> Attribute {
    return attributes ? attributes.get(name) : Attribute();
  };
  auto name = dyn_cast_or_null<StringAttr>(get("tq.name"));
  auto limit = dyn_cast_or_null<IntegerAttr>(get("tq.limit"));
  auto fill = dyn_cast_or_null<StringAttr>(get("tq.fill"));
  int64_t fillKind = !fill                       ? TQ_FILL_NONE
                     : fill.getValue() == "ones" ? TQ_FILL_ONES
                                                 : TQ_FILL_ZEROS;
  SmallVector<std::pair<StringRef, Attribute>> entries = {
      {"name", name ? name : builder.getStringAttr(defaultName)},
      {"dtype", builder.getStringAttr(getDtype(tensor.getElementType()))},
      {"dims", builder.getArrayAttr(sizes)},
      {"limit", builder.getI64IntegerAttr(limit ? limit.getInt() : 0)},
      {"fill", builder.getI64IntegerAttr(fillKind)}};
  auto batch = module->getAttrOfType<StringAttr>("tq.batch_dim");
  if (get("tq.padding") && batch && tensor.getRank() == 2 &&
      tensor.getNumDynamicDims() == 2 && dims[0].str() == batch.getValue())
    entries.push_back({"marks_padding", builder.getI64IntegerAttr(1)});
  return dict(entries);
}

void ScheduleAnalysis::buildTables(ShapeFormulas &shapes,
                                   StringRef arenaFormula) {
  SmallVector<Attribute> inputs, outputs, kernels, calls, symbolTable;
  for (StringAttr symbol : shapes.getSymbols())
    getSymbol(symbol);
  for (BlockArgument argument : main.getArguments())
    inputs.push_back(
        describeTensor(argument.getType(), shapes.getDims(argument),
                       main.getArgAttrDict(argument.getArgNumber()),
                       "arg" + Twine(argument.getArgNumber())));
  Operation *terminator = main.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands())
    outputs.push_back(
        describeTensor(operand.get().getType(), shapes.getDims(operand.get()),
                       main.getResultAttrDict(operand.getOperandNumber()),
                       "result" + Twine(operand.getOperandNumber())));

  llvm::StringMap<int64_t> kernelIds;
  for (ScheduledCall &call : schedule.calls) {
    StringRef name = call.op.getCallee();
    auto [entry, isNew] = kernelIds.insert({name, kernels.size()});
    if (isNew)
      kernels.push_back(builder.getStringAttr(name));
    auto text = [&](StringRef attribute) -> Attribute {
      Attribute value = call.op->getAttr(attribute);
      return value ? value : builder.getStringAttr("");
    };
    calls.push_back(dict({{"kernel", builder.getI64IntegerAttr(entry->second)},
                          {"layer", text("tq.layer")},
                          {"scheme", text("tq.scheme")},
                          {"reason", text("tq.reason")}}));
  }

  SmallVector<Attribute> checks;
  for (cf::AssertOp check : schedule.checks)
    checks.push_back(check.getMsgAttr());

  auto limits = module->getAttrOfType<DictionaryAttr>("tq.dim_limits");
  for (auto [name, id] : symbolNames) {
    auto limit = limits ? limits.getAs<IntegerAttr>(name) : IntegerAttr();
    symbolTable.push_back(
        dict({{"name", builder.getStringAttr(name)},
              {"max", builder.getI64IntegerAttr(limit ? limit.getInt() : 0)}}));
  }

  SmallVector<std::pair<StringRef, Attribute>> tables = {
      {"symbols", builder.getArrayAttr(symbolTable)},
      {"inputs", builder.getArrayAttr(inputs)},
      {"outputs", builder.getArrayAttr(outputs)},
      {"kernels", builder.getArrayAttr(kernels)},
      {"calls", builder.getArrayAttr(calls)},
      {"checks", builder.getArrayAttr(checks)},
      {"arena_formula", builder.getStringAttr(arenaFormula)},
      {"weights_bytes", builder.getI64IntegerAttr(schedule.weightBytes)}};
  // A check holds for a batch, and need not for its parts.
  auto batch = module->getAttrOfType<StringAttr>("tq.batch_dim");
  if (batch && schedule.checks.empty())
    if (auto *symbol = symbolNames.find(batch.getValue());
        symbol != symbolNames.end())
      tables.push_back(
          {"batch_dim", builder.getI64IntegerAttr(-(symbol->second + 1))});
  schedule.program = dict(tables);
}

LogicalResult ScheduleAnalysis::run() {
  if (failed(checkOps()))
    return failure();
  splitBuffers();
  if (failed(findOutputs()) || failed(collectCalls()) || failed(placeWeights()))
    return failure();
  ShapeFormulas shapes(main);
  collectChecks(shapes);
  schedule.groups = findRowGroups(module, schedule.calls, shapes);
  for (const RowGroup &group : schedule.groups)
    schedule.maxArgumentWords =
        std::max(schedule.maxArgumentWords, countGroupWords(group));
  buildTables(shapes, planArena(module, schedule, shapes));
  return success();
}

LogicalResult tq::analyzeSchedule(func::FuncOp main, Schedule &schedule) {
  return ScheduleAnalysis(main, schedule).run();
}
