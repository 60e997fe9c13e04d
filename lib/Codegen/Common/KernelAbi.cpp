//===- KernelAbi.cpp - What schedules and kernels agree on ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelAbi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

func::FuncOp tq::getOrDeclare(ModuleOp module, StringRef name,
                              FunctionType type) {
  if (auto function = module.lookupSymbol<func::FuncOp>(name))
    return function;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, module.getLoc(), name, type);
  function.setPrivate();
  return function;
}

func::FuncOp tq::lookupPart(ModuleOp module, StringRef name, StringRef suffix) {
  return module.lookupSymbol<func::FuncOp>((name + suffix).str());
}

FunctionType tq::getSizeFunctionType(MLIRContext *context, unsigned sizes) {
  Type index = IndexType::get(context);
  return FunctionType::get(context, SmallVector<Type>(sizes, index), index);
}

Value tq::roundToBuffer(OpBuilder &builder, Location loc, Value bytes) {
  Value line = arith::ConstantIndexOp::create(builder, loc, kBufferAlignment);
  Value lines = builder.createOrFold<arith::CeilDivUIOp>(loc, bytes, line);
  return builder.createOrFold<arith::MulIOp>(loc, lines, line);
}
