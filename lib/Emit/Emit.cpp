//===- Emit.cpp - From a module after codegen to a program ------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/Emit.h"

#include "tq/Emit/Golden.h"
#include "tq/Emit/Link.h"
#include "tq/Emit/ObjectFile.h"
#include "tq/Emit/TempFiles.h"
#include "tq/Import/HuggingFace/TokenizerTables.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

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
/// One run of the phase.
class Emitter {
public:
  Emitter(mlir::ModuleOp module, const EmitOptions &options,
          ProgressFn progress)
      : module(module), options(options), progress(progress) {}

  Expected<EmitResult> run();

private:
  Error describe();
  Error readTokenizer();
  Error writeWeights(raw_ostream &stream);

  /// Assembly or LLVM IR.
  Error writeText();

  /// Objects with the code and the weights, and with the tables.
  Error writeObjects();
  Error writeTables();
  Error storeGolden();
  Error linkOutput();
  Expected<std::string> writeHeader(StringRef path);

  mlir::ModuleOp module;
  const EmitOptions &options;
  ProgressFn progress;
  EmitResult result;
  TempFiles files;
  std::unique_ptr<TargetMachine> machine;
  std::string codeObject, tablesObject;
};
} // namespace

Error Emitter::readTokenizer() {
  ProgramInfo &info = result.program;
  auto directory = module->getAttrOfType<mlir::StringAttr>("tq.tokenizer_dir");
  if (!directory) {
    info.tokenizerNote = "the model came without a tokenizer";
    return Error::success();
  }
  Expected<TokenizerTables> tables = readTokenizerTables(directory.getValue());
  if (!tables)
    return tables.takeError();
  info.tokenizer = std::move(tables->blob);
  info.tokenizerNote = std::move(tables->note);
  return Error::success();
}

Error Emitter::describe() {
  Expected<ProgramInfo> info = readProgramInfo(module);
  if (!info)
    return info.takeError();
  info->compilerVersion = getCompilerVersion();
  info->options = options.options;
  info->targetCpu = options.target.name;
  info->requiredFeatures = join(options.target.required, ",");
  result.program = std::move(*info);
  return readTokenizer();
}

Error Emitter::writeWeights(raw_ostream &stream) {
  return writeWeightSection(module, result.program.weightsBytes, stream,
                            progress);
}

Error Emitter::writeText() {
  LLVMContext context;
  auto code = translateProgram(module, context, *machine);
  if (!code)
    return code.takeError();
  buildProgramTables(**code, result.program);
  // Next to the output, and under its name only when that is written, too.
  std::string section, weights, weightsPath = options.output + ".weights";
  if (result.program.weightsBytes) {
    if (isDevice(options.output))
      return makeOutputError("cannot write " + options.output +
                             ": weights go into a file next to it");
    if (Error error = assign(weights, files.createNextTo(weightsPath)))
      return error;
    if (Error error = writeFile(
            weights, [&](raw_ostream &out) { return writeWeights(out); }))
      return error;
    section = getWeightSection(weightsPath, result.program.weightsBytes);
  }
  optimize(**code, *machine);
  result.goldenNote = "only programs that tq-compile links get one";
  Error failed = writeOutput(options.output, [&](raw_ostream &out) -> Error {
    if (options.kind == OutputKind::Assembly) {
      // In the module, it would come out as text, byte by byte.
      out << section;
      return writeCode(**code, *machine, CodeGenFileType::AssemblyFile, out);
    }
    (*code)->appendModuleInlineAsm(section);
    out << **code;
    return Error::success();
  });
  if (failed || weights.empty())
    return failed;
  return files.rename(weights, weightsPath);
}

Error Emitter::writeObjects() {
  LLVMContext context;
  auto code = translateProgram(module, context, *machine);
  if (!code)
    return code.takeError();
  if (result.program.weightsBytes) {
    std::string weights;
    if (Error error = assign(weights, files.create("weights")))
      return error;
    if (Error error = writeFile(
            weights, [&](raw_ostream &out) { return writeWeights(out); }))
      return error;
    (*code)->appendModuleInlineAsm(
        getWeightSection(weights, result.program.weightsBytes));
  }
  optimize(**code, *machine);
  if (Error error = assign(codeObject, files.create("o")))
    return error;
  if (Error error = writeFile(codeObject, [&](raw_ostream &out) {
        return writeCode(**code, *machine, CodeGenFileType::ObjectFile, out);
      }))
    return error;
  return measureKernels(codeObject, result.program);
}

Error Emitter::writeTables() {
  LLVMContext context;
  std::unique_ptr<Module> tables = createModule("tables", context, *machine);
  buildProgramTables(*tables, result.program);
  if (tablesObject.empty())
    if (Error error = assign(tablesObject, files.create("o")))
      return error;
  return writeFile(tablesObject, [&](raw_ostream &out) {
    return writeCode(*tables, *machine, CodeGenFileType::ObjectFile, out);
  });
}

Error Emitter::storeGolden() {
  if (!options.golden) {
    result.goldenNote = "switched off";
    return Error::success();
  }
  if (result.program.inputs.empty()) {
    result.goldenNote = "the program has no inputs";
    return Error::success();
  }
  if (!runsOnHost(options.target)) {
    result.goldenNote = "this machine cannot run the program";
    return Error::success();
  }
  std::string program;
  if (Error error = assign(program, files.create("exe")))
    return error;
  if (Error error = link(LinkKind::Executable, {codeObject, tablesObject},
                         options.runtimeDirectory, program, files))
    return error;
  Expected<std::vector<uint8_t>> golden =
      computeGolden(result.program, program, files);
  if (!golden) {
    result.goldenNote = toString(golden.takeError());
    return Error::success();
  }
  result.program.golden = std::move(*golden);
  return writeTables();
}

/// `libminilm.h` for `libminilm.so`.
static std::string getHeaderPath(StringRef output) {
  SmallString<128> path(output);
  sys::path::replace_extension(path, "h");
  return path.str().str();
}

/// Copies the C interface to a temporary file next to `path`.
Expected<std::string> Emitter::writeHeader(StringRef path) {
  SmallString<128> source(options.runtimeDirectory);
  sys::path::append(source, "tq.h");
  auto header = MemoryBuffer::getFile(source);
  if (!header)
    return makeOutputError("cannot read " + source + ": " +
                           header.getError().message());
  Expected<std::string> file = files.createNextTo(path);
  if (!file)
    return file.takeError();
  if (Error error = writeFile(*file, [&](raw_ostream &out) -> Error {
        out << (*header)->getBuffer();
        return Error::success();
      }))
    return error;
  return file;
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
  std::string file, header, headerPath;
  if (Error error = assign(file, files.createNextTo(options.output)))
    return error;
  if (Error error = link(getLinkKind(options.kind), {codeObject, tablesObject},
                         options.runtimeDirectory, file, files))
    return error;
  if (options.kind == OutputKind::SharedLibrary) {
    headerPath = getHeaderPath(options.output);
    if (Error error = assign(header, writeHeader(headerPath)))
      return error;
  }
  if (Error error = files.rename(file, options.output))
    return error;
  return header.empty() ? Error::success() : files.rename(header, headerPath);
}

Expected<EmitResult> Emitter::run() {
  auto created = createTargetMachine(options.target);
  if (!created)
    return created.takeError();
  machine = std::move(*created);
  if (Error error = describe())
    return error;
  bool isText = options.kind == OutputKind::Assembly ||
                options.kind == OutputKind::LLVMIR;
  if (isText) {
    if (Error error = writeText())
      return error;
  } else {
    if (Error error = writeObjects())
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
