//===- Calibrate.h - What values a model has inside -------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_PIPELINES_CALIBRATE_H
#define TQ_LIB_PIPELINES_CALIBRATE_H

#include "tq/Calibration/CalibrationData.h"
#include "tq/Emit/WeightSection.h"

#include "mlir/IR/BuiltinOps.h"

namespace tq {

/// Runs the float program of `module` over `data`, on all cores of this
/// machine, and gives each `tq.observe` of the first entry its statistics.
/// Padding is not observed. Memory does not grow with the data. Warns of values
/// that no range can hold, and of few rows. `progress` follows texts and
/// samples.
llvm::Error calibrate(mlir::ModuleOp module, const CalibrationData &data,
                      llvm::StringRef runtimeDirectory, ProgressFn progress);

} // namespace tq

#endif // TQ_LIB_PIPELINES_CALIBRATE_H
