//===- Statistics.h - Statistics as an attribute ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_STATISTICS_H
#define TQ_DIALECT_TQ_IR_STATISTICS_H

#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Quant/Statistics.h"

namespace tq {

/// Whether one scale, or one for each channel, can be found for `value`.
bool canObserve(mlir::Value value);

StatisticsAttr makeStatistics(mlir::MLIRContext *context,
                              const quant::TensorStatistics &statistics);

/// What makeStatistics was given, without the number of what is not finite.
quant::TensorStatistics getTensorStatistics(StatisticsAttr attr);

} // namespace tq

#endif // TQ_DIALECT_TQ_IR_STATISTICS_H
