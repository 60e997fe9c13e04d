//===- Cores.h - Cores that this process may use ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_RUNTIME_DEVICE_CORES_H
#define TQ_LIB_RUNTIME_DEVICE_CORES_H

#include <stdint.h>

namespace tq::rt {

enum { maxThreads = 1024 };

/// Cores this process may run on at once, at least 1: those of its affinity, or
/// fewer where its control groups give it less time.
int32_t availableCores();

/// Cores that the quotas of this process's control groups come to, rounded up;
/// INT64_MAX without a quota. Files are looked for below `root`, which is empty
/// but in tests; what cannot be read sets no limit.
int64_t coresOfQuota(const char *root);

} // namespace tq::rt

#endif // TQ_LIB_RUNTIME_DEVICE_CORES_H
