//===- BuiltInLinker.h - lld as a part of the compiler ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiler that is linked statically (TQ_STATIC_LLVM) has lld inside. Most of
// lld is LLVM, which is there anyway: lld adds 8 MB, and would be 60 MB as a
// program of its own. It runs as a process of its own nevertheless, as it ends
// the process when it fails, and crashes where a disk is full.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_BUILTINLINKER_H
#define TQ_EMIT_BUILTINLINKER_H

#include "llvm/ADT/ArrayRef.h"

#include <optional>
#include <string>
#include <vector>

namespace tq {

/// How this executable is called to link: its path and an argument. Empty
/// where it has no linker.
std::vector<std::string> getBuiltInLinker();

/// If `arguments` of main are of such a call, links and returns the exit code.
std::optional<int> runBuiltInLinker(llvm::ArrayRef<const char *> arguments);

} // namespace tq

#endif // TQ_EMIT_BUILTINLINKER_H
