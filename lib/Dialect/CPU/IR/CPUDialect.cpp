//===- CPUDialect.cpp - The cpu dialect -----------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/CPU/IR/CPU.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace tq::cpu;

#include "tq/Dialect/CPU/IR/CPUDialect.cpp.inc"
#include "tq/Dialect/CPU/IR/CPUEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "tq/Dialect/CPU/IR/CPUAttrs.cpp.inc"

void CPUDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tq/Dialect/CPU/IR/CPUAttrs.cpp.inc"
      >();
}

using EmitError = function_ref<InFlightDiagnostic()>;

/// Code is as long as the tile is large.
static LogicalResult verifyTile(EmitError emitError, DotKind dot, int64_t rows,
                                int64_t vectors, SumPlace sums) {
  constexpr int64_t maxRows = 16, maxVectors = kPanel / kLanes;
  if (rows < 1 || rows > maxRows || vectors < 1 || vectors > maxVectors)
    return emitError() << "expected a tile of 1 to " << maxRows
                       << " rows by 1 to " << maxVectors << " vectors, but got "
                       << rows << " x " << vectors;
  if (sums == SumPlace::Tiles && dot == DotKind::Fma)
    return emitError() << "expected sums in vectors with fma, as tile "
                          "registers have no products of f32";
  return success();
}

/// The instruction that multiplies, or what is done without one.
static StringRef getDotName(DotKind dot) {
  switch (dot) {
  case DotKind::VpdpbusdHalf:
    return "vpdpbusd";
  case DotKind::Widen:
    return "32-bit products";
  case DotKind::WidenBf16:
    return "fma of widened bf16";
  default:
    return stringifyDotKind(dot);
  }
}

//===----------------------------------------------------------------------===//
// ContractionPlanAttr
//===----------------------------------------------------------------------===//

LogicalResult ContractionPlanAttr::verify(EmitError emitError, DotKind dot,
                                          int64_t tileRows, int64_t tileVectors,
                                          int64_t rows, SumPlace sums,
                                          OperandForm operands) {
  if (sums == SumPlace::Tiles && (!isInteger(dot) || rows != kMatrixRows))
    return emitError() << "expected items of " << kMatrixRows
                       << " rows and products of bytes with sums in tiles";
  if (operands == OperandForm::Widened && dot != DotKind::Pmaddwd)
    return emitError() << "expected stored operands with "
                       << stringifyDotKind(dot)
                       << ", as only vpmaddwd multiplies 16 bits";
  if (rows < 1)
    return emitError() << "expected items of at least a row, but got " << rows;
  return verifyTile(emitError, dot, tileRows, tileVectors, sums);
}

std::string ContractionPlanAttr::describe() const {
  std::string vectors =
      llvm::formatv("{0}{1} in tiles of {2} x {3}", getDotName(getDot()),
                    isWidened() ? " of widened operands" : "", getTileRows(),
                    getTileVectors() * kLanes);
  if (getSums() == SumPlace::Vectors)
    return llvm::formatv("{0}, items of {1} rows x {2} outputs", vectors,
                         getRows(), kPanel);
  return llvm::formatv("tdpbusd in tiles of {0} x {0}, items of {0} rows x {1} "
                       "outputs; up to {2} rows {3}",
                       getRows(), kPanel, getTileRows(), vectors);
}

//===----------------------------------------------------------------------===//
// AttentionPlanAttr
//===----------------------------------------------------------------------===//

LogicalResult AttentionPlanAttr::verify(EmitError emitError, DotKind dot,
                                        int64_t tileRows, int64_t tileVectors,
                                        SumPlace sums) {
  constexpr int64_t all = kPanel / kLanes;
  if (tileVectors > 0 && all % tileVectors != 0)
    return emitError() << "expected tiles of 1, 2 or 4 vectors, which " << all
                       << " of a panel of keys are a multiple of, but got "
                       << tileVectors;
  return verifyTile(emitError, dot, tileRows, tileVectors, sums);
}

std::string AttentionPlanAttr::describe() const {
  bool isTiles = getSums() == SumPlace::Tiles;
  StringRef product = !isTiles           ? getDotName(getDot())
                      : isBf16(getDot()) ? "tdpbf16ps"
                                         : "tdpbssd and tdpbusd";
  return llvm::formatv("{0}, items of a head, {1} queries at a time", product,
                       isTiles ? kMatrixRows : getTileRows());
}

//===----------------------------------------------------------------------===//
// RowsPlanAttr
//===----------------------------------------------------------------------===//

LogicalResult RowsPlanAttr::verify(EmitError emitError, int64_t stackBytes) {
  constexpr int64_t maxBytes = 1 << 20; // threads have 8 MiB
  if (stackBytes >= 0 && stackBytes <= maxBytes)
    return success();
  return emitError() << "expected 0 to " << maxBytes
                     << " bytes of stack, but got " << stackBytes;
}

std::string RowsPlanAttr::describe() const {
  return llvm::formatv("items of a row, in vectors of {0}", kLanes);
}
