//===- CalibrationDataFuzzer.cpp - Texts and arrays -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"

#include "tq/Calibration/CalibrationData.h"

#include "llvm/Support/JSON.h"

using namespace tq;

static void readTexts(const CalibrationData &data) {
  size_t count = 0;
  for (llvm::StringRef text : data.getTexts()) {
    ++count;
    fuzz::require(!text.empty() && !text.contains('\n') &&
                      !text.contains('\0') && llvm::json::isUTF8(text),
                  "a line of UTF-8");
    if (count < 10)
      fuzz::requireOneLine(data.makeTextError(text, "wrong"));
  }
  fuzz::require(count == data.getNumTexts(), "as many texts as it says");
}

/// All that a tensor says of itself lies in the file.
static void readTensor(const CalibrationTensor &tensor) {
  size_t bytes = getArrayTypeBytes(tensor.type);
  for (int64_t size : tensor.shape)
    bytes *= size;
  fuzz::require(bytes == tensor.data.size() && bytes > 0,
                "bytes as in the shape");
  volatile uint8_t sink = 0;
  for (uint8_t byte : tensor.data)
    sink = byte;
  (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
  static const fuzz::Directory directory;
  llvm::StringRef text = toText(input, size);
  // By what the content is, so that it is read far into.
  llvm::StringRef name = text.starts_with("\x93NUMPY")         ? "a.npy"
                         : text.starts_with("PK") && size > 21 ? "a.npz"
                                                               : "a.txt";
  llvm::Expected<CalibrationData> data =
      CalibrationData::open(directory.write(name, text));
  if (!data) {
    fuzz::requireOneLine(data.takeError());
    return 0;
  }
  readTexts(*data);
  fuzz::require(data->getNumTexts() + data->getNumSamples() > 0, "some data");
  for (size_t i = 0; i < data->getNumSamples(); ++i) {
    // Most archives have a wrong checksum by now.
    llvm::Expected<CalibrationSample> checked = data->readSample(i);
    if (!checked)
      fuzz::requireOneLine(checked.takeError());
    llvm::Expected<CalibrationSample> sample =
        CalibrationSample::open(directory.path(name), /*checkSums=*/false);
    fuzz::require(static_cast<bool>(sample), "what was opened opens again");
    fuzz::require(!sample->getTensors().empty(), "an array");
    for (const CalibrationTensor &tensor : sample->getTensors())
      readTensor(tensor);
  }
  return 0;
}
