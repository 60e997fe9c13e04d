//===- MergeTokenizer.h - One tokenizer of several files --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_HUGGINGFACE_TOKENIZER_MERGETOKENIZER_H
#define TQ_IMPORT_HUGGINGFACE_TOKENIZER_MERGETOKENIZER_H

#include "TokenizerSettings.h"

namespace tq {

/// The tokenizer that transformers 5 makes of `file`, read from `path`, for a
/// class of `family` that is not Other. Where transformers 4 makes another one
/// of it, that is a warning.
llvm::Expected<WordPieceModel>
mergeTokenizer(llvm::StringRef path, TokenizerDescription file, bool isJSON,
               const TokenizerSettings &settings, TokenizerFamily family,
               MetadataWarnings &warnings);

} // namespace tq

#endif // TQ_IMPORT_HUGGINGFACE_TOKENIZER_MERGETOKENIZER_H
