//===- Importer.cpp - The table of importers ------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Importer.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"
#include "tq/Import/PT2/ImportPT2.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace tq;

static bool isDirectory(StringRef, const sys::fs::file_status &status) {
  return sys::fs::is_directory(status);
}

static bool isPT2(StringRef path, const sys::fs::file_status &status) {
  return sys::fs::is_regular_file(status) && path.ends_with(".pt2");
}

static constexpr Importer kImporters[] = {
    {"a model directory", isDirectory, importHuggingFace},
    {"a .pt2 file of torch.export", isPT2, importPT2},
};

const Importer *tq::findImporter(StringRef path,
                                 const sys::fs::file_status &status) {
  const Importer *found = find_if(kImporters, [&](const Importer &importer) {
    return importer.accepts(path, status);
  });
  return found == std::end(kImporters) ? nullptr : found;
}

std::string tq::listImporterInputs() {
  return join(
      map_range(kImporters,
                [](const Importer &importer) { return importer.input; }),
      ", ");
}
