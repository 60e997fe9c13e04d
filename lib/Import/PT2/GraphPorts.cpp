//===- GraphPorts.cpp - What goes into a graph and comes out --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphBuilder.h"

#include "tq/Runtime/Program.h"
#include "tq/Support/InputError.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Names and types
//===----------------------------------------------------------------------===//

/// A dimension is named after the input and axis where its size is first seen:
/// "input_ids[1]"; equal sizes have one name.
void GraphBuilder::nameDims(PortInfo &port) {
  for (auto [axis, size] : llvm::enumerate(port.shape)) {
    std::string own = port.name + "[" + std::to_string(axis) + "]";
    if (size.getConstant())
      port.dims.push_back("");
    else
      port.dims.push_back(dimNames.try_emplace(size, own).first->second);
  }
}

bool GraphBuilder::describePort(PortInfo &port, StringRef value) {
  std::optional<Call::Result> declared = getDeclared(value);
  if (!declared)
    return false;
  if (declared->shape.size() > TQ_MAX_RANK)
    return fail("'" + printable(port.name) + "': expected at most " +
                Twine(int64_t(TQ_MAX_RANK)) + " dimensions, but got " +
                Twine(declared->shape.size()));
  if (declared->dtype == DType::U8 || declared->dtype == DType::I16)
    return fail("'" + printable(port.name) +
                "': expected floats, bool, int8, int32 or int64 as inputs and "
                "outputs, but got " +
                getName(declared->dtype));
  port.shape = declared->shape;
  SmallVector<int64_t> dims;
  for (const SizeExpr &size : port.shape) {
    std::optional<int64_t> constant = size.getConstant();
    if (size.hasOverflowed() || (constant && *constant < 0))
      return fail("'" + printable(port.name) +
                  "': expected sizes of 0 or more that fit into 64 bits");
    dims.push_back(constant.value_or(ShapedType::kDynamic));
  }
  port.type = RankedTensorType::get(
      dims, getComputeType(model.getOps(), declared->dtype));
  nameDims(port);
  return true;
}

/// Names that nothing else has: those that the file gives, if they suit.
static std::vector<std::string>
chooseNames(const std::vector<std::string> &given,
            std::vector<std::string> others) {
  llvm::StringSet<> seen;
  bool suits = given.size() == others.size() &&
               llvm::all_of(given, [&](const std::string &name) {
                 return !name.empty() && name == printable(name) &&
                        !StringRef(name).contains('=') &&
                        seen.insert(name).second;
               });
  return suits ? given : others;
}

bool GraphBuilder::describePorts() {
  std::vector<std::string> names;
  for (const InputSpec &input : program.inputs)
    if (input.kind == InputSpec::Kind::UserInput) {
      userInputs.push_back(&input);
      names.push_back(printable(input.name));
    }
  // Constant inputs are arguments of forward, too.
  std::vector<std::string> given;
  size_t position = 0;
  for (const InputSpec &input : program.inputs) {
    bool isTensor = input.kind == InputSpec::Kind::UserInput;
    if (!isTensor && input.kind != InputSpec::Kind::ConstantInput)
      continue;
    if (isTensor && position < program.inputNames.size())
      given.push_back(program.inputNames[position]);
    ++position;
  }
  if (position != program.inputNames.size())
    given.clear();
  std::vector<std::string> numbered;
  for (size_t i = 0; i < names.size(); ++i)
    numbered.push_back("input_" + std::to_string(i));
  names = chooseNames(given, chooseNames(names, numbered));
  for (auto [spec, name] : llvm::zip_equal(userInputs, names)) {
    PortInfo &port = inputs.emplace_back();
    port.name = name;
    if (!describePort(port, spec->name))
      return false;
  }
  names.clear();
  for (const OutputSpec &output : program.outputs) {
    if (output.kind == OutputSpec::Kind::Mutation)
      return fail("expected a program that changes nothing but its outputs, "
                  "but it writes to " +
                  output.what);
    using Kind = Argument::Kind;
    if (output.value.kind == Kind::None)
      continue;
    if (output.value.kind != Kind::Tensor)
      return fail("expected outputs that are tensors, but got " +
                  pt2::describe(output.value.kind));
    names.push_back("output_" + std::to_string(names.size()));
  }
  if (names.size() == 1)
    names = {"output"};
  if (names.empty())
    return fail("expected a program with an output, but it has none");
  names = chooseNames(program.outputNames, names);
  for (const OutputSpec &output : program.outputs)
    if (output.value.kind == Argument::Kind::Tensor) {
      PortInfo &port = outputs.emplace_back();
      port.name = names[outputs.size() - 1];
      if (!describePort(port, output.value.text))
        return false;
    }
  return true;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// A dimension 2*s + 1 of an input says what s is, if no other does.
bool GraphBuilder::solve(const SizeExpr &size, Value dim) {
  int64_t factor = 0, rest = 0;
  std::optional<SizeExpr> symbol;
  for (const auto &[numbers, coefficient] : size.getTerms()) {
    if (numbers.empty()) {
      rest = coefficient;
    } else if (numbers.size() == 1 && !symbol && coefficient > 0) {
      symbol = SizeExpr::atom(numbers.front());
      factor = coefficient;
    } else {
      return false;
    }
  }
  using Kind = SizeTable::Kind;
  if (!symbol || sizes.getAtom(*symbol->getAtom()).kind != Kind::Symbol)
    return false;
  if (b->isBound(*symbol))
    return true;
  OpBuilder &ops = b->getSizeOps();
  Location loc = b->getLocation();
  Value constant = arith::ConstantIndexOp::create(ops, loc, rest);
  Value value = arith::SubIOp::create(ops, loc, dim, constant);
  Value divisor = arith::ConstantIndexOp::create(ops, loc, factor);
  b->bind(*symbol, arith::DivSIOp::create(ops, loc, value, divisor));
  return true;
}

bool GraphBuilder::areSymbolsBound(const SizeExpr &size) const {
  auto isBound = [&](unsigned number) {
    const SizeTable::Atom &atom = sizes.getAtom(number);
    if (atom.kind == SizeTable::Kind::Symbol)
      return b->isBound(SizeExpr::atom(number));
    return areSymbolsBound(atom.left) && areSymbolsBound(atom.right);
  };
  return llvm::all_of(size.getTerms(), [&](const auto &term) {
    return llvm::all_of(term.first, isBound);
  });
}

void GraphBuilder::bindSymbols() {
  OpBuilder &ops = b->getSizeOps();
  // Sizes that are symbols first: the others may be made of them.
  SmallVector<std::pair<SizeExpr, Value>> others;
  for (auto [port, argument] : llvm::zip_equal(inputs, function.getArguments()))
    for (auto [axis, size] : llvm::enumerate(port.shape)) {
      if (size.getConstant() || b->isBound(size))
        continue;
      Value dim = tensor::DimOp::create(ops, b->getLocation(), argument, axis);
      std::optional<unsigned> atom = size.getAtom();
      if (atom && sizes.getAtom(*atom).kind == SizeTable::Kind::Symbol)
        b->bind(size, dim);
      else
        others.push_back({size, dim});
    }
  SmallVector<bool> isSolved =
      llvm::map_to_vector(others, [&](const auto &other) {
        return solve(other.first, other.second);
      });
  for (auto [other, solved] : llvm::zip_equal(others, isSolved)) {
    const auto &[size, dim] = other;
    if (solved || areSymbolsBound(size))
      continue;
    if (size.getAtom())
      b->bind(size, dim); // a quotient, say, of what is no size of an input
    else
      fail("expected sizes of inputs from which all symbols follow, but got '" +
           sizes.print(size) + "'");
  }
  for (auto &[size, dim] : others) {
    if (!areSymbolsBound(size))
      continue;
    Value holds =
        arith::CmpIOp::create(ops, b->getLocation(), arith::CmpIPredicate::eq,
                              b->getIndex(size), dim);
    addCheck(holds, dimNames[size] + " to be " + sizes.print(size) +
                        ", as it was exported");
  }
}

void GraphBuilder::addCheck(Value holds, const Twine &message) {
  cf::AssertOp::create(b->getSizeOps(), b->getLocation(), holds,
                       ("the program needs " + message).str());
}

/// The least sizes of the exported ranges. As PyTorch does, sizes of 0 and 1
/// are let through where the range begins at 2: that is where export begins to
/// look.
void GraphBuilder::checkSizes() {
  OpBuilder &ops = b->getSizeOps();
  for (const auto &[name, range] : program.ranges) {
    constexpr int64_t firstLook = 2;
    if (range.min <= firstLook || !llvm::all_of(name, llvm::isAlnum))
      continue;
    SizeExpr symbol = sizes.symbol(name);
    auto known = dimNames.find(symbol);
    if (known == dimNames.end() || !b->isBound(symbol))
      continue;
    Value least =
        arith::ConstantIndexOp::create(ops, b->getLocation(), range.min);
    Value holds =
        arith::CmpIOp::create(ops, b->getLocation(), arith::CmpIPredicate::sge,
                              b->getIndex(symbol), least);
    addCheck(holds, known->second + " to be at least " + Twine(range.min) +
                        ", as it was exported");
  }
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

static Port makePort(StringRef name, RankedTensorType type,
                     ArrayRef<std::string> dims) {
  Port port{name, type, {}};
  for (const std::string &dim : dims)
    port.dims.push_back(dim);
  return port;
}

bool GraphBuilder::createFunction() {
  SmallVector<Port> in, out;
  for (auto [port, spec] : llvm::zip_equal(inputs, userInputs)) {
    in.push_back(makePort(port.name, port.type, port.dims));
    // Exported, but of no consequence.
    if (!lastUse.count(spec->name))
      in.back().fill = program::Fill::Zeros;
  }
  for (PortInfo &port : outputs)
    out.push_back(makePort(port.name, port.type, port.dims));
  function = model.createFunction("main", in, out);
  b = std::make_unique<TensorBuilder>(&function.getBody().front(), sizes);
  b->setLocation(NameLoc::get(StringAttr::get(context, "main")));
  bindSymbols();
  checkSizes();
  if (b->hasFailed())
    return fail(b->takeMessage());
  setModuleAttributes();
  return defineInputs();
}

/// Zero points that are all 0 let a layer run in integers.
static bool isZeroVector(const Weight &weight) {
  return weight.shape.size() == 1 && weight.strides.empty() &&
         llvm::all_of(ArrayRef(weight.data, weight.bytes),
                      [](uint8_t byte) { return byte == 0; });
}

/// Only those that nodes use.
bool GraphBuilder::defineInputs() {
  size_t argument = 0;
  for (const InputSpec &input : program.inputs) {
    if (input.kind == InputSpec::Kind::UserInput) {
      const PortInfo &port = inputs[argument];
      Tensor tensor{function.getArgument(argument++), port.shape,
                    program.tensors.find(input.name)->second.dtype};
      if (!define(input.name, makeStorage(tensor, &input)))
        return false;
      continue;
    }
    if (input.kind == InputSpec::Kind::ConstantInput ||
        !lastUse.count(input.name))
      continue;
    const Weight *weight = archive.lookup(input.target);
    std::optional<Call::Result> declared = getDeclared(input.name);
    if (!declared)
      return false;
    StringRef refusal = archive.getRefusal(input.target);
    if (!weight)
      return fail("expected tensor '" + printable(input.target) +
                  "' among the weights and constants, but " +
                  (refusal.empty() ? "there is none" : refusal));
    Shape shape(weight->shape.begin(), weight->shape.end());
    if (shape != declared->shape ||
        weight->type != getWeightType(declared->dtype))
      return fail("tensor '" + printable(input.target) + "': expected " +
                  getName(declared->dtype) + b->print(declared->shape) +
                  ", as the program says, but got " +
                  getWeightTypeName(weight->type) + formatShape(weight->shape));
    model.getOps().setInsertionPointToEnd(&function.getBody().front());
    Value value = model.read(*weight);
    if (!value || !define(input.name,
                          makeStorage({value, shape, declared->dtype}, &input)))
      return false;
    if (isInteger(declared->dtype) && isZeroVector(*weight))
      b->setZero(value);
  }
  return true;
}

/// Ids that nothing but an embedding reads are checked before the program runs.
void GraphBuilder::limitIds() {
  for (BlockArgument argument : function.getArguments()) {
    int64_t limit = 0;
    for (Operation *user : argument.getUsers())
      if (auto embedding = dyn_cast<EmbeddingOp>(user)) {
        int64_t rows = embedding.getTable().getType().getDimSize(0);
        limit = limit ? std::min(limit, rows) : rows;
      }
    auto port = function.getArgAttrOfType<program::PortAttr>(
        argument.getArgNumber(), program::kPortAttr);
    if (limit > 0)
      function.setArgAttr(
          argument.getArgNumber(), program::kPortAttr,
          program::PortAttr::get(context, port.getName(), port.getDims(), limit,
                                 port.getFill(), port.getPadding()));
  }
}

void GraphBuilder::setModuleAttributes() {
  llvm::StringMap<int64_t> largest;
  for (const auto &[name, range] : program.ranges)
    if (range.max > 0 && range.max <= TQ_MAX_SIZE &&
        llvm::all_of(name, llvm::isAlnum))
      largest[name] = range.max;
  SmallVector<Attribute> symbols;
  llvm::StringSet<> seen;
  for (const PortInfo &port : inputs)
    for (auto [size, dim] : llvm::zip_equal(port.shape, port.dims)) {
      if (dim.empty() || !seen.insert(dim).second)
        continue;
      int64_t max = 0;
      if (std::optional<unsigned> atom = size.getAtom())
        max = largest.lookup(sizes.getAtom(*atom).symbol);
      symbols.push_back(
          program::SymbolAttr::get(context, dim, max, /*batch=*/false));
    }
  module->setAttr(program::kSymbolsAttr, ArrayAttr::get(context, symbols));
}

LogicalResult GraphBuilder::finish() {
  SmallVector<Value> results;
  size_t next = 0;
  for (const OutputSpec &output : program.outputs) {
    if (output.value.kind != Argument::Kind::Tensor)
      continue;
    Tensor tensor = getTensor(output.value.text);
    const PortInfo &port = outputs[next++];
    if (tensor && tensor.value.getType() != port.type) {
      fail("output '" + printable(port.name) + "': expected " +
           b->print(port.shape) + ", but got " + b->print(tensor.shape));
      return failure();
    }
    results.push_back(tensor.value);
  }
  if (b->hasFailed()) {
    fail(b->takeMessage());
    return failure();
  }
  limitIds();
  model.getOps().setInsertionPointToEnd(&function.getBody().front());
  return model.finish("main", results);
}
