//===- Phases.h - The phases of the compiler --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module goes through the phases in order. What a phase leaves carries its
// name in the attribute `program.phase`, so that a later run can go on from
// there.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_PIPELINES_PHASES_H
#define TQ_PIPELINES_PHASES_H

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace tq {

enum class Phase {
  Import,
  Normalize,
  Calibrate,
  Quantize,
  Fuse,
  Lower,
  Codegen,
  Emit
};

inline constexpr Phase kAllPhases[] = {
    Phase::Import, Phase::Normalize, Phase::Calibrate, Phase::Quantize,
    Phase::Fuse,   Phase::Lower,     Phase::Codegen,   Phase::Emit};

/// The name on the command line, for example "normalize".
llvm::StringRef getPhaseName(Phase phase);

/// What the phase does, in a few words.
llvm::StringRef getPhaseDescription(Phase phase);

std::optional<Phase> parsePhase(llvm::StringRef name);

/// The names of all phases, for messages: "import, normalize, ...".
std::string getPhaseNames();

//===----------------------------------------------------------------------===//
// One options struct a phase
//===----------------------------------------------------------------------===//

struct NormalizePipelineOptions
    : mlir::PassPipelineOptions<NormalizePipelineOptions> {};

struct CalibratePipelineOptions
    : mlir::PassPipelineOptions<CalibratePipelineOptions> {
  Option<bool> observe{*this, "observe",
                       llvm::cl::desc("Whether there is anything to observe"),
                       llvm::cl::init(true)};
};

struct QuantizePipelineOptions
    : mlir::PassPipelineOptions<QuantizePipelineOptions> {
  Option<QuantizationMode> mode{
      *this, "mode", llvm::cl::desc("What runs in integers"),
      llvm::cl::init(QuantizationMode::Dynamic),
      llvm::cl::values(
          clEnumValN(QuantizationMode::None, "none", "nothing"),
          clEnumValN(QuantizationMode::Dynamic, "dynamic",
                     "weights s8 per row, activations u8 per row at run "
                     "time"),
          clEnumValN(QuantizationMode::Static, "static",
                     "the same, activations u8 with calibrated ranges"))};
  Option<Precision> attention{
      *this, "attention",
      llvm::cl::desc("In what attention computes its products"),
      llvm::cl::init(Precision::F32),
      llvm::cl::values(
          clEnumValN(Precision::F32, "f32", "f32, or what the op says"),
          clEnumValN(Precision::BF16, "bf16", "bf16, sums in f32"),
          clEnumValN(Precision::Int8, "int8", "integers of eight bits"))};
  Option<quant::Observer> observer{
      *this, "observer", llvm::cl::desc("How ranges are chosen"),
      llvm::cl::init(quant::Observer::MinMax),
      llvm::cl::values(
          clEnumValN(quant::Observer::MinMax, "minmax", "all that was seen"),
          clEnumValN(quant::Observer::MovingAverage, "moving-average",
                     "moving averages of the range of a batch"),
          clEnumValN(quant::Observer::Percentile, "percentile",
                     "all but the outermost values"),
          clEnumValN(quant::Observer::Entropy, "entropy",
                     "the least Kullback-Leibler divergence"),
          clEnumValN(quant::Observer::Mse, "mse", "the least squared error"))};
  Option<double> percentile{
      *this, "percentile",
      llvm::cl::desc("How much of the values observer=percentile keeps"),
      llvm::cl::init(99.99)};
  Option<double> smoothing{
      *this, "smoothing",
      llvm::cl::desc("SmoothQuant's alpha; less than 0: no smoothing"),
      llvm::cl::init(0.8)};
  Option<bool> biasCorrection{
      *this, "bias-correction",
      llvm::cl::desc("Whether biases make up for what quantizing weights "
                     "changes in the mean"),
      llvm::cl::init(true)};
  Option<std::string> config{
      *this, "config",
      llvm::cl::desc("A file of rules for some layers, see "
                     "docs/QuantizeConfig.md")};
};

struct FusePipelineOptions : mlir::PassPipelineOptions<FusePipelineOptions> {};

struct LowerPipelineOptions : mlir::PassPipelineOptions<LowerPipelineOptions> {
};

struct CodegenPipelineOptions
    : mlir::PassPipelineOptions<CodegenPipelineOptions> {
  Option<std::string> target{
      *this, "target",
      llvm::cl::desc("x86_64-linux-gnu (default) or aarch64-linux-gnu")};
  ListOption<std::string> targetCpu{
      *this, "target-cpu",
      llvm::cl::desc("host, x86-64-v3, x86-64-v4, ..., with +features; code "
                     "for each")};
};

void buildNormalizePipeline(mlir::OpPassManager &manager,
                            const NormalizePipelineOptions &options);
void buildCalibratePipeline(mlir::OpPassManager &manager,
                            const CalibratePipelineOptions &options);
void buildQuantizePipeline(mlir::OpPassManager &manager,
                           const QuantizePipelineOptions &options);
void buildFusePipeline(mlir::OpPassManager &manager,
                       const FusePipelineOptions &options);
void buildLowerPipeline(mlir::OpPassManager &manager,
                        const LowerPipelineOptions &options);
void buildCodegenPipeline(mlir::OpPassManager &manager,
                          const CodegenPipelineOptions &options);

//===----------------------------------------------------------------------===//
// Registration, for tools
//===----------------------------------------------------------------------===//

/// All dialects of tq and upstream.
void registerAllDialects(mlir::DialectRegistry &registry);

/// All passes of tq and upstream.
void registerAllPasses();

/// `tq-<phase>-pipeline` for each phase from MLIR to MLIR.
void registerAllPipelines();

} // namespace tq

#endif // TQ_PIPELINES_PHASES_H
