//===- StatisticsFile.h - Statistics that outlive a run ---------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `--save-calibration` writes and `--calibration` reads: JSON, described
// in docs/Calibration.md. It belongs to one model, after the normalize phase.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CALIBRATION_STATISTICSFILE_H
#define TQ_CALIBRATION_STATISTICSFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace tq {

/// Writes the statistics of each `tq.observe` of `module`.
llvm::Error writeStatistics(mlir::ModuleOp module, llvm::raw_ostream &stream);

/// Gives each `tq.observe` of `module` its statistics in the file `path`. Fails
/// with one line where the file is malformed, of another version, of another
/// model, or lacks a value.
llvm::Error readStatistics(mlir::ModuleOp module, llvm::StringRef path);

} // namespace tq

#endif // TQ_CALIBRATION_STATISTICSFILE_H
