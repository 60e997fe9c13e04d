//===- KernelAbi.cpp - What schedules and kernels agree on -*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Codegen/Common/KernelAbi.h"

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

FunctionType tq::getSizeFunctionType(MLIRContext *context,
                                     unsigned dynamicDims) {
  Type index = IndexType::get(context);
  return FunctionType::get(context, SmallVector<Type>(dynamicDims, index),
                           index);
}
