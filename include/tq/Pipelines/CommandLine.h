//===- CommandLine.h - Options of tq-compile --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_PIPELINES_COMMANDLINE_H
#define TQ_PIPELINES_COMMANDLINE_H

#include "tq/Emit/Emit.h"
#include "tq/Import/Importer.h"
#include "tq/Pipelines/Phases.h"

namespace tq {

/// What the user asked for.
struct CommandLine {
  std::string input;
  std::string output; ///< Empty: IR goes to stdout.
  OutputKind kind = OutputKind::Executable;
  /// After this phase the IR is printed.
  Phase stopAfter = Phase::Emit;
  QuantizationMode quantize = QuantizationMode::Dynamic;
  std::optional<Precision> attention; ///< None: what suits `quantize`.
  std::string calibrationData;        ///< --calibrate
  std::string calibration;            ///< --calibration
  std::string savedCalibration;       ///< --save-calibration
  std::string quantizeConfig;         ///< a file of rules; empty: none
  quant::ObserverOptions observer;    ///< where no rule says otherwise
  std::optional<double> smoothing = 0.8;
  bool biasCorrection = true;
  std::optional<ImportPooling> pooling;
  std::string target;                  ///< Empty: this machine's triple.
  std::vector<std::string> targetCpus; ///< Empty: those of the target.
  std::string runtimeDirectory;        ///< Empty: next to the compiler.
  bool golden = true;
  bool verbose = false;
  bool timing = false;
  bool help = false;
  bool version = false;

  Precision getDefaultAttention() const {
    return quantize == QuantizationMode::Static ? Precision::Int8
                                                : Precision::F32;
  }
  Precision getAttention() const {
    return attention.value_or(getDefaultAttention());
  }
};

/// Reads the command line. Fails with one line that says what is allowed.
llvm::Expected<CommandLine> parseCommandLine(llvm::ArrayRef<const char *> args);

/// The text of --help.
std::string getHelp();

/// "none", "dynamic" or "static".
llvm::StringRef getQuantizationName(QuantizationMode mode);

} // namespace tq

#endif // TQ_PIPELINES_COMMANDLINE_H
