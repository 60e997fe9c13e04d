//===- CommandLine.cpp - Options of tq-compile ----------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Not llvm::cl: the libraries register hundreds of options there, and its
// errors take several lines.
//
//===----------------------------------------------------------------------===//

#include "tq/Pipelines/CommandLine.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace tq;

namespace {
template <typename T>
struct Choice {
  StringLiteral name;
  T value;
};

/// What --emit stands for: the last phase, and what the emit phase makes.
struct EmitChoice {
  Phase stopAfter;
  OutputKind kind;
};
} // namespace

static constexpr Choice<EmitChoice> kEmitChoices[] = {
    {"exe", {Phase::Emit, OutputKind::Executable}},
    {"so", {Phase::Emit, OutputKind::SharedLibrary}},
    {"obj", {Phase::Emit, OutputKind::Object}},
    {"asm", {Phase::Emit, OutputKind::Assembly}},
    {"llvm", {Phase::Emit, OutputKind::LLVMIR}},
    {"mlir", {Phase::Codegen, OutputKind::Executable}},
};

static constexpr Choice<QuantizationMode> kQuantizeChoices[] = {
    {"none", QuantizationMode::None},
    {"dynamic", QuantizationMode::Dynamic},
    {"static", QuantizationMode::Static},
};

static constexpr Choice<Precision> kAttentionChoices[] = {
    {"f32", Precision::F32},
    {"bf16", Precision::BF16},
    {"int8", Precision::Int8},
};

static constexpr Choice<bool> kSwitchChoices[] = {{"on", true}, {"off", false}};

static constexpr Choice<ImportPooling> kPoolingChoices[] = {
    {"mean", ImportPooling::Mean},
    {"cls", ImportPooling::Cls},
    {"max", ImportPooling::Max},
    {"mean_sqrt_len_tokens", ImportPooling::MeanSqrtLen},
    {"weightedmean", ImportPooling::WeightedMean},
    {"lasttoken", ImportPooling::LastToken},
    {"none", ImportPooling::None},
};

/// Finds `name` among the choices of an option.
template <typename T, size_t N>
static Expected<T> choose(StringRef option, StringRef name,
                          const Choice<T> (&choices)[N]) {
  std::string allowed;
  for (const Choice<T> &choice : choices) {
    if (choice.name == name)
      return choice.value;
    allowed += (allowed.empty() ? "" : ", ") + choice.name.str();
  }
  return createStringError("--" + option + "=" + name + ": expected one of " +
                           allowed);
}

static Expected<quant::Observer> chooseObserver(StringRef option,
                                                StringRef name) {
  if (auto observer = quant::parseObserver(name))
    return *observer;
  auto names = map_range(quant::kObserverNames, [](const auto &entry) {
    return StringRef(entry.first);
  });
  return createStringError("--" + option + "=" + name + ": expected one of " +
                           join(names, ", "));
}

template <typename T>
static Error assign(T &to, Expected<std::common_type_t<T>> value) {
  if (!value)
    return value.takeError();
  to = std::move(*value);
  return Error::success();
}

/// A number of which `isIn` says that it is one of the `expected`.
static Expected<double> parseNumber(StringRef option, StringRef text,
                                    StringRef expected,
                                    function_ref<bool(double)> isIn) {
  double number;
  if (!text.getAsDouble(number) && isIn(number))
    return number;
  return createStringError("--" + option + "=" + text + ": expected a number " +
                           expected);
}

StringRef tq::getQuantizationName(QuantizationMode mode) {
  for (const auto &choice : kQuantizeChoices)
    if (choice.value == mode)
      return choice.name;
  return "";
}

namespace {
class Parser {
public:
  explicit Parser(ArrayRef<const char *> args) : args(args) {}

  Expected<CommandLine> run();

private:
  Error parseArgument(StringRef argument);
  Error parseOption(StringRef name, std::optional<StringRef> attached);
  Error parseFlag(StringRef name, bool &known);
  Error parseValue(StringRef name, StringRef value);
  std::string *findPath(StringRef name);
  Error check();
  Error checkCalibration();

  ArrayRef<const char *> args;
  CommandLine line;
  bool onlyInputs = false; // after --
  bool hasEmit = false;
};
} // namespace

static std::vector<std::string> splitList(StringRef text) {
  std::vector<std::string> result;
  for (StringRef part : split(text, ','))
    result.push_back(part.str());
  return result;
}

Error Parser::parseFlag(StringRef name, bool &known) {
  known = true;
  if (name == "help" || name == "h")
    line.help = true;
  else if (name == "version")
    line.version = true;
  else if (name == "verbose")
    line.verbose = true;
  else if (name == "timing")
    line.timing = true;
  else if (name == "golden")
    line.golden = true;
  else if (name == "no-golden")
    line.golden = false;
  else
    known = false;
  return Error::success();
}

Error Parser::parseValue(StringRef name, StringRef value) {
  if (value.empty())
    return createStringError("--" + name + ": expected a value");
  if (name == "emit") {
    Expected<EmitChoice> choice = choose(name, value, kEmitChoices);
    if (!choice)
      return choice.takeError();
    line.kind = choice->kind;
    line.stopAfter = std::min(line.stopAfter, choice->stopAfter);
    hasEmit = true;
    return Error::success();
  }
  if (name == "quantize")
    return assign(line.quantize, choose(name, value, kQuantizeChoices));
  if (name == "observer")
    return assign(line.observer.observer, chooseObserver(name, value));
  if (name == "percentile") {
    line.observer.observer = quant::Observer::Percentile;
    return assign(line.observer.percentile,
                  parseNumber(name, value, "above 50, at most 100",
                              [](double x) { return x > 50 && x <= 100; }));
  }
  if (name == "smoothing") {
    line.smoothing.reset();
    return value == "off"
               ? Error::success()
               : assign(line.smoothing.emplace(),
                        parseNumber(name, value, "from 0 to below 1, or off",
                                    [](double x) { return x >= 0 && x < 1; }));
  }
  if (name == "bias-correction")
    return assign(line.biasCorrection, choose(name, value, kSwitchChoices));
  if (std::string *path = findPath(name)) {
    *path = value.str();
    return Error::success();
  }
  if (name == "attention")
    return assign(line.attention.emplace(),
                  choose(name, value, kAttentionChoices));
  if (name == "pooling")
    return assign(line.pooling.emplace(), choose(name, value, kPoolingChoices));
  if (name == "stop-after") {
    std::optional<Phase> phase = parsePhase(value);
    if (!phase)
      return createStringError("--stop-after=" + value + ": expected one of " +
                               getPhaseNames());
    line.stopAfter = std::min(line.stopAfter, *phase);
    return Error::success();
  }
  if (name == "target")
    line.target = value.str();
  else if (name == "target-cpu")
    line.targetCpus = splitList(value);
  else
    line.output = value == "-" ? "" : value.str(); // -o
  return Error::success();
}

/// Options whose value is a file.
std::string *Parser::findPath(StringRef name) {
  return StringSwitch<std::string *>(name)
      .Case("calibrate", &line.calibrationData)
      .Case("calibration", &line.calibration)
      .Case("save-calibration", &line.savedCalibration)
      .Case("quantize-config", &line.quantizeConfig)
      .Case("runtime-dir", &line.runtimeDirectory)
      .Default(nullptr);
}

static bool takesValue(StringRef name) {
  static constexpr StringLiteral names[] = {
      "attention", "bias-correction", "calibrate",   "calibration",
      "emit",      "observer",        "percentile",  "pooling",
      "quantize",  "quantize-config", "runtime-dir", "save-calibration",
      "smoothing", "stop-after",      "target",      "target-cpu"};
  return is_contained(names, name);
}

Error Parser::parseOption(StringRef name, std::optional<StringRef> attached) {
  bool known = false;
  if (!attached) {
    if (Error error = parseFlag(name, known))
      return error;
    if (known)
      return Error::success();
  }
  if (!takesValue(name))
    return createStringError("unknown option '--" + name +
                             (attached ? "=" + *attached : Twine()) +
                             "'; tq-compile --help lists all");
  if (attached)
    return parseValue(name, *attached);
  if (args.empty())
    return createStringError("--" + name + ": expected a value");
  StringRef value = args.front();
  args = args.drop_front();
  return parseValue(name, value);
}

Error Parser::parseArgument(StringRef argument) {
  if (onlyInputs || !argument.starts_with("-") || argument == "-") {
    if (!line.input.empty())
      return createStringError("expected one INPUT, but got '" + line.input +
                               "' and '" + argument + "'");
    if (argument.empty())
      return createStringError("expected an INPUT, but got ''");
    line.input = argument.str();
    return Error::success();
  }
  if (argument == "--") {
    onlyInputs = true;
    return Error::success();
  }
  if (argument == "-h")
    return parseOption("help", std::nullopt);
  if (argument == "-o") {
    if (args.empty())
      return createStringError("-o: expected a file");
    StringRef value = args.front();
    args = args.drop_front();
    return parseValue("o", value);
  }
  if (!argument.consume_front("--"))
    return createStringError("unknown option '" + argument +
                             "'; tq-compile --help lists all");
  size_t equals = argument.find('=');
  if (equals == StringRef::npos)
    return parseOption(argument, std::nullopt);
  return parseOption(argument.take_front(equals),
                     argument.drop_front(equals + 1));
}

Error Parser::checkCalibration() {
  bool isStatic = line.quantize == QuantizationMode::Static;
  if (!isStatic && line.quantizeConfig.empty())
    for (StringRef name : {"calibrate", "calibration"})
      if (!findPath(name)->empty())
        return createStringError("--" + name +
                                 ": expected --quantize=static, "
                                 "or --quantize-config, which can say so of "
                                 "layers");
  if (!line.calibrationData.empty() && !line.calibration.empty())
    return createStringError("expected one of --calibrate, which makes "
                             "statistics, and --calibration, which reads them");
  if (!line.savedCalibration.empty() && line.calibrationData.empty())
    return createStringError("--save-calibration: expected --calibrate=DATA");
  if (line.savedCalibration == "-")
    return createStringError("--save-calibration=-: expected a file");
  return Error::success();
}

Error Parser::check() {
  if (line.help || line.version)
    return Error::success();
  if (line.input.empty())
    return createStringError(
        "expected an INPUT; usage: tq-compile INPUT -o OUT, see --help");
  if (Error error = checkCalibration())
    return error;
  bool isText = line.stopAfter != Phase::Emit;
  if (line.output.empty() && !isText)
    return createStringError("expected -o OUT, where the program goes");
  if (!isText && getSideOutput(line.kind, line.output) == line.output)
    return createStringError("-o " + line.output +
                             ": expected a name that does not end in .h, as "
                             "the library's header gets it");
  return Error::success();
}

Expected<CommandLine> Parser::run() {
  while (!args.empty()) {
    StringRef argument = args.front();
    args = args.drop_front();
    if (Error error = parseArgument(argument))
      return error;
  }
  if (Error error = check())
    return error;
  return std::move(line);
}

Expected<CommandLine> tq::parseCommandLine(ArrayRef<const char *> args) {
  return Parser(args).run();
}

static std::string describeDefaultCpus() {
  constexpr StringLiteral indent = "                          ";
  std::string text = (indent + "Defaults, but host for asm and llvm:\n").str();
  for (StringRef arch : {"x86_64", "aarch64"})
    text += (indent + "  " + arch + ": " +
             join(getDefaultCpus((arch + "-linux-gnu").str()), ",") + "\n")
                .str();
  return text;
}

std::string tq::getHelp() {
  std::string text = R"(usage: tq-compile INPUT -o OUT [options]

Compiles a transformer into one native program.

INPUT is a Hugging Face directory (config.json and *.safetensors), a .pt2 file
that torch.export.save wrote, or a .mlir or .mlirbc file, of any phase:
compilation goes on from there.

  -o OUT                  where the result goes
  --emit=KIND             exe (default): a program; so: a shared library, and a C
                          header next to it; obj, asm, llvm, mlir
  --quantize=MODE         dynamic (default): int8 weights, activations quantized
                          row by row at run time; static: activations with
                          ranges that calibration has found; none: float
  --calibrate=DATA        run the float model over DATA first: texts, one a line,
                          .npy or .npz files of inputs, or a directory of such
  --save-calibration=FILE keep what calibration has found
  --calibration=FILE      what --save-calibration kept, in place of --calibrate
  --observer=OBSERVER     minmax (default), moving-average, percentile, entropy, mse:
                          how ranges are chosen; all but minmax cut off peaks that
                          transformers need, and switch smoothing off
  --percentile=NUMBER     for --observer=percentile: how much is kept, 99.99 %
  --smoothing=ALPHA       SmoothQuant: how much of the magnitudes of activations moves
                          into the weights, 0.8 (default) or another number from 0 to
                          below 1, or off
  --bias-correction=on    (default) or off: biases make up for what quantizing weights
                          changes in the mean
  --quantize-config=FILE  rules for some layers, docs/QuantizeConfig.md
  --attention=PRECISION   f32, bf16 or int8: the products in attention; default: int8
                          with --quantize=static, else f32
  --pooling=POOLING       mean, cls, max, mean_sqrt_len_tokens, weightedmean,
                          lasttoken, none: how token vectors become one embedding;
                          default: what the model's modules.json says
  --target=TRIPLE         x86_64-linux-gnu or aarch64-linux-gnu; default: this
                          machine's
  --target-cpu=CPU[,CPU]  host, x86-64-v3, x86-64-v4, generic or another name of LLVM,
                          and +features: x86-64-v4+avx512vnni. A program carries code
                          for each and takes the first that its CPU can run, the
                          most demanding first; outputs do not depend on it.
)";
  text += describeDefaultCpus();
  text +=
      R"(  --stop-after=PHASE      print the IR after a phase, to OUT or to stdout
  --no-golden             store no self-test (by default the program is run once,
                          and --selftest compares with what it said)
  --runtime-dir=DIR       where libtq_runtime.a and libtq_main.a are
  --verbose               also print remarks, how each kernel is made, and the bytes
                          of its code
  --timing                print the time of each pass
  --version, --help

phases:
)";
  for (Phase phase : kAllPhases)
    text += formatv("  {0,-10} {1}\n", getPhaseName(phase),
                    getPhaseDescription(phase));
  text += R"(
exit codes: 0 fine, 1 wrong usage, 2 bad input (model, IR, weights), 3 the output
or temporary files cannot be written or linked, 4 something the compiler cannot do,
also for want of memory
)";
  return text;
}
