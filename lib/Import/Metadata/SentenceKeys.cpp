//===- SentenceKeys.cpp - The keys of sentence-transformers' files --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/Tables.h"

namespace tq {

static constexpr KnownKey modulesKeys[] = {
    {"idx", KeyUse::Harmless,
     "modules follow each other in the order of the file"},
    {"name", KeyUse::Harmless, "a name for people"},
    {"path", KeyUse::Honoured, "the folder of the module"},
    {"type", KeyUse::Honoured, "what the module does"},
};

const MetadataTable modulesTable = {"modules.json", modulesKeys};

static constexpr KnownKey sentenceBertKeys[] = {
    {"max_seq_length", KeyUse::Honoured, "longer texts are cut"},
    {"do_lower_case", KeyUse::Honoured, "texts are lower-cased first"},
};

const MetadataTable sentenceBertTable = {"sentence_bert_config.json",
                                         sentenceBertKeys};

static constexpr KnownKey sentenceTransformersKeys[] = {
    {"__version__", KeyUse::Harmless, "which libraries wrote the file"},
};

const MetadataTable sentenceTransformersTable = {
    "config_sentence_transformers.json", sentenceTransformersKeys};

static constexpr KnownKey poolingKeys[] = {
    {"pooling_mode_mean_tokens", KeyUse::Honoured, "the mean over the mask"},
    {"pooling_mode_cls_token", KeyUse::Honoured, "the first token"},
};

const MetadataTable poolingTable = {"1_Pooling/config.json", poolingKeys};

} // namespace tq
