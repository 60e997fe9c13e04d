//===- TQDialect.cpp - The tq dialect -------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "tq/Dialect/TQ/IR/TQDialect.cpp.inc"
#include "tq/Dialect/TQ/IR/TQEnums.cpp.inc"
#include "tq/Dialect/TQ/IR/TQInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "tq/Dialect/TQ/IR/TQAttrs.cpp.inc"

void tq::TQDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tq/Dialect/TQ/IR/TQAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tq/Dialect/TQ/IR/TQOps.cpp.inc"
      >();
  attachCompileTimeModels();
}

quant::QuantizedType tq::getDynamicU8Type(MLIRContext *context) {
  return quant::AnyQuantizedType::get(/*flags=*/0, IntegerType::get(context, 8),
                                      Float32Type::get(context), 0, 255);
}

quant::QuantizedType tq::getWeightS8Type(MLIRContext *context) {
  return quant::AnyQuantizedType::get(quant::QuantizationFlags::Signed,
                                      IntegerType::get(context, 8),
                                      Float32Type::get(context), -127, 127);
}

FailureOr<func::FuncOp> tq::findSchedule(ModuleOp module) {
  func::FuncOp schedule;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isPrivate())
      continue;
    if (schedule)
      return function.emitError("expected one public function, but found @")
             << schedule.getName() << " and @" << function.getName();
    schedule = function;
  }
  if (!schedule)
    return module.emitError("expected a public function, but found none");
  if (!schedule.getBody().hasOneBlock())
    return schedule.emitError("expected a function of one block, but found ")
           << schedule.getBody().getBlocks().size() << " in @"
           << schedule.getName();
  return schedule;
}

RankedTensorType tq::getRowParameterType(RankedTensorType type, Type element) {
  return RankedTensorType::get(type.getShape().drop_back(), element);
}
