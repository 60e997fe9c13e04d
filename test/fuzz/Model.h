//===- Model.h - Tiny models for the fuzz targets ---------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_FUZZ_MODEL_H
#define TQ_TEST_FUZZ_MODEL_H

#include "Fuzz.h"
#include "TinyModel.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

namespace tq::fuzz {

/// A context; a new one from time to time, as it keeps every name it has seen.
inline mlir::MLIRContext &getContext() {
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned uses = 0;
  if (uses++ % 1000 == 0)
    context = std::make_unique<mlir::MLIRContext>(
        mlir::MLIRContext::Threading::DISABLED);
  return *context;
}

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
