//===- Link.h - Link objects and the runtime --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_LINK_H
#define TQ_EMIT_LINK_H

#include "tq/Emit/TempFiles.h"

namespace tq {

enum class LinkKind { Executable, SharedLibrary, Object };

/// Links files of one program, with the runtime libraries in
/// `runtimeDirectory`, to `output`. The system's compiler driver runs the
/// linker, as it knows where libc is.
llvm::Error link(LinkKind kind, llvm::ArrayRef<std::string> objects,
                 llvm::StringRef runtimeDirectory, llvm::StringRef output,
                 TempFiles &files);

/// Where the runtime libraries are: next to the compiler in bin, in lib.
/// `executable` is argv[0].
std::string findRuntimeDirectory(const char *executable);

} // namespace tq

#endif // TQ_EMIT_LINK_H
