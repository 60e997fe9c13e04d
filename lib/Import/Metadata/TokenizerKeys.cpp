//===- TokenizerKeys.cpp - The keys of tokenizers' files ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/Tables.h"

namespace tq {

static constexpr KnownKey tokenizerConfigKeys[] = {
    {"tokenizer_class", KeyUse::Honoured, "how text is cut"},
    {"do_lower_case", KeyUse::Honoured, "whether text is lower-cased"},
};

const MetadataTable tokenizerConfigTable = {"tokenizer_config.json",
                                            tokenizerConfigKeys};

} // namespace tq
