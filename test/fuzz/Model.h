//===- Model.h - Tiny models for the fuzz targets ---------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_FUZZ_MODEL_H
#define TQ_TEST_FUZZ_MODEL_H

#include "Context.h"
#include "Fuzz.h"
#include "TinyModel.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

namespace tq::fuzz {

/// Imports the directory: either a module that verifies, or an error.
inline void importModel(const Directory &directory) {
  mlir::MLIRContext &context = getContext();
  unsigned errors = 0;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        errors += diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
        requireOneLine(diagnostic.str());
      });
  auto module = importHuggingFace(directory.path(), {}, &context);
  if (failed(module)) {
    require(errors > 0, "an error for what is refused");
    return;
  }
  require(errors == 0, "no error for what is imported");
  require(succeeded(mlir::verify(**module)), "a module that verifies");
}

} // namespace tq::fuzz

#endif // TQ_TEST_FUZZ_MODEL_H
