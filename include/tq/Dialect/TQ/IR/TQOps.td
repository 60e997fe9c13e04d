//===- TQOps.td - All operations of the tq dialect ---------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQOPS_TD
#define TQ_DIALECT_TQ_IR_TQOPS_TD

include "tq/Dialect/TQ/IR/TQWeightOps.td"
include "tq/Dialect/TQ/IR/TQFloatOps.td"
include "tq/Dialect/TQ/IR/TQTensorOps.td"
include "tq/Dialect/TQ/IR/TQQuantOps.td"
include "tq/Dialect/TQ/IR/TQCalibrationOps.td"

#endif // TQ_DIALECT_TQ_IR_TQOPS_TD
