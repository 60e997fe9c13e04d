//===- KernelEmitter.cpp - Kernels in the runtime's calling convention ----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleEmitter.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

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

} // namespace

void program::setInternal(func::FuncOp function) {
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(function.getContext(), LLVM::Linkage::Internal));
}

func::FuncOp program::getOrDeclare(ModuleOp module, StringRef name,
                                   FunctionType type) {
  if (auto function = module.lookupSymbol<func::FuncOp>(name))
    return function;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, module.getLoc(), name, type);
  function.setPrivate();
  return function;
}

func::FuncOp program::getKernelBody(ModuleOp module, StringRef kernel) {
  Builder builder(module.getContext());
  Type i64 = builder.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(module.getContext());
  return getOrDeclare(module, (kernel + ".body").str(),
                      builder.getFunctionType({pointer, i64, i64, i64}, {}));
}

/// The code as a function.
static func::FuncOp moveCode(VariantOp variant, StringRef name,
                             ModuleOp module) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Region &code = variant.getCode();
  auto function = func::FuncOp::create(
      builder, variant.getLoc(), (name + ".code").str(),
      builder.getFunctionType(code.front().getArgumentTypes(), {}));
  function.setPrivate();
  setInternal(function);
  function.getBody().takeBody(code);
  for (Block &block : function.getBody())
    if (auto yield = dyn_cast<program::YieldOp>(block.getTerminator())) {
      builder.setInsertionPoint(yield);
      func::ReturnOp::create(builder, yield.getLoc());
      yield.erase();
    }
  return function;
}

void program::emitKernel(VariantOp variant, ModuleOp module) {
  StringRef name = variant.getKernel().getSymName();
  bool hasWorkspace = variant.hasWorkspace();
  size_t items = variant.hasCount() ? 2 : 0;
  func::FuncOp code = moveCode(variant, name, module);
  func::FuncOp body = getKernelBody(module, name);
  setInternal(body);
  ImplicitLocOpBuilder builder(code.getLoc(), code.getContext());
  builder.setInsertionPointToStart(body.addEntryBlock());
  LLVMTypeConverter converter(module.getContext());
  ArgumentReader reader(builder, converter, body.getArgument(0));
  SmallVector<Value> arguments;
  size_t own = code.getNumArguments() - items;
  for (auto [i, type] :
       llvm::enumerate(code.getArgumentTypes().take_front(own))) {
    auto memref = dyn_cast<MemRefType>(type);
    if (memref && hasWorkspace && i + 1 == own)
      arguments.push_back(reader.readWorkspace(memref, body.getArgument(3)));
    else if (memref)
      arguments.push_back(reader.readMemref(memref));
    else
      arguments.push_back(reader.readScalar(type));
  }
  for (size_t i = 0; i < items; ++i)
    arguments.push_back(arith::IndexCastOp::create(
        builder, builder.getIndexType(), body.getArgument(1 + i)));
  func::CallOp::create(builder, code, arguments);
  func::ReturnOp::create(builder);
}
