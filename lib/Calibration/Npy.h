//===- Npy.h - NumPy's array files ------------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler's reader. That of programs, lib/Runtime/Cli/Npy.h, copies whole
// files, and lives without LLVM.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_CALIBRATION_NPY_H
#define TQ_LIB_CALIBRATION_NPY_H

#include "tq/Calibration/CalibrationData.h"

namespace tq {

/// Reads the header of an array, whose bytes were read from `path`, in versions
/// 1 to 3 of the format. The data points into `bytes`; there is no name.
/// `where` precedes what is wrong: "array 'NAME': ".
llvm::Expected<CalibrationTensor> readNpy(llvm::StringRef path,
                                          llvm::StringRef where,
                                          llvm::ArrayRef<uint8_t> bytes);

} // namespace tq

#endif // TQ_LIB_CALIBRATION_NPY_H
