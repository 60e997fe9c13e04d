//===- ProgramTables.h - What a program knows about itself ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads what a module says of its program (the program dialect) and builds
// `tq_program_main` of tq/Runtime/Program.h.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_EMIT_PROGRAMTABLES_H
#define TQ_EMIT_PROGRAMTABLES_H

#include "tq/Runtime/Program.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class Module;
} // namespace llvm

namespace tq {

/// One input or output; fields as in tq_program_tensor.
struct ProgramTensor {
  std::string name;
  int32_t dtype = 0;
  std::vector<int64_t> dims;
  int64_t limit = 0;
  int32_t fill = TQ_FILL_NONE;
  int32_t marksPadding = 0;

  /// Bytes of one element.
  unsigned getElementBytes() const;
};

struct ProgramSymbol {
  std::string name;
  int64_t max = 0;
};

/// What a session keeps; fields as in tq_program_state.
struct ProgramState {
  std::string name;
  int32_t kind = TQ_STATE_TENSOR;
  int32_t dtype = 0;
  std::vector<int64_t> dims;
};

/// A CPU; fields as in tq_program_target.
struct ProgramTarget {
  std::string cpu;
  std::string requiredFeatures;
  std::vector<uint64_t> codeBytes;
};

struct ProgramCall {
  int32_t kernel = 0;
  std::string layer;
  std::string scheme;
  std::string reason;
};

struct ProgramPrompt {
  std::string name;
  std::string text;
};

/// A function of the program; fields as in tq_program_entry.
struct ProgramEntry {
  std::string name;
  std::vector<ProgramTensor> inputs;
  std::vector<ProgramTensor> outputs;
  std::vector<ProgramCall> calls;
  std::vector<std::string> checks; // what `plan` finds to hold, or not
  std::vector<std::string> arenas; // formulas, of each target
  int32_t batchDim = 0;
};

/// Everything in the tables; fields as in tq_program.
struct ProgramInfo {
  std::string name;
  std::string compilerVersion;
  std::string options;
  std::string library;
  std::vector<ProgramTarget> targets;
  std::vector<ProgramSymbol> symbols;
  std::vector<ProgramEntry> entries;
  std::vector<ProgramState> states;
  std::vector<std::string> kernels;
  std::vector<std::string> labels;
  int32_t labelScores = 0;
  uint64_t weightsBytes = 0;
  std::vector<uint8_t> tokenizer;
  std::string tokenizerNote;
  int64_t maxTokens = 0;
  std::vector<ProgramPrompt> prompts; // sorted by name
  int32_t defaultPrompt = 0;          // its number from 1 on, 0: none
  std::vector<uint8_t> golden;
};

/// Names of symbols that objects of a program share.
inline constexpr char kProgramSymbol[] = "tq_program_main";
inline constexpr char kRunSymbol[] = "tq_program_run";
inline constexpr char kPlanSymbol[] = "tq_program_plan";
inline constexpr char kWeightsSymbol[] = "tq_program_weights";

inline constexpr char kOpenLibrarySymbol[] = "tq_open_library";

/// The function that opens the model of this shared library and no other's:
/// "tq_model_open_minilm", exported.
std::string getOpenSymbol(llvm::StringRef library);

/// Each entry has a function for each target: "tq_program_run.0.1" is that of
/// the second entry for the first target.
std::string getCodeSymbol(llvm::StringRef name, size_t target, size_t entry);

/// Reads what `module` says about its program. Fails with one line where it is
/// not what the runtime could use.
llvm::Expected<ProgramInfo> readProgramInfo(mlir::ModuleOp module);

/// Defines `tq_program_main` in `module`, whose data layout is set. Functions
/// and weights are declared where the module lacks them.
void buildProgramTables(llvm::Module &module, const ProgramInfo &info);

} // namespace tq

#endif // TQ_EMIT_PROGRAMTABLES_H
