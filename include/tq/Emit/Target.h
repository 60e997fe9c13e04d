//===- Target.h - The CPU that a program is compiled for --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_TARGET_H
#define TQ_EMIT_TARGET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace tq {

/// A CPU, resolved and checked.
struct Target {
  /// What the user may write to get the same again: "x86-64-v4+avx512vnni".
  std::string name;
  std::string triple;
  std::string cpu;      // LLVM's name
  std::string features; // LLVM's features beyond those of `cpu`: "+avx512vnni"
  /// The features a program must find at its start, as
  /// `__builtin_cpu_supports` names them.
  std::vector<std::string> required;

  bool hasFeature(llvm::StringRef feature) const;
};

/// Resolves `CPU[+feature]...`, where CPU is `host` or a name of LLVM. The host
/// becomes the highest x86-64 level it has and the dot-product extensions
/// beyond it, so that programs made on equal machines are equal.
llvm::Expected<Target> resolveTarget(llvm::StringRef spec);

/// Whether this machine can run programs for `target`.
bool runsOnHost(const Target &target);

/// Makes LLVM's code generator for `target`. Nothing is contracted to fma.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const Target &target);

} // namespace tq

#endif // TQ_EMIT_TARGET_H
