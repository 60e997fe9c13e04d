//===- ObjectFile.cpp - From the llvm dialect to object files -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/ObjectFile.h"

#include "tq/Dialect/Program/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Passes/PassBuilder.h"

using namespace llvm;
using namespace tq;

/// Checks that codegen has left `name` with as many arguments as the runtime
/// passes.
static Error checkEntry(mlir::ModuleOp module, StringRef name,
                        unsigned arguments) {
  auto function = module.lookupSymbol<mlir::LLVM::LLVMFuncOp>(name);
  if (!function || function.isExternal() ||
      function.getFunctionType().getNumParams() != arguments)
    return createStringError("expected a module after the codegen phase, with "
                             "a function @" +
                             name + " of " + Twine(arguments) + " arguments");
  return Error::success();
}

/// Fails where `module` holds anything but llvm ops.
static Error checkCode(mlir::ModuleOp module) {
  for (mlir::Operation &op : *module.getBody())
    if (!isa_and_nonnull<mlir::LLVM::LLVMDialect>(op.getDialect()))
      return createStringError("expected a module after the codegen phase, but "
                               "it holds '" +
                               op.getName().getStringRef() + "'");
  return Error::success();
}

/// The symbols that the tables know functions of the module by.
using EntrySymbols = StringMap<std::string>;

static EntrySymbols getEntrySymbols(ArrayRef<ProgramEntry> entries,
                                    size_t target) {
  EntrySymbols symbols;
  for (auto [index, entry] : enumerate(entries)) {
    symbols[program::getPlanName(entry.name)] =
        getCodeSymbol(kPlanSymbol, target, index);
    symbols[program::getRunName(entry.name)] =
        getCodeSymbol(kRunSymbol, target, index);
  }
  return symbols;
}

static void setLinkage(Module &module, const EntrySymbols &symbols) {
  for (GlobalValue &value : module.global_values()) {
    if (value.isDeclaration())
      continue;
    if (auto found = symbols.find(value.getName()); found != symbols.end()) {
      value.setName(found->second);
      value.setVisibility(GlobalValue::HiddenVisibility);
      value.setDSOLocal(true);
    } else if (!value.hasLocalLinkage()) {
      value.setVisibility(GlobalValue::DefaultVisibility);
      value.setLinkage(GlobalValue::InternalLinkage);
    }
  }
}

std::unique_ptr<Module> tq::createModule(StringRef name, LLVMContext &context,
                                         TargetMachine &machine) {
  auto module = std::make_unique<Module>(name, context);
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  module->setPICLevel(PICLevel::BigPIC);
  module->setPIELevel(PIELevel::Large);
  return module;
}

Expected<std::unique_ptr<Module>>
tq::translateTarget(mlir::ModuleOp module, size_t index,
                    ArrayRef<ProgramEntry> entries, LLVMContext &context,
                    TargetMachine &machine) {
  for (const ProgramEntry &entry : entries) {
    if (Error error = checkEntry(module, program::getRunName(entry.name), 6))
      return error;
    if (Error error = checkEntry(module, program::getPlanName(entry.name), 3))
      return error;
  }
  if (Error error = checkCode(module))
    return error;
  std::unique_ptr<Module> result =
      mlir::translateModuleToLLVMIR(module, context, "program");
  if (!result)
    return createStringError("the module after codegen has no LLVM IR");
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  result->setPICLevel(PICLevel::BigPIC);
  result->setPIELevel(PIELevel::Large);
  setLinkage(*result, getEntrySymbols(entries, index));
  for (Function &function : *result) {
    if (function.isDeclaration())
      continue;
    // Vectors are as wide as codegen wrote them.
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr(Attribute::NoUnwind);
  }
  return result;
}

/// `text` inside the quotes of an assembler string: what is no printable ASCII
/// as the octal number of its byte.
static std::string escape(StringRef text) {
  std::string result;
  for (char c : text) {
    if (isPrint(c) && c != '"' && c != '\\') {
      result += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    result += {'\\', char('0' + (byte >> 6)), char('0' + (byte >> 3 & 7)),
               char('0' + (byte & 7))};
  }
  return result;
}

std::string tq::getWeightSection(StringRef file, uint64_t bytes,
                                 const Triple &triple) {
  // On x86-64 a large section (flag `l`): it lies apart from code, which then
  // reaches its data however many weights there are.
  StringRef section = triple.getArch() == Triple::x86_64
                          ? ".lrodata.tq_weights,\"al\""
                          : ".rodata.tq_weights,\"a\"";
  std::string text;
  raw_string_ostream(text) << ".section " << section << ",@progbits\n"
                           << ".p2align 6\n"
                           << ".globl " << kWeightsSymbol << "\n.hidden "
                           << kWeightsSymbol << "\n"
                           << ".type " << kWeightsSymbol << ",@object\n"
                           << ".size " << kWeightsSymbol << ", " << bytes
                           << "\n"
                           << kWeightsSymbol << ":\n.incbin \"" << escape(file)
                           << "\"\n"
                           << ".text\n";
  return text;
}

void tq::optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager calls;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2)
      .run(module, modules);
}

Error tq::writeCode(Module &module, TargetMachine &machine,
                    CodeGenFileType type, raw_pwrite_stream &stream) {
  // Errors of the assembler come through the context; its default handler would
  // end the process.
  struct Handler : DiagnosticHandler {
    std::string &message;
    explicit Handler(std::string &message) : message(message) {}
    bool handleDiagnostics(const DiagnosticInfo &info) override {
      if (info.getSeverity() != DS_Error || !message.empty())
        return true;
      raw_string_ostream stream(message);
      DiagnosticPrinterRawOStream printer(stream);
      info.print(printer);
      return true;
    }
  };
  std::string message;
  module.getContext().setDiagnosticHandler(std::make_unique<Handler>(message));

  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type))
    return createStringError("LLVM cannot write code for this target");
  passes.run(module);
  module.getContext().setDiagnosticHandler(nullptr);
  if (!message.empty())
    return createStringError("LLVM cannot assemble the program: " +
                             StringRef(message).split('\n').first);
  return Error::success();
}

Expected<std::vector<uint64_t>>
tq::measureKernels(StringRef object, ArrayRef<std::string> kernels) {
  auto file = object::ObjectFile::createObjectFile(object);
  if (!file)
    return file.takeError();
  auto *elf = dyn_cast<object::ELFObjectFileBase>(file->getBinary());
  if (!elf)
    return createStringError("LLVM wrote an object file that is not ELF");
  StringMap<uint64_t> sizes;
  for (object::ELFSymbolRef symbol : elf->symbols()) {
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    StringRef kernel = *name;
    if (symbol.getELFType() == ELF::STT_FUNC &&
        (kernel.consume_back(".code") || kernel.consume_back(".body")))
      sizes[kernel] += symbol.getSize();
  }
  std::vector<uint64_t> result;
  for (const std::string &kernel : kernels)
    result.push_back(sizes.lookup(kernel));
  return result;
}
