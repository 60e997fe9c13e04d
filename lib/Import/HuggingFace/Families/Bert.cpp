//===- Bert.cpp - What is known of BERT -----------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bert.h"

#include "Families.h"

using namespace llvm;
using namespace tq;

static constexpr HeadLayer bertHead[] = {
    {"pooler.dense", Activation::Tanh, /*inEncoder=*/true},
    {"classifier", Activation::None},
};

static constexpr EncoderFamily bert = {
    .modelType = "bert",
    .prefix = "bert.",
    .names = bertNames,
    .keys = bertKeys,
    .positionsSkipPadding = false,
    .pooler = bertPooler,
};

static const Architecture architectures[] = {
    {"BertModel", bert, {}},
    {"BertForMaskedLM", bert, {}},
    {"BertForPreTraining", bert, {}},
    {"BertForSequenceClassification", bert, bertHead},
};

ArrayRef<Architecture> tq::getBertArchitectures() { return architectures; }
