//===- ProgramInfo.cpp - Read a program's description ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/ProgramTables.h"

#include "tq/Runtime/Program.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace tq;
using mlir::ArrayAttr;
using mlir::DictionaryAttr;
using mlir::IntegerAttr;
using mlir::StringAttr;

unsigned ProgramTensor::getElementBytes() const {
  switch (dtype) {
  case TQ_PROGRAM_I64:
    return 8;
  case TQ_PROGRAM_F32:
  case TQ_PROGRAM_I32:
    return 4;
  default:
    return 1;
  }
}

namespace {
/// Reads one dictionary; remembers the first thing that is wrong.
class Reader {
public:
  Reader(DictionaryAttr dict, std::string where)
      : dict(dict), where(std::move(where)) {}

  bool has(StringRef key) const { return dict.contains(key); }

  std::string string(StringRef key, bool required = false) {
    auto attr = dict.getAs<StringAttr>(key);
    if (!attr && (required || dict.get(key)))
      fail(key, "a string");
    // The runtime reads C strings.
    if (attr && attr.getValue().contains('\0'))
      fail(key, "a string without a zero byte");
    return attr ? attr.getValue().str() : std::string();
  }

  int64_t integer(StringRef key, int64_t low, int64_t high, int64_t absent) {
    auto attr = dict.getAs<IntegerAttr>(key);
    if (!attr) {
      if (dict.get(key))
        fail(key, "an integer");
      return absent;
    }
    std::optional<int64_t> value = attr.getValue().trySExtValue();
    if (value && *value >= low && *value <= high)
      return *value;
    fail(key,
         ("an integer in [" + Twine(low) + ", " + Twine(high) + "]").str());
    return absent;
  }

  ArrayRef<mlir::Attribute> array(StringRef key) {
    auto attr = dict.getAs<ArrayAttr>(key);
    if (!attr && dict.get(key))
      fail(key, "an array");
    return attr ? attr.getValue() : ArrayRef<mlir::Attribute>();
  }

  /// Calls `read` with a reader for each element of an array of dictionaries.
  template <typename Fn>
  void each(StringRef key, Fn read) {
    for (auto [index, element] : enumerate(array(key))) {
      auto child = dyn_cast<DictionaryAttr>(element);
      if (!child)
        return fail(key, "an array of dictionaries");
      Reader reader(child,
                    (where + "." + key + "[" + Twine(index) + "]").str());
      read(reader);
      if (message.empty())
        message = reader.message;
    }
  }

  void fail(StringRef key, const Twine &expected) {
    if (message.empty())
      message = (where + "." + key + ": expected " + expected).str();
  }

  Error takeError() const {
    return message.empty() ? Error::success() : createStringError(message);
  }

private:
  DictionaryAttr dict;
  std::string where;
  std::string message;
};
} // namespace

static ProgramTensor readTensor(Reader &reader, size_t numSymbols) {
  ProgramTensor tensor;
  tensor.name = reader.string("name", /*required=*/true);
  tensor.dtype = StringSwitch<int32_t>(reader.string("dtype", true))
                     .Case("f32", TQ_PROGRAM_F32)
                     .Case("i64", TQ_PROGRAM_I64)
                     .Case("i32", TQ_PROGRAM_I32)
                     .Case("u8", TQ_PROGRAM_U8)
                     .Case("i8", TQ_PROGRAM_I8)
                     .Case("i1", TQ_PROGRAM_I1)
                     .Default(-1);
  if (tensor.dtype < 0)
    reader.fail("dtype", "one of f32, i64, i32, u8, i8, i1");
  ArrayRef<mlir::Attribute> dims = reader.array("dims");
  if (dims.size() > TQ_MAX_RANK)
    reader.fail("dims", "at most 8 dimensions");
  for (mlir::Attribute dim : dims.take_front(TQ_MAX_RANK)) {
    auto value = dyn_cast<IntegerAttr>(dim);
    std::optional<int64_t> size =
        value ? value.getValue().trySExtValue() : std::nullopt;
    if (!size || *size < -int64_t(numSymbols)) {
      reader.fail("dims", "sizes, or -1, -2, ... for the symbols");
      continue;
    }
    tensor.dims.push_back(*size);
  }
  tensor.limit = reader.integer("limit", 0, INT64_MAX, 0);
  tensor.fill =
      reader.integer("fill", TQ_FILL_NONE, TQ_FILL_ONES, TQ_FILL_NONE);
  tensor.marksPadding = reader.integer("marks_padding", 0, 1, 0);
  return tensor;
}

/// Whether parts of a batch can be cut from `tensor`: it has the batch as its
/// first dimension or not at all, the sequence only behind the batch, and other
/// symbols only if they are `known`, so that no cut changes them.
static bool canCut(const ProgramTensor &tensor, int64_t batch, int64_t sequence,
                   ArrayRef<int64_t> known) {
  for (auto [i, dim] : enumerate(tensor.dims)) {
    if (dim >= 0)
      continue;
    bool fits = dim == batch      ? i == 0
                : dim == sequence ? i == 1 && tensor.dims[0] == batch
                                  : is_contained(known, dim);
    if (!fits)
      return false;
  }
  return true;
}

/// What the runtime takes for granted when it takes a batch apart.
static void checkBatch(Reader &reader, const ProgramInfo &info) {
  int64_t batch = info.batchDim, sequence = 0;
  SmallVector<int64_t> known;
  for (const ProgramTensor &input : info.inputs) {
    llvm::append_range(known, input.dims);
    if (!input.marksPadding)
      continue;
    if (!batch || sequence || input.dims.size() != 2 ||
        input.dims[0] != batch || input.dims[1] >= 0 || input.dims[1] == batch)
      return reader.fail("inputs", "padding to be marked by one input, of "
                                   "dimensions [batch, sequence]");
    sequence = input.dims[1];
  }
  if (!batch)
    return;
  if (!is_contained(known, batch))
    return reader.fail("batch_dim", "a dimension of an input");
  for (const ProgramTensor &input : info.inputs)
    if (!canCut(input, batch, sequence, known))
      return reader.fail("inputs", "the batch as the first dimension, and a "
                                   "padded one as the second");
  for (const ProgramTensor &output : info.outputs)
    if (output.dims.empty() || output.dims[0] != batch ||
        !canCut(output, batch, sequence, known))
      return reader.fail("outputs", "the batch as the first dimension, and a "
                                    "padded one as the second");
}

/// Programs are given inputs, and asked for outputs, by name.
static void checkNames(Reader &reader, StringRef key,
                       ArrayRef<ProgramTensor> tensors) {
  StringSet<> names;
  for (const ProgramTensor &tensor : tensors)
    if (!names.insert(tensor.name).second)
      return reader.fail(key, "a name of its own for each, but got '" +
                                  tensor.name + "' twice");
}

static void readTables(Reader &reader, ProgramInfo &info) {
  reader.each("symbols", [&](Reader &symbol) {
    info.symbols.push_back(
        {symbol.string("name", true), symbol.integer("max", 0, INT64_MAX, 0)});
  });
  reader.each("inputs", [&](Reader &tensor) {
    info.inputs.push_back(readTensor(tensor, info.symbols.size()));
  });
  reader.each("outputs", [&](Reader &tensor) {
    info.outputs.push_back(readTensor(tensor, info.symbols.size()));
  });
  checkNames(reader, "inputs", info.inputs);
  checkNames(reader, "outputs", info.outputs);
  for (mlir::Attribute name : reader.array("kernels")) {
    auto string = dyn_cast<StringAttr>(name);
    if (!string)
      return reader.fail("kernels", "an array of strings");
    info.kernels.push_back(string.getValue().str());
  }
  reader.each("calls", [&](Reader &call) {
    int64_t last = int64_t(info.kernels.size()) - 1;
    info.calls.push_back({int32_t(call.integer("kernel", 0, last, 0)),
                          call.string("layer"), call.string("scheme"),
                          call.string("reason")});
    if (last < 0)
      call.fail("kernel", "the index of a kernel");
  });
  for (mlir::Attribute check : reader.array("checks")) {
    auto string = dyn_cast<StringAttr>(check);
    if (!string)
      return reader.fail("checks", "an array of strings");
    info.checks.push_back(string.getValue().str());
  }
  info.batchDim =
      reader.integer("batch_dim", -int64_t(info.symbols.size()), 0, 0);
  checkBatch(reader, info);
  info.weightsBytes =
      uint64_t(reader.integer("weights_bytes", 0, INT64_MAX, 0));
}

/// How the logits of labels become scores; without a word, as classifiers of
/// one label in many do, and not at all for a single one.
static void readLabelScores(Reader &attrs, ProgramInfo &info) {
  size_t count = info.labels.size();
  info.labelScores = count > 1 ? TQ_SCORES_SOFTMAX : TQ_SCORES_NONE;
  if (!attrs.has("tq.label_scores"))
    return;
  std::string name = attrs.string("tq.label_scores");
  info.labelScores = StringSwitch<int32_t>(name)
                         .Case("none", TQ_SCORES_NONE)
                         .Case("softmax", TQ_SCORES_SOFTMAX)
                         .Case("sigmoid", TQ_SCORES_SIGMOID)
                         .Default(-1);
  if (info.labelScores < 0)
    attrs.fail("tq.label_scores",
               "softmax, sigmoid or none, but got '" + name + "'");
  else if (count == 0)
    attrs.fail("tq.label_scores", "labels, too (tq.labels)");
  else if (count == 1 && info.labelScores == TQ_SCORES_SOFTMAX)
    attrs.fail("tq.label_scores",
               "sigmoid or none for one label, but got 'softmax'");
}

static void readLabels(Reader &attrs, ProgramInfo &info) {
  for (auto [index, label] : enumerate(attrs.array("tq.labels"))) {
    std::string key = ("tq.labels[" + Twine(index) + "]").str();
    auto string = dyn_cast<StringAttr>(label);
    if (!string)
      return attrs.fail(key, "a string");
    // The runtime reads C strings.
    if (string.getValue().contains('\0'))
      return attrs.fail(key, "a string without a zero byte");
    info.labels.push_back(string.getValue().str());
  }
  readLabelScores(attrs, info);
}

/// Reads what may be put before a text. A dictionary is sorted by name.
static void readPrompts(Reader &reader, mlir::ModuleOp module,
                        ProgramInfo &info) {
  mlir::Attribute value = module->getAttr("tq.prompts");
  auto prompts = dyn_cast_or_null<DictionaryAttr>(value);
  if (value && !prompts)
    return reader.fail("tq.prompts", "a dictionary of strings");
  std::string byDefault = reader.string("tq.default_prompt");
  for (mlir::NamedAttribute prompt :
       prompts ? prompts.getValue() : ArrayRef<mlir::NamedAttribute>()) {
    auto text = dyn_cast<StringAttr>(prompt.getValue());
    StringRef name = prompt.getName().getValue();
    if (!text || text.getValue().contains('\0') || name.contains('\0'))
      return reader.fail("tq.prompts", "strings without a zero byte");
    info.prompts.push_back({name.str(), text.getValue().str()});
    if (name == byDefault)
      info.defaultPrompt = static_cast<int32_t>(info.prompts.size());
  }
  if (!byDefault.empty() && !info.defaultPrompt)
    reader.fail("tq.default_prompt", "the name of one of tq.prompts");
}

Expected<ProgramInfo> tq::readProgramInfo(mlir::ModuleOp module) {
  auto program = module->getAttrOfType<DictionaryAttr>("tq.program");
  if (!program)
    return createStringError("expected a module after the codegen phase, with "
                             "the attribute tq.program");
  ProgramInfo info;
  Reader tables(program, "tq.program");
  readTables(tables, info);
  if (Error error = tables.takeError())
    return error;

  Reader attrs(module->getAttrDictionary(), "module");
  info.name = attrs.string("tq.model_name");
  info.maxTokens = attrs.integer("tq.max_tokens", 0, INT64_MAX, 0);
  readPrompts(attrs, module, info);
  readLabels(attrs, info);
  if (Error error = attrs.takeError())
    return error;
  return info;
}
