//===- WeightSection.h - The weights of a program in one file ---*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_WEIGHTSECTION_H
#define TQ_EMIT_WEIGHTSECTION_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace tq {

/// Is told how many bytes of how many are done.
using ProgressFn = llvm::function_ref<void(uint64_t done, uint64_t total)>;

/// Writes every `tq.weight` of `module` that has an `offset` there,
/// `sectionBytes` in all. Gaps are zeros. One weight after the other is
/// evaluated, so that memory stays small.
llvm::Error writeWeightSection(mlir::ModuleOp module, uint64_t sectionBytes,
                               llvm::raw_ostream &stream, ProgressFn progress);

} // namespace tq

#endif // TQ_EMIT_WEIGHTSECTION_H
