//===- Archive.h - The archive of torch.export.save -------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_PT2_ARCHIVE_H
#define TQ_LIB_IMPORT_PT2_ARCHIVE_H

#include "tq/Import/Weights/WeightArchive.h"
#include "tq/Support/ZipArchive.h"

#include "llvm/ADT/StringMap.h"

#include <deque>
#include <map>

namespace tq::pt2 {

/// A mapped .pt2 file: the tensors of one program and its text. Tensors are
/// views of the storages that the members `data/weights/weight_N` hold.
class Archive final : public WeightArchive {
public:
  /// Opens the archive's only program; checks where each tensor lies.
  static llvm::Expected<std::unique_ptr<Archive>> open(llvm::StringRef path);

  const Weight *lookup(llvm::StringRef name) const override {
    return byName.lookup(name);
  }
  llvm::ArrayRef<const Weight *> getWeights() const override { return sorted; }
  llvm::StringRef getPath() const override { return zip.getPath(); }

  llvm::StringRef getRefusal(llvm::StringRef name) const override;

  /// `models/NAME.json`, as "FILE.pt2: models/NAME.json" and its text.
  llvm::StringRef getProgramPath() const { return programPath; }
  llvm::StringRef getProgramText() const { return programText; }

private:
  explicit Archive(ZipArchive zip) : zip(std::move(zip)) {}

  llvm::Error readRoot();
  llvm::Error checkMember(llvm::StringRef name, llvm::StringRef expected);
  llvm::Error readProgramText();
  llvm::Error readTensors(llvm::StringRef folder, llvm::StringRef config);
  llvm::Error addTensor(llvm::StringRef name, const ZipArchive::Member &member,
                        const struct TensorMeta &meta);
  llvm::Expected<llvm::StringRef> readText(llvm::StringRef name);

  ZipArchive zip;
  uint64_t digest = 0;
  std::string root;  ///< the folder that all members are in, with its '/'
  std::string model; ///< the program's name
  std::string programPath;
  llvm::StringRef programText;
  std::deque<Weight> weights;
  std::vector<const Weight *> sorted;
  llvm::StringMap<const Weight *> byName;
  llvm::StringMap<std::string> refusals;
};

} // namespace tq::pt2

#endif // TQ_LIB_IMPORT_PT2_ARCHIVE_H
