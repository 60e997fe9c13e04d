//===- Roberta.cpp - RoBERTa, XLM-RoBERTa and CamemBERT -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bert.h"
#include "Families.h"

using namespace llvm;
using namespace tq;

static constexpr ConfigKeys makeRobertaKeys() {
  ConfigKeys keys = bertKeys;
  keys.defaultPaddingId = 1;
  return keys;
}
static constexpr ConfigKeys robertaKeys = makeRobertaKeys();

static constexpr HeadLayer robertaHead[] = {
    {"classifier.dense", Activation::Tanh},
    {"classifier.out_proj", Activation::None},
};

/// Families that differ in nothing but what they are called.
static constexpr EncoderFamily makeFamily(StringLiteral modelType) {
  return {
      .modelType = modelType,
      .prefix = "roberta.",
      .names = bertNames,
      .keys = robertaKeys,
      .positionsSkipPadding = true,
      .pooler = bertPooler,
  };
}
static constexpr EncoderFamily roberta = makeFamily("roberta");
static constexpr EncoderFamily xlmRoberta = makeFamily("xlm-roberta");
static constexpr EncoderFamily camembert = makeFamily("camembert");

static const Architecture architectures[] = {
    {"RobertaModel", roberta, {}},
    {"RobertaForMaskedLM", roberta, {}},
    {"RobertaForSequenceClassification", roberta, robertaHead},
    {"XLMRobertaModel", xlmRoberta, {}},
    {"XLMRobertaForMaskedLM", xlmRoberta, {}},
    {"XLMRobertaForSequenceClassification", xlmRoberta, robertaHead},
    {"CamembertModel", camembert, {}},
    {"CamembertForMaskedLM", camembert, {}},
    {"CamembertForSequenceClassification", camembert, robertaHead},
};

ArrayRef<Architecture> tq::getRobertaArchitectures() { return architectures; }
