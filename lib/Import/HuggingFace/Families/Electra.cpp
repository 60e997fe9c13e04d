//===- Electra.cpp - What is known of ELECTRA -----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bert.h"
#include "Families.h"

using namespace llvm;
using namespace tq;

static constexpr ConfigKeys makeElectraKeys() {
  ConfigKeys keys = bertKeys;
  keys.embeddingSize = "embedding_size";
  keys.defaultEmbeddingSize = 128;
  return keys;
}
static constexpr ConfigKeys electraKeys = makeElectraKeys();

static constexpr HeadLayer electraHead[] = {
    {"classifier.dense", Activation::Gelu},
    {"classifier.out_proj", Activation::None},
};

static constexpr EncoderFamily electra = {
    .modelType = "electra",
    .prefix = "electra.",
    .names = bertNames,
    .keys = electraKeys,
    .positionsSkipPadding = false,
    .pooler = "",
};

static const Architecture architectures[] = {
    {"ElectraModel", electra, {}},
    {"ElectraForMaskedLM", electra, {}},
    {"ElectraForPreTraining", electra, {}},
    {"ElectraForSequenceClassification", electra, electraHead},
};

ArrayRef<Architecture> tq::getElectraArchitectures() { return architectures; }
