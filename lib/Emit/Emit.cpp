//===- Emit.cpp - From a module after codegen to a program ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/Emit.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Emit/Golden.h"
#include "tq/Emit/Link.h"
#include "tq/Emit/ObjectFile.h"
#include "tq/Runtime/Tokenizer.h"
#include "tq/Support/TempFiles.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Threading.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

using namespace llvm;
using namespace tq;

std::string tq::getCompilerVersion() {
  return "tq " TQ_VERSION " (LLVM " LLVM_VERSION_STRING ")";
}

static Error assign(std::string &to, Expected<std::string> value) {
  if (!value)
    return value.takeError();
  to = std::move(*value);
  return Error::success();
}

namespace {
/// The program's code for one CPU.
struct TargetCode {
  mlir::ModuleOp module;
  tq::Target target;
  std::unique_ptr<TargetMachine> machine;
  std::string object; ///< a file
};

/// One run of the phase.
class Emitter {
public:
  Emitter(mlir::ModuleOp module, const EmitOptions &options,
          ProgressFn progress)
      : module(module), options(options), progress(progress) {}

  Expected<EmitResult> run();

private:
  Error readTargets();
  Error describe();
  Error readTokenizer();
  Error writeWeights(raw_ostream &stream);

  /// Assembly or LLVM IR.
  Error writeText();

  /// Objects: the code for each target, the weights, the tables.
  Error writeCodes();
  Error writeCodeObject(size_t index);
  Error writeWeightObject();
  Error writeTables();
  const Triple &getTriple() { return codes[0].machine->getTargetTriple(); }
  std::vector<std::string> getObjects() const;
  Error storeGolden();
  std::optional<std::vector<std::string>> findLauncher();
  Error linkTo(LinkKind kind, StringRef output);
  Error linkOutput();
  Error writeHeader(StringRef path);

  mlir::ModuleOp module;
  const EmitOptions &options;
  ProgressFn progress;
  EmitResult result;
  TempFiles files;
  std::vector<TargetCode> codes;
  std::string weightsObject, tablesObject;
};
} // namespace

static StringRef getString(mlir::ModuleOp module, StringRef name) {
  auto attr = module->getAttrOfType<mlir::StringAttr>(name);
  return attr ? attr.getValue() : "";
}

/// The tables are those of this version, whoever wrote the module.
Error Emitter::readTokenizer() {
  ProgramInfo &info = result.program;
  auto resource = module->getAttrOfType<mlir::DenseResourceElementsAttr>(
      program::kTokenizerAttr);
  if (!resource) {
    StringRef note = getString(module, program::kTokenizerNoteAttr);
    info.tokenizerNote =
        note.empty() ? "the model came without a tokenizer" : note.str();
    return Error::success();
  }
  if (mlir::AsmResourceBlob *blob = resource.getRawHandle().getBlob())
    info.tokenizer.assign(blob->getData().begin(), blob->getData().end());
  rt::Tokenizer tokenizer;
  if (!rt::tokenizerOpen(info.tokenizer.data(), info.tokenizer.size(),
                         &tokenizer))
    return createStringError(
        "program.tokenizer: expected tokenizer tables of this "
        "version of tq, but got " +
        Twine(info.tokenizer.size()) + " other bytes");
  return Error::success();
}

/// The modules inside, one a CPU, all of one architecture.
Error Emitter::readTargets() {
  for (auto inner : module.getOps<mlir::ModuleOp>()) {
    auto attr = inner->getAttrOfType<program::TargetAttr>(program::kTargetAttr);
    if (!attr)
      return createStringError("expected " + program::kTargetAttr +
                               " of a module inside");
    Expected<std::string> triple = resolveTriple(attr.getTriple());
    if (!triple)
      return triple.takeError();
    Expected<tq::Target> target = resolveTarget(attr.getCpu(), *triple);
    if (!target)
      return target.takeError();
    if (!codes.empty() && codes[0].target.triple != target->triple)
      return createStringError(
          "expected targets of one architecture, but got " +
          codes[0].target.triple + " and " + target->triple);
    auto machine = createTargetMachine(*target);
    if (!machine)
      return machine.takeError();
    codes.push_back({inner, std::move(*target), std::move(*machine), {}});
  }
  if (codes.empty())
    return createStringError("expected a module after the codegen phase, with "
                             "a module for each CPU inside");
  return Error::success();
}

/// The part of a C name that stands for a library: "minilm" for libminilm.so.1.
static std::string getLibraryName(StringRef output) {
  StringRef stem = sys::path::filename(output);
  size_t suffix = stem.rfind(".so");
  stem = stem.take_front(suffix == 0 ? StringRef::npos : suffix);
  if (stem != "lib")
    stem.consume_front("lib");
  std::string name = stem.str();
  for (char &c : name)
    if (!isAlnum(c))
      c = '_';
  return name;
}

/// What the header of `library` says besides the C interface. Outside of the
/// guard that several headers have in common.
static void declareOpen(StringRef library, raw_ostream &stream) {
  stream << "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
            "/** tq_model_open of this library, whatever others there are. */\n"
            "TQ_API tq_status "
         << getOpenSymbol(library)
         << "(const tq_model **model);\n\n#ifdef __cplusplus\n}\n#endif\n";
}

Error Emitter::describe() {
  Expected<ProgramInfo> info = readProgramInfo(module);
  if (!info)
    return info.takeError();
  if (Error error = readTargets())
    return error;
  info->compilerVersion = getCompilerVersion();
  std::string names;
  for (const TargetCode &code : codes) {
    names += (names.empty() ? "" : ",") + code.target.name;
    info->targets.push_back(
        {code.target.name, join(code.target.required, ","), {}});
  }
  info->options = options.options + (options.options.empty() ? "" : " ") +
                  "--target=" + getShortTriple(getTriple()) +
                  " --target-cpu=" + names;
  if (options.kind == OutputKind::SharedLibrary)
    info->library = getLibraryName(options.output);
  result.program = std::move(*info);
  return readTokenizer();
}

Error Emitter::writeWeights(raw_ostream &stream) {
  if (Error error = writeWeightSection(module, result.program.weightsBytes,
                                       stream, progress))
    return error;
  return options.inputs ? options.inputs->checkUnchanged() : Error::success();
}

Error Emitter::writeText() {
  if (codes.size() != 1)
    return createStringError("assembly and LLVM IR: expected code for one CPU, "
                             "but got " +
                             Twine(codes.size()));
  TargetMachine &machine = *codes[0].machine;
  LLVMContext context;
  auto code = translateTarget(codes[0].module, 0, result.program.entries,
                              context, machine);
  if (!code)
    return code.takeError();
  buildProgramTables(**code, result.program);
  // Next to the output, and under its name only when that is written, too.
  std::string section, weights;
  std::string weightsPath = getSideOutput(options.kind, options.output);
  bool toDevice = isDevice(options.output);
  if (result.program.weightsBytes) {
    if (toDevice)
      return makeOutputError("cannot write " + options.output +
                             ": weights go into a file next to it");
    if (Error error = assign(weights, files.createOutput(weightsPath)))
      return error;
    if (Error error = writeFile(
            weights, [&](raw_ostream &out) { return writeWeights(out); }))
      return error;
    section =
        getWeightSection(weightsPath, result.program.weightsBytes, getTriple());
  }
  optimize(**code, machine);
  result.goldenNote = "only programs that tq-compile links get one";
  std::string file = options.output;
  if (!toDevice)
    if (Error error = assign(file, files.createOutput(options.output)))
      return error;
  if (Error error = writeFile(file, [&](raw_pwrite_stream &out) -> Error {
        if (options.kind == OutputKind::Assembly) {
          // In the module, it would come out as text, byte by byte.
          out << section;
          return writeCode(**code, machine, CodeGenFileType::AssemblyFile, out);
        }
        (*code)->appendModuleInlineAsm(section);
        out << **code;
        return Error::success();
      }))
    return error;
  return files.publish();
}

Error Emitter::writeCodeObject(size_t index) {
  TargetCode &code = codes[index];
  LLVMContext context;
  auto translated = translateTarget(code.module, index, result.program.entries,
                                    context, *code.machine);
  if (!translated)
    return translated.takeError();
  optimize(**translated, *code.machine);
  if (Error error = writeFile(code.object, [&](raw_pwrite_stream &out) {
        return writeCode(**translated, *code.machine,
                         CodeGenFileType::ObjectFile, out);
      }))
    return error;
  auto sizes = measureKernels(code.object, result.program.kernels);
  if (!sizes)
    return sizes.takeError();
  result.program.targets[index].codeBytes = std::move(*sizes);
  return Error::success();
}

/// The targets side by side: LLVM's code generator takes most of the time.
Error Emitter::writeCodes() {
  for (TargetCode &code : codes)
    if (Error error = assign(code.object, files.create("o")))
      return error;
  std::vector<std::optional<Error>> errors(codes.size());
  mlir::parallelFor(module.getContext(), 0, codes.size(), [&](size_t index) {
    if (Error error = writeCodeObject(index))
      errors[index] = std::move(error);
  });
  Error first = Error::success();
  for (std::optional<Error> &error : reverse(errors)) {
    if (!error)
      continue;
    consumeError(std::move(first));
    first = std::move(*error);
  }
  return first;
}

Error Emitter::writeWeightObject() {
  if (!result.program.weightsBytes)
    return Error::success();
  std::string weights;
  if (Error error = assign(weights, files.create("weights")))
    return error;
  if (Error error = writeFile(
          weights, [&](raw_ostream &out) { return writeWeights(out); }))
    return error;
  LLVMContext context;
  TargetMachine &machine = *codes[0].machine;
  std::unique_ptr<Module> section = createModule("weights", context, machine);
  section->appendModuleInlineAsm(
      getWeightSection(weights, result.program.weightsBytes, getTriple()));
  if (Error error = assign(weightsObject, files.create("o")))
    return error;
  return writeFile(weightsObject, [&](raw_pwrite_stream &out) {
    return writeCode(*section, machine, CodeGenFileType::ObjectFile, out);
  });
}

std::vector<std::string> Emitter::getObjects() const {
  std::vector<std::string> objects;
  for (const TargetCode &code : codes)
    objects.push_back(code.object);
  objects.push_back(tablesObject);
  if (!weightsObject.empty())
    objects.push_back(weightsObject);
  return objects;
}

Error Emitter::writeTables() {
  LLVMContext context;
  TargetMachine &machine = *codes[0].machine;
  std::unique_ptr<Module> tables = createModule("tables", context, machine);
  buildProgramTables(*tables, result.program);
  if (tablesObject.empty())
    if (Error error = assign(tablesObject, files.create("o")))
      return error;
  return writeFile(tablesObject, [&](raw_pwrite_stream &out) {
    return writeCode(*tables, machine, CodeGenFileType::ObjectFile, out);
  });
}

/// What runs the program here: nothing where this CPU does, or an emulator.
std::optional<std::vector<std::string>> Emitter::findLauncher() {
  for (const TargetCode &code : codes)
    if (runsOnHost(code.target))
      return std::vector<std::string>();
  StringRef arch = getTriple().getArchName();
  for (std::string name :
       {"qemu-" + arch.str() + "-static", "qemu-" + arch.str()})
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return std::vector<std::string>{*path, "-L",
                                      "/usr/" + getShortTriple(getTriple())};
  return std::nullopt;
}

Error Emitter::linkTo(LinkKind kind, StringRef output) {
  return link(kind, getTriple(), getObjects(), options.runtimeDirectory, output,
              files);
}

/// Whether code for all CPUs gives the same bits: instructions for bf16 round
/// sums in their own way.
static bool givesSameBits(const ProgramInfo &program) {
  auto isBf16 = [](const ProgramCall &call) { return call.scheme == "bf16"; };
  if (none_of(program.entries, [&](const ProgramEntry &entry) {
        return any_of(entry.calls, isBf16);
      }))
    return true;
  auto hasFeature = [](const ProgramTarget &target, StringRef feature) {
    SmallVector<StringRef> features;
    StringRef(target.requiredFeatures).split(features, ',');
    return is_contained(features, feature);
  };
  return all_of(program.targets, [&](const ProgramTarget &target) {
    return all_of(ArrayRef{"avx512bf16", "amx-bf16"}, [&](StringRef feature) {
      return hasFeature(target, feature) ==
             hasFeature(program.targets.front(), feature);
    });
  });
}

Error Emitter::storeGolden() {
  if (!options.golden) {
    result.goldenNote = "switched off";
    return Error::success();
  }
  if (!result.program.states.empty()) {
    result.goldenNote = "the program has states";
    return Error::success();
  }
  if (result.program.entries.front().inputs.empty()) {
    result.goldenNote = "the program has no inputs";
    return Error::success();
  }
  if (!givesSameBits(result.program)) {
    result.goldenNote = "attention in bf16 has bits of its own on each CPU";
    return Error::success();
  }
  std::optional<std::vector<std::string>> launcher = findLauncher();
  if (!launcher) {
    result.goldenNote = "this machine cannot run the program";
    return Error::success();
  }
  std::string program;
  if (Error error = assign(program, files.create("exe")))
    return error;
  if (Error error = linkTo(LinkKind::Executable, program))
    return error;
  launcher->push_back(program);
  Expected<std::vector<uint8_t>> golden =
      computeGolden(result.program, std::move(*launcher), files);
  if (!golden) {
    Error error = golden.takeError();
    if (getErrorCode(error) != inconvertibleErrorCode())
      return error; // no room for files, no memory
    result.goldenNote = toString(std::move(error));
    return Error::success();
  }
  result.program.golden = std::move(*golden);
  return writeTables();
}

std::string tq::getSideOutput(OutputKind kind, StringRef output) {
  SmallString<128> path(output);
  switch (kind) {
  case OutputKind::SharedLibrary: // libminilm.h for libminilm.so
    sys::path::replace_extension(path, "h");
    return path.str().str();
  case OutputKind::Assembly:
  case OutputKind::LLVMIR:
    return (output + ".weights").str();
  default:
    return "";
  }
}

/// Copies the C interface to a file that will be `path`.
Error Emitter::writeHeader(StringRef path) {
  SmallString<128> source(options.runtimeDirectory);
  sys::path::append(source, "tq.h");
  auto header = MemoryBuffer::getFile(source);
  if (!header)
    return makeOutputError("cannot read " + source + ": " +
                           header.getError().message());
  Expected<std::string> file = files.createOutput(path);
  if (!file)
    return file.takeError();
  return writeFile(*file, [&](raw_ostream &out) -> Error {
    out << (*header)->getBuffer();
    declareOpen(result.program.library, out);
    return Error::success();
  });
}

static LinkKind getLinkKind(OutputKind kind) {
  switch (kind) {
  case OutputKind::Executable:
    return LinkKind::Executable;
  case OutputKind::SharedLibrary:
    return LinkKind::SharedLibrary;
  default:
    return LinkKind::Object;
  }
}

Error Emitter::linkOutput() {
  if (options.kind == OutputKind::SharedLibrary)
    if (Error error = writeHeader(getSideOutput(options.kind, options.output)))
      return error;
  std::string file;
  if (Error error = assign(file, files.createOutput(options.output)))
    return error;
  if (Error error = linkTo(getLinkKind(options.kind), file))
    return error;
  return files.publish();
}

Expected<EmitResult> Emitter::run() {
  if (Error error = describe())
    return error;
  mlir::registerBuiltinDialectTranslation(*module.getContext());
  mlir::registerLLVMDialectTranslation(*module.getContext());
  bool isText = options.kind == OutputKind::Assembly ||
                options.kind == OutputKind::LLVMIR;
  if (isText) {
    if (Error error = writeText())
      return error;
  } else {
    if (Error error = writeCodes())
      return error;
    if (Error error = writeWeightObject())
      return error;
    if (Error error = writeTables())
      return error;
    if (Error error = storeGolden())
      return error;
    if (Error error = linkOutput())
      return error;
  }
  sys::fs::file_size(options.output, result.fileBytes);
  return std::move(result);
}

Expected<EmitResult> tq::emitProgram(mlir::ModuleOp module,
                                     const EmitOptions &options,
                                     ProgressFn progress) {
  return Emitter(module, options, progress).run();
}
