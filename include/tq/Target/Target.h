//===- Target.h - The CPU that a program is compiled for --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TARGET_TARGET_H
#define TQ_TARGET_TARGET_H

#include "llvm/ADT/ArrayRef.h"
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
  /// The features a program must find at its start, by LLVM's names.
  std::vector<std::string> required;

  bool hasFeature(llvm::StringRef feature) const;
};

/// The triple that `text` means: "aarch64-linux-gnu" is
/// "aarch64-unknown-linux-gnu", "" this machine's, or x86-64's where tq makes
/// no programs for this machine. Fails for systems that tq makes no programs
/// for.
llvm::Expected<std::string> resolveTriple(llvm::StringRef text);

/// Resolves `CPU[+feature]...`, where CPU is `host` or a name of LLVM, for an
/// architecture that resolveTriple gave. The host becomes the highest level of
/// its architecture and the dot-product extensions beyond it, so that programs
/// made on equal machines are equal.
llvm::Expected<Target> resolveTarget(llvm::StringRef spec,
                                     llvm::StringRef triple);

/// The CPUs that a program for `triple` carries code for if nobody says which.
std::vector<std::string> getDefaultCpus(llvm::StringRef triple);

/// Resolves each CPU once; the one that needs most comes first, as programs try
/// them in this order.
llvm::Expected<std::vector<Target>>
resolveTargets(llvm::ArrayRef<std::string> specs, llvm::StringRef triple);

/// Whether this machine can run programs for `target`.
bool runsOnHost(const Target &target);

/// Makes LLVM's code generator for `target`. Nothing is contracted to fma.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const Target &target);

} // namespace tq

#endif // TQ_TARGET_TARGET_H
