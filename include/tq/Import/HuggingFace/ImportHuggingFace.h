//===- ImportHuggingFace.h - A Hugging Face directory as tq -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads `config.json`, the weights, and sentence-transformers' `modules.json`
// where there is one, and builds `func @main` of float tq ops.
//
// What is known of the program is in attributes of the program dialect: ports
// of arguments and results, and of the module its symbols, labels, tokenizer
// (the tables of Runtime/TokenizerFormat.h) and prompts.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_HUGGINGFACE_IMPORTHUGGINGFACE_H
#define TQ_IMPORT_HUGGINGFACE_IMPORTHUGGINGFACE_H

#include "tq/Import/Importer.h"

#include <vector>

namespace tq {

/// Imports the model in `directory`. Where that fails, one error is emitted, at
/// the file that is to blame.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importHuggingFace(llvm::StringRef directory, const ImportOptions &options,
                  mlir::MLIRContext *context);

/// The architectures that importHuggingFace knows, as config.json spells them.
std::vector<llvm::StringRef> getSupportedArchitectures();

} // namespace tq

#endif // TQ_IMPORT_HUGGINGFACE_IMPORTHUGGINGFACE_H
