//===- ObjectFile.h - From the llvm dialect to object files -----*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_OBJECTFILE_H
#define TQ_EMIT_OBJECTFILE_H

#include "tq/Emit/ProgramTables.h"
#include "tq/Target/Target.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

namespace tq {

/// Translates `module`, a program's code for its target number `index`. What
/// the program's tables refer to, `plan` and `run` of each of `entries`,
/// becomes hidden and gets the target's symbol, everything else internal.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateTarget(mlir::ModuleOp module, size_t index,
                llvm::ArrayRef<ProgramEntry> entries,
                llvm::LLVMContext &context, llvm::TargetMachine &machine);

/// An empty module for `machine`, for the tables alone.
std::unique_ptr<llvm::Module> createModule(llvm::StringRef name,
                                           llvm::LLVMContext &context,
                                           llvm::TargetMachine &machine);

/// Assembly that defines the section of weights with what is in `file`.
std::string getWeightSection(llvm::StringRef file, uint64_t bytes,
                             const llvm::Triple &triple);

/// Optimizes at -O2. Loops and chains of scalars are not vectorized: codegen
/// has done that where it pays.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Writes an object file or assembly. After a failure part of it is written.
llvm::Error writeCode(llvm::Module &module, llvm::TargetMachine &machine,
                      llvm::CodeGenFileType type,
                      llvm::raw_pwrite_stream &stream);

/// Bytes of the code of each of `kernels`, from the symbols of `object`.
llvm::Expected<std::vector<uint64_t>>
measureKernels(llvm::StringRef object, llvm::ArrayRef<std::string> kernels);

} // namespace tq

#endif // TQ_EMIT_OBJECTFILE_H
