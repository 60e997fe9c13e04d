//===- ProgramInfo.cpp - Read a program's description ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Emit/ProgramTables.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Runtime/Program.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace tq;
using program::EntryOp;
using program::PortAttr;

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

static std::optional<int32_t> getDtype(mlir::Type element) {
  if (element.isF32())
    return TQ_PROGRAM_F32;
  if (element.isInteger(64))
    return TQ_PROGRAM_I64;
  if (element.isInteger(32))
    return TQ_PROGRAM_I32;
  if (element.isInteger(8))
    return element.isUnsignedInteger() ? TQ_PROGRAM_U8 : TQ_PROGRAM_I8;
  if (element.isInteger(1))
    return TQ_PROGRAM_I1;
  return std::nullopt;
}

/// What the runtime takes for granted when it takes a batch apart: parts can be
/// cut from `tensor` where it has the batch as its first dimension or not at
/// all, the sequence only behind the batch, and other symbols only if they are
/// `known`, so that no cut changes them.
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

namespace {

/// Reads the description of the program that `module` is.
class InfoReader {
public:
  explicit InfoReader(mlir::ModuleOp module) : module(module) {}

  Expected<ProgramInfo> run();

private:
  Error fail(EntryOp entry, const Twine &message) {
    return createStringError("entry @" + entry.getSymName() + ": " + message);
  }
  int64_t getSymbol(StringRef name);
  Expected<ProgramTensor> readTensor(EntryOp entry, PortAttr port,
                                     mlir::Type type);
  Error readEntry(EntryOp op);
  Error readBatch(EntryOp op, ProgramEntry &entry);
  Error readState(program::StateOp op);
  Error readPrompts();
  void readLabels();

  std::string getString(StringRef name) {
    auto attr = module->getAttrOfType<mlir::StringAttr>(name);
    return attr ? attr.str() : std::string();
  }

  mlir::ModuleOp module;
  ProgramInfo info;
};

} // namespace

/// How dimensions name the symbol: -1 is the first.
int64_t InfoReader::getSymbol(StringRef name) {
  auto found = find_if(info.symbols, [&](const ProgramSymbol &symbol) {
    return symbol.name == name;
  });
  int64_t place = found - info.symbols.begin();
  if (found != info.symbols.end())
    return -(place + 1);
  ProgramSymbol symbol{name.str(), 0};
  if (auto known =
          module->getAttrOfType<mlir::ArrayAttr>(program::kSymbolsAttr))
    for (auto attr : known.getAsRange<program::SymbolAttr>())
      if (attr.getName() == name)
        symbol.max = attr.getMax();
  info.symbols.push_back(symbol);
  return -(place + 1);
}

Expected<ProgramTensor> InfoReader::readTensor(EntryOp entry, PortAttr port,
                                               mlir::Type type) {
  auto tensorType = cast<mlir::RankedTensorType>(type);
  std::optional<int32_t> dtype = getDtype(tensorType.getElementType());
  if (!dtype) {
    std::string text;
    raw_string_ostream(text) << tensorType.getElementType();
    return fail(entry, "expected '" + port.getName() +
                           "' to be of f32, i64, i32, ui8, i8 or i1, but got " +
                           text);
  }
  if (tensorType.getRank() > TQ_MAX_RANK)
    return fail(entry, "expected '" + port.getName() +
                           "' to have at most 8 dimensions, but got " +
                           Twine(tensorType.getRank()));
  ProgramTensor tensor;
  tensor.name = port.getName().str();
  tensor.dtype = *dtype;
  for (auto [size, name] : zip(tensorType.getShape(), port.getDims()))
    tensor.dims.push_back(mlir::ShapedType::isDynamic(size) ? getSymbol(name)
                                                            : size);
  tensor.limit = port.getLimit();
  tensor.fill = static_cast<int32_t>(port.getFill());
  tensor.marksPadding = port.getPadding();
  return tensor;
}

/// The batch, and whether it can be taken apart. What a run leaves behind ties
/// its rows together; a check holds for a batch, and need not for its parts.
Error InfoReader::readBatch(EntryOp op, ProgramEntry &entry) {
  program::SymbolAttr batch = program::findBatch(module);
  if (batch && info.states.empty() && entry.checks.empty())
    for (auto [i, symbol] : enumerate(info.symbols))
      if (symbol.name == batch.getName())
        entry.batchDim = -int32_t(i + 1);
  int64_t sequence = 0;
  SmallVector<int64_t> known;
  for (const ProgramTensor &input : entry.inputs) {
    llvm::append_range(known, input.dims);
    if (!input.marksPadding)
      continue;
    if (!entry.batchDim || sequence || input.dims.size() != 2 ||
        input.dims[0] != entry.batchDim || input.dims[1] >= 0 ||
        input.dims[1] == entry.batchDim)
      return fail(op, "expected padding to be marked by one input, of "
                      "dimensions [batch, sequence]");
    sequence = input.dims[1];
  }
  if (!is_contained(known, entry.batchDim)) // it is another entry's
    entry.batchDim = 0;
  if (!entry.batchDim)
    return Error::success();
  auto canCutAll = [&](ArrayRef<ProgramTensor> tensors) {
    return all_of(tensors, [&](const ProgramTensor &tensor) {
      return canCut(tensor, entry.batchDim, sequence, known);
    });
  };
  bool haveBatch = all_of(entry.outputs, [&](const ProgramTensor &output) {
    return !output.dims.empty() && output.dims[0] == entry.batchDim;
  });
  if (haveBatch && canCutAll(entry.inputs) && canCutAll(entry.outputs))
    return Error::success();
  return fail(op, "expected the batch as the first dimension, and a padded "
                  "one as the second");
}

Error InfoReader::readEntry(EntryOp op) {
  ProgramEntry &entry = info.entries.emplace_back();
  entry.name = op.getSymName().str();
  auto type = cast<mlir::FunctionType>(op.getFunctionType());
  auto read = [&](auto ports, mlir::TypeRange types,
                  std::vector<ProgramTensor> &tensors) -> Error {
    for (auto [port, type] : zip(ports, types)) {
      Expected<ProgramTensor> tensor = readTensor(op, port, type);
      if (!tensor)
        return tensor.takeError();
      tensors.push_back(std::move(*tensor));
    }
    return Error::success();
  };
  if (Error error = read(op.getInputPorts(), type.getInputs(), entry.inputs))
    return error;
  if (Error error = read(op.getOutputPorts(), type.getResults(), entry.outputs))
    return error;
  for (program::CallSiteAttr call : op.getCallSites()) {
    std::string kernel = call.getKernel().getValue().str();
    auto found = find(info.kernels, kernel);
    int32_t index = found - info.kernels.begin();
    if (found == info.kernels.end())
      info.kernels.push_back(kernel);
    entry.calls.push_back({index, call.getLayer().str(), call.getScheme().str(),
                           call.getReason().str()});
  }
  for (auto check : op.getChecks().getAsRange<mlir::StringAttr>())
    entry.checks.push_back(check.str());
  for (auto arena : op.getArenas().getAsRange<mlir::StringAttr>())
    entry.arenas.push_back(arena.str());
  return readBatch(op, entry);
}

Error InfoReader::readState(program::StateOp op) {
  ProgramState &state = info.states.emplace_back();
  state.name = op.getSymName().str();
  auto type = dyn_cast<mlir::RankedTensorType>(op.getType());
  if (!type) {
    state.kind = TQ_STATE_NUMBER;
    state.dtype = TQ_PROGRAM_I64;
    return Error::success();
  }
  std::optional<int32_t> dtype = getDtype(type.getElementType());
  if (!dtype || type.getRank() > TQ_MAX_RANK)
    return createStringError("state @" + op.getSymName() +
                             ": expected at most 8 dimensions of f32, i64, "
                             "i32, ui8, i8 or i1");
  state.dtype = *dtype;
  for (auto [dim, size] : enumerate(type.getShape()))
    state.dims.push_back(mlir::ShapedType::isDynamic(size)
                             ? getSymbol(op.getDimName(dim))
                             : size);
  return Error::success();
}

void InfoReader::readLabels() {
  auto labels =
      module->getAttrOfType<program::LabelsAttr>(program::kLabelsAttr);
  if (!labels)
    return;
  for (mlir::StringAttr name : labels.getNames())
    info.labels.push_back(name.str());
  info.labelScores = static_cast<int32_t>(labels.getScores());
}

/// What may be put before a text. A dictionary is sorted by name.
Error InfoReader::readPrompts() {
  std::string byDefault = getString(program::kDefaultPromptAttr);
  if (auto prompts =
          module->getAttrOfType<mlir::DictionaryAttr>(program::kPromptsAttr))
    for (mlir::NamedAttribute prompt : prompts) {
      info.prompts.push_back({prompt.getName().str(),
                              cast<mlir::StringAttr>(prompt.getValue()).str()});
      if (prompt.getName() == byDefault)
        info.defaultPrompt = static_cast<int32_t>(info.prompts.size());
    }
  if (byDefault.empty() || info.defaultPrompt)
    return Error::success();
  return createStringError(
      "expected program.default_prompt to name one of program.prompts, but got "
      "'" +
      byDefault + "'");
}

Expected<ProgramInfo> InfoReader::run() {
  for (auto state : module.getOps<program::StateOp>())
    if (Error error = readState(state))
      return error;
  for (auto entry : module.getOps<EntryOp>())
    if (Error error = readEntry(entry))
      return error;
  if (info.entries.empty())
    return createStringError("expected a module after the codegen phase, with "
                             "an entry");
  for (WeightOp weight : module.getOps<WeightOp>())
    if (std::optional<int64_t> offset = weight.getOffset())
      info.weightsBytes = std::max<uint64_t>(
          info.weightsBytes,
          *offset + alignTo(*getTensorBytes(weight.getTensorType()),
                            kWeightAlignment));
  info.name = getString(program::kNameAttr);
  if (auto most =
          module->getAttrOfType<mlir::IntegerAttr>(program::kMaxTokensAttr))
    info.maxTokens = most.getInt();
  readLabels();
  if (Error error = readPrompts())
    return error;
  return std::move(info);
}

Expected<ProgramInfo> tq::readProgramInfo(mlir::ModuleOp module) {
  return InfoReader(module).run();
}
