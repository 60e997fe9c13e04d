//===- Npy.h - NumPy's array files ------------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_CLI_NPY_H
#define TQ_LIB_RUNTIME_CLI_NPY_H

#include "Cli/Files.h"

namespace tq::rt {

/// Reads versions 1 to 3 of the format: little endian f4, i8, i4, u1, i1 and b1
/// in C order. On success tensor->data lies aligned in `storage`, which the
/// caller frees.
tq_status readNpy(const char *path, Bytes *storage, tq_tensor *tensor);

/// Writes header and data; the file is opened before and closed after.
tq_status writeNpy(OutputFile &file, const tq_tensor &tensor);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_CLI_NPY_H
