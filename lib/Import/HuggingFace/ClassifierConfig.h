//===- ClassifierConfig.h - Labels and scores of classifiers ----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_CLASSIFIERCONFIG_H
#define TQ_LIB_IMPORT_HUGGINGFACE_CLASSIFIERCONFIG_H

#include "ModelConfig.h"

#include "tq/Support/ObjectReader.h"

namespace tq {

/// Reads what config.json, which is `object` and is read by `reader`, says of a
/// classifier: its labels and how their scores are shown. What is wrong is
/// recorded in `reader`.
llvm::Error readClassifier(ObjectReader &reader,
                           const llvm::json::Object &object,
                           ModelConfig &config, MetadataWarnings &warnings);

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_CLASSIFIERCONFIG_H
