//===- GenerateKernels.cpp - Turn kernels on tensors into vector code -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelGenerator.h"

#include "tq/Codegen/CPU/Passes.h"
#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Codegen/Common/TargetModules.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Target/Target.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace tq {
#define GEN_PASS_DEF_GENERATEKERNELSPASS
#include "tq/Codegen/CPU/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

//===----------------------------------------------------------------------===//
// Common parts of the generators
//===----------------------------------------------------------------------===//

Value tq::cpu::indexConstant(ImplicitLocOpBuilder &builder, int64_t value) {
  return arith::ConstantIndexOp::create(builder, value);
}

Value tq::cpu::minIndex(ImplicitLocOpBuilder &builder, Value a, Value b) {
  return arith::MinSIOp::create(builder, a, b);
}

void tq::cpu::interleave(ArrayRef<SmallVector<Operation *>> chains) {
  llvm::DenseSet<Operation *> waiting;
  for (ArrayRef<Operation *> chain : chains)
    waiting.insert(chain.begin(), chain.end());
  if (waiting.empty())
    return;
  Operation *last = chains.back().back();
  Block *block = last->getBlock();
  auto end = std::next(last->getIterator());
  SmallVector<size_t> next(chains.size());
  while (!waiting.empty())
    for (auto [chain, position] : llvm::zip(chains, next)) {
      if (position == chain.size() ||
          llvm::any_of(chain[position]->getOperands(), [&](Value operand) {
            return waiting.contains(operand.getDefiningOp());
          }))
        continue;
      Operation *op = chain[position++];
      waiting.erase(op);
      op->moveBefore(block, end);
    }
}

/// Result i of a kernel is written to the i-th of its last arguments.
BlockArgument tq::cpu::getDestination(Value value) {
  for (OpOperand &use : value.getUses()) {
    auto ret = dyn_cast<func::ReturnOp>(use.getOwner());
    if (!ret)
      continue;
    auto function = ret->getParentOfType<func::FuncOp>();
    return function.getArgument(function.getNumArguments() -
                                ret.getNumOperands() + use.getOperandNumber());
  }
  return {};
}

CountBuilder::CountBuilder(Kernel &kernel, StringRef suffix)
    : builder(kernel.source.getLoc(), kernel.source.getContext()),
      kernel(kernel) {
  auto type = getSizeFunctionType(kernel.source.getContext(),
                                  countSizes(kernel.source.getArgumentTypes()));
  function = getOrDeclare(kernel.source->getParentOfType<ModuleOp>(),
                          (kernel.source.getName() + suffix).str(), type);
  builder.setInsertionPointToStart(function.addEntryBlock());
}

Value CountBuilder::dim(unsigned argument, unsigned dimension) {
  TypeRange types = kernel.source.getArgumentTypes();
  auto shape = cast<ShapedType>(types[argument]).getShape();
  if (!ShapedType::isDynamic(shape[dimension]))
    return indexConstant(builder, shape[dimension]);
  unsigned place = countSizes(types.take_front(argument));
  for (int64_t size : shape.take_front(dimension))
    place += ShapedType::isDynamic(size);
  return function.getArgument(place);
}

void CountBuilder::finish(Value result) {
  func::ReturnOp::create(builder, result);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// (memrefs..., begin, end).
static FunctionType getKernelType(func::FuncOp source) {
  MLIRContext *context = source.getContext();
  SmallVector<Type> types;
  for (Type type : source.getArgumentTypes()) {
    auto tensor = cast<RankedTensorType>(type);
    types.push_back(
        MemRefType::get(tensor.getShape(), tensor.getElementType()));
  }
  types.append(2, IndexType::get(context));
  return FunctionType::get(context, types, {});
}

static Kernel createKernel(func::FuncOp source, const Isa &isa) {
  OpBuilder builder(source);
  auto function = func::FuncOp::create(builder, source.getLoc(),
                                       (source.getName() + kCodeSuffix).str(),
                                       getKernelType(source));
  function.setPrivate();
  function->setAttr(kKernelCodeAttr, builder.getUnitAttr());
  Block *block = function.addEntryBlock();
  unsigned count = source.getNumArguments();
  Kernel kernel{source, function, isa, {}, {}, {}};
  kernel.memrefs.assign(block->getArguments().begin(),
                        block->getArguments().begin() + count);
  kernel.begin = block->getArgument(count);
  kernel.end = block->getArgument(count + 1);
  return kernel;
}

Value Kernel::addWorkspace() {
  OpBuilder builder(function);
  auto type = MemRefType::get({ShapedType::kDynamic}, builder.getF32Type());
  unsigned place = memrefs.size();
  auto attributes = builder.getDictionaryAttr(
      builder.getNamedAttr(kWorkspaceAttr, builder.getUnitAttr()));
  (void)function.insertArgument(place, type, attributes, source.getLoc());
  return function.getArgument(place);
}

/// Removes what a generator left behind that did not know the kernel.
static void discard(Kernel &kernel) {
  kernel.function.erase();
  auto module = kernel.source->getParentOfType<ModuleOp>();
  for (StringRef suffix : {kCountSuffix, kWorkspaceSuffix})
    if (auto function = module.lookupSymbol<func::FuncOp>(
            (kernel.source.getName() + suffix).str()))
      function.erase();
}

/// The parts of a kernel are found by its name, so nothing else may have
/// theirs.
static LogicalResult checkNames(func::FuncOp kernel, SymbolTable &symbols) {
  for (StringRef suffix :
       {kCodeSuffix, kBodySuffix, kCountSuffix, kWorkspaceSuffix})
    if (Operation *other = symbols.lookup((kernel.getName() + suffix).str()))
      return other->emitError("expected another name than '@")
             << SymbolTable::getSymbolName(other).getValue()
             << "', which a part of kernel @" << kernel.getName() << " has";
  return success();
}

static bool generate(func::FuncOp source, const Isa &isa) {
  for (auto generator : {generateAttentionKernel, generateContractionKernel,
                         generateRowKernel}) {
    Kernel kernel = createKernel(source, isa);
    if (succeeded(generator(kernel))) {
      source.emitRemark("kernel '")
          << source.getName() << "' on " << isa.name << ": " << kernel.plan;
      return true;
    }
    discard(kernel);
  }
  return false;
}

namespace {

struct GenerateKernelsPass
    : public tq::impl::GenerateKernelsPassBase<GenerateKernelsPass> {
  using GenerateKernelsPassBase::GenerateKernelsPassBase;

  void runOnOperation() override {
    const Isa *own = findIsa();
    if (!own)
      return signalPassFailure();
    SmallVector<func::FuncOp> kernels;
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function->hasAttr(kKernelAttr) || function.isDeclaration())
        continue;
      if (failed(checkNames(function, symbols)))
        return signalPassFailure();
      if (llvm::all_of(function.getArgumentTypes(),
                       llvm::IsaPred<RankedTensorType>))
        kernels.push_back(function);
    }
    for (func::FuncOp kernel : kernels) {
      if (generate(kernel, *own))
        continue;
      if (!kernel.getOps<AttentionOp>().empty()) {
        kernel.emitError(
            "expected attention on arguments of the kernel or slices "
            "of their last dimension");
        return signalPassFailure();
      }
      kernel.emitRemark("kernel '")
          << kernel.getName() << "' on " << own->name
          << ": scalar loops, as no generator knows it";
    }
  }

private:
  /// The option's, that of the CPU of the module, or AVX2.
  const Isa *findIsa() {
    ModuleOp module = getOperation();
    auto cpu = module->getAttrOfType<StringAttr>(kTargetCpuAttr);
    auto triple = module->getAttrOfType<StringAttr>(
        LLVM::LLVMDialect::getTargetTripleAttrName());
    if (isa.empty() && cpu && triple) {
      auto target = resolveTarget(cpu.getValue(), triple.getValue());
      if (target)
        return &selectIsa(target->required);
      module.emitError(toString(target.takeError()));
      return nullptr;
    }
    StringRef name = isa.empty() ? "avx2" : StringRef(isa);
    const Isa *known = lookupIsa(name);
    if (!known)
      module.emitError("expected a known instruction set, but got '")
          << name << "'";
    return known;
  }
};

} // namespace
