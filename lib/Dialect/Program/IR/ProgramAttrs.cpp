//===- ProgramAttrs.cpp - Attributes of the program dialect ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/IR/Program.h"

#include "tq/Runtime/Program.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tq::program;

#define GET_ATTRDEF_CLASSES
#include "tq/Dialect/Program/IR/ProgramAttrs.cpp.inc"

void ProgramDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tq/Dialect/Program/IR/ProgramAttrs.cpp.inc"
      >();
}

using EmitError = function_ref<InFlightDiagnostic()>;

/// The runtime reads C strings.
static LogicalResult verifyText(EmitError emitError, StringRef what,
                                StringRef text) {
  if (!text.contains('\0'))
    return success();
  return emitError() << "expected " << what << " without a zero byte";
}

static ParseResult parseText(AsmParser &parser, std::string &text) {
  return parser.parseString(&text);
}

static ParseResult parseTexts(AsmParser &parser,
                              SmallVectorImpl<StringAttr> &texts) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() {
    std::string text;
    if (parseText(parser, text))
      return failure();
    texts.push_back(StringAttr::get(parser.getContext(), text));
    return success();
  });
}

static void printTexts(AsmPrinter &printer, ArrayRef<StringAttr> texts) {
  printer << '[';
  llvm::interleaveComma(texts, printer, [&](StringAttr text) {
    printer.printString(text.getValue());
  });
  printer << ']';
}

/// One of the words of an enum, as its value.
template <typename Enum>
static ParseResult parseWord(AsmParser &parser, Enum &value,
                             std::optional<Enum> (*symbolize)(StringRef),
                             StringRef words) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (failed(parser.parseOptionalKeyword(&word)))
    return parser.emitError(loc, "expected one of ") << words;
  std::optional<Enum> found = symbolize(word);
  if (!found)
    return parser.emitError(loc, "expected one of ")
           << words << ", but got '" << word << "'";
  value = *found;
  return success();
}

/// What follows in angle brackets: `, KEY` and its value.
static ParseResult
parseEntries(AsmParser &parser, StringRef keys,
             function_ref<std::optional<ParseResult>(StringRef)> parseValue) {
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc loc = parser.getCurrentLocation();
    StringRef key;
    if (failed(parser.parseOptionalKeyword(&key)))
      return parser.emitError(loc, "expected one of ") << keys;
    std::optional<ParseResult> result = parseValue(key);
    if (!result)
      return parser.emitError(loc, "expected one of ")
             << keys << ", but got '" << key << "'";
    if (failed(*result))
      return failure();
  }
  return parser.parseGreater();
}

//===----------------------------------------------------------------------===//
// PortAttr
//===----------------------------------------------------------------------===//

Attribute PortAttr::parse(AsmParser &parser, Type) {
  std::string name;
  SmallVector<StringAttr> dims;
  int64_t limit = 0;
  Fill fill = Fill::None;
  bool padding = false;
  auto parseValue = [&](StringRef key) -> std::optional<ParseResult> {
    if (key == "limit")
      return ParseResult(
          failure(parser.parseEqual() || parser.parseInteger(limit)));
    if (key == "fill")
      return ParseResult(failure(
          parser.parseEqual() ||
          parseWord<Fill>(parser, fill, symbolizeFill, "none, zeros, ones")));
    if (key != "padding")
      return std::nullopt;
    padding = true;
    return ParseResult(success());
  };
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseText(parser, name) || parser.parseComma() ||
      parseTexts(parser, dims) ||
      parseEntries(parser, "limit, fill, padding", parseValue))
    return {};
  return getChecked([&]() { return parser.emitError(loc); },
                    parser.getContext(), name, dims, limit, fill, padding);
}

void PortAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printString(getName());
  printer << ", ";
  printTexts(printer, getDims());
  if (getLimit())
    printer << ", limit = " << getLimit();
  if (getFill() != Fill::None)
    printer << ", fill = " << stringifyFill(getFill());
  if (getPadding())
    printer << ", padding";
  printer << '>';
}

LogicalResult PortAttr::verify(EmitError emitError, StringRef name,
                               ArrayRef<StringAttr> dims, int64_t limit, Fill,
                               bool) {
  if (failed(verifyText(emitError, "a name", name)))
    return failure();
  for (StringAttr dim : dims)
    if (failed(verifyText(emitError, "names of dimensions", dim)))
      return failure();
  if (limit < 0)
    return emitError() << "expected a limit that is not negative, but got "
                       << limit;
  return success();
}

//===----------------------------------------------------------------------===//
// SymbolAttr
//===----------------------------------------------------------------------===//

Attribute SymbolAttr::parse(AsmParser &parser, Type) {
  std::string name;
  int64_t max = 0;
  bool batch = false;
  auto parseValue = [&](StringRef key) -> std::optional<ParseResult> {
    if (key == "max")
      return ParseResult(
          failure(parser.parseEqual() || parser.parseInteger(max)));
    if (key != "batch")
      return std::nullopt;
    batch = true;
    return ParseResult(success());
  };
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseText(parser, name) ||
      parseEntries(parser, "max, batch", parseValue))
    return {};
  return getChecked([&]() { return parser.emitError(loc); },
                    parser.getContext(), name, max, batch);
}

void SymbolAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printer.printString(getName());
  if (getMax())
    printer << ", max = " << getMax();
  if (getBatch())
    printer << ", batch";
  printer << '>';
}

LogicalResult SymbolAttr::verify(EmitError emitError, StringRef name,
                                 int64_t max, bool) {
  if (max < 0 || max > TQ_MAX_SIZE)
    return emitError() << "expected a max of 0 to 2^48, but got " << max;
  return verifyText(emitError, "a name", name);
}

//===----------------------------------------------------------------------===//
// LabelsAttr
//===----------------------------------------------------------------------===//

Attribute LabelsAttr::parse(AsmParser &parser, Type) {
  SmallVector<StringAttr> names;
  std::optional<LabelScores> scores;
  auto parseValue = [&](StringRef key) -> std::optional<ParseResult> {
    if (key != "scores")
      return std::nullopt;
    LabelScores value = LabelScores::None;
    ParseResult result =
        failure(parser.parseEqual() ||
                parseWord<LabelScores>(parser, value, symbolizeLabelScores,
                                       "softmax, sigmoid, none"));
    scores = value;
    return result;
  };
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parseTexts(parser, names) ||
      parseEntries(parser, "scores", parseValue))
    return {};
  // As classifiers of one label in many do, and not at all for a single one.
  if (!scores)
    scores = names.size() > 1 ? LabelScores::Softmax : LabelScores::None;
  return getChecked([&]() { return parser.emitError(loc); },
                    parser.getContext(), names, *scores);
}

void LabelsAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printTexts(printer, getNames());
  printer << ", scores = " << stringifyLabelScores(getScores()) << '>';
}

LogicalResult LabelsAttr::verify(EmitError emitError,
                                 ArrayRef<StringAttr> names,
                                 LabelScores scores) {
  for (StringAttr name : names)
    if (failed(verifyText(emitError, "names of labels", name)))
      return failure();
  if (names.empty())
    return emitError() << "expected at least one label";
  if (names.size() == 1 && scores == LabelScores::Softmax)
    return emitError() << "expected scores of one label to be sigmoid or none, "
                          "but got 'softmax'";
  return success();
}

//===----------------------------------------------------------------------===//
// PackedAttr
//===----------------------------------------------------------------------===//

LogicalResult PackedAttr::verify(EmitError emitError, unsigned, int64_t panel,
                                 int64_t group) {
  if (panel < 1 || group < 1)
    return emitError() << "expected a panel and a group of at least 1, but got "
                       << panel << " and " << group;
  return success();
}

RankedTensorType PackedAttr::getPackedType(RankedTensorType type) const {
  auto countBlocks = [&](unsigned dim, int64_t size) -> int64_t {
    return llvm::divideCeil(type.getDimSize(dim), size);
  };
  return RankedTensorType::get({countBlocks(0, getPanel()),
                                countBlocks(1, getGroup()), getPanel(),
                                getGroup()},
                               type.getElementType());
}
