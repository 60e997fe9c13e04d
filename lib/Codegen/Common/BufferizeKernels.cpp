//===- BufferizeKernels.cpp - Scalar loops for kernels no generator knows -===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Codegen/Common/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace tq {
#define GEN_PASS_DEF_BUFFERIZEKERNELSPASS
#include "tq/Codegen/Common/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// A kernel without code.
static bool needsCode(func::FuncOp function) {
  return function->hasAttr(kKernelAttr) && !function.isDeclaration() &&
         !lookupPart(function->getParentOfType<ModuleOp>(), function.getName(),
                     kCodeSuffix);
}

static void addBufferization(OpPassManager &manager) {
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  manager.addPass(bufferization::createOneShotBufferizePass(options));
  manager.addPass(bufferization::createDropEquivalentBufferResultsPass());
  // Copies of a buffer onto itself go.
  manager.addPass(createCanonicalizerPass());
}

/// `memref.copy` between strided buffers would call a function of the MLIR
/// runtime, which programs do not have.
static void expandCopies(ModuleOp module) {
  module.walk([](memref::CopyOp copy) {
    OpBuilder builder(copy);
    linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(),
                             copy.getTarget());
    copy.erase();
  });
}

//===----------------------------------------------------------------------===//
// Temporaries
//===----------------------------------------------------------------------===//

namespace {

/// Moves the temporaries of a kernel's code into scratch memory that the
/// program plans, and defines NAME.workspace, its bytes.
class TemporaryPlacer {
public:
  TemporaryPlacer(func::FuncOp kernel, func::FuncOp code);

  /// Fails where a size depends on data.
  LogicalResult run();

private:
  FailureOr<Value> getSize(Value size);
  FailureOr<Value> getBytes(memref::AllocOp alloc);
  void place(memref::AllocOp alloc, Value bytes);

  func::FuncOp kernel, code, sizes;
  OpBuilder inSizes;
  IRMapping known; ///< values of the code -> of NAME.workspace
  Value total, workspace, offset;
};

} // namespace

TemporaryPlacer::TemporaryPlacer(func::FuncOp kernel, func::FuncOp code)
    : kernel(kernel), code(code), inSizes(kernel.getContext()) {}

/// The same size, as a function of the arguments' sizes.
FailureOr<Value> TemporaryPlacer::getSize(Value size) {
  if (Value value = known.lookupOrNull(size))
    return value;
  Operation *op = size.getDefiningOp();
  if (!op)
    return failure();
  if (auto dim = dyn_cast<memref::DimOp>(op)) {
    auto argument = dyn_cast<BlockArgument>(dim.getSource());
    std::optional<int64_t> place = getConstantDim(dim);
    if (!argument || !place)
      return failure();
    TypeRange types = code.getArgumentTypes();
    unsigned index = countSizes(types.take_front(argument.getArgNumber()));
    auto shape = cast<MemRefType>(argument.getType()).getShape();
    index += llvm::count(shape.take_front(*place), ShapedType::kDynamic);
    return Value(sizes.getArgument(index));
  }
  if (!isPure(op) || op->getNumRegions() != 0)
    return failure();
  for (Value operand : op->getOperands()) {
    FailureOr<Value> value = getSize(operand);
    if (failed(value))
      return failure();
    known.map(operand, *value);
  }
  return inSizes.clone(*op, known)->getResult(0);
}

/// What a temporary takes of the scratch memory.
static Value emitBytes(OpBuilder &builder, Location loc, MemRefType type,
                       ValueRange dynamicSizes) {
  Value bytes =
      arith::ConstantIndexOp::create(builder, loc, *getTensorBytes(type));
  for (Value size : dynamicSizes)
    bytes = builder.createOrFold<arith::MulIOp>(loc, bytes, size);
  return roundToBuffer(builder, loc, bytes);
}

FailureOr<Value> TemporaryPlacer::getBytes(memref::AllocOp alloc) {
  if (!getTensorBytes(alloc.getType()))
    return failure();
  SmallVector<Value> dynamicSizes;
  for (Value dynamic : alloc.getDynamicSizes()) {
    FailureOr<Value> size = getSize(dynamic);
    if (failed(size))
      return failure();
    dynamicSizes.push_back(*size);
  }
  return emitBytes(inSizes, alloc.getLoc(), alloc.getType(), dynamicSizes);
}

/// Its place in the scratch memory, which is behind the ones before it.
void TemporaryPlacer::place(memref::AllocOp alloc, Value bytes) {
  OpBuilder builder(alloc);
  Location loc = alloc.getLoc();
  if (!offset)
    offset = arith::ConstantIndexOp::create(builder, loc, 0);
  auto view = memref::ViewOp::create(builder, loc, alloc.getType(), workspace,
                                     offset, alloc.getDynamicSizes());
  offset = builder.createOrFold<arith::AddIOp>(
      loc, offset,
      emitBytes(builder, loc, alloc.getType(), alloc.getDynamicSizes()));
  alloc.replaceAllUsesWith(view.getResult());
  alloc.erase();
  total =
      total ? inSizes.createOrFold<arith::AddIOp>(loc, total, bytes) : bytes;
}

LogicalResult TemporaryPlacer::run() {
  SmallVector<memref::AllocOp> allocs;
  code.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
  if (allocs.empty())
    return success();
  auto module = kernel->getParentOfType<ModuleOp>();
  unsigned count = countSizes(code.getArgumentTypes());
  sizes = getOrDeclare(module, (kernel.getName() + kWorkspaceSuffix).str(),
                       getSizeFunctionType(module.getContext(), count));
  inSizes.setInsertionPointToStart(sizes.addEntryBlock());
  for (BlockArgument argument : code.getArguments())
    if (argument.getType().isIndex())
      known.map(argument,
                sizes.getArgument(countSizes(code.getArgumentTypes().take_front(
                    argument.getArgNumber()))));
  unsigned last = code.getNumArguments();
  auto type = MemRefType::get({ShapedType::kDynamic}, inSizes.getI8Type());
  auto attributes = inSizes.getDictionaryAttr(
      inSizes.getNamedAttr(kWorkspaceAttr, inSizes.getUnitAttr()));
  if (failed(code.insertArgument(last, type, attributes, code.getLoc())))
    return failure();
  workspace = code.getArgument(last);
  for (memref::AllocOp alloc : allocs) {
    FailureOr<Value> bytes = failure();
    if (alloc->getParentOp() == code)
      bytes = getBytes(alloc);
    if (failed(bytes))
      return kernel.emitError("kernel '")
             << kernel.getName()
             << "': expected temporaries whose sizes follow from those of the "
                "arguments, but got "
             << alloc.getType();
    place(alloc, *bytes);
  }
  func::ReturnOp::create(inSizes, kernel.getLoc(), total);
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct BufferizeKernelsPass
    : public tq::impl::BufferizeKernelsPassBase<BufferizeKernelsPass> {
  void runOnOperation() override {
    auto kernels = llvm::to_vector(llvm::make_filter_range(
        getOperation().getOps<func::FuncOp>(), needsCode));
    if (kernels.empty())
      return;
    // In a module of their own, so that nothing else becomes buffers.
    OpBuilder builder = OpBuilder::atBlockEnd(getOperation().getBody());
    auto nested = ModuleOp::create(builder, getOperation().getLoc());
    for (func::FuncOp kernel : kernels) {
      func::FuncOp code = kernel.clone();
      nested.push_back(code);
      code.setName((kernel.getName() + kCodeSuffix).str());
      code->removeAttr(kKernelAttr);
      code->setAttr(kKernelCodeAttr, builder.getUnitAttr());
    }
    if (failed(bufferize(nested, kernels)))
      return signalPassFailure();
    for (auto code : llvm::to_vector(nested.getOps<func::FuncOp>()))
      code->moveBefore(nested);
    nested.erase();
  }

  LogicalResult bufferize(ModuleOp nested, ArrayRef<func::FuncOp> kernels) {
    OpPassManager toBuffers(ModuleOp::getOperationName());
    addBufferization(toBuffers);
    if (failed(runPipeline(toBuffers, nested)))
      return failure();
    expandCopies(nested);
    for (func::FuncOp kernel : kernels) {
      func::FuncOp code = lookupPart(nested, kernel.getName(), kCodeSuffix);
      if (failed(TemporaryPlacer(kernel, code).run()))
        return failure();
    }
    OpPassManager toLoops(ModuleOp::getOperationName());
    toLoops.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
    return runPipeline(toLoops, nested);
  }
};

} // namespace
