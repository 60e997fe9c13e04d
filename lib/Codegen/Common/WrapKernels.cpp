//===- WrapKernels.cpp - Kernels in the runtime's calling convention ------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelAbi.h"
#include "tq/Codegen/Common/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tq {
#define GEN_PASS_DEF_WRAPKERNELSPASS
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
      : builder(builder), converter(converter), block(block) {}

  /// A memref in identity layout from a pointer and its dynamic sizes.
  Value readMemref(MemRefType type) {
    Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
    Value base = LLVM::LoadOp::create(builder, pointer, next());
    SmallVector<Value> sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(
          ShapedType::isDynamic(size)
              ? LLVM::LoadOp::create(builder, builder.getI64Type(), next())
              : constant(size));
    return makeMemref(type, base, sizes);
  }

  /// Scratch of thread `thread`, from the scratch of all and the bytes of one.
  Value readWorkspace(MemRefType type, Value thread) {
    Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
    Value base = LLVM::LoadOp::create(builder, pointer, next());
    Value bytes = LLVM::LoadOp::create(builder, builder.getI64Type(), next());
    Value offset = LLVM::MulOp::create(builder, thread, bytes);
    base = LLVM::GEPOp::create(builder, pointer, builder.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{offset});
    Value elements = LLVM::UDivOp::create(
        builder, bytes, constant(getElementBytes(type.getElementType())));
    return makeMemref(type, base, elements);
  }

  /// A number: it has a word of its own.
  Value readScalar(Type type) {
    if (!type.isIndex())
      return LLVM::LoadOp::create(builder, type, next());
    Value word = LLVM::LoadOp::create(builder, builder.getI64Type(), next());
    return arith::IndexCastOp::create(builder, type, word);
  }

private:
  Value next() {
    return LLVM::GEPOp::create(
        builder, LLVM::LLVMPointerType::get(builder.getContext()),
        builder.getI64Type(), block, ArrayRef<LLVM::GEPArg>{word++});
  }
  Value makeMemref(MemRefType type, Value base, ValueRange sizes) {
    Type descriptorType = converter.convertType(type);
    auto descriptor =
        MemRefDescriptor::poison(builder, builder.getLoc(), descriptorType);
    descriptor.setAllocatedPtr(builder, builder.getLoc(), base);
    descriptor.setAlignedPtr(builder, builder.getLoc(), base);
    descriptor.setConstantOffset(builder, builder.getLoc(), 0);
    Value stride = constant(1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      descriptor.setSize(builder, builder.getLoc(), dim, sizes[dim]);
      descriptor.setStride(builder, builder.getLoc(), dim, stride);
      stride = LLVM::MulOp::create(builder, stride, sizes[dim]);
    }
    return UnrealizedConversionCastOp::create(builder, TypeRange{type},
                                              Value(descriptor))
        .getResult(0);
  }
  Value constant(int64_t value) {
    return LLVM::ConstantOp::create(builder, builder.getI64Type(), value);
  }

  ImplicitLocOpBuilder &builder;
  LLVMTypeConverter &converter;
  Value block;
  int32_t word = 0;
};

struct WrapKernelsPass : public tq::impl::WrapKernelsPassBase<WrapKernelsPass> {
  void runOnOperation() override {
    LLVMTypeConverter converter(&getContext());
    auto codes = llvm::to_vector(llvm::make_filter_range(
        getOperation().getOps<func::FuncOp>(), [](func::FuncOp function) {
          return function->hasAttr(kKernelCodeAttr);
        }));
    for (func::FuncOp code : codes) {
      StringRef name = code.getName();
      if (!name.consume_back(kCodeSuffix)) {
        code.emitError("expected a name that ends in '")
            << kCodeSuffix << "', but got '@" << name << "'";
        return signalPassFailure();
      }
      if (failed(wrap(code, name, converter)))
        return signalPassFailure();
      defineCount(name);
      for (StringRef suffix : {kCodeSuffix, kCountSuffix, kWorkspaceSuffix})
        if (func::FuncOp part = lookupPart(getOperation(), name, suffix))
          setInternal(part);
    }
  }

  /// Nothing outside the module sees it: LLVM may inline and drop it.
  static void setInternal(func::FuncOp function) {
    function->setAttr(
        "llvm.linkage",
        LLVM::LinkageAttr::get(function.getContext(), LLVM::Linkage::Internal));
  }

  /// Whether a kernel has work items: it takes [begin, end) as its last
  /// arguments.
  bool hasItems(StringRef name) {
    func::FuncOp count = lookupPart(getOperation(), name, kCountSuffix);
    return count && !count.isDeclaration();
  }

  LogicalResult wrap(func::FuncOp code, StringRef name,
                     LLVMTypeConverter &converter) {
    ImplicitLocOpBuilder builder(code.getLoc(), code.getContext());
    Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
    Type i64 = builder.getI64Type();
    func::FuncOp body =
        getOrDeclare(getOperation(), (name + kBodySuffix).str(),
                     builder.getFunctionType({pointer, i64, i64, i64}, {}));
    builder.setInsertionPointToStart(body.addEntryBlock());
    setInternal(body);
    ArgumentReader reader(builder, converter, body.getArgument(0));
    SmallVector<Value> arguments;
    size_t own = code.getNumArguments() - (hasItems(name) ? 2 : 0);
    for (BlockArgument argument : code.getArguments().take_front(own)) {
      Type type = argument.getType();
      auto memref = dyn_cast<MemRefType>(type);
      if (memref && code.getArgAttr(argument.getArgNumber(), kWorkspaceAttr))
        arguments.push_back(reader.readWorkspace(memref, body.getArgument(3)));
      else if (memref)
        arguments.push_back(reader.readMemref(memref));
      else if (type.isIntOrIndexOrFloat())
        arguments.push_back(reader.readScalar(type));
      else
        return code.emitError("expected a kernel on memrefs, but got argument ")
               << type;
    }
    for (size_t i = own; i < code.getNumArguments(); ++i)
      arguments.push_back(arith::IndexCastOp::create(
          builder, builder.getIndexType(), body.getArgument(1 + i - own)));
    if (code.getNumResults() != 0)
      return code.emitError("expected a kernel without results, but got ")
             << code.getFunctionType();
    func::CallOp::create(builder, code, arguments);
    func::ReturnOp::create(builder);
    return success();
  }

  /// A kernel that does not count its work items runs as one.
  void defineCount(StringRef name) {
    func::FuncOp count = lookupPart(getOperation(), name, kCountSuffix);
    if (!count || !count.isDeclaration())
      return;
    ImplicitLocOpBuilder builder(count.getLoc(), count.getContext());
    builder.setInsertionPointToStart(count.addEntryBlock());
    Value one = arith::ConstantIndexOp::create(builder, 1);
    func::ReturnOp::create(builder, one);
  }
};

} // namespace
