//===- ConfigKeys.cpp - The keys of config.json ---------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/Tables.h"

namespace tq {

static constexpr KnownKey configKeys[] = {
    {"architectures", KeyUse::Honoured, "which model it is"},
    {"vocab_size", KeyUse::Honoured, "rows of the word table"},
};

const MetadataTable configTable = {"config.json", configKeys};

} // namespace tq
