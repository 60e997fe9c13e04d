//===- ObservingProgram.h - Run a model and see inside ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The float program of a module whose outputs are the values that `tq.observe`
// marks, compiled for this machine and loaded into this process.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_PIPELINES_OBSERVINGPROGRAM_H
#define TQ_LIB_PIPELINES_OBSERVINGPROGRAM_H

#include "tq/Emit/ProgramTables.h"
#include "tq/Runtime/tq.h"
#include "tq/Support/TempFiles.h"

#include "mlir/IR/BuiltinOps.h"

namespace tq {

class ObservingProgram {
public:
  /// Of the first entry of `module`, which is after the calibrate phase's
  /// pipeline. `runtimeDirectory`: where the libraries of the runtime are.
  static llvm::Expected<std::unique_ptr<ObservingProgram>>
  create(mlir::ModuleOp module, llvm::StringRef runtimeDirectory);
  ~ObservingProgram();

  /// The names of the observed values, in the order of the outputs.
  llvm::ArrayRef<std::string> getSites() const { return sites; }

  /// What the program says of itself. Its one entry has the inputs of the
  /// model's first.
  const ProgramInfo &getInfo() const { return info; }

  /// The ids of a text, special tokens included; as many as the model takes.
  llvm::Expected<std::vector<int32_t>> tokenize(llvm::StringRef text) const;

  /// Runs with one tensor for each input; those with `data` null are filled.
  /// Gives the outputs, valid until the next run.
  llvm::Expected<llvm::ArrayRef<tq_tensor>>
  run(llvm::ArrayRef<tq_tensor> inputs);

private:
  ObservingProgram() = default;
  llvm::Error load(llvm::StringRef path);
  llvm::Error makeError() const;

  /// The C interface of the library.
  struct Interface {
    decltype(&tq_model_open) modelOpen;
    decltype(&tq_model_close) modelClose;
    decltype(&tq_model_tokenize) modelTokenize;
    decltype(&tq_session_create) sessionCreate;
    decltype(&tq_session_destroy) sessionDestroy;
    decltype(&tq_session_run) sessionRun;
    decltype(&tq_last_message) lastMessage;
  };

  TempFiles files;
  std::vector<std::string> sites;
  ProgramInfo info;
  void *library = nullptr;
  Interface interface = {};
  const tq_model *model = nullptr;
  tq_session *session = nullptr;
  std::vector<tq_tensor> outputs;
};

} // namespace tq

#endif // TQ_LIB_PIPELINES_OBSERVINGPROGRAM_H
