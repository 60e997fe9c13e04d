//===- StatisticsFuzzer.cpp - What calibration has found ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An input is a file of statistics for the module below, whose digest replaces
// the first MODEL in it.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"

#include "tq/Calibration/StatisticsFile.h"
#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/Statistics.h"
#include "tq/Quant/Observers.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <cmath>

using namespace tq;

static constexpr llvm::StringLiteral kModule = R"(
func.func @main(%x: tensor<?x2xf32>, %y: tensor<?x3xf32>)
    -> (tensor<?x2xf32>, tensor<?x3xf32>) {
  %a = tq.observe %x site("a.input") : tensor<?x2xf32>
  %b = tq.observe %y site("b.input") : tensor<?x3xf32>
  return %a, %b : tensor<?x2xf32>, tensor<?x3xf32>
}
)";

static mlir::MLIRContext &getContext() {
  static auto *context = [] {
    auto *created =
        new mlir::MLIRContext(mlir::MLIRContext::Threading::DISABLED);
    created->loadDialect<mlir::func::FuncDialect, TQDialect,
                         program::ProgramDialect>();
    return created;
  }();
  return *context;
}

static std::string write(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  fuzz::require(!writeStatistics(module, stream), "statistics as text");
  return text;
}

/// The digest of the module, as files have it.
static std::string getDigest(mlir::ModuleOp module) {
  std::string text = write(module);
  llvm::StringRef rest = text;
  rest = rest.split("\"model\":\"").second;
  return rest.split('"').first.str();
}

static void checkRanges(ObserveOp op) {
  fuzz::require(op.getStatisticsAttr() != nullptr, "statistics of each value");
  quant::TensorStatistics statistics =
      getTensorStatistics(op.getStatisticsAttr());
  for (quant::Observer observer :
       {quant::Observer::MinMax, quant::Observer::MovingAverage,
        quant::Observer::Percentile})
    for (bool isSymmetric : {false, true}) {
      quant::Range range =
          quant::chooseRange(statistics, {observer, 99.0}, isSymmetric);
      fuzz::require(std::isfinite(range.low) && std::isfinite(range.high) &&
                        range.low <= 0 && range.high >= 0,
                    "a finite range around 0");
      quant::QuantParams params = quant::chooseParamsU8(range);
      fuzz::require(std::isnormal(params.scale), "a scale that is a number");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const fuzz::Directory directory;
  static auto module =
      mlir::parseSourceString<mlir::ModuleOp>(kModule, &getContext());
  static const std::string digest = getDigest(*module);
  auto [before, after] = toText(data, size).split("MODEL");
  std::string text = before.str();
  if (before.size() != size)
    text += digest + after.str();
  module->walk([](ObserveOp op) { op.removeStatisticsAttr(); });
  std::string path = directory.write("statistics.json", text);
  if (llvm::Error error = readStatistics(*module, path)) {
    fuzz::requireOneLine(std::move(error));
    return 0;
  }
  fuzz::require(succeeded(mlir::verify(*module)), "a module that is valid");
  module->walk(checkRanges);
  std::string written = write(*module);
  path = directory.write("statistics.json", written);
  fuzz::require(!readStatistics(*module, path), "what was written, read");
  fuzz::require(write(*module) == written, "the same when written once more");
  return 0;
}
