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
// Arguments and results carry
//   tq.name     the name the user knows, for example "input_ids"
//   tq.dims     one name a dimension; of use where the dimension is dynamic
//   tq.limit    arguments: ids are in [0, limit)
//   tq.fill     arguments that may be missing: "ones" or "zeros"
//   tq.padding  the mask: zeros at the end of a row are padding, on which no
//               other position depends
// and the module
//   tq.batch_dim      the dimension whose rows do not depend on each other
//   tq.model_name     the directory's name
//   tq.labels         classifiers: one name a class
//   tq.label_scores   classifiers: what makes the scores of labels that are
//                     shown of logits, "softmax", "sigmoid" or "none"
//   tq.dim_limits     {sequence = N}: rows of the position table that are used
//   tq.max_tokens     longer texts are truncated to this
//   tq.tokenizer      the tables of its tokenizer (Runtime/TokenizerFormat.h),
//                     a resource, or
//   tq.tokenizer_note why it has none
//   tq.prompts        {NAME = "TEXT"}: what may be put before a text
//   tq.default_prompt the name of the one that is, if no other is asked for
// Each op has the name of its layer as its location.
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
