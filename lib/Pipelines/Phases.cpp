//===- Phases.cpp - The phases of the compiler ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Pipelines/Phases.h"

#include "tq/Codegen/CPU/Passes.h"
#include "tq/Codegen/CPU/Pipeline.h"
#include "tq/Codegen/Common/Passes.h"
#include "tq/Conversion/TQToLinalg/Passes.h"
#include "tq/Dialect/Program/Transforms/Passes.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Target/Target.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tq;

namespace {
struct PhaseEntry {
  Phase phase;
  llvm::StringLiteral name;
  llvm::StringLiteral description;
};
} // namespace

static constexpr PhaseEntry kEntries[] = {
    {Phase::Import, "import", "read the model as float tq ops"},
    {Phase::Normalize, "normalize",
     "one spelling for each thing; merge linears, drop unused weights"},
    {Phase::Calibrate, "calibrate",
     "run the float model over data and see which values it has inside"},
    {Phase::Quantize, "quantize",
     "insert quantize and dequantize around what runs in integers"},
    {Phase::Fuse, "fuse", "form the integer ops with their epilogues"},
    {Phase::Lower, "lower",
     "a schedule that calls distinct kernels of linalg ops"},
    {Phase::Codegen, "codegen", "kernels and schedule as LLVM IR"},
    {Phase::Emit, "emit", "evaluate weights, make code, link"},
};

static const PhaseEntry &lookUp(Phase phase) {
  return *llvm::find_if(
      kEntries, [&](const PhaseEntry &entry) { return entry.phase == phase; });
}

llvm::StringRef tq::getPhaseName(Phase phase) { return lookUp(phase).name; }

llvm::StringRef tq::getPhaseDescription(Phase phase) {
  return lookUp(phase).description;
}

std::optional<Phase> tq::parsePhase(llvm::StringRef name) {
  for (const PhaseEntry &entry : kEntries)
    if (entry.name == name)
      return entry.phase;
  return std::nullopt;
}

std::string tq::getPhaseNames() {
  return llvm::join(
      llvm::map_range(kEntries,
                      [](const PhaseEntry &entry) { return entry.name; }),
      ", ");
}

//===----------------------------------------------------------------------===//
// Pipelines
//===----------------------------------------------------------------------===//

namespace {
/// Writes the phase that a module has gone through into it.
struct MarkPhasePass : PassWrapper<MarkPhasePass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MarkPhasePass)

  MarkPhasePass() = default;
  MarkPhasePass(const MarkPhasePass &other) : PassWrapper(other) {}
  explicit MarkPhasePass(Phase marked) { phase = getPhaseName(marked).str(); }

  llvm::StringRef getArgument() const override { return "tq-mark-phase"; }
  llvm::StringRef getDescription() const override {
    return "Write the phase that a module has gone through into it";
  }
  void runOnOperation() override {
    getOperation()->setAttr(program::kPhaseAttr,
                            StringAttr::get(&getContext(), phase));
  }

  Option<std::string> phase{*this, "phase", llvm::cl::desc("Name of a phase")};
};
} // namespace

static void mark(OpPassManager &manager, Phase phase) {
  manager.addPass(std::make_unique<MarkPhasePass>(phase));
}

static void addCleanup(OpPassManager &manager) {
  manager.addNestedPass<func::FuncOp>(createCanonicalizerPass());
  manager.addNestedPass<func::FuncOp>(createCSEPass());
}

void tq::buildNormalizePipeline(OpPassManager &manager,
                                const NormalizePipelineOptions &) {
  manager.addPass(createCheckBoundsPass());
  addCleanup(manager); // equal weights become one value
  manager.addNestedPass<func::FuncOp>(createRaiseNormsPass());
  manager.addNestedPass<func::FuncOp>(createRaiseActivationsPass());
  manager.addNestedPass<func::FuncOp>(createRaiseRotaryEmbeddingsPass());
  manager.addNestedPass<func::FuncOp>(createRaiseIntegerLinearsPass());
  manager.addNestedPass<func::FuncOp>(createRaiseLinearsPass());
  manager.addNestedPass<func::FuncOp>(createSimplifyViewsPass());
  addCleanup(manager);
  manager.addNestedPass<func::FuncOp>(createRaiseAttentionPass());
  manager.addNestedPass<func::FuncOp>(createSimplifyViewsPass());
  manager.addNestedPass<func::FuncOp>(createDecomposeAttentionPass());
  addCleanup(manager);
  manager.addNestedPass<func::FuncOp>(createMergeLinearsPass());
  addCleanup(manager);
  manager.addPass(createDropUnusedWeightsPass());
  mark(manager, Phase::Normalize);
}

void tq::buildCalibratePipeline(OpPassManager &manager,
                                const CalibratePipelineOptions &options) {
  if (options.observe)
    manager.addNestedPass<func::FuncOp>(createInsertObserversPass());
  mark(manager, Phase::Calibrate);
}

/// What is made of statistics before anything is quantized.
static void addCalibrated(OpPassManager &manager,
                          const QuantizePipelineOptions &options) {
  ChooseRangesPassOptions ranges;
  ranges.observer = options.observer;
  ranges.percentile = options.percentile;
  ranges.config = options.config;
  manager.addNestedPass<func::FuncOp>(createChooseRangesPass(ranges));
  SmoothLinearsPassOptions smoothing;
  smoothing.alpha = options.smoothing;
  smoothing.config = options.config;
  manager.addNestedPass<func::FuncOp>(createSmoothLinearsPass(smoothing));
  SmoothAttentionPassOptions scores;
  scores.enabled = options.smoothing >= 0;
  scores.isStatic = getBasePolicy(options.mode, options.attention).attention ==
                    Scheme::Static;
  scores.config = options.config;
  manager.addNestedPass<func::FuncOp>(createSmoothAttentionPass(scores));
  CorrectBiasesPassOptions biases;
  biases.enabled = options.biasCorrection;
  biases.config = options.config;
  manager.addNestedPass<func::FuncOp>(createCorrectBiasesPass(biases));
}

void tq::buildQuantizePipeline(OpPassManager &manager,
                               const QuantizePipelineOptions &options) {
  if (options.mode == QuantizationMode::Static || !options.config.empty())
    addCalibrated(manager, options);
  InsertQuantizationPassOptions insert;
  insert.mode = options.mode;
  insert.attention = options.attention;
  insert.config = options.config;
  manager.addNestedPass<func::FuncOp>(createInsertQuantizationPass(insert));
  mark(manager, Phase::Quantize);
}

void tq::buildFusePipeline(OpPassManager &manager,
                           const FusePipelineOptions &) {
  addCleanup(manager); // rows are quantized once for all who read them
  manager.addNestedPass<func::FuncOp>(createFuseIntegerOpsPass());
  addCleanup(manager);
  manager.addPass(createDropUnusedWeightsPass());
  mark(manager, Phase::Fuse);
}

void tq::buildLowerPipeline(OpPassManager &manager,
                            const LowerPipelineOptions &) {
  manager.addPass(createCheckBoundsPass());
  buildLowerPipeline(manager, LowerOptions());
  mark(manager, Phase::Lower);
}

void tq::buildCodegenPipeline(OpPassManager &manager,
                              const CodegenPipelineOptions &options) {
  manager.addPass(createCheckBoundsPass());
  program::AddVariantsPassOptions variants;
  variants.target = options.target;
  variants.targetCpus = llvm::to_vector(options.targetCpu);
  manager.addPass(program::createAddVariantsPass(variants));
  buildCPUCodegenPipeline(manager);
  mark(manager, Phase::Codegen);
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void tq::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<TQDialect, program::ProgramDialect, cpu::CPUDialect>();
}

void tq::registerAllPasses() {
  mlir::registerAllPasses();
  registerTQTransformsPasses();
  registerTQToLinalgPasses();
  program::registerProgramTransformsPasses();
  registerTQCodegenCommonPasses();
  registerTQCodegenCPUPasses();
  PassRegistration<MarkPhasePass>();
}

template <typename Options>
static void registerPipeline(Phase phase,
                             void (*build)(OpPassManager &, const Options &)) {
  std::string name = ("tq-" + getPhaseName(phase) + "-pipeline").str();
  PassPipelineRegistration<Options>(name, getPhaseDescription(phase), build);
}

void tq::registerAllPipelines() {
  registerPipeline(Phase::Normalize, buildNormalizePipeline);
  registerPipeline(Phase::Calibrate, buildCalibratePipeline);
  registerPipeline(Phase::Quantize, buildQuantizePipeline);
  registerPipeline(Phase::Fuse, buildFusePipeline);
  registerPipeline<LowerPipelineOptions>(Phase::Lower, buildLowerPipeline);
  registerPipeline(Phase::Codegen, buildCodegenPipeline);
}
