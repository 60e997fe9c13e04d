//===- Program.h - The program dialect --------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_IR_PROGRAM_H
#define TQ_DIALECT_PROGRAM_IR_PROGRAM_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tq/Dialect/Program/IR/ProgramDialect.h.inc"
#include "tq/Dialect/Program/IR/ProgramEnums.h.inc"
#include "tq/Dialect/Program/IR/ProgramInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tq/Dialect/Program/IR/ProgramAttrs.h.inc"

#define GET_OP_CLASSES
#include "tq/Dialect/Program/IR/ProgramOps.h.inc"

namespace tq::program {

// Attributes of the module, see the dialect's description.
inline constexpr llvm::StringLiteral kNameAttr = "program.name";
inline constexpr llvm::StringLiteral kSymbolsAttr = "program.symbols";
inline constexpr llvm::StringLiteral kLabelsAttr = "program.labels";
inline constexpr llvm::StringLiteral kTokenizerAttr = "program.tokenizer";
inline constexpr llvm::StringLiteral kTokenizerNoteAttr =
    "program.tokenizer_note";
inline constexpr llvm::StringLiteral kMaxTokensAttr = "program.max_tokens";
inline constexpr llvm::StringLiteral kPromptsAttr = "program.prompts";
inline constexpr llvm::StringLiteral kDefaultPromptAttr =
    "program.default_prompt";
inline constexpr llvm::StringLiteral kPhaseAttr = "program.phase";
inline constexpr llvm::StringLiteral kOptionsAttr = "program.options";
inline constexpr llvm::StringLiteral kTargetsAttr = "program.targets";
/// Of a module inside: what it is for.
inline constexpr llvm::StringLiteral kTargetAttr = "program.target";

/// Of arguments and results of functions: #program.port.
inline constexpr llvm::StringLiteral kPortAttr = "program.port";
/// Of an op that could run in integers and does not: why.
inline constexpr llvm::StringLiteral kReasonAttr = "program.reason";
/// Of an argument of a kernel's definition: every call passes a weight.
inline constexpr llvm::StringLiteral kWeightAttr = "program.weight";
/// Of an argument of a kernel's definition: the column sums of that argument.
inline constexpr llvm::StringLiteral kColumnSumsOfAttr =
    "program.column_sums_of";

/// What starts a buffer, and scratch memory: a cache line.
inline constexpr int64_t kBufferAlignment = 64;

/// Number of sizes of a kernel's arguments: dynamic dimensions and indices.
unsigned countSizes(mlir::TypeRange types);

/// `bytes`, rounded up to what a buffer takes.
mlir::Value roundToBuffer(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value bytes);

/// The entries of a module before codegen: its public functions. Emits an error
/// where there is none, or where one is not of one block.
mlir::FailureOr<llvm::SmallVector<mlir::func::FuncOp>>
findEntries(mlir::ModuleOp module);

/// The name given to an op's location, or an empty string.
llvm::StringRef getLayerName(mlir::Location loc);

/// The name of dimension `dim` of an argument, by its port; null if it has
/// none.
mlir::StringAttr getDimName(mlir::func::FuncOp function, unsigned argument,
                            unsigned dim);

/// The symbol along which rows do not depend on each other; null: none.
SymbolAttr findBatch(mlir::ModuleOp module);

} // namespace tq::program

#endif // TQ_DIALECT_PROGRAM_IR_PROGRAM_H
