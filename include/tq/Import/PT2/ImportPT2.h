//===- ImportPT2.h - A program of torch.export as tq ------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_PT2_IMPORTPT2_H
#define TQ_IMPORT_PT2_IMPORTPT2_H

#include "tq/Import/Importer.h"

namespace tq {

/// Reads the archive that `torch.export.save` wrote at `path`. Its weights stay
/// where they are: the module points into the file.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importPT2(llvm::StringRef path, const ImportOptions &options,
          mlir::MLIRContext *context);

} // namespace tq

#endif // TQ_IMPORT_PT2_IMPORTPT2_H
