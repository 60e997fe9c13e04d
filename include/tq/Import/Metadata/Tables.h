//===- Tables.h - The metadata files that tq reads --------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_IMPORT_METADATA_TABLES_H
#define TQ_IMPORT_METADATA_TABLES_H

#include "tq/Import/Metadata/KnownKeys.h"

namespace tq {

/// config.json of transformers.
extern const MetadataTable configTable;
extern const MetadataTable crossEncoderTable; ///< its sentence_transformers

// sentence-transformers.
extern const MetadataTable modulesTable; ///< one entry of modules.json
extern const MetadataTable sentenceBertTable;
extern const MetadataTable modelArgumentsTable; ///< three objects in it
extern const MetadataTable tokenizerArgumentsTable;
extern const MetadataTable configArgumentsTable;
extern const MetadataTable sentenceTransformersTable;
extern const MetadataTable poolingTable;
extern const MetadataTable denseTable;
extern const MetadataTable layerNormTable;
extern const MetadataTable normalizeTable;

// Tokenizers.
extern const MetadataTable tokenizerConfigTable;
extern const MetadataTable specialTokensMapTable;
extern const MetadataTable addedTokenTable; ///< in any of these files
extern const MetadataTable tokenizerTable;  ///< tokenizer.json, its objects:
extern const MetadataTable tokenizerModelTable;
extern const MetadataTable normalizerTable;
extern const MetadataTable preTokenizerTable;
extern const MetadataTable postProcessorTable;
extern const MetadataTable truncationTable;
extern const MetadataTable paddingTable;

/// All of them, in the order of docs/Metadata.md.
llvm::ArrayRef<const MetadataTable *> getMetadataTables();

} // namespace tq

#endif // TQ_IMPORT_METADATA_TABLES_H
