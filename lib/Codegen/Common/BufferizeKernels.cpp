//===- BufferizeKernels.cpp - Scalar loops for kernels no generator knows -===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/Passes.h"
#include "tq/Dialect/Program/IR/Program.h"
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
using namespace tq::program;

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
/// program plans, whose bytes `workspace` gives.
class TemporaryPlacer {
public:
  TemporaryPlacer(KernelOp kernel, func::FuncOp code, Region &workspace)
      : kernel(kernel), code(code), sizes(workspace),
        inSizes(kernel.getContext()) {}

  /// Fails where a size depends on data.
  LogicalResult run();

private:
  FailureOr<Value> getSize(Value size);
  FailureOr<Value> getBytes(memref::AllocOp alloc);
  void place(memref::AllocOp alloc, Value bytes);

  KernelOp kernel;
  func::FuncOp code;
  Region &sizes; ///< the region `workspace`
  OpBuilder inSizes;
  IRMapping known; ///< values of the code -> of `sizes`
  Value total, scratch, offset;
};

} // namespace

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
  auto view = memref::ViewOp::create(builder, loc, alloc.getType(), scratch,
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
  unsigned count = countSizes(code.getArgumentTypes());
  inSizes.createBlock(&sizes, {},
                      SmallVector<Type>(count, inSizes.getIndexType()),
                      SmallVector<Location>(count, code.getLoc()));
  for (BlockArgument argument : code.getArguments())
    if (argument.getType().isIndex())
      known.map(argument,
                sizes.getArgument(countSizes(code.getArgumentTypes().take_front(
                    argument.getArgNumber()))));
  unsigned last = code.getNumArguments();
  auto type = MemRefType::get({ShapedType::kDynamic}, inSizes.getI8Type());
  if (failed(code.insertArgument(last, type, {}, code.getLoc())))
    return failure();
  scratch = code.getArgument(last);
  for (memref::AllocOp alloc : allocs) {
    FailureOr<Value> bytes = failure();
    if (alloc->getParentOp() == code)
      bytes = getBytes(alloc);
    if (failed(bytes))
      return kernel.emitError("kernel '")
             << kernel.getSymName()
             << "': expected temporaries whose sizes follow from those of the "
                "arguments, but got "
             << alloc.getType();
    place(alloc, *bytes);
  }
  program::YieldOp::create(inSizes, kernel.getLoc(), total);
  return success();
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct BufferizeKernelsPass
    : public tq::impl::BufferizeKernelsPassBase<BufferizeKernelsPass> {
  void runOnOperation() override {
    SmallVector<VariantOp> variants;
    for (auto variant : getOperation().getBody()->getOps<VariantOp>())
      if (!variant.hasCode())
        variants.push_back(variant);
    if (!variants.empty() && failed(generate(variants)))
      signalPassFailure();
  }

  /// All variants get the same code.
  LogicalResult generate(ArrayRef<VariantOp> variants) {
    KernelOp kernel = getOperation();
    // In a module of its own, so that nothing else becomes buffers.
    OpBuilder builder = OpBuilder::atBlockEnd(kernel.getBody());
    OwningOpRef<ModuleOp> owner(ModuleOp::create(builder, kernel.getLoc()));
    func::FuncOp code = kernel.getDefinition().clone();
    owner->push_back(code);
    VariantOp first = variants.front();
    if (failed(bufferize(*owner, code, first.getWorkspace())))
      return failure();
    first.getCode().takeBody(code.getBody());
    Operation *terminator = first.getCode().front().getTerminator();
    builder.setInsertionPoint(terminator);
    program::YieldOp::create(builder, terminator->getLoc());
    terminator->erase();
    for (VariantOp variant : variants.drop_front()) {
      IRMapping mapping;
      first.getCode().cloneInto(&variant.getCode(), mapping);
      first.getWorkspace().cloneInto(&variant.getWorkspace(), mapping);
    }
    return success();
  }

  LogicalResult bufferize(ModuleOp owner, func::FuncOp code,
                          Region &workspace) {
    OpPassManager toBuffers(ModuleOp::getOperationName());
    addBufferization(toBuffers);
    if (failed(runPipeline(toBuffers, owner)))
      return failure();
    expandCopies(owner);
    if (failed(TemporaryPlacer(getOperation(), code, workspace).run()))
      return failure();
    OpPassManager toLoops(ModuleOp::getOperationName());
    toLoops.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
    return runPipeline(toLoops, owner);
  }
};

} // namespace
