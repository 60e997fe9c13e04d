//===- TQDialect.cpp - The tq dialect -------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "tq/Dialect/TQ/IR/TQDialect.cpp.inc"
#include "tq/Dialect/TQ/IR/TQEnums.cpp.inc"
#include "tq/Dialect/TQ/IR/TQInterfaces.cpp.inc"

/// The offset, then perhaps `, digest = N` and `, strides = [N, M]`.
static ParseResult parseMappedPlace(AsmParser &parser, uint64_t &offset,
                                    uint64_t &digest,
                                    SmallVector<int64_t> &strides) {
  if (parser.parseInteger(offset))
    return failure();
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("digest"))) {
      if (parser.parseEqual() || parser.parseInteger(digest))
        return failure();
      continue;
    }
    auto parseStride = [&]() {
      return parser.parseInteger(strides.emplace_back());
    };
    if (failed(parser.parseOptionalKeyword("strides")))
      return parser.emitError(parser.getCurrentLocation(),
                              "expected 'digest' or 'strides'");
    if (parser.parseEqual() || parser.parseCommaSeparatedList(
                                   AsmParser::Delimiter::Square, parseStride))
      return failure();
  }
  return success();
}

static void printMappedPlace(AsmPrinter &printer, uint64_t offset,
                             uint64_t digest, ArrayRef<int64_t> strides) {
  printer << offset;
  if (digest != 0)
    printer << ", digest = " << digest;
  if (strides.empty())
    return;
  printer << ", strides = [";
  llvm::interleaveComma(strides, printer);
  printer << ']';
}

#define GET_ATTRDEF_CLASSES
#include "tq/Dialect/TQ/IR/TQAttrs.cpp.inc"

void tq::TQDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tq/Dialect/TQ/IR/TQAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "tq/Dialect/TQ/IR/TQOps.cpp.inc"
      >();
  attachCompileTimeModels();
}

quant::QuantizedType tq::getByteType(MLIRContext *context, bool isSigned,
                                     int64_t low, int64_t high) {
  return quant::AnyQuantizedType::get(
      isSigned ? quant::QuantizationFlags::Signed : 0,
      IntegerType::get(context, 8), Float32Type::get(context), low, high);
}

quant::QuantizedType tq::getDynamicU8Type(MLIRContext *context) {
  return getByteType(context, /*isSigned=*/false, 0, 255);
}

quant::QuantizedType tq::getWeightS8Type(MLIRContext *context) {
  return getByteType(context, /*isSigned=*/true, -127, 127);
}

/// There are no attributes of this dialect on ops, arguments and results: one
/// that nobody reads would change a program without a word.
static LogicalResult refuse(Operation *op, NamedAttribute attribute) {
  return op->emitError("expected no attribute of the tq dialect, but got ")
         << attribute.getName();
}

LogicalResult
tq::TQDialect::verifyOperationAttribute(Operation *op,
                                        NamedAttribute attribute) {
  return refuse(op, attribute);
}

LogicalResult
tq::TQDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned,
                                        NamedAttribute attribute) {
  return refuse(op, attribute);
}

LogicalResult
tq::TQDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned,
                                           NamedAttribute attribute) {
  return refuse(op, attribute);
}

RankedTensorType tq::getRowParameterType(RankedTensorType type, Type element) {
  return RankedTensorType::get(type.getShape().drop_back(), element);
}
