//===- LinkCommand.h - The two ways to link -----------------------*- C++
//-*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiler driver knows where libc is, and runs a linker: that is how a
// compiler links that was built on the machine. One that is meant for machines
// without a driver has a linker of its own, and beside tq's libraries a folder
// `crt` with the few files that Debian has in libc6-dev and in the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_EMIT_LINKCOMMAND_H
#define TQ_LIB_EMIT_LINKCOMMAND_H

#include "tq/Emit/Link.h"

#include "llvm/ADT/ArrayRef.h"

namespace tq {

using Arguments = std::vector<std::string>;

/// What is linked, whichever way.
struct LinkJob {
  LinkKind kind;
  llvm::Triple triple;
  /// Whether it is for another architecture than this machine's.
  bool isForeign;
  llvm::ArrayRef<std::string> objects;
  /// Has tq's libraries, for this triple.
  std::string directory;
  /// The sanitizers that the libraries were built with; programs need them too.
  llvm::StringRef sanitizers;
  /// tq's libraries, with the linker's options around them.
  Arguments libraries;
  /// More options of the linker, each a word with its value.
  Arguments options;
  /// The output's name in the directory where the linker runs. Without the
  /// directory: lld takes a % in a path for a place of a random digit.
  std::string outputName;
};

/// The path of `name` in `directory`, which has tq's libraries or is in there.
llvm::Expected<std::string> findLibrary(llvm::StringRef directory,
                                        llvm::StringRef name);

/// The command that links through the system's compiler driver.
llvm::Expected<Arguments> getDriverCommand(const LinkJob &job);

/// How the linker that comes with tq is called: a file, and what stands in
/// front of its arguments. Empty where none came, or not what it needs.
Arguments findOwnLinker(llvm::StringRef directory);

/// The command that links with `linker` itself, against the machine's libc.
llvm::Expected<Arguments> getDirectCommand(Arguments linker,
                                           const LinkJob &job);

} // namespace tq

#endif // TQ_LIB_EMIT_LINKCOMMAND_H
