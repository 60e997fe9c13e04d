//===- ProgramDialect.cpp - The dialect, and attributes on other ops ------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An attribute `program.NAME` that nobody reads would change a program without
// a word: what may stand where, with which values, is in one table.
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/IR/Program.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

#include "tq/Dialect/Program/IR/ProgramDialect.cpp.inc"
#include "tq/Dialect/Program/IR/ProgramEnums.cpp.inc"
#include "tq/Dialect/Program/IR/ProgramInterfaces.cpp.inc"

void ProgramDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "tq/Dialect/Program/IR/ProgramOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

template <typename Kind>
static bool isA(Attribute value) {
  return isa<Kind>(value);
}

/// The runtime reads C strings.
static bool isText(Attribute value) {
  auto text = dyn_cast<StringAttr>(value);
  return text && !text.getValue().contains('\0');
}

static bool isNumber(Attribute value) {
  auto number = dyn_cast<IntegerAttr>(value);
  return number && number.getType().isSignlessInteger(64) &&
         number.getInt() >= 0;
}

static bool isTexts(Attribute value) {
  auto texts = dyn_cast<DictionaryAttr>(value);
  return texts && llvm::all_of(texts, [](NamedAttribute entry) {
           return isText(entry.getName()) && isText(entry.getValue());
         });
}

static bool isBytes(Attribute value) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  return resource && resource.getType().getRank() == 1 &&
         resource.getType().getElementType().isSignlessInteger(8);
}

/// Names of their own, and at most one batch.
static bool isSymbols(Attribute value) {
  auto symbols = dyn_cast<ArrayAttr>(value);
  llvm::StringSet<> names;
  int batches = 0;
  return symbols && llvm::all_of(symbols, [&](Attribute entry) {
           auto symbol = dyn_cast<SymbolAttr>(entry);
           return symbol && names.insert(symbol.getName()).second &&
                  (batches += symbol.getBatch()) <= 1;
         });
}

static bool isTargets(Attribute value) {
  auto targets = dyn_cast<ArrayAttr>(value);
  return targets && llvm::all_of(targets, llvm::IsaPred<TargetAttr>);
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

namespace {

enum Place : unsigned {
  Module = 1 << 0,
  Argument = 1 << 1,
  Result = 1 << 2,
  AnyOp = 1 << 3,
};

struct Row {
  llvm::StringLiteral name;
  unsigned places;
  bool (*isAllowed)(Attribute);
  llvm::StringLiteral description;
};

} // namespace

static constexpr llvm::StringLiteral kText = "a string without a zero byte";
static constexpr llvm::StringLiteral kNumber = "an i64 that is not negative";

static constexpr Row kRows[] = {
    {kNameAttr, Module, isText, kText},
    {kSymbolsAttr, Module, isSymbols,
     "an array of #program.symbol, each with a name of its own and at most one "
     "the batch"},
    {kLabelsAttr, Module, isA<LabelsAttr>, "#program.labels<...>"},
    {kTokenizerAttr, Module, isBytes, "dense_resource<...> of a vector of i8"},
    {kTokenizerNoteAttr, Module, isText, kText},
    {kMaxTokensAttr, Module, isNumber, kNumber},
    {kPromptsAttr, Module, isTexts,
     "a dictionary of strings without a zero byte"},
    {kDefaultPromptAttr, Module, isText, kText},
    {kPhaseAttr, Module, isText, kText},
    {kOptionsAttr, Module, isText, kText},
    {kTargetAttr, Module, isA<TargetAttr>, "#program.target<...>"},
    {kTargetsAttr, Module, isTargets, "an array of #program.target"},
    {kPortAttr, Argument | Result, isA<PortAttr>, "#program.port<...>"},
    {kWeightAttr, Argument, isA<UnitAttr>, "without a value"},
    {kColumnSumsOfAttr, Argument, isNumber, kNumber},
    {kReasonAttr, AnyOp, isText, kText},
};

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
  if (row->isAllowed(attribute.getValue()))
    return success();
  // One line, however much stands there.
  std::string text;
  llvm::raw_string_ostream(text) << attribute.getValue();
  constexpr size_t maxText = 60;
  if (text.size() > maxText)
    text = text.substr(0, maxText) + "...";
  return op->emitError("expected ")
         << row->name << " to be " << row->description << ", but got " << text;
}

/// A port names as many dimensions as its tensor has, and has a name that none
/// before it has. `all` has the attributes of all arguments, or results.
static LogicalResult verifyPort(Operation *op, NamedAttribute attribute,
                                const Twine &what, Type type, ArrayAttr all,
                                unsigned index) {
  auto port = dyn_cast<PortAttr>(attribute.getValue());
  if (!port)
    return success();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (tensor && static_cast<int64_t>(port.getDims().size()) != tensor.getRank())
    return op->emitError("expected the port to name the ")
           << tensor.getRank() << " dimensions of " << what << ", but got "
           << port.getDims().size();
  for (Attribute before : all.getValue().take_front(index))
    if (auto other = dyn_cast_or_null<PortAttr>(
            cast<DictionaryAttr>(before).get(kPortAttr));
        other && other.getName() == port.getName())
      return op->emitError("expected a name of its own for ")
             << what << ", but got '" << port.getName() << "' twice";
  return success();
}

LogicalResult
ProgramDialect::verifyOperationAttribute(Operation *op,
                                         NamedAttribute attribute) {
  if (isa<ModuleOp>(op))
    return verifyAttribute(op, attribute, Module, "a module");
  return verifyAttribute(op, attribute, AnyOp, "an op");
}

LogicalResult ProgramDialect::verifyRegionArgAttribute(
    Operation *op, unsigned, unsigned index, NamedAttribute attribute) {
  std::string what = "argument " + std::to_string(index);
  if (failed(verifyAttribute(op, attribute, Argument, what)))
    return failure();
  auto function = dyn_cast<FunctionOpInterface>(op);
  return function ? verifyPort(function, attribute, what,
                               function.getArgumentTypes()[index],
                               function.getAllArgAttrs(), index)
                  : success();
}

LogicalResult ProgramDialect::verifyRegionResultAttribute(
    Operation *op, unsigned, unsigned index, NamedAttribute attribute) {
  std::string what = "result " + std::to_string(index);
  if (failed(verifyAttribute(op, attribute, Result, what)))
    return failure();
  auto function = dyn_cast<FunctionOpInterface>(op);
  return function ? verifyPort(function, attribute, what,
                               function.getResultTypes()[index],
                               function.getAllResultAttrs(), index)
                  : success();
}

//===----------------------------------------------------------------------===//
// Common questions
//===----------------------------------------------------------------------===//

unsigned program::countSizes(TypeRange types) {
  unsigned count = 0;
  for (Type type : types)
    if (auto shaped = dyn_cast<ShapedType>(type))
      count += shaped.getNumDynamicDims();
    else
      count += type.isIndex();
  return count;
}

Value program::roundToBuffer(OpBuilder &builder, Location loc, Value bytes) {
  Value line = arith::ConstantIndexOp::create(builder, loc, kBufferAlignment);
  Value lines = builder.createOrFold<arith::CeilDivUIOp>(loc, bytes, line);
  return builder.createOrFold<arith::MulIOp>(loc, lines, line);
}

FailureOr<SmallVector<func::FuncOp>> program::findEntries(ModuleOp module) {
  SmallVector<func::FuncOp> entries;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isPrivate())
      continue;
    if (!function.getBody().hasOneBlock())
      return function.emitError("expected a function of one block, but found ")
             << function.getBody().getBlocks().size() << " in @"
             << function.getName();
    entries.push_back(function);
  }
  if (entries.empty())
    return module.emitError("expected a public function, but found none");
  return entries;
}

StringAttr program::getDimName(func::FuncOp function, unsigned argument,
                               unsigned dim) {
  auto port = function.getArgAttrOfType<PortAttr>(argument, kPortAttr);
  if (!port || dim >= port.getDims().size() || port.getDims()[dim].empty())
    return {};
  return port.getDims()[dim];
}

SymbolAttr program::findBatch(ModuleOp module) {
  auto symbols = module->getAttrOfType<ArrayAttr>(kSymbolsAttr);
  for (Attribute entry : symbols ? symbols.getValue() : ArrayRef<Attribute>())
    if (auto symbol = dyn_cast<SymbolAttr>(entry); symbol && symbol.getBatch())
      return symbol;
  return {};
}
