//===- ScheduleAnalysis.cpp - Buffers, slots and tables of a schedule -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleAnalysis.h"
#include "SizeFormula.h"

#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

#include <functional>

using namespace mlir;
using namespace tq;

bool tq::isView(Operation &op) {
  return isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(
      op);
}

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

namespace {

/// What has a place in the arena from call `first` to call `last`.
struct Temporary {
  Value buffer; ///< null: the workspace of call `first`
  SizeFormula size;
  int64_t first, last;
};

class ScheduleAnalysis {
public:
  ScheduleAnalysis(func::FuncOp main, Schedule &schedule)
      : main(main), module(main->getParentOfType<ModuleOp>()), symbols(module),
        schedule(schedule), builder(main.getContext()) {}

  LogicalResult run();

private:
  void splitBuffers();
  LogicalResult checkOps();
  LogicalResult findOutputs();
  LogicalResult collectCalls();
  void countKernel(func::FuncOp kernel, ScheduledCall &call);
  SmallVector<Temporary> collectTemporaries();
  void planSlots();
  int64_t takeSlot(const Temporary &temporary);
  LogicalResult placeWeights();
  WeightOp convertWeight(GetWeightOp get, WeightOp weight);

  // Formulas.
  void computeFormulas();
  SizeFormula getFormula(Value index);
  SizeFormula getBytes(Value tensor);
  SizeFormula getWorkspaceBytes(func::CallOp call, func::FuncOp function);

  // Tables.
  void buildTables();
  std::string getArenaFormula();
  DictionaryAttr dict(ArrayRef<std::pair<StringRef, Attribute>> entries);
  int64_t getSymbol(StringRef name);
  Attribute describeTensor(Type type, ArrayRef<SizeFormula> dims,
                           DictionaryAttr attributes, const Twine &name);
  SmallVector<SizeFormula> getArgumentDims(unsigned argument);

  Value getRoot(Value tensor) const;

  func::FuncOp main;
  ModuleOp module;
  SymbolTable symbols;
  Schedule &schedule;
  OpBuilder builder;
  llvm::DenseMap<Value, SizeFormula> formulas; ///< of index values
  llvm::DenseMap<Value, SmallVector<SizeFormula>> shapes;
  SmallVector<SmallVector<Temporary>> slotUsers;
  llvm::MapVector<StringRef, int64_t> symbolNames;
  SmallVector<std::string> kernelNames;
};

} // namespace

/// The buffer that a tensor is in: through views and kernel calls.
Value ScheduleAnalysis::getRoot(Value tensor) const {
  while (Operation *op = tensor.getDefiningOp()) {
    if (isView(*op))
      tensor = op->getOperand(0);
    else if (isa<func::CallOp>(op))
      tensor = getCallDestination(cast<OpResult>(tensor));
    else
      break;
  }
  return tensor;
}

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
  if (!main.getBody().hasOneBlock())
    return main.emitError("expected a schedule of one block");
  for (Type type : main.getArgumentTypes())
    if (!isa<RankedTensorType>(type))
      return main.emitError("expected tensors as arguments of @main, but got ")
             << type;
  for (Operation &op : main.getBody().front()) {
    bool isIndexOp =
        op.getNumRegions() == 0 && isa<arith::ArithDialect>(op.getDialect()) &&
        llvm::none_of(op.getResultTypes(), llvm::IsaPred<ShapedType>);
    if (!isIndexOp && !isView(op) &&
        !isa<tensor::EmptyOp, tensor::DimOp, GetWeightOp, func::CallOp,
             func::ReturnOp>(op))
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
             << operand.getOperandNumber()
             << " of @main to be written by a kernel of its own";
    schedule.outputs.push_back({root, operand.getOperandNumber()});
  }
  return success();
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
// The arena
//===----------------------------------------------------------------------===//

/// Buffers and workspaces in the order of the calls; a buffer lives from its
/// first call to its last.
SmallVector<Temporary> ScheduleAnalysis::collectTemporaries() {
  llvm::MapVector<Value, Temporary> buffers;
  SmallVector<Temporary> temporaries;
  for (ScheduledCall &call : schedule.calls) {
    if (auto function =
            lookupPart(module, call.op.getCallee(), kWorkspaceSuffix)) {
      SizeFormula size =
          SizeFormula::symbol("threads") * getWorkspaceBytes(call.op, function);
      temporaries.push_back({Value(), size, call.id, call.id});
    }
    for (Value operand : call.op->getOperands()) {
      Value root = getRoot(operand);
      if (!root.getDefiningOp<tensor::EmptyOp>())
        continue;
      auto entry = buffers.find(root);
      if (entry != buffers.end())
        entry->second.last = call.id;
      else
        buffers.insert({root, {root, getBytes(root), call.id, call.id}});
    }
  }
  for (auto [buffer, output] : schedule.outputs)
    buffers.erase(buffer);
  for (auto &[root, buffer] : buffers)
    temporaries.push_back(buffer);
  return temporaries;
}

/// The first slot that nothing else needs meanwhile, or a new one.
int64_t ScheduleAnalysis::takeSlot(const Temporary &temporary) {
  auto meets = [&](const Temporary &other) {
    return other.first <= temporary.last && temporary.first <= other.last;
  };
  auto found = llvm::find_if(slotUsers, [&](ArrayRef<Temporary> users) {
    return llvm::none_of(users, meets);
  });
  int64_t slot = found - slotUsers.begin();
  if (found == slotUsers.end()) {
    schedule.slots.emplace_back();
    slotUsers.emplace_back();
  }
  slotUsers[slot].push_back(temporary);
  return slot;
}

/// Largest first: what follows mostly fits into the slots that are there.
void ScheduleAnalysis::planSlots() {
  SmallVector<Temporary> temporaries = collectTemporaries();
  SmallVector<std::pair<double, int64_t>> order; // equal ones: the first first
  for (auto [index, temporary] : llvm::enumerate(temporaries))
    order.push_back({-temporary.size.estimate(), index});
  llvm::sort(order);
  for (auto [size, index] : order) {
    const Temporary &temporary = temporaries[index];
    int64_t slot = takeSlot(temporary);
    if (temporary.buffer) {
      schedule.slots[slot].buffers.push_back(temporary.buffer);
      continue;
    }
    ScheduledCall &call = schedule.calls[temporary.first];
    call.workspaceSlot = slot;
    schedule.slots[slot].workspaces.push_back(call.op);
  }
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// A weight of the type that is read, where the stored one is narrower.
WeightOp ScheduleAnalysis::convertWeight(GetWeightOp get, WeightOp weight) {
  if (weight.getType() == get.getType() ||
      isa<quant::QuantizedType>(weight.getTensorType().getElementType()))
    return weight;
  std::string name = (get.getName() + ".f32").str();
  if (auto existing = symbols.lookup<WeightOp>(name))
    return existing;
  OpBuilder b(weight);
  b.setInsertionPointAfter(weight);
  auto wide =
      WeightOp::create(b, weight.getLoc(), b.getStringAttr(name), StringAttr(),
                       TypeAttr::get(get.getType()), Attribute());
  b.createBlock(&wide.getInitializer());
  Value value =
      GetWeightOp::create(b, weight.getLoc(), get.getType(), get.getNameAttr());
  YieldOp::create(b, weight.getLoc(), value);
  symbols.insert(wide);
  return wide;
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
    int64_t bytes = cast<RankedTensorType>(weight.getType()).getNumElements() *
                    getElementBytes(getElementTypeOrSelf(weight.getType()));
    offset +=
        (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
  }
  schedule.weightOffsets[""] = offset;
  return success();
}

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

SmallVector<SizeFormula> ScheduleAnalysis::getArgumentDims(unsigned argument) {
  auto type = cast<RankedTensorType>(main.getArgumentTypes()[argument]);
  auto names = main.getArgAttrOfType<ArrayAttr>(argument, "tq.dims");
  SmallVector<SizeFormula> dims;
  for (auto [place, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      dims.push_back(SizeFormula::constant(size));
      continue;
    }
    auto name = names && place < names.size()
                    ? dyn_cast<StringAttr>(names[place])
                    : StringAttr();
    std::string symbol =
        name && !name.empty()
            ? name.str()
            : "d" + std::to_string(argument) + "_" + std::to_string(place);
    symbolNames.insert(
        {builder.getStringAttr(symbol).getValue(), symbolNames.size()});
    dims.push_back(SizeFormula::symbol(symbol));
  }
  return dims;
}

SizeFormula ScheduleAnalysis::getFormula(Value index) {
  auto found = formulas.find(index);
  if (found != formulas.end())
    return found->second;
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return SizeFormula::constant(constant.getSExtValue());
  Operation *op = index.getDefiningOp();
  if (op && isa<arith::AddIOp>(op))
    return getFormula(op->getOperand(0)) + getFormula(op->getOperand(1));
  if (op && isa<arith::MulIOp>(op))
    return getFormula(op->getOperand(0)) * getFormula(op->getOperand(1));
  if (op && isa<arith::CeilDivUIOp>(op))
    return SizeFormula::symbol("ceil(" + getFormula(op->getOperand(0)).str() +
                               " / " + getFormula(op->getOperand(1)).str() +
                               ")");
  std::string text = op ? op->getName().stripDialect().str() : "value";
  for (auto [place, operand] :
       llvm::enumerate(op ? op->getOperands() : ValueRange()))
    text += (place == 0 ? "(" : ", ") + getFormula(operand).str();
  return SizeFormula::symbol(op && op->getNumOperands() ? text + ")" : text);
}

SizeFormula ScheduleAnalysis::getBytes(Value tensor) {
  SizeFormula bytes =
      SizeFormula::constant(getElementBytes(getElementTypeOrSelf(tensor)));
  for (const SizeFormula &size : shapes[tensor])
    bytes = bytes * size;
  return bytes;
}

/// What NAME.workspace returns for this call.
SizeFormula ScheduleAnalysis::getWorkspaceBytes(func::CallOp call,
                                                func::FuncOp function) {
  auto argument = function.getArguments().begin();
  for (Value operand : call.getOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type) {
      if (operand.getType().isIndex())
        formulas[*argument++] = getFormula(operand);
      continue;
    }
    for (auto [size, formula] : llvm::zip(type.getShape(), shapes[operand]))
      if (ShapedType::isDynamic(size))
        formulas[*argument++] = formula;
  }
  return getFormula(function.getBody().front().getTerminator()->getOperand(0));
}

void ScheduleAnalysis::computeFormulas() {
  for (BlockArgument argument : main.getArguments())
    shapes[argument] = getArgumentDims(argument.getArgNumber());
  for (Operation &op : main.getBody().front()) {
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      if (std::optional<int64_t> place = dim.getConstantIndex())
        formulas[dim] = shapes[dim.getSource()][*place];
    } else if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
      auto dynamic = empty.getDynamicSizes().begin();
      for (int64_t size : empty.getType().getShape())
        shapes[empty].push_back(ShapedType::isDynamic(size)
                                    ? getFormula(*dynamic++)
                                    : SizeFormula::constant(size));
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      for (OpResult result : call.getResults())
        shapes[result] = shapes.lookup(getCallDestination(result));
    } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
      for (const ReassociationIndices &group :
           collapse.getReassociationIndices()) {
        SizeFormula size = SizeFormula::constant(1);
        for (int64_t dim : group)
          size = size * shapes[collapse.getSrc()][dim];
        shapes[collapse].push_back(size);
      }
    } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
      for (OpFoldResult size : expand.getMixedOutputShape())
        shapes[expand].push_back(
            isa<Value>(size)
                ? getFormula(cast<Value>(size))
                : SizeFormula::constant(*getConstantIntValue(size)));
    } else if (isa<tensor::CastOp>(op)) {
      shapes[op.getResult(0)] = shapes.lookup(op.getOperand(0));
    } else if (auto get = dyn_cast<GetWeightOp>(op)) {
      for (int64_t size : cast<RankedTensorType>(get.getType()).getShape())
        shapes[get].push_back(SizeFormula::constant(size));
    }
  }
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
  int64_t fillKind = !fill ? 0 : fill.getValue() == "ones" ? 2 : 1;
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

/// The sizes of which a slot's is the maximum: none is always at most another.
static SmallVector<SizeFormula> getLargest(ArrayRef<Temporary> users) {
  SmallVector<SizeFormula> largest;
  for (const Temporary &user : users) {
    if (llvm::any_of(largest, [&](const SizeFormula &size) {
          return user.size.isAtMost(size);
        }))
      continue;
    llvm::erase_if(largest, [&](const SizeFormula &size) {
      return size.isAtMost(user.size);
    });
    largest.push_back(user.size);
  }
  return largest;
}

/// The slots' bytes, added up as far as they are no maxima.
std::string ScheduleAnalysis::getArenaFormula() {
  SizeFormula sum;
  std::string maxima;
  for (ArrayRef<Temporary> users : slotUsers) {
    auto rounded =
        llvm::map_to_vector(getLargest(users), [](const SizeFormula &size) {
          return size.roundUp(kBufferAlignment);
        });
    if (rounded.size() == 1) {
      sum = sum + rounded.front();
      continue;
    }
    auto texts = llvm::map_range(rounded, std::mem_fn(&SizeFormula::str));
    maxima += " + max(" + llvm::join(texts, ", ") + ")";
  }
  return sum.str() + maxima;
}

void ScheduleAnalysis::buildTables() {
  SmallVector<Attribute> inputs, outputs, kernels, calls, symbolTable;
  for (BlockArgument argument : main.getArguments())
    inputs.push_back(
        describeTensor(argument.getType(), shapes[argument],
                       main.getArgAttrDict(argument.getArgNumber()),
                       "arg" + Twine(argument.getArgNumber())));
  Operation *terminator = main.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands())
    outputs.push_back(
        describeTensor(operand.get().getType(), shapes[operand.get()],
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
      {"arena_formula", builder.getStringAttr(getArenaFormula())},
      {"weights_bytes",
       builder.getI64IntegerAttr(schedule.weightOffsets.lookup(""))}};
  if (auto batch = module->getAttrOfType<StringAttr>("tq.batch_dim"))
    if (auto symbol = symbolNames.find(batch.getValue());
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
  computeFormulas();
  planSlots();
  buildTables();
  return success();
}

LogicalResult tq::analyzeSchedule(func::FuncOp main, Schedule &schedule) {
  return ScheduleAnalysis(main, schedule).run();
}
