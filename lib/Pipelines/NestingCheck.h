//===- NestingCheck.h - Bound the nesting of IR before parsing --*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_PIPELINES_NESTINGCHECK_H
#define TQ_LIB_PIPELINES_NESTINGCHECK_H

#include "llvm/ADT/StringRef.h"

namespace tq {

/// Deeper brackets are refused: MLIR's parser, verifier and printer recurse.
inline constexpr unsigned kMaxNesting = 1000;

/// Returns the line where brackets of textual IR nest deeper than kMaxNesting;
/// 0 if they do not.
unsigned findDeepNesting(llvm::StringRef text);

} // namespace tq

#endif // TQ_LIB_PIPELINES_NESTINGCHECK_H
