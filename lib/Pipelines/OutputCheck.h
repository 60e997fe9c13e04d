//===- OutputCheck.h - Whether outputs may be written -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_PIPELINES_OUTPUTCHECK_H
#define TQ_LIB_PIPELINES_OUTPUTCHECK_H

#include "tq/Pipelines/CommandLine.h"
#include "tq/Support/InputFiles.h"

namespace tq {

/// Fails where an output would take the place of what is read, by whichever
/// name, or of another output.
llvm::Error checkOutputsAreNoInputs(const CommandLine &line,
                                    const InputFiles &inputs);

/// Fails where an output or temporary files cannot be written, or where a
/// header would take the place of a file that tq did not write.
llvm::Error checkOutputsAreWritable(const CommandLine &line);

} // namespace tq

#endif // TQ_LIB_PIPELINES_OUTPUTCHECK_H
