//===- GenerateKernels.cpp - Turn kernels on tensors into vector code -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelGenerator.h"

#include "tq/Codegen/CPU/Passes.h"
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

SizeBuilder::SizeBuilder(Kernel &kernel, Region &region)
    : builder(kernel.source.getLoc(), kernel.source.getContext()),
      kernel(kernel), region(region) {
  unsigned count = program::countSizes(kernel.source.getArgumentTypes());
  builder.createBlock(&region, {},
                      SmallVector<Type>(count, builder.getIndexType()),
                      SmallVector<Location>(count, builder.getLoc()));
}

Value SizeBuilder::dim(unsigned argument, unsigned dimension) {
  TypeRange types = kernel.source.getArgumentTypes();
  auto shape = cast<ShapedType>(types[argument]).getShape();
  if (!ShapedType::isDynamic(shape[dimension]))
    return indexConstant(builder, shape[dimension]);
  unsigned place = program::countSizes(types.take_front(argument));
  for (int64_t size : shape.take_front(dimension))
    place += ShapedType::isDynamic(size);
  return region.getArgument(place);
}

Value SizeBuilder::number(unsigned argument) {
  return region.getArgument(program::countSizes(
      kernel.source.getArgumentTypes().take_front(argument)));
}

void SizeBuilder::finish(Value result) {
  program::YieldOp::create(builder, result);
}

//===----------------------------------------------------------------------===//
// Variants
//===----------------------------------------------------------------------===//

/// What the code of a variant takes for an argument of the kernel.
static Type getCodeType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? MemRefType::get(tensor.getShape(), tensor.getElementType())
                : type;
}

/// A variant with an empty block for its code: (memrefs..., begin, end).
static Kernel createKernel(program::VariantOp variant, const Isa &isa) {
  func::FuncOp source = variant.getKernel().getDefinition();
  Kernel kernel{source, variant, isa};
  Block &block = variant.getCode().emplaceBlock();
  for (Type type : source.getArgumentTypes())
    kernel.memrefs.push_back(
        block.addArgument(getCodeType(type), source.getLoc()));
  Type index = IndexType::get(source.getContext());
  kernel.begin = block.addArgument(index, source.getLoc());
  kernel.end = block.addArgument(index, source.getLoc());
  return kernel;
}

Value Kernel::addWorkspace() {
  auto type = MemRefType::get({ShapedType::kDynamic},
                              Float32Type::get(source.getContext()));
  return getCode()->insertArgument(memrefs.size(), type, source.getLoc());
}

void Kernel::pack(unsigned argument, int64_t panel, int64_t group) {
  Builder builder(source.getContext());
  auto packed =
      program::PackedAttr::get(source.getContext(), argument, panel, group);
  SmallVector<Attribute> all(variant.getPacked().getValue());
  all.push_back(packed);
  variant.setPackedAttr(builder.getArrayAttr(all));
  memrefs[argument].setType(getCodeType(variant.getArgumentType(argument)));
}

/// Removes what a generator left behind that did not know the kernel.
static void discard(program::VariantOp variant) {
  for (Region &region : variant->getRegions()) {
    region.dropAllReferences();
    region.getBlocks().clear();
  }
  variant.setPackedAttr(ArrayAttr::get(variant.getContext(), {}));
}

static bool generate(program::VariantOp variant, const Isa &isa) {
  func::FuncOp source = variant.getKernel().getDefinition();
  bool isOnTensors =
      llvm::all_of(source.getArgumentTypes(), llvm::IsaPred<RankedTensorType>);
  for (auto generator : {generateAttentionKernel, generateContractionKernel,
                         generateRowKernel}) {
    if (!isOnTensors && generator != generateAttentionKernel)
      return false;
    Kernel kernel = createKernel(variant, isa);
    if (succeeded(generator(kernel)))
      return true;
    discard(variant);
  }
  return false;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct GenerateKernelsPass
    : public tq::impl::GenerateKernelsPassBase<GenerateKernelsPass> {
  using GenerateKernelsPassBase::GenerateKernelsPassBase;

  void runOnOperation() override {
    for (auto variant : getOperation().getBody()->getOps<program::VariantOp>())
      if (!variant.hasCode() && failed(write(variant)))
        return signalPassFailure();
  }

private:
  LogicalResult write(program::VariantOp variant) {
    program::KernelOp kernel = getOperation();
    func::FuncOp source = kernel.getDefinition();
    const Isa *own = findIsa(variant.getTarget());
    if (!own)
      return failure();
    if (generate(variant, *own)) {
      kernel.emitRemark("kernel '") << kernel.getSymName() << "' on "
                                    << own->name << ": " << *variant.getPlan();
      return success();
    }
    if (!source.getOps<AttentionOp>().empty())
      return kernel.emitError(
          "expected attention on arguments of the kernel or slices "
          "of their last dimension");
    kernel.emitRemark("kernel '") << kernel.getSymName() << "' on " << own->name
                                  << ": scalar loops, as no generator knows it";
    return success();
  }

  /// The option's, or that of the target.
  const Isa *findIsa(program::TargetAttr target) {
    if (isa.empty()) {
      auto resolved = resolveTarget(target.getCpu(), target.getTriple());
      if (resolved)
        return &selectIsa(resolved->required);
      getOperation().emitError(toString(resolved.takeError()));
      return nullptr;
    }
    const Isa *known = lookupIsa(isa);
    if (!known)
      getOperation().emitError("expected a known instruction set, but got '")
          << isa << "'";
    return known;
  }
};

} // namespace
