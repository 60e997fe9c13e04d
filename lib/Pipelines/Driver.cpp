//===- Driver.cpp - The compiler as one function --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Pipelines/Driver.h"

#include "Calibrate.h"
#include "CrashHandler.h"
#include "NestingCheck.h"
#include "OpCheck.h"
#include "OutputCheck.h"
#include "Report.h"

#include "tq/Calibration/StatisticsFile.h"
#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/Statistics.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Emit/Link.h"
#include "tq/Support/TempFiles.h"
#include "tq/Target/Target.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"

using namespace llvm;
using namespace tq;

namespace {
/// One run of the compiler.
class Driver {
public:
  Driver(CommandLine commandLine, const char *executable);

  ExitCode run();

private:
  ExitCode fail(ExitCode code, Error error);
  ExitCode fail(Error error);
  void begin(Phase phase);

  ExitCode noteInputs();
  ExitCode checkOutput();
  ExitCode load();
  ExitCode import();
  ExitCode parse();
  ExitCode checkBounds();
  ExitCode checkFiles();
  ExitCode runPhases();
  ExitCode runPipeline(Phase phase);
  bool usesStatistics() const;
  ExitCode findStatistics();
  ExitCode saveStatistics();
  ExitCode checkPolicy();
  Error addPhase(Phase phase, mlir::OpPassManager &manager);
  ExitCode printModule();
  ExitCode emit();
  std::string describeOptions() const;
  Error chooseTargets();

  CommandLine line;
  mlir::DialectRegistry registry;
  GuardedThreadPool threads; // outlives the context
  std::unique_ptr<mlir::MLIRContext> context;
  std::unique_ptr<DiagnosticPrinter> diagnostics;
  PhaseReport report;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::DefaultTimingManager timing;
  mlir::TimingScope timingScope;
  const Importer *importer = nullptr; // null: the input is IR
  Phase next = Phase::Import;         // the first phase that is still to be run
  InputFiles inputs;
};
} // namespace

Driver::Driver(CommandLine commandLine, const char *executable)
    : line(std::move(commandLine)),
      report(!line.output.empty() && !isDevice(line.output)) {
  if (line.runtimeDirectory.empty())
    line.runtimeDirectory = findRuntimeDirectory(executable);
  timing.setEnabled(line.timing);
  timingScope = timing.getRootScope();
  registerAllDialects(registry);
  context = std::make_unique<mlir::MLIRContext>(
      registry, mlir::MLIRContext::Threading::DISABLED);
  context->setThreadPool(threads);
  context->printOpOnDiagnostic(false); // a line is enough
  diagnostics =
      std::make_unique<DiagnosticPrinter>(context.get(), line.verbose);
}

ExitCode Driver::fail(ExitCode code, Error error) {
  handleAllErrors(std::move(error), [](const ErrorInfoBase &info) {
    printError(info.message());
  });
  return code;
}

/// What kind of error was met.
static ExitCode getExitCode(std::error_code error) {
  if (error == std::errc::io_error)
    return ExitCode::Output;
  return error == std::errc::not_enough_memory ? ExitCode::Unsupported
                                               : ExitCode::Input;
}

/// Of what runs the emit phase; a diagnostic has said it already.
ExitCode Driver::fail(Error error) {
  if (diagnostics->hasErrors()) {
    consumeError(std::move(error));
    return ExitCode::Input;
  }
  ExitCode code = getExitCode(getErrorCode(error));
  return fail(code, std::move(error));
}

/// Begins `phase`: what ends the compiler from now on happens in it.
void Driver::begin(Phase phase) {
  report.begin(phase);
  std::string where = (" in the phase " + getPhaseName(phase)).str();
  setCrashReport({"the compiler crashed" + where +
                      ", which is an error of tq; --verbose shows where",
                  "not enough memory" + where, "LLVM" + where,
                  ExitCode::Unsupported});
}

/// Notes how the files are that will be read.
ExitCode Driver::noteInputs() {
  for (StringRef path :
       {StringRef(line.input), StringRef(line.calibrationData),
        StringRef(line.calibration), StringRef(line.quantizeConfig)})
    if (sys::fs::is_directory(path))
      inputs.addDirectory(path);
    else if (!path.empty())
      inputs.add(path);
  return ExitCode::Fine;
}

/// Finds out before the work whether its result can be written.
ExitCode Driver::checkOutput() {
  if (Error error = checkOutputsAreNoInputs(line, inputs))
    return fail(ExitCode::Usage, std::move(error));
  if (Error error = checkOutputsAreWritable(line))
    return fail(ExitCode::Output, std::move(error));
  return ExitCode::Fine;
}

static SmallString<128> makeAbsolute(StringRef directory, StringRef path) {
  SmallString<128> result(path);
  sys::path::make_absolute(directory, result);
  sys::fs::make_absolute(result);
  return result;
}

/// Makes the paths of mapped weights absolute: IR that is written elsewhere
/// still finds them.
static void resolveFiles(mlir::ModuleOp module, StringRef directory) {
  for (auto weight : module.getOps<WeightOp>())
    if (auto mapped = dyn_cast_or_null<MappedAttr>(weight.getValueAttr()))
      weight.setValueAttr(MappedAttr::get(
          module.getContext(), makeAbsolute(directory, mapped.getFile()).str(),
          mapped.getOffset(), mapped.getDigest(), mapped.getStrides()));
}

ExitCode Driver::import() {
  begin(Phase::Import);
  ImportOptions options;
  options.pooling = line.pooling.value_or(ImportPooling::Auto);
  auto imported = importer->import(line.input, options, context.get());
  if (failed(imported)) {
    if (!diagnostics->hasErrors())
      printError("cannot import " + line.input);
    return ExitCode::Input;
  }
  module = std::move(*imported);
  resolveFiles(*module, "");
  (*module)->setAttr(
      program::kPhaseAttr,
      mlir::StringAttr::get(context.get(), getPhaseName(Phase::Import)));
  report.end();
  next = Phase::Normalize;
  return ExitCode::Fine;
}

ExitCode Driver::parse() {
  if (line.pooling)
    return fail(ExitCode::Usage,
                createStringError("--pooling: expected a model directory as "
                                  "INPUT, but got IR"));
  auto buffer = MemoryBuffer::getFile(line.input);
  if (!buffer)
    return fail(ExitCode::Input,
                createStringError("cannot read " + line.input + ": " +
                                  buffer.getError().message()));
  bool isText = sys::path::extension(line.input) == ".mlir";
  unsigned deep = isText ? findDeepNesting((*buffer)->getBuffer()) : 0;
  if (deep)
    return fail(ExitCode::Input,
                createStringError(line.input + ":" + Twine(deep) +
                                  ": brackets are nested more than " +
                                  Twine(kMaxNesting) + " deep"));
  std::string where = line.input + ": ";
  setCrashReport({where + "malformed IR, which crashed the parser",
                  where + "not enough memory to read it",
                  where + "malformed IR", ExitCode::Input});
  mlir::ParserConfig config(context.get(), /*verifyAfterParse=*/false);
  module = mlir::parseSourceFile<mlir::ModuleOp>(line.input, config);
  if (!module || failed(checkUnverifiedOps(*module)) ||
      failed(mlir::verify(*module))) {
    if (!diagnostics->hasErrors())
      printError("cannot parse " + line.input);
    return ExitCode::Input;
  }
  resolveFiles(*module, sys::path::parent_path(line.input));
  next = Phase::Normalize;
  mlir::Attribute attr = (*module)->getAttr(program::kPhaseAttr);
  if (!attr)
    return ExitCode::Fine; // written by hand: as if imported
  auto name = dyn_cast<mlir::StringAttr>(attr);
  std::optional<Phase> phase =
      name ? parsePhase(name.getValue()) : std::nullopt;
  if (!phase || *phase == Phase::Emit)
    return fail(ExitCode::Input,
                createStringError(line.input + ": expected the attribute " +
                                  program::kPhaseAttr +
                                  " to name a phase, one of " +
                                  getPhaseNames()));
  next = static_cast<Phase>(static_cast<int>(*phase) + 1);
  auto isPast = [&](const Twine &option) {
    return fail(ExitCode::Usage,
                createStringError(option + ": " + line.input +
                                  " is already after " + getPhaseName(*phase)));
  };
  if (*phase > line.stopAfter)
    return isPast("--stop-after=" + getPhaseName(line.stopAfter));
  if (*phase >= Phase::Calibrate && !line.calibrationData.empty())
    return isPast("--calibrate");
  if (*phase >= Phase::Calibrate && !line.calibration.empty())
    return isPast("--calibration");
  return ExitCode::Fine;
}

/// What the phases check, too: here it is the input's fault.
ExitCode Driver::checkBounds() {
  if (next > Phase::Codegen)
    return ExitCode::Fine; // nothing reads sizes after it
  mlir::PassManager manager(context.get());
  manager.addPass(createCheckBoundsPass());
  return succeeded(manager.run(*module)) ? ExitCode::Fine : ExitCode::Input;
}

ExitCode Driver::load() {
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(line.input, status))
    return fail(ExitCode::Input, createStringError("cannot read " + line.input +
                                                   ": " + error.message()));
  importer = findImporter(line.input, status);
  if (importer)
    return import();
  StringRef extension = sys::path::extension(line.input);
  if (extension == ".mlir" || extension == ".mlirbc") {
    ExitCode code = parse();
    return code == ExitCode::Fine ? checkBounds() : code;
  }
  return fail(ExitCode::Input,
              createStringError("expected INPUT to be " + listImporterInputs() +
                                ", a .mlir or a .mlirbc file, but got " +
                                line.input));
}

/// Adds the files that the module names; an output may be none of them, either.
ExitCode Driver::checkFiles() {
  for (auto weight : module->getOps<WeightOp>()) {
    auto mapped = dyn_cast_or_null<MappedAttr>(weight.getValueAttr());
    if (!mapped)
      continue;
    StringRef path = mapped.getFile();
    if (importer && inputs.find(path).empty())
      return fail(ExitCode::Input,
                  createStringError("the file of weights " + path +
                                    " changed while it was imported"));
    inputs.addWeights(path);
  }
  return checkOutput();
}

Error Driver::addPhase(Phase phase, mlir::OpPassManager &manager) {
  switch (phase) {
  case Phase::Normalize:
    buildNormalizePipeline(manager, {});
    return Error::success();
  case Phase::Calibrate: {
    CalibratePipelineOptions options;
    options.observe = usesStatistics();
    buildCalibratePipeline(manager, options);
    return Error::success();
  }
  case Phase::Quantize: {
    QuantizePipelineOptions options;
    options.mode = line.quantize;
    options.attention = line.getAttention();
    options.observer = line.observer.observer;
    options.percentile = line.observer.percentile;
    options.smoothing = line.smoothing.value_or(-1);
    options.biasCorrection = line.biasCorrection;
    options.config = line.quantizeConfig;
    buildQuantizePipeline(manager, options);
    return Error::success();
  }
  case Phase::Fuse:
    buildFusePipeline(manager, {});
    return Error::success();
  case Phase::Lower:
    buildLowerPipeline(manager, LowerPipelineOptions());
    return Error::success();
  case Phase::Codegen: {
    CodegenPipelineOptions options;
    options.target = line.target;
    options.targetCpu = line.targetCpus;
    buildCodegenPipeline(manager, options);
    return Error::success();
  }
  default:
    return createStringError("the phase " + getPhaseName(phase) +
                             " is no pipeline");
  }
}

/// With the digits that tell numbers apart, and no zeros behind them.
static std::string printNumber(double number) {
  std::string text;
  raw_string_ostream(text) << format("%.9g", number);
  return text;
}

static std::string describeQuantization(const CommandLine &line) {
  std::string text = "--quantize=" + getQuantizationName(line.quantize).str();
  if (line.quantize == QuantizationMode::Static) {
    if (line.observer.observer != quant::Observer::MinMax)
      text +=
          " --observer=" + std::string(getObserverName(line.observer.observer));
    if (line.observer.observer == quant::Observer::Percentile)
      text += " --percentile=" + printNumber(line.observer.percentile);
    text += " --smoothing=" + (line.smoothing ? printNumber(*line.smoothing)
                                              : std::string("off"));
    if (!line.biasCorrection)
      text += " --bias-correction=off";
  }
  if (!line.quantizeConfig.empty())
    text +=
        " --quantize-config=" + sys::path::filename(line.quantizeConfig).str();
  if (line.getAttention() != line.getDefaultAttention())
    text += " --attention=" + stringifyPrecision(*line.attention).str();
  return text;
}

/// Whether some layer is to have a range that was seen.
bool Driver::usesStatistics() const {
  return line.quantize == QuantizationMode::Static ||
         !line.calibrationData.empty() || !line.calibration.empty();
}

ExitCode Driver::saveStatistics() {
  if (line.savedCalibration.empty())
    return ExitCode::Fine;
  Error error = writeOutput(line.savedCalibration, [&](raw_ostream &stream) {
    return writeStatistics(*module, stream);
  });
  return error ? fail(ExitCode::Output, std::move(error)) : ExitCode::Fine;
}

/// Fills in the statistics of what the calibrate phase's passes have marked.
ExitCode Driver::findStatistics() {
  if (!usesStatistics())
    return ExitCode::Fine;
  if (!line.calibration.empty()) {
    Error error = readStatistics(*module, line.calibration);
    return error ? fail(ExitCode::Input, std::move(error)) : ExitCode::Fine;
  }
  if (line.calibrationData.empty())
    return fail(
        ExitCode::Usage,
        createStringError("--quantize=static: expected --calibrate=DATA "
                          "or --calibration=FILE"));
  Expected<CalibrationData> data = CalibrationData::open(line.calibrationData);
  if (!data)
    return fail(ExitCode::Input, data.takeError());
  Error error = calibrate(
      *module, *data, line.runtimeDirectory,
      [&](uint64_t done, uint64_t total) { report.progress(done, total); });
  return error ? fail(std::move(error)) : saveStatistics();
}

/// Whether `op` reads values of which calibration finds the range, and none of
/// them has one.
static bool lacksRange(QuantizableOpInterface op) {
  bool lacks = false;
  for (QuantizableOperand operand : op.getQuantizableOperands()) {
    mlir::Value value = op->getOperand(operand.index);
    if (!isActivation(operand.role))
      continue;
    auto observe = value.getDefiningOp<ObserveOp>();
    if (observe && (observe.getLow() || observe.getStatisticsAttr()))
      return false;
    lacks |=
        observe || (canObserve(value) && !value.getDefiningOp<DequantizeOp>());
  }
  return lacks && op.getFloatReason().empty();
}

/// The observers that leave out rare peaks break most transformers.
static void warnOfClipping(const CommandLine &line) {
  using quant::Observer;
  const auto &[observer, percentile] = line.observer;
  bool clips = observer == Observer::Entropy ||
               (observer == Observer::Percentile && percentile < 100);
  if (line.quantize == QuantizationMode::Static && clips)
    printWarning("--observer=" + std::string(getObserverName(observer)) +
                 " leaves out peaks, which transformers need: compare what it "
                 "gives with minmax");
}

/// Rules that match nothing are likely to be misspelt, and what is to be static
/// has to be calibrated.
ExitCode Driver::checkPolicy() {
  auto policy = loadPolicy(line.quantizeConfig,
                           getBasePolicy(line.quantize, line.getAttention()));
  if (!policy)
    return fail(ExitCode::Input, policy.takeError());
  std::string uncalibrated;
  module->walk([&](QuantizableOpInterface op) {
    StringRef layer = program::getLayerName(op.getLoc());
    if (getPolicy(*policy, op).scheme == Scheme::Static &&
        uncalibrated.empty() && lacksRange(op))
      uncalibrated =
          (layer.empty() ? op->getName().stripDialect() : layer).str();
  });
  for (const std::string &warning : policy->listUnmatched())
    printWarning(warning);
  warnOfClipping(line);
  if (uncalibrated.empty())
    return ExitCode::Fine;
  return fail(ExitCode::Usage,
              createStringError(uncalibrated +
                                " is to be static, but was not calibrated: "
                                "expected --calibrate=DATA or "
                                "--calibration=FILE"));
}

ExitCode Driver::runPipeline(Phase phase) {
  begin(phase);
  if (phase == Phase::Quantize)
    if (ExitCode code = checkPolicy(); code != ExitCode::Fine)
      return code;
  mlir::PassManager manager(context.get());
  manager.enableTiming(timingScope);
  if (Error error = addPhase(phase, manager))
    return fail(ExitCode::Unsupported, std::move(error));
  if (failed(manager.run(*module))) {
    if (!diagnostics->hasErrors())
      printError("the phase " + getPhaseName(phase) + " failed");
    return ExitCode::Unsupported;
  }
  if (phase == Phase::Calibrate)
    if (ExitCode code = findStatistics(); code != ExitCode::Fine)
      return code;
  if (phase == Phase::Quantize)
    (*module)->setAttr(
        program::kOptionsAttr,
        mlir::StringAttr::get(context.get(), describeQuantization(line)));
  report.end();
  return ExitCode::Fine;
}

ExitCode Driver::runPhases() {
  for (Phase phase : kAllPhases) {
    if (phase < next || phase > line.stopAfter || phase == Phase::Emit)
      continue;
    if (ExitCode code = runPipeline(phase); code != ExitCode::Fine)
      return code;
  }
  return ExitCode::Fine;
}

ExitCode Driver::printModule() {
  bool isBytecode = sys::path::extension(line.output) == ".mlirbc";
  auto print = [&](raw_ostream &stream) -> Error {
    if (isBytecode) {
      if (failed(mlir::writeBytecodeToFile(*module, stream)))
        return createStringError("cannot write the module as bytecode");
      return Error::success();
    }
    mlir::OpPrintingFlags flags;
    flags.enableDebugInfo();
    module->print(stream, flags);
    stream << '\n';
    return Error::success();
  };
  Error error = line.output.empty() ? writeFile("-", print)
                                    : writeOutput(line.output, print);
  return error ? fail(ExitCode::Output, std::move(error)) : ExitCode::Fine;
}

std::string Driver::describeOptions() const {
  auto earlier =
      (*module)->getAttrOfType<mlir::StringAttr>(program::kOptionsAttr);
  return earlier ? earlier.getValue().str() : "";
}

ExitCode Driver::emit() {
  begin(Phase::Emit);
  EmitOptions options;
  options.kind = line.kind;
  options.output = line.output;
  options.options = describeOptions();
  options.runtimeDirectory = line.runtimeDirectory;
  options.golden = line.golden;
  options.inputs = &inputs;
  Expected<EmitResult> result =
      emitProgram(*module, options, [&](uint64_t done, uint64_t total) {
        report.progress(done, total);
      });
  if (!result)
    return fail(result.takeError());
  report.end();
  if (report.isEnabled())
    printSummary(line, *result);
  return ExitCode::Fine;
}

/// Checks the names of architecture and CPUs, and fills in the defaults.
Error Driver::chooseTargets() {
  Expected<std::string> triple = resolveTriple(line.target);
  if (!triple)
    return triple.takeError();
  line.target = *triple;
  bool isSingle =
      line.kind == OutputKind::Assembly || line.kind == OutputKind::LLVMIR;
  if (line.targetCpus.empty())
    line.targetCpus = isSingle ? std::vector<std::string>{"host"}
                               : getDefaultCpus(line.target);
  if (isSingle && line.targetCpus.size() > 1)
    return createStringError("--emit=asm and --emit=llvm: expected one CPU in "
                             "--target-cpu, but got " +
                             join(line.targetCpus, ","));
  Expected<std::vector<Target>> targets =
      resolveTargets(line.targetCpus, line.target);
  return targets ? Error::success() : targets.takeError();
}

ExitCode Driver::run() {
  if (Error error = chooseTargets())
    return fail(ExitCode::Usage, std::move(error));
  for (auto step : {&Driver::noteInputs, &Driver::checkOutput, &Driver::load,
                    &Driver::checkFiles, &Driver::runPhases})
    if (ExitCode code = (this->*step)(); code != ExitCode::Fine)
      return code;
  return line.stopAfter == Phase::Emit ? emit() : printModule();
}

/// What was printed on stdout has arrived there.
static ExitCode closeStdout(ExitCode code) {
  outs().flush();
  if (!outs().has_error())
    return code;
  printError("cannot write to stdout: " + outs().error().message());
  outs().clear_error();
  return code == ExitCode::Fine ? ExitCode::Output : code;
}

static ExitCode runDriver(CommandLine line, const char *executable) {
  bool wantsAll = line.verbose || line.timing || LLVM_ADDRESS_SANITIZER_BUILD;
  if (line.verbose) // which wants to see a crash
    sys::PrintStackTraceOnErrorSignal(executable);
  setCrashReport({"the compiler crashed, which is an error of tq; --verbose "
                  "shows where",
                  "not enough memory", "LLVM", ExitCode::Unsupported});
  installCrashHandlers(line.verbose);
  if (!wantsAll)
    keepStderr();
  ExitCode code = ExitCode::Fine;
  runOnLargeStack([&] {
    Driver driver(std::move(line), executable);
    code = driver.run();
  });
  return code;
}

ExitCode tq::runCompiler(int argc, const char *const *argv) {
  // A file that is opened must not become stdout or stderr.
  if (sys::Process::FixupStandardFileDescriptors())
    return ExitCode::Output;
  Expected<CommandLine> line =
      parseCommandLine(ArrayRef(argv, argc).drop_front(argc > 0));
  if (!line) {
    printError(toString(line.takeError()));
    return ExitCode::Usage;
  }
  if (line->help || line->version) {
    outs() << (line->help ? getHelp() : getCompilerVersion() + "\n");
    return closeStdout(ExitCode::Fine);
  }
  return closeStdout(runDriver(std::move(*line), argc > 0 ? argv[0] : ""));
}
