//===- TQAttributes.cpp - Attributes that describe a program --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is known of a program beside its ops stands in attributes `tq.NAME` of
// modules, functions, arguments, results and ops. A name or a value that nobody
// reads would change a program without a word, so that all of them are in one
// table.
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tq;

namespace {

enum Place : unsigned {
  Module = 1 << 0,
  Function = 1 << 1,
  Argument = 1 << 2,
  Result = 1 << 3,
  Call = 1 << 4,
  Weight = 1 << 5,
  AnyOp = 1 << 6,
};

enum class Kind {
  Unit,
  String,
  Word,    ///< a string, one of the row's words
  Number,  ///< i64, not negative
  Strings, ///< array
  Numbers, ///< dictionary: name -> number
  Texts,   ///< dictionary: name -> string
  Bytes,   ///< a resource of i8
  Tables,  ///< dictionary; who reads it says what belongs into it
};

struct Row {
  llvm::StringLiteral name;
  unsigned places;
  Kind kind;
  llvm::StringLiteral words = ""; ///< separated by a comma and a space
};

} // namespace

static constexpr Row kRows[] = {
    // The model.
    {"tq.model_name", Module, Kind::String},
    {"tq.tokenizer", Module, Kind::Bytes},
    {"tq.tokenizer_note", Module, Kind::String},
    {"tq.batch_dim", Module, Kind::String},
    {"tq.dim_limits", Module, Kind::Numbers},
    {"tq.max_tokens", Module, Kind::Number},
    {"tq.labels", Module, Kind::Strings},
    {"tq.label_scores", Module, Kind::Word, "softmax, sigmoid, none"},
    {"tq.prompts", Module, Kind::Texts},
    {"tq.default_prompt", Module, Kind::String},
    // How it is compiled.
    {"tq.phase", Module, Kind::String},
    {"tq.options", Module, Kind::String},
    {"tq.target_cpu", Module, Kind::String},
    {"tq.arena_formula", Module, Kind::String},
    {"tq.program", Module, Kind::Tables},
    // Inputs and outputs.
    {"tq.name", Argument | Result, Kind::String},
    {"tq.dims", Argument | Result, Kind::Strings},
    {"tq.limit", Argument, Kind::Number},
    {"tq.fill", Argument, Kind::Word, "zeros, ones"},
    {"tq.padding", Argument, Kind::Unit},
    // Kernels and their calls.
    {"tq.kernel", Function, Kind::Unit},
    {"tq.kernel_code", Function, Kind::Unit},
    {"tq.out", Argument, Kind::Unit},
    {"tq.column_sums_of", Argument, Kind::Number},
    {"tq.workspace", Argument, Kind::Unit},
    {"tq.layer", Call, Kind::String},
    {"tq.scheme", Call, Kind::String},
    {"tq.reason", AnyOp, Kind::String},
    // Weights.
    {"tq.offset", Weight, Kind::Number},
};

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// The runtime reads C strings.
static bool isString(Attribute value) {
  auto string = dyn_cast<StringAttr>(value);
  return string && !string.getValue().contains('\0');
}

static bool isNumber(Attribute value) {
  auto number = dyn_cast<IntegerAttr>(value);
  return number && number.getType().isSignlessInteger(64) &&
         number.getInt() >= 0;
}

static bool isDictionary(Attribute value, bool (*isValue)(Attribute)) {
  auto dictionary = dyn_cast<DictionaryAttr>(value);
  return dictionary && llvm::all_of(dictionary, [&](NamedAttribute entry) {
           return isString(entry.getName()) && isValue(entry.getValue());
         });
}

static bool isAllowed(const Row &row, Attribute value) {
  switch (row.kind) {
  case Kind::Unit:
    return isa<UnitAttr>(value);
  case Kind::String:
    return isString(value);
  case Kind::Word:
    return isString(value) &&
           llvm::is_contained(llvm::split(row.words, ", "),
                              cast<StringAttr>(value).getValue());
  case Kind::Number:
    return isNumber(value);
  case Kind::Strings: {
    auto array = dyn_cast<ArrayAttr>(value);
    return array && llvm::all_of(array, isString);
  }
  case Kind::Numbers:
    return isDictionary(value, isNumber);
  case Kind::Texts:
    return isDictionary(value, isString);
  case Kind::Bytes: {
    auto resource = dyn_cast<DenseResourceElementsAttr>(value);
    return resource && resource.getType().getRank() == 1 &&
           resource.getType().getElementType().isSignlessInteger(8);
  }
  case Kind::Tables:
    return isa<DictionaryAttr>(value);
  }
  llvm_unreachable("unknown kind of value");
}

static std::string describe(const Row &row) {
  switch (row.kind) {
  case Kind::Unit:
    return "without a value";
  case Kind::String:
    return "a string without a zero byte";
  case Kind::Word:
    return ("one of " + row.words).str();
  case Kind::Number:
    return "an i64 that is not negative";
  case Kind::Strings:
    return "an array of strings without a zero byte";
  case Kind::Numbers:
    return "a dictionary of i64 that are not negative";
  case Kind::Texts:
    return "a dictionary of strings without a zero byte";
  case Kind::Bytes:
    return "dense_resource<...> of a vector of i8";
  case Kind::Tables:
    return "a dictionary";
  }
  llvm_unreachable("unknown kind of value");
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

static std::string listNames(unsigned places) {
  SmallVector<StringRef> names;
  for (const Row &row : kRows)
    if (row.places & places)
      names.push_back(row.name);
  return llvm::join(names, ", ");
}

/// Checks one attribute of `what`, which is at one of `places`.
static LogicalResult verifyAttribute(Operation *op, NamedAttribute attribute,
                                     unsigned places, StringRef what) {
  const Row *row = llvm::find_if(
      kRows, [&](const Row &r) { return r.name == attribute.getName(); });
  if (row == std::end(kRows) || !(row->places & places))
    return op->emitError("expected one of ")
           << listNames(places) << " as an attribute of " << what
           << ", but got " << attribute.getName();
  if (isAllowed(*row, attribute.getValue()))
    return success();
  // One line, however much stands there.
  std::string text;
  llvm::raw_string_ostream(text) << attribute.getValue();
  constexpr size_t maxText = 60;
  if (text.size() > maxText)
    text = text.substr(0, maxText) + "...";
  return op->emitError("expected ")
         << row->name << " to be " << describe(*row) << ", but got " << text;
}

/// The names of dimensions that an argument or result has.
static LogicalResult verifyPort(Operation *op, NamedAttribute attribute,
                                Place place, StringRef what, Type type) {
  if (failed(verifyAttribute(op, attribute, place, what)))
    return failure();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (attribute.getName() != "tq.dims" || !tensor)
    return success();
  auto names = cast<ArrayAttr>(attribute.getValue());
  if (static_cast<int64_t>(names.size()) == tensor.getRank())
    return success();
  return op->emitError("expected tq.dims to name the ")
         << tensor.getRank() << " dimensions of " << what << ", but got "
         << names.size();
}

LogicalResult TQDialect::verifyOperationAttribute(Operation *op,
                                                  NamedAttribute attribute) {
  if (isa<ModuleOp>(op))
    return verifyAttribute(op, attribute, Module, "a module");
  if (isa<FunctionOpInterface>(op))
    return verifyAttribute(op, attribute, Function, "a function");
  if (isa<CallOpInterface>(op))
    return verifyAttribute(op, attribute, Call | AnyOp, "a call");
  if (isa<WeightOp>(op))
    return verifyAttribute(op, attribute, Weight, "a weight");
  return verifyAttribute(op, attribute, AnyOp, "an op");
}

LogicalResult TQDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                  unsigned index,
                                                  NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  Type type = function ? function.getArgumentTypes()[index] : Type();
  return verifyPort(op, attribute, Argument,
                    "argument " + std::to_string(index), type);
}

LogicalResult TQDialect::verifyRegionResultAttribute(Operation *op, unsigned,
                                                     unsigned index,
                                                     NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  Type type = function ? function.getResultTypes()[index] : Type();
  return verifyPort(op, attribute, Result, "result " + std::to_string(index),
                    type);
}
