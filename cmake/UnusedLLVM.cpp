//===- UnusedLLVM.cpp - Parts of LLVM that are not linked -----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stands in for functions that would bring them, see StaticLLVM.cmake.
//
//===----------------------------------------------------------------------===//

#include "llvm/Plugins/PassPlugin.h"

#define TQ_UNUSED_TARGET(NAME)                                                 \
  void LLVMInitialize##NAME##TargetInfo() {}                                   \
  void LLVMInitialize##NAME##Target() {}                                       \
  void LLVMInitialize##NAME##TargetMC() {}                                     \
  void LLVMInitialize##NAME##TargetMCA() {}                                    \
  void LLVMInitialize##NAME##AsmPrinter() {}                                   \
  void LLVMInitialize##NAME##AsmParser() {}                                    \
  void LLVMInitialize##NAME##Disassembler() {}

extern "C" {
#include "UnusedTargets.def"
}

// Passes that Debian's LLVM has beside its own, for link-time optimization.
#define HANDLE_EXTENSION(NAME)                                                 \
  llvm::PassPluginLibraryInfo get##NAME##PluginInfo() {                        \
    return {LLVM_PLUGIN_API_VERSION, #NAME, "", [](llvm::PassBuilder &) {}};   \
  }
#include "llvm/Support/Extension.def"
