//===- ForeignFile.h - Says what else a file is -----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file that is not what its name says is mostly one of a few things: a
// git-lfs pointer, the page of a failed download, weights of another library.
// Errors name it, and say what helps.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_FOREIGNFILE_H
#define TQ_SUPPORT_FOREIGNFILE_H

#include "llvm/ADT/StringRef.h"

#include <string>

namespace tq {

/// What a file is that begins with `content`, and what helps; "" for what is
/// neither JSON nor safetensors nor known.
llvm::StringRef describeForeignContent(llvm::StringRef content);

/// The same for what downloads leave instead of a file of any kind.
llvm::StringRef describeFailedDownload(llvm::StringRef content);

/// Which weights other than safetensors are in `directory`, and what helps;
/// "neither" where none are known.
std::string describeOtherWeights(llvm::StringRef directory);

} // namespace tq

#endif // TQ_SUPPORT_FOREIGNFILE_H
