//===- ProgramTables.cpp - Build tq_program_main --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds the structs of tq/Runtime/Program.h as LLVM constants. A field is
// named by the member it becomes, so that it has the member's type and place.
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
#include "llvm/Support/ErrorHandling.h"

#include <type_traits>

using namespace llvm;
using namespace tq;

namespace {

/// A constant struct of C, member by member.
template <typename Struct>
class Record {
public:
  explicit Record(Module &module)
      : layout(module.getDataLayout()), context(module.getContext()) {}

  template <typename Integer>
    requires std::is_integral_v<Integer>
  Record &set(Integer Struct::*member, std::type_identity_t<Integer> value) {
    return place(member, constant(value));
  }
  template <typename Pointee>
  Record &set(Pointee *Struct::*member, Constant *pointer) {
    return place(member, pointer);
  }
  template <typename Integer, size_t N>
  Record &set(Integer (Struct::*member)[N], ArrayRef<Integer> values) {
    SmallVector<Constant *> all;
    for (size_t i = 0; i < N; ++i)
      all.push_back(constant(i < values.size() ? values[i] : Integer(0)));
    return place(member,
                 ConstantArray::get(ArrayType::get(all[0]->getType(), N), all));
  }

  /// All members have been set, in any order.
  Constant *build() {
    sort(fields,
         [](const Field &a, const Field &b) { return a.offset < b.offset; });
    SmallVector<Constant *> values;
    for (const Field &field : fields)
      values.push_back(field.value);
    Constant *result = ConstantStruct::getAnon(context, values);
    check(cast<StructType>(result->getType()));
    return result;
  }

private:
  struct Field {
    uint64_t offset, size;
    Constant *value;
  };

  template <typename Integer>
  Constant *constant(Integer value) {
    return ConstantInt::get(Type::getIntNTy(context, 8 * sizeof(Integer)),
                            static_cast<uint64_t>(value),
                            std::is_signed_v<Integer>);
  }

  template <typename Member>
  Record &place(Member Struct::*member, Constant *value) {
    static const Struct instance = {};
    const auto *base = reinterpret_cast<const char *>(&instance);
    const auto *field = reinterpret_cast<const char *>(&(instance.*member));
    fields.push_back({uint64_t(field - base), sizeof(Member), value});
    return *this;
  }

  /// A struct that differs from the runtime's would make it read something else
  /// in silence: an error in every build. The structs name their padding, so
  /// that what is not set leaves a gap.
  void check(StructType *type) {
    const StructLayout *found = layout.getStructLayout(type);
    uint64_t end = 0;
    for (auto [index, field] : enumerate(fields)) {
      uint64_t size = layout.getTypeAllocSize(field.value->getType());
      if (field.offset != end || field.size != size ||
          found->getElementOffset(index) != field.offset)
        reportFatalInternalError("the tables of a program differ from "
                                 "tq/Runtime/Program.h at byte " +
                                 Twine(end) + " of a struct of " +
                                 Twine(sizeof(Struct)));
      end += size;
    }
    if (end != sizeof(Struct) || found->getSizeInBytes() != sizeof(Struct))
      reportFatalInternalError("the tables of a program end at byte " +
                               Twine(end) + " of a struct of " +
                               Twine(sizeof(Struct)));
  }

  const DataLayout &layout;
  LLVMContext &context;
  SmallVector<Field> fields;
};

class TableBuilder {
public:
  explicit TableBuilder(Module &module)
      : module(module), context(module.getContext()),
        pointerType(PointerType::getUnqual(context)) {}

  void build(const ProgramInfo &info);

private:
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
  Constant *calls(const ProgramEntry &entry);
  Constant *codes(const ProgramInfo &info, size_t entry);
  Constant *entries(const ProgramInfo &info);
  Constant *states(const ProgramInfo &info);
  Constant *stringTable(ArrayRef<std::string> texts, StringRef name);
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
  using Row = tq_program_tensor;
  return Record<Row>(module)
      .set(&Row::name, string(tensor.name))
      .set(&Row::dtype, tensor.dtype)
      .set(&Row::rank, static_cast<int32_t>(tensor.dims.size()))
      .set(&Row::dims, ArrayRef<int64_t>(tensor.dims))
      .set(&Row::limit, tensor.limit)
      .set(&Row::fill, tensor.fill)
      .set(&Row::marks_padding, tensor.marksPadding)
      .build();
}

Constant *TableBuilder::tensors(ArrayRef<ProgramTensor> list, StringRef name) {
  SmallVector<Constant *> rows;
  for (const ProgramTensor &entry : list)
    rows.push_back(tensor(entry));
  return table(rows, name);
}

Constant *TableBuilder::symbols(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  using Row = tq_program_symbol;
  for (const ProgramSymbol &symbol : info.symbols)
    rows.push_back(Record<Row>(module)
                       .set(&Row::name, string(symbol.name))
                       .set(&Row::max, symbol.max)
                       .build());
  return table(rows, "symbols");
}

Constant *TableBuilder::kernels(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  using Row = tq_program_kernel;
  for (const std::string &kernel : info.kernels)
    rows.push_back(Record<Row>(module).set(&Row::name, string(kernel)).build());
  return table(rows, "kernels");
}

Constant *TableBuilder::calls(const ProgramEntry &entry) {
  SmallVector<Constant *> rows;
  using Row = tq_program_call;
  for (const ProgramCall &call : entry.calls)
    rows.push_back(Record<Row>(module)
                       .set(&Row::kernel, call.kernel)
                       .set(&Row::reserved, 0)
                       .set(&Row::layer, string(call.layer))
                       .set(&Row::scheme, string(call.scheme))
                       .set(&Row::reason, string(call.reason))
                       .build());
  return table(rows, "calls");
}

Constant *TableBuilder::stringTable(ArrayRef<std::string> texts,
                                    StringRef name) {
  SmallVector<Constant *> rows;
  for (const std::string &text : texts)
    rows.push_back(string(text));
  return table(rows, name);
}

Constant *TableBuilder::prompts(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  using Row = tq_program_prompt;
  for (const ProgramPrompt &prompt : info.prompts)
    rows.push_back(Record<Row>(module)
                       .set(&Row::name, string(prompt.name))
                       .set(&Row::text, string(prompt.text))
                       .build());
  return table(rows, "prompts");
}

/// The functions of an entry, target by target.
Constant *TableBuilder::codes(const ProgramInfo &info, size_t entry) {
  auto *function = FunctionType::get(Type::getVoidTy(context), false);
  SmallVector<Constant *> rows;
  using Row = tq_program_code;
  for (size_t target = 0; target < info.targets.size(); ++target) {
    const std::vector<std::string> &arenas = info.entries[entry].arenas;
    StringRef arena = target < arenas.size() ? StringRef(arenas[target]) : "";
    rows.push_back(
        Record<Row>(module)
            .set(&Row::arena_formula, string(arena))
            .set(&Row::plan,
                 external(getCodeSymbol(kPlanSymbol, target, entry), function))
            .set(&Row::run,
                 external(getCodeSymbol(kRunSymbol, target, entry), function))
            .build());
  }
  return table(rows, "codes");
}

Constant *TableBuilder::entries(const ProgramInfo &info) {
  auto count = [](const auto &list) {
    return static_cast<int32_t>(list.size());
  };
  SmallVector<Constant *> rows;
  using Row = tq_program_entry;
  for (auto [index, entry] : enumerate(info.entries))
    rows.push_back(Record<Row>(module)
                       .set(&Row::name, string(entry.name))
                       .set(&Row::num_inputs, count(entry.inputs))
                       .set(&Row::num_outputs, count(entry.outputs))
                       .set(&Row::num_calls, count(entry.calls))
                       .set(&Row::batch_dim, entry.batchDim)
                       .set(&Row::inputs, tensors(entry.inputs, "inputs"))
                       .set(&Row::outputs, tensors(entry.outputs, "outputs"))
                       .set(&Row::calls, calls(entry))
                       .set(&Row::checks, stringTable(entry.checks, "checks"))
                       .set(&Row::codes, codes(info, index))
                       .build());
  return table(rows, "entries");
}

Constant *TableBuilder::states(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  using Row = tq_program_state;
  for (const ProgramState &state : info.states)
    rows.push_back(Record<Row>(module)
                       .set(&Row::name, string(state.name))
                       .set(&Row::kind, state.kind)
                       .set(&Row::dtype, state.dtype)
                       .set(&Row::rank, static_cast<int32_t>(state.dims.size()))
                       .set(&Row::reserved, 0)
                       .set(&Row::dims, ArrayRef<int64_t>(state.dims))
                       .build());
  return table(rows, "states");
}

Constant *TableBuilder::targets(const ProgramInfo &info) {
  SmallVector<Constant *> rows;
  using Row = tq_program_target;
  for (auto [index, target] : enumerate(info.targets)) {
    ArrayRef<uint64_t> sizes(target.codeBytes);
    Constant *codeBytes =
        sizes.empty()
            ? null()
            : store(ConstantDataArray::get(context, sizes), "code_bytes", 8);
    rows.push_back(
        Record<Row>(module)
            .set(&Row::cpu, string(target.cpu))
            .set(&Row::required_features, string(target.requiredFeatures))
            .set(&Row::code, static_cast<int32_t>(index))
            .set(&Row::reserved, 0)
            .set(&Row::code_bytes, codeBytes)
            .build());
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
  auto count = [](const auto &list) {
    return static_cast<int32_t>(list.size());
  };
  Constant *program =
      Record<tq_program>(module)
          .set(&tq_program::abi, TQ_PROGRAM_ABI)
          .set(&tq_program::num_entries, count(info.entries))
          .set(&tq_program::name, string(info.name))
          .set(&tq_program::compiler_version, string(info.compilerVersion))
          .set(&tq_program::options, string(info.options))
          .set(&tq_program::library, string(info.library))
          .set(&tq_program::num_symbols, count(info.symbols))
          .set(&tq_program::num_states, count(info.states))
          .set(&tq_program::num_kernels, count(info.kernels))
          .set(&tq_program::num_labels, count(info.labels))
          .set(&tq_program::num_targets, count(info.targets))
          .set(&tq_program::label_scores, info.labelScores)
          .set(&tq_program::symbols, symbols(info))
          .set(&tq_program::entries, entries(info))
          .set(&tq_program::states, states(info))
          .set(&tq_program::kernels, kernels(info))
          .set(&tq_program::labels, stringTable(info.labels, "labels"))
          .set(&tq_program::targets, targets(info))
          .set(&tq_program::weights, weights)
          .set(&tq_program::weights_bytes, info.weightsBytes)
          .set(&tq_program::tokenizer, blob(info.tokenizer, "tokenizer"))
          .set(&tq_program::tokenizer_bytes, info.tokenizer.size())
          .set(&tq_program::tokenizer_note, string(info.tokenizerNote))
          .set(&tq_program::max_tokens, info.maxTokens)
          .set(&tq_program::prompts, prompts(info))
          .set(&tq_program::num_prompts, count(info.prompts))
          .set(&tq_program::default_prompt, info.defaultPrompt)
          .set(&tq_program::golden, blob(info.golden, "golden"))
          .set(&tq_program::golden_bytes, info.golden.size())
          .build();
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

std::string tq::getCodeSymbol(StringRef name, size_t target, size_t entry) {
  return (name + "." + Twine(target) + "." + Twine(entry)).str();
}

void tq::buildProgramTables(Module &module, const ProgramInfo &info) {
  TableBuilder(module).build(info);
}
