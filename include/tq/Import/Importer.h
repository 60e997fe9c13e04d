//===- Importer.h - What reads models of one kind ---------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_IMPORTER_H
#define TQ_IMPORT_IMPORTER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/FileSystem.h"

#include <string>

namespace tq {

/// How a model's rows become one embedding; docs of tq.pool say what each does.
enum class ImportPooling {
  Auto, ///< as modules.json says; none without it
  Mean,
  Cls,
  Max,
  MeanSqrtLen,
  WeightedMean,
  LastToken,
  None, ///< no embedding
};

struct ImportOptions {
  ImportPooling pooling = ImportPooling::Auto;
  /// Warn of NaN and infinity; reads all weights once.
  bool checkFinite = true;
};

/// One row of the table of importers.
struct Importer {
  /// What it reads, for errors and --help: "a model directory".
  llvm::StringRef input;
  /// Whether what is at `path` is of its kind; what is wrong with it, import
  /// says.
  bool (*accepts)(llvm::StringRef path,
                  const llvm::sys::fs::file_status &status);
  /// Where that fails, one error is emitted, at the file that is to blame.
  mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> (*import)(
      llvm::StringRef path, const ImportOptions &options,
      mlir::MLIRContext *context);
};

/// The importer for `path`, or null.
const Importer *findImporter(llvm::StringRef path,
                             const llvm::sys::fs::file_status &status);

/// What importers read: "a model directory".
std::string listImporterInputs();

} // namespace tq

#endif // TQ_IMPORT_IMPORTER_H
