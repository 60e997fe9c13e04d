//===- Calibrate.cpp - What values a model has inside ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Calibrate.h"

#include "ObservingProgram.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/Statistics.h"

#include "mlir/IR/Threading.h"

using namespace llvm;
using namespace tq;

/// What the observed values of a batch may take.
static constexpr int64_t kBatchBytes = int64_t(96) << 20;

/// Tokens of a batch, whatever these take.
static constexpr int64_t kLeastTokens = 128, kMostTokens = 4096;

/// Fewer say little of the range of what is to come.
static constexpr int64_t kFewRows = 8;

namespace {
class Calibrator {
public:
  Calibrator(mlir::ModuleOp module, const CalibrationData &data,
             ProgressFn progress)
      : module(module), data(data), progress(progress) {}

  Error run(StringRef runtimeDirectory);

private:
  Error runTexts();
  Error runBatch(StringRef firstText);
  Error runSample(const CalibrationSample &sample);
  Error observe(ArrayRef<tq_tensor> inputs);

  int findInput(StringRef name) const;
  int64_t getBatchTokens() const;
  int64_t getMaxBatch() const;
  void countDone(size_t count);
  void storeStatistics();
  void check(ObserveOp op, const quant::TensorStatistics &statistics);

  mlir::ModuleOp module;
  const CalibrationData &data;
  ProgressFn progress;
  std::unique_ptr<ObservingProgram> program;
  SmallVector<ObserveOp> observers;
  std::vector<quant::StatisticsCollector> collectors;
  std::vector<std::vector<int32_t>> batch; ///< ids of texts
  /// What is observed of the tokens of a run, and of its batch; empty: all.
  std::vector<uint8_t> isObserved, isObservedInBatch;
  int idsInput = -1, maskInput = -1; ///< -1: none
  size_t done = 0;
};
} // namespace

static const ProgramEntry &getEntry(const ObservingProgram &program) {
  return program.getInfo().entries.front();
}

int Calibrator::findInput(StringRef name) const {
  ArrayRef<ProgramTensor> inputs = getEntry(*program).inputs;
  const auto *found = find_if(
      inputs, [&](const ProgramTensor &tensor) { return tensor.name == name; });
  return found == inputs.end() ? -1 : static_cast<int>(found - inputs.begin());
}

void Calibrator::countDone(size_t count) {
  done += count;
  progress(done, data.getNumTexts() + data.getNumSamples());
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

/// Of a tensor [..., channels].
static int64_t countRows(const tq_tensor &tensor) {
  int64_t rows = 1;
  for (int32_t dim = 0; dim + 1 < tensor.rank; ++dim)
    rows *= tensor.dims[dim];
  return rows;
}

Error Calibrator::observe(ArrayRef<tq_tensor> inputs) {
  auto outputs = program->run(inputs);
  if (!outputs)
    return outputs.takeError();
  // Each value by itself: threads change nothing.
  mlir::parallelFor(module.getContext(), 0, outputs->size(), [&](size_t index) {
    const tq_tensor &output = (*outputs)[index];
    int64_t rows = countRows(output);
    const uint8_t *flags = nullptr;
    for (const auto *candidates : {&isObservedInBatch, &isObserved})
      if (rows == static_cast<int64_t>(candidates->size()))
        flags = candidates->data();
    collectors[index].addBatch(static_cast<const float *>(output.data), rows,
                               flags);
  });
  return Error::success();
}

/// So many that the observed values stay small.
int64_t Calibrator::getBatchTokens() const {
  int64_t bytes = 1;
  for (ObserveOp op : observers)
    bytes += op.getType().getShape().back() * int64_t(sizeof(float));
  return std::clamp(kBatchBytes / bytes, kLeastTokens, kMostTokens);
}

/// Of a program of static batch, that.
int64_t Calibrator::getMaxBatch() const {
  int64_t dim = getEntry(*program).inputs[idsInput].dims.front();
  int64_t max =
      dim >= 0 ? dim : program->getInfo().symbols[size_t(-(dim + 1))].max;
  return max > 0 ? max : kMostTokens;
}

static Error checkTextInputs(const ObservingProgram &program, int ids) {
  const ProgramInfo &info = program.getInfo();
  if (info.tokenizer.empty())
    return createStringError("the model takes no texts: expected .npy or .npz "
                             "files of its inputs (" +
                             info.tokenizerNote + ")");
  if (ids < 0 || getEntry(program).inputs[ids].dims.size() != 2)
    return createStringError("the model takes no texts: expected an input "
                             "'input_ids' of [batch, sequence]");
  return Error::success();
}

/// Texts in their order, so many together as the batch has room for.
Error Calibrator::runTexts() {
  if (data.getNumTexts() == 0)
    return Error::success();
  if (Error error = checkTextInputs(*program, idsInput))
    return error;
  int64_t tokens = getBatchTokens(), maxBatch = getMaxBatch();
  size_t longest = 0;
  StringRef first;
  for (StringRef text : data.getTexts()) {
    Expected<std::vector<int32_t>> ids = program->tokenize(text);
    if (!ids)
      return data.makeTextError(text, toString(ids.takeError()));
    if (ids->empty())
      return data.makeTextError(text, "expected at least one token");
    size_t length = std::max(longest, ids->size());
    if (!batch.empty() &&
        (static_cast<int64_t>(length * (batch.size() + 1)) > tokens ||
         static_cast<int64_t>(batch.size()) == maxBatch)) {
      if (Error error = runBatch(first))
        return error;
      length = ids->size();
    }
    if (batch.empty())
      first = text;
    longest = length;
    batch.push_back(std::move(*ids));
  }
  return runBatch(first);
}

/// Pads the texts of the batch to the longest.
Error Calibrator::runBatch(StringRef firstText) {
  const ProgramEntry &description = getEntry(*program);
  ArrayRef<int64_t> dims = description.inputs[idsInput].dims;
  size_t longest = 0;
  for (const auto &text : batch)
    longest = std::max(longest, text.size());
  size_t width = dims[1] >= 0 ? static_cast<size_t>(dims[1]) : longest;
  size_t rows = dims[0] >= 0 ? static_cast<size_t>(dims[0]) : batch.size();
  std::vector<int32_t> padded(rows * width), mask(rows * width);
  for (auto [row, text] : enumerate(batch)) {
    copy(ArrayRef(text).take_front(width), padded.begin() + row * width);
    std::fill_n(mask.begin() + row * width, std::min(text.size(), width), 1);
  }
  isObserved.assign(mask.begin(), mask.end());
  // A static batch may have more rows than there are texts.
  isObservedInBatch.assign(rows, 0);
  std::fill_n(isObservedInBatch.begin(), batch.size(), 1);
  std::vector<float> floatMask(mask.begin(), mask.end());
  std::vector<tq_tensor> inputs(description.inputs.size());
  auto makeTensor = [&](void *elements, int32_t dtype) {
    return tq_tensor{elements,
                     {static_cast<int64_t>(rows), static_cast<int64_t>(width)},
                     2,
                     dtype};
  };
  inputs[idsInput] = makeTensor(padded.data(), TQ_I32);
  if (maskInput >= 0) {
    bool isFloat = description.inputs[maskInput].dtype == TQ_PROGRAM_F32;
    inputs[maskInput] = isFloat ? makeTensor(floatMask.data(), TQ_F32)
                                : makeTensor(mask.data(), TQ_I32);
  }
  if (Error error = observe(inputs))
    return data.makeTextError(firstText, toString(std::move(error)));
  countDone(batch.size());
  batch.clear();
  return Error::success();
}

static int32_t getDtype(ArrayType type) {
  switch (type) {
  case ArrayType::F32:
    return TQ_F32;
  case ArrayType::I64:
    return TQ_I64;
  case ArrayType::I32:
    return TQ_I32;
  case ArrayType::U8:
    return TQ_U8;
  case ArrayType::I8:
    return TQ_I8;
  case ArrayType::Bool:
    return TQ_BOOL;
  }
  llvm_unreachable("unknown type of arrays");
}

/// Whether each element of a mask is not 0.
static std::vector<uint8_t> readMask(const CalibrationTensor &tensor) {
  unsigned bytes = getArrayTypeBytes(tensor.type);
  std::vector<uint8_t> flags(tensor.data.size() / bytes);
  for (size_t i = 0; i < flags.size(); ++i)
    flags[i] = any_of(tensor.data.slice(i * bytes, bytes),
                      [](uint8_t byte) { return byte != 0; });
  return flags;
}

Error Calibrator::runSample(const CalibrationSample &sample) {
  std::vector<tq_tensor> inputs(getEntry(*program).inputs.size());
  std::vector<std::vector<uint64_t>> copies; // aligned
  isObserved.clear();
  isObservedInBatch.clear();
  for (const CalibrationTensor &tensor : sample.getTensors()) {
    int index = tensor.name.empty() ? 0 : findInput(tensor.name);
    auto fail = [&](const Twine &message) {
      return createStringError(sample.getPath() + ": " + message);
    };
    if (index < 0 || inputs.empty())
      return fail("the model has no input '" + tensor.name + "'");
    if (tensor.shape.size() > 8)
      return fail("expected at most 8 dimensions, but got " +
                  Twine(tensor.shape.size()));
    auto &copy = copies.emplace_back(tensor.data.size() / 8 + 1);
    memcpy(copy.data(), tensor.data.data(), tensor.data.size());
    tq_tensor &input = inputs[index];
    input = {copy.data(),
             {},
             static_cast<int32_t>(tensor.shape.size()),
             getDtype(tensor.type)};
    llvm::copy(tensor.shape, input.dims);
    if (index == maskInput)
      isObserved = readMask(tensor);
  }
  if (Error error = observe(inputs))
    return createStringError(sample.getPath() + ": " +
                             toString(std::move(error)));
  countDone(1);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void Calibrator::check(ObserveOp op,
                       const quant::TensorStatistics &statistics) {
  if (statistics.nonFinite > 0)
    op.emitWarning() << statistics.nonFinite
                     << " values that are no numbers were seen while "
                        "calibrating, and have no part in its range";
  else if (statistics.rows >= kFewRows &&
           statistics.histogram.getLow() == statistics.histogram.getHigh())
    op.emitWarning() << "was "
                     << (statistics.histogram.getLow() == 0 ? "0" : "constant")
                     << " all the time while calibrating";
}

void Calibrator::storeStatistics() {
  int64_t mostRows = 0;
  for (auto [op, collector] : zip(observers, collectors)) {
    quant::TensorStatistics statistics = collector.getStatistics();
    mostRows = std::max(mostRows, statistics.rows);
    check(op, statistics);
    op.setStatisticsAttr(makeStatistics(module.getContext(), statistics));
  }
  if (mostRows < kFewRows)
    module.emitWarning() << "calibrated with " << mostRows
                         << " rows: expected at least " << kFewRows
                         << ", and 64 texts give good ranges";
}

Error Calibrator::run(StringRef runtimeDirectory) {
  auto entries = program::findEntries(module);
  if (failed(entries))
    return createStringError("expected a module with an entry");
  entries->front().walk([&](ObserveOp op) { observers.push_back(op); });
  if (observers.empty())
    return Error::success();
  auto created = ObservingProgram::create(module, runtimeDirectory);
  if (!created)
    return created.takeError();
  program = std::move(*created);
  for (ObserveOp op : observers)
    collectors.emplace_back(op.getType().getShape().back());
  idsInput = findInput("input_ids");
  // The program, without a batch, knows of no padding.
  mlir::func::FuncOp entry = entries->front();
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    if (auto port =
            entry.getArgAttrOfType<program::PortAttr>(i, program::kPortAttr);
        port && port.getPadding())
      maskInput = findInput(port.getName());
  if (Error error = runTexts())
    return error;
  for (size_t i = 0; i < data.getNumSamples(); ++i) {
    auto sample = data.readSample(i);
    if (!sample)
      return sample.takeError();
    if (Error error = runSample(*sample))
      return error;
  }
  storeStatistics();
  return Error::success();
}

Error tq::calibrate(mlir::ModuleOp module, const CalibrationData &data,
                    StringRef runtimeDirectory, ProgressFn progress) {
  return Calibrator(module, data, progress).run(runtimeDirectory);
}
