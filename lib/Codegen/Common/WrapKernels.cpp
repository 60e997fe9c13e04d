//===- WrapKernels.cpp - Kernels in the runtime's calling convention ------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Codegen/Common/Passes.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq {
#define GEN_PASS_DEF_WRAPKERNELS
#include "tq/Codegen/Common/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

namespace {

/// Reads the words of a kernel's arguments one after the other.
class ArgumentReader {
public:
  ArgumentReader(ImplicitLocOpBuilder &builder, LLVMTypeConverter &converter,
                 Value block)
      : b(builder), converter(converter), block(block) {}

  /// A memref in identity layout from a pointer and its dynamic sizes.
  Value readMemref(MemRefType type) {
    Type pointer = LLVM::LLVMPointerType::get(b.getContext());
    Value base = LLVM::LoadOp::create(b, pointer, next());
    SmallVector<Value> sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size)
                          ? LLVM::LoadOp::create(b, b.getI64Type(), next())
                          : constant(size));
    Type descriptorType = converter.convertType(type);
    auto descriptor = MemRefDescriptor::poison(b, b.getLoc(), descriptorType);
    descriptor.setAllocatedPtr(b, b.getLoc(), base);
    descriptor.setAlignedPtr(b, b.getLoc(), base);
    descriptor.setConstantOffset(b, b.getLoc(), 0);
    Value stride = constant(1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      descriptor.setSize(b, b.getLoc(), dim, sizes[dim]);
      descriptor.setStride(b, b.getLoc(), dim, stride);
      stride = LLVM::MulOp::create(b, stride, sizes[dim]);
    }
    return UnrealizedConversionCastOp::create(b, TypeRange{type},
                                              Value(descriptor))
        .getResult(0);
  }

  /// A number: it has a word of its own.
  Value readScalar(Type type) {
    if (!type.isIndex())
      return LLVM::LoadOp::create(b, type, next());
    Value word = LLVM::LoadOp::create(b, b.getI64Type(), next());
    return arith::IndexCastOp::create(b, type, word);
  }

private:
  Value next() {
    return LLVM::GEPOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                               b.getI64Type(), block,
                               ArrayRef<LLVM::GEPArg>{word++});
  }
  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(b, b.getI64Type(), value);
  }

  ImplicitLocOpBuilder &b;
  LLVMTypeConverter &converter;
  Value block;
  int32_t word = 0;
};

struct WrapKernelsPass : public tq::impl::WrapKernelsBase<WrapKernelsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    LLVMTypeConverter converter(&getContext());
    SmallVector<func::FuncOp> kernels;
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr(kKernelAttr))
        kernels.push_back(function);
    for (func::FuncOp kernel : kernels) {
      if (failed(wrap(kernel, converter)))
        return signalPassFailure();
      defineCount(kernel);
      setInternal(kernel);
    }
  }

  /// Nothing outside the module sees it: LLVM may inline and drop it.
  static void setInternal(func::FuncOp function) {
    function->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(function.getContext(), LLVM::Linkage::Internal));
  }

  /// Whether a kernel has work items, which it takes after its tensors.
  static bool hasItems(func::FuncOp kernel) {
    auto count = kernel->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(
        (kernel.getName() + kCountSuffix).str());
    return count && !count.isDeclaration();
  }

  static LogicalResult wrap(func::FuncOp kernel, LLVMTypeConverter &converter) {
    ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
    Type pointer = LLVM::LLVMPointerType::get(b.getContext());
    Type i64 = b.getI64Type();
    func::FuncOp body =
        getOrDeclare(kernel->getParentOfType<ModuleOp>(),
                     (kernel.getName() + kBodySuffix).str(),
                     b.getFunctionType({pointer, i64, i64, i64}, {}));
    b.setInsertionPointToStart(body.addEntryBlock());
    setInternal(body);
    ArgumentReader reader(b, converter, body.getArgument(0));
    SmallVector<Value> arguments;
    bool countsItems = hasItems(kernel);
    unsigned place = 1; // begin, end, thread
    for (Type type : kernel.getArgumentTypes()) {
      if (auto memref = dyn_cast<MemRefType>(type)) {
        arguments.push_back(reader.readMemref(memref));
      } else if (!countsItems && type.isIntOrIndexOrFloat()) {
        arguments.push_back(reader.readScalar(type));
      } else if (type.isIndex() && place < 4) {
        arguments.push_back(arith::IndexCastOp::create(
            b, b.getIndexType(), body.getArgument(place++)));
      } else {
        return kernel.emitError(
                   "expected a kernel on memrefs, but got argument ")
               << type;
      }
    }
    if (kernel.getNumResults() != 0)
      return kernel.emitError("expected a kernel without results, but got ")
             << kernel.getFunctionType();
    func::CallOp::create(b, kernel, arguments);
    func::ReturnOp::create(b);
    return success();
  }

  /// A kernel that does not count its work items runs as one.
  static void defineCount(func::FuncOp kernel) {
    auto count = kernel->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(
        (kernel.getName() + kCountSuffix).str());
    if (!count)
      return;
    setInternal(count);
    if (auto words =
            kernel->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(
                (kernel.getName() + kWorkspaceSuffix).str()))
      setInternal(words);
    if (!count.isDeclaration())
      return;
    ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
    b.setInsertionPointToStart(count.addEntryBlock());
    Value one = arith::ConstantIndexOp::create(b, 1);
    func::ReturnOp::create(b, one);
  }
};

} // namespace
