//===- ProgramTables.cpp - Build tq_program_main ----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mirrors the structs of tq/Runtime/Program.h field by field. Natural alignment
// gives the layout of C: the structs name their padding.
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/ProgramTables.h"

#include "tq/Runtime/Program.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

using namespace llvm;
using namespace tq;

namespace {
class TableBuilder {
public:
  explicit TableBuilder(Module &module)
      : module(module), context(module.getContext()),
        pointerType(PointerType::getUnqual(context)) {}

  void build(const ProgramInfo &info);

private:
  Constant *i32(int64_t value) {
    return ConstantInt::getSigned(Type::getInt32Ty(context), value);
  }
  Constant *i64(uint64_t value) {
    return ConstantInt::get(Type::getInt64Ty(context), value);
  }
  Constant *null() { return ConstantPointerNull::get(pointerType); }

  /// A private constant and its address.
  Constant *store(Constant *value, StringRef name, unsigned alignment) {
    auto *global = new GlobalVariable(module, value->getType(), true,
                                      GlobalValue::PrivateLinkage, value,
                                      Twine("tq.") + name);
    global->setAlignment(Align(alignment));
    return global;
  }

  Constant *string(StringRef text) {
    Constant *&known = strings[text];
    if (!known) {
      known = store(ConstantDataArray::getString(context, text), "string", 1);
      cast<GlobalVariable>(known)->setUnnamedAddr(
          GlobalValue::UnnamedAddr::Global);
    }
    return known;
  }

  Constant *structOf(ArrayRef<Constant *> fields) {
    return ConstantStruct::getAnon(context, fields);
  }

  /// An array in memory, null if it is empty. All rows have one type.
  Constant *table(ArrayRef<Constant *> rows, StringRef name) {
    if (rows.empty())
      return null();
    auto *type = ArrayType::get(rows[0]->getType(), rows.size());
    return store(ConstantArray::get(type, rows), name, 8);
  }

  Constant *blob(ArrayRef<uint8_t> bytes, StringRef name) {
    if (bytes.empty())
      return null();
    return store(ConstantDataArray::get(context, bytes), name, 64);
  }

  Constant *tensor(const ProgramTensor &tensor);
  Constant *tensors(ArrayRef<ProgramTensor> list, StringRef name);
  Constant *symbols(const ProgramInfo &info);
  Constant *kernels(const ProgramInfo &info);
  Constant *calls(const ProgramInfo &info);
  Constant *labels(const ProgramInfo &info);
  Constant *prompts(const ProgramInfo &info);
  Constant *targets(const ProgramInfo &info);

  void defineOpen(StringRef library);

  /// A function or the weights, defined here or in another object.
  Constant *external(StringRef name, Type *type);

  Module &module;
  LLVMContext &context;
  PointerType *pointerType;
  StringMap<Constant *> strings;
};
} // namespace

Constant *TableBuilder::tensor(const ProgramTensor &tensor) {
  SmallVector<uint64_t, TQ_MAX_RANK> dims(tensor.dims.begin(),
                                          tensor.dims.end());
  dims.resize(TQ_MAX_RANK);
  return structOf(
      {string(tensor.name), i32(tensor.dtype), i32(tensor.dims.size()),
       ConstantDataArray::get(context, ArrayRef<uint64_t>(dims)),
       i64(tensor.limit), i32(tensor.fill), i32(tensor.marksPadding)});
}

Constant *TableBuilder::tensors(ArrayRef<ProgramTensor> list, StringRef name) {
  SmallVector<Constant *> rows;
  for (const ProgramTensor &entry : list)
    rows.push_back(tensor(entry));
  return table(rows, name);
}

Constant *TableBuilder::symbols(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  for (const ProgramSymbol &symbol : info.symbols)
    rows.push_back(structOf({string(symbol.name), i64(symbol.max)}));
  return table(rows, "symbols");
}

Constant *TableBuilder::kernels(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  for (const std::string &kernel : info.kernels)
    rows.push_back(structOf({string(kernel)}));
  return table(rows, "kernels");
}

Constant *TableBuilder::calls(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  for (const ProgramCall &call : info.calls)
    rows.push_back(structOf({i32(call.kernel), i32(0), string(call.layer),
                             string(call.scheme), string(call.reason)}));
  return table(rows, "calls");
}

Constant *TableBuilder::labels(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  for (const std::string &label : info.labels)
    rows.push_back(string(label));
  return table(rows, "labels");
}

Constant *TableBuilder::prompts(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  for (const ProgramPrompt &prompt : info.prompts)
    rows.push_back(structOf({string(prompt.name), string(prompt.text)}));
  return table(rows, "prompts");
}

Constant *TableBuilder::targets(const ProgramInfo &info) {
  auto *function = FunctionType::get(Type::getVoidTy(context), false);
  SmallVector<Constant *> rows;
  for (auto [index, target] : enumerate(info.targets)) {
    SmallVector<Constant *> bytes;
    for (uint64_t size : target.codeBytes)
      bytes.push_back(i64(size));
    rows.push_back(
        structOf({string(target.cpu), string(target.requiredFeatures),
                  string(target.arenaFormula),
                  external(getTargetSymbol(kPlanSymbol, index), function),
                  external(getTargetSymbol(kRunSymbol, index), function),
                  table(bytes, "code_bytes")}));
  }
  return table(rows, "targets");
}

Constant *TableBuilder::external(StringRef name, Type *type) {
  if (GlobalValue *value = module.getNamedValue(name))
    return value;
  GlobalValue *value;
  if (auto *function = dyn_cast<FunctionType>(type))
    value =
        Function::Create(function, GlobalValue::ExternalLinkage, name, module);
  else
    value = new GlobalVariable(module, type, true, GlobalValue::ExternalLinkage,
                               nullptr, name);
  value->setVisibility(GlobalValue::HiddenVisibility);
  value->setDSOLocal(true);
  return value;
}

void TableBuilder::defineOpen(StringRef library) {
  auto *type =
      FunctionType::get(Type::getInt32Ty(context), {pointerType}, false);
  Constant *open = external(kOpenLibrarySymbol, type);
  auto *function = Function::Create(type, GlobalValue::ExternalLinkage,
                                    getOpenSymbol(library), module);
  IRBuilder<> builder(BasicBlock::Create(context, "", function));
  builder.CreateRet(builder.CreateCall(type, open, {function->getArg(0)}));
}

void TableBuilder::build(const ProgramInfo &info) {
  Type *byteType = Type::getInt8Ty(context);
  Constant *weights =
      info.weightsBytes ? external(kWeightsSymbol, byteType) : null();
  Constant *program = structOf({
      i32(TQ_PROGRAM_ABI),
      i32(info.batchDim),
      string(info.name),
      string(info.compilerVersion),
      string(info.options),
      string(info.library),
      i32(info.symbols.size()),
      i32(info.inputs.size()),
      i32(info.outputs.size()),
      i32(info.kernels.size()),
      i32(info.calls.size()),
      i32(info.labels.size()),
      i32(info.targets.size()),
      i32(info.labelScores),
      symbols(info),
      tensors(info.inputs, "inputs"),
      tensors(info.outputs, "outputs"),
      kernels(info),
      calls(info),
      labels(info),
      targets(info),
      weights,
      i64(info.weightsBytes),
      blob(info.tokenizer, "tokenizer"),
      i64(info.tokenizer.size()),
      string(info.tokenizerNote),
      i64(info.maxTokens),
      prompts(info),
      i32(info.prompts.size()),
      i32(info.defaultPrompt),
      blob(info.golden, "golden"),
      i64(info.golden.size()),
  });
  assert(module.getDataLayout().getTypeAllocSize(program->getType()) ==
             sizeof(tq_program) &&
         "the tables differ from tq/Runtime/Program.h");
  auto *global =
      new GlobalVariable(module, program->getType(), true,
                         GlobalValue::ExternalLinkage, program, kProgramSymbol);
  global->setVisibility(GlobalValue::HiddenVisibility);
  global->setDSOLocal(true);
  global->setAlignment(Align(8));
  if (!info.library.empty())
    defineOpen(info.library);
}

std::string tq::getOpenSymbol(StringRef library) {
  return ("tq_model_open_" + library).str();
}

std::string tq::getTargetSymbol(StringRef name, size_t target) {
  return (name + "." + Twine(target)).str();
}

void tq::buildProgramTables(Module &module, const ProgramInfo &info) {
  TableBuilder(module).build(info);
}
