//===- ProgramOps.cpp - Verifiers and accessors of program ops ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/IR/LayerTitle.h"
#include "tq/Dialect/Program/IR/Program.h"

#include "tq/Runtime/Program.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace tq::program;

#define GET_OP_CLASSES
#include "tq/Dialect/Program/IR/ProgramOps.cpp.inc"

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

void KernelOp::build(OpBuilder &builder, OperationState &state,
                     func::FuncOp definition) {
  state.addAttribute(mlir::SymbolTable::getSymbolAttrName(),
                     definition.getSymNameAttr());
  Region *body = state.addRegion();
  body->emplaceBlock().push_back(definition);
}

func::FuncOp KernelOp::getDefinition() {
  return cast<func::FuncOp>(getBody()->front());
}

VariantOp KernelOp::getVariant(TargetAttr target) {
  for (auto variant : getBody()->getOps<VariantOp>())
    if (variant.getTarget() == target)
      return variant;
  return {};
}

void KernelOp::setName(StringRef name) {
  setSymName(name);
  getDefinition().setName(name);
}

//===----------------------------------------------------------------------===//
// VariantOp
//===----------------------------------------------------------------------===//

void VariantOp::build(OpBuilder &builder, OperationState &state,
                      TargetAttr target) {
  build(builder, state, target, PlanAttrInterface(), builder.getArrayAttr({}));
}

KernelOp VariantOp::getKernel() {
  return cast<KernelOp>(getOperation()->getParentOp());
}

PackedAttr VariantOp::getPacked(unsigned index) {
  for (auto packed : getPacked().getAsRange<PackedAttr>())
    if (packed.getArgument() == index)
      return packed;
  return {};
}

Type VariantOp::getArgumentType(unsigned index) {
  Type type = getKernel().getDefinition().getArgumentTypes()[index];
  PackedAttr packed = getPacked(index);
  return packed ? packed.getPackedType(cast<RankedTensorType>(type)) : type;
}

//===----------------------------------------------------------------------===//
// Kernels with their variants
//===----------------------------------------------------------------------===//

/// The types of what `code` takes of a call.
static SmallVector<Type> getCodeTypes(VariantOp variant) {
  SmallVector<Type> types;
  unsigned count = variant.getKernel().getDefinition().getNumArguments();
  for (unsigned i = 0; i < count; ++i) {
    Type type = variant.getArgumentType(i);
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      type = MemRefType::get(tensor.getShape(), tensor.getElementType());
    types.push_back(type);
  }
  return types;
}

static LogicalResult verifyCode(VariantOp variant) {
  if (!variant.hasCode())
    return success();
  SmallVector<Type> expected = getCodeTypes(variant);
  TypeRange found = variant.getCode().front().getArgumentTypes();
  size_t scratch = expected.size(), own = scratch + variant.hasWorkspace();
  size_t items = variant.hasCount() ? 2 : 0;
  auto isScratch = [](Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    return memref && memref.getRank() == 1 && memref.isDynamicDim(0);
  };
  if (found.size() != own + items ||
      found.take_front(scratch) != TypeRange(expected) ||
      (variant.hasWorkspace() && !isScratch(found[scratch])) ||
      !llvm::all_of(found.drop_front(own), llvm::IsaPred<IndexType>))
    return variant.emitOpError("expected code on ")
           << expected.size() << " arguments of the kernel"
           << (variant.hasWorkspace() ? ", scratch memory" : "")
           << (variant.hasCount() ? ", begin and end" : "") << ", but got ("
           << found << ')';
  return success();
}

static LogicalResult verifySizes(VariantOp variant, Region &region,
                                 StringRef name) {
  if (region.empty())
    return success();
  if (!variant.hasCode())
    return variant.emitOpError("expected code beside its ") << name;
  unsigned sizes =
      countSizes(variant.getKernel().getDefinition().getArgumentTypes());
  Block &block = region.front();
  if (!region.hasOneBlock() || block.getNumArguments() != sizes ||
      !llvm::all_of(block.getArgumentTypes(), llvm::IsaPred<IndexType>))
    return variant.emitOpError("expected ")
           << name << " to be a block on the " << sizes << " sizes of a call";
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getNumOperands() != 1 ||
      !yield.getOperand(0).getType().isIndex())
    return variant.emitOpError("expected ") << name << " to yield an index";
  return success();
}

/// The kernel has its definition, and all ops inside have been verified.
static LogicalResult verifyVariant(VariantOp variant) {
  func::FuncOp definition = variant.getKernel().getDefinition();
  for (auto packed : variant.getPacked().getAsRange<PackedAttr>()) {
    unsigned index = packed.getArgument();
    auto type =
        index < definition.getNumArguments()
            ? dyn_cast<RankedTensorType>(definition.getArgumentTypes()[index])
            : RankedTensorType();
    if (!type || type.getRank() != 2 || !type.hasStaticShape())
      return variant.emitOpError("expected argument ")
             << index << " of the kernel, which is packed, to be a static "
             << "tensor of rank 2";
  }
  if (failed(verifyCode(variant)) ||
      failed(verifySizes(variant, variant.getCount(), "count")))
    return failure();
  return verifySizes(variant, variant.getWorkspace(), "workspace");
}

LogicalResult KernelOp::verifyRegions() {
  Block &block = *getBody();
  auto definition =
      block.empty() ? func::FuncOp() : dyn_cast<func::FuncOp>(block.front());
  if (!definition || definition.isExternal() ||
      definition.getName() != getSymName())
    return emitOpError("expected its definition first, a function @")
           << getSymName() << " with a body";
  if (definition.getNumArguments() < definition.getNumResults())
    return emitOpError("expected an argument for each result to be written to, "
                       "but got ")
           << definition.getFunctionType();
  SmallVector<TargetAttr> targets;
  for (Operation &op : llvm::drop_begin(block)) {
    auto variant = dyn_cast<VariantOp>(op);
    if (!variant)
      return op.emitOpError("expected only variants behind the definition of "
                            "kernel @")
             << getSymName();
    if (llvm::is_contained(targets, variant.getTarget()))
      return variant.emitOpError("expected one variant for each target, but "
                                 "got two for ")
             << variant.getTarget().getCpu();
    targets.push_back(variant.getTarget());
    if (failed(verifyVariant(variant)))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// CallOp
//===----------------------------------------------------------------------===//

Value CallOp::getDestination(OpResult result) {
  return getArguments()[getArguments().size() - getNumResults() +
                        result.getResultNumber()];
}

/// What operand `index` of a call of `kernel` may be.
static bool isArgumentType(KernelOp kernel, unsigned index, Type type) {
  if (kernel.getDefinition().getArgumentTypes()[index] == type)
    return true;
  return llvm::any_of(kernel.getBody()->getOps<VariantOp>(),
                      [&](VariantOp variant) {
                        return variant.getArgumentType(index) == type;
                      });
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto kernel =
      symbolTable.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("expected a call of a kernel, but got '@")
           << getKernel() << "'";
  func::FuncOp definition = kernel.getDefinition();
  auto arguments = getArguments();
  if (arguments.size() != definition.getNumArguments())
    return emitOpError("expected ")
           << definition.getNumArguments() << " operands for kernel @"
           << getKernel() << ", but got " << arguments.size();
  for (auto [i, argument] : llvm::enumerate(arguments))
    if (!isArgumentType(kernel, i, argument.getType()))
      return emitOpError("expected operand ")
             << i << " to be " << definition.getArgumentTypes()[i]
             << " for kernel @" << getKernel() << ", but got "
             << argument.getType();
  if (getResultTypes() != definition.getResultTypes())
    return emitOpError("expected results of kernel @")
           << getKernel() << ", (" << definition.getResultTypes()
           << "), but got (" << getResultTypes() << ')';
  return success();
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

static bool isTooLarge(RankedTensorType type) {
  int64_t elements = 1;
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size) && size != 0) {
      if (size > TQ_MAX_SIZE / elements)
        return true;
      elements *= size;
    }
  return false;
}

LogicalResult StateOp::verify() {
  auto tensor = dyn_cast<RankedTensorType>(getType());
  int64_t rank = tensor ? tensor.getRank() : 0;
  if (static_cast<int64_t>(getDims().size()) != rank)
    return emitOpError("expected a name for each of the ")
           << rank << " dimensions, but got " << getDims().size();
  if (!tensor)
    return success();
  if (rank > TQ_MAX_RANK)
    return emitOpError("expected at most ")
           << int(TQ_MAX_RANK) << " dimensions, but got " << tensor;
  Type element = tensor.getElementType();
  if (!element.isF32() && !element.isInteger(64) && !element.isInteger(32) &&
      !element.isInteger(8) && !element.isInteger(1))
    return emitOpError("expected elements of f32, i64, i32, i8, ui8 or i1, "
                       "which sessions can hold, but got ")
           << tensor;
  if (isTooLarge(tensor))
    return emitOpError("expected less than 2^48 elements, but got ") << tensor;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (getDimName(dim).getValue().contains('\0') ||
        (tensor.isDynamicDim(dim) && getDimName(dim).empty()))
      return emitOpError("expected a name without a zero byte for dimension ")
             << dim;
  return success();
}

StateOp GetStateOp::lookupState() {
  return SymbolTable::lookupNearestSymbolFrom<StateOp>(*this, getNameAttr());
}

/// The symbol of `op` is a state of `type`.
static LogicalResult verifyState(Operation *op, FlatSymbolRefAttr name,
                                 Type type,
                                 SymbolTableCollection &symbolTable) {
  auto state = symbolTable.lookupNearestSymbolFrom<StateOp>(op, name);
  if (!state)
    return op->emitOpError("expected a state, but got '@")
           << name.getValue() << "'";
  if (state.getType() == type)
    return success();
  return op->emitOpError("expected ")
         << state.getType() << ", which state @" << name.getValue()
         << " is, but got " << type;
}

LogicalResult GetStateOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  return verifyState(*this, getNameAttr(), getType(), symbolTable);
}

LogicalResult SetStateOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  for (Operation *other = getOperation()->getPrevNode(); other;
       other = other->getPrevNode())
    if (auto set = dyn_cast<SetStateOp>(other);
        set && set.getName() == getName())
      return emitOpError("expected state @")
             << getName() << " to be set once, but it is set before";
  return verifyState(*this, getNameAttr(), getValue().getType(), symbolTable);
}

//===----------------------------------------------------------------------===//
// EntryOp
//===----------------------------------------------------------------------===//

/// A port for each type, of its rank, with a name of its own.
template <typename Range>
static LogicalResult verifyPorts(EntryOp entry, Range ports, TypeRange types,
                                 StringRef what) {
  auto all = llvm::to_vector(ports);
  if (all.size() != types.size())
    return entry.emitOpError("expected ") << types.size() << " ports of "
                                          << what << ", but got " << all.size();
  llvm::StringSet<> names;
  for (auto [port, type] : llvm::zip(all, types)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return entry.emitOpError("expected tensors as ")
             << what << " of @" << entry.getSymName() << ", but got " << type;
    if (static_cast<int64_t>(port.getDims().size()) != tensor.getRank())
      return entry.emitOpError("expected a name for each of the ")
             << tensor.getRank() << " dimensions of '" << port.getName()
             << "', but got " << port.getDims().size();
    for (auto [size, name] : llvm::zip(tensor.getShape(), port.getDims()))
      if (ShapedType::isDynamic(size) && name.empty())
        return entry.emitOpError("expected a name for each dynamic dimension "
                                 "of '")
               << port.getName() << "'";
    if (!names.insert(port.getName()).second)
      return entry.emitOpError("expected ")
             << what << " with a name of its own for each, but got '"
             << port.getName() << "' twice";
  }
  return success();
}

LogicalResult EntryOp::verify() {
  auto type = cast<FunctionType>(getFunctionType());
  if (failed(verifyPorts(*this, getInputPorts(), type.getInputs(), "inputs")))
    return failure();
  return verifyPorts(*this, getOutputPorts(), type.getResults(), "outputs");
}

//===----------------------------------------------------------------------===//
// ScheduleOp, RowsOp, BufferOp
//===----------------------------------------------------------------------===//

EntryOp ScheduleOp::lookupEntry() {
  return SymbolTable::lookupNearestSymbolFrom<EntryOp>(*this, getEntryAttr());
}

SmallVector<CallOp> ScheduleOp::getCalls() {
  SmallVector<CallOp> calls;
  getBodyRegion().walk([&](CallOp call) { calls.push_back(call); });
  return calls;
}

LogicalResult ScheduleOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  auto entry =
      symbolTable.lookupNearestSymbolFrom<EntryOp>(*this, getEntryAttr());
  if (!entry)
    return emitOpError("expected an entry, but got '@") << getEntry() << "'";
  auto type = cast<FunctionType>(entry.getFunctionType());
  if (getBody()->getArgumentTypes() != TypeRange(type.getInputs()) ||
      getResults().getTypes() != TypeRange(type.getResults()))
    return emitOpError("expected inputs and outputs of @")
           << getEntry() << ", " << type;
  return success();
}

LogicalResult RowsOp::verifyRegions() {
  auto yield = dyn_cast<YieldOp>(getBody()->getTerminator());
  if (!yield || yield.getOperandTypes() != getResultTypes())
    return emitOpError("expected to yield its results, (")
           << getResultTypes() << ')';
  if (static_cast<int64_t>(getUnit()) < 1 ||
      static_cast<int64_t>(getBlockRows()) < 1 ||
      static_cast<int64_t>(getLeast()) < 1)
    return emitOpError("expected positive numbers of rows");
  if (getCalls().empty())
    return emitOpError("expected calls of kernels");
  return success();
}

LogicalResult BufferOp::verify() {
  if (static_cast<int64_t>(getSlot()) < 0)
    return emitOpError("expected a slot that is not negative");
  if (size_t(getTensorType().getNumDynamicDims()) != getDynamicSizes().size())
    return emitOpError("expected ")
           << getTensorType().getNumDynamicDims() << " sizes for "
           << getTensorType() << ", but got " << getDynamicSizes().size();
  return success();
}

StringRef tq::program::getLayerName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = getLayerName(part); !name.empty())
        return name;
  return {};
}

std::string tq::program::getLayerTitle(Location loc) {
  StringRef name = getLayerName(loc);
  auto line = loc->findInstanceOf<FileLineColLoc>();
  if (name.empty() || !line || line.getLine() == 0)
    return name.str();
  return (line.getFilename().getValue() + ":" + Twine(line.getLine()) + " " +
          name)
      .str();
}
