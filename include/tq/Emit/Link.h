//===- Link.h - Link objects and the runtime --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_LINK_H
#define TQ_EMIT_LINK_H

#include "tq/Support/TempFiles.h"

#include "llvm/TargetParser/Triple.h"

namespace tq {

enum class LinkKind { Executable, SharedLibrary, Object };

/// "aarch64-linux-gnu": how Debian and --target name what is made here.
std::string getShortTriple(const llvm::Triple &triple);

/// Links files of one program, with the runtime libraries in
/// `runtimeDirectory`, to `output`, a path made by TempFiles. The system's
/// compiler driver runs the linker, as it knows where libc is, unless a linker
/// came with tq and finds there what else it needs. For another architecture
/// than this machine's the driver is clang, and the libraries are in a folder
/// of its name.
llvm::Error link(LinkKind kind, const llvm::Triple &triple,
                 llvm::ArrayRef<std::string> objects,
                 llvm::StringRef runtimeDirectory, llvm::StringRef output,
                 TempFiles &files);

/// Where the runtime libraries are: next to the compiler in bin, in lib.
/// `executable` is argv[0].
std::string findRuntimeDirectory(const char *executable);

} // namespace tq

#endif // TQ_EMIT_LINK_H
