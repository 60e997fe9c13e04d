//===- GraphNodes.cpp - The nodes of a graph, one by one ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphBuilder.h"

#include "tq/Support/InputError.h"

#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

bool GraphBuilder::bindTensors(const Argument &argument, Call::Value &value) {
  using Kind = Argument::Kind;
  if (argument.kind == Kind::None) {
    value.tensors.emplace_back();
    return true;
  }
  if (argument.kind == Kind::Int || argument.kind == Kind::Bool ||
      argument.kind == Kind::Float) {
    // Where an op takes a tensor, Python also gives it a number.
    bool isReal = argument.kind == Kind::Float;
    value.tensors.push_back(b->constant(
        isReal                        ? DType::F32
        : argument.kind == Kind::Bool ? DType::Bool
                                      : DType::I64,
        isReal ? Scalar(argument.number) : Scalar(argument.integer)));
    return true;
  }
  if (argument.kind == Kind::SymInt) {
    Call::Value number;
    if (!bindInteger(argument, number))
      return false;
    value.tensors.push_back(b->fromSize(number.sizes.front(), DType::I64));
    return true;
  }
  if (argument.kind != Kind::Tensor)
    return false;
  value.tensors.push_back(getTensor(argument.text));
  return static_cast<bool>(value.tensors.back());
}

bool GraphBuilder::bindInteger(const Argument &argument, Call::Value &value) {
  using Kind = Argument::Kind;
  if (argument.kind == Kind::Int || argument.kind == Kind::Bool) {
    value.sizes.emplace_back(argument.integer);
    return true;
  }
  auto found =
      argument.kind == Kind::SymInt ? values.find(argument.text) : values.end();
  if (found == values.end() || !found->second.size)
    return argument.kind == Kind::SymInt &&
           failHere("expected an integer '" + printable(argument.text) +
                    "' before it is used, but there is none");
  value.sizes.push_back(*found->second.size);
  return true;
}

bool GraphBuilder::bindNumber(const Argument &argument, Call::Value &value) {
  using Kind = Argument::Kind;
  if (argument.kind == Kind::Float)
    value.number = argument.number;
  else if (argument.kind == Kind::Int || argument.kind == Kind::Bool)
    value.number = argument.integer;
  else if (argument.kind == Kind::SymInt)
    return bindInteger(argument, value);
  else
    return false;
  return true;
}

/// False where the argument is not of the parameter's kind.
bool GraphBuilder::bindArgument(const Parameter &parameter,
                                const Argument &argument, Call::Value &value) {
  using Kind = Argument::Kind;
  using Expected = Parameter::Kind;
  value.isNone = argument.kind == Kind::None;
  if (value.isNone)
    return parameter.isOptional || parameter.kind == Expected::Ignored;
  auto bindList = [&](auto bindItem) {
    return argument.kind == Kind::List &&
           llvm::all_of(argument.items, bindItem);
  };
  switch (parameter.kind) {
  case Expected::Tensor:
    return bindTensors(argument, value);
  case Expected::Tensors:
    return bindList([&](const Argument &item) {
      return (parameter.hasGaps || item.kind != Kind::None) &&
             bindTensors(item, value);
    });
  case Expected::Int:
    return bindInteger(argument, value);
  case Expected::Ints:
    // Where PyTorch takes a list, it takes a number, too.
    return argument.kind == Kind::List ? bindList([&](const Argument &item) {
      return bindInteger(item, value);
    })
                                       : bindInteger(argument, value);
  case Expected::Float:
  case Expected::Scalar:
    return bindNumber(argument, value);
  case Expected::Bool:
    value.number = argument.integer;
    return argument.kind == Kind::Bool || argument.kind == Kind::Int;
  case Expected::String:
    value.text = argument.text;
    return argument.kind == Kind::String;
  case Expected::DType:
    value.dtype = findDType(argument.integer);
    return argument.kind == Kind::ScalarType && value.dtype.has_value();
  case Expected::Ignored:
    return true;
  }
  llvm_unreachable("covered switch");
}

/// A default as a schema has it.
static Argument parseDefault(StringRef text) {
  using Kind = Argument::Kind;
  Argument argument;
  if (text == "None")
    return argument;
  if (text.consume_front("[")) {
    argument.kind = Kind::List;
    SmallVector<StringRef> items;
    text.drop_back().split(items, ',', -1, /*KeepEmpty=*/false);
    for (StringRef item : items)
      argument.items.push_back(parseDefault(item));
    return argument;
  }
  if (text == "True" || text == "False") {
    argument.kind = Kind::Bool;
    argument.integer = text == "True";
  } else if (!text.getAsInteger(10, argument.integer)) {
    argument.kind = Kind::Int;
  } else if (!text.getAsDouble(argument.number)) {
    argument.kind = Kind::Float;
  } else {
    argument.kind = Kind::String;
    argument.text = text.str();
  }
  return argument;
}

static StringRef describe(Parameter::Kind kind) {
  static constexpr llvm::StringLiteral words[] = {
      "a tensor", "tensors",  "an integer",
      "integers", "a number", "a number",
      "a bool",   "a string", "a dtype that tq computes with",
      ""};
  return words[static_cast<size_t>(kind)];
}

static std::string describe(const Argument &argument) {
  using Kind = Argument::Kind;
  if (argument.kind == Kind::ScalarType)
    return "dtype " + std::to_string(argument.integer);
  if (argument.kind == Kind::Other)
    return printable(argument.text);
  // Numbers and tensors are what most lists are of.
  for (const Argument &item : argument.items)
    if (item.kind != Kind::Tensor && item.kind != Kind::Int)
      return "a list with " + pt2::describe(item.kind).str();
  return pt2::describe(argument.kind).str();
}

bool GraphBuilder::bindArguments(const Node &node, const Op &op, Call &call) {
  llvm::StringMap<const Argument *> given;
  for (auto [i, input] : llvm::enumerate(node.inputs)) {
    bool isKnown = llvm::any_of(op.parameters, [&](const Parameter &parameter) {
      return parameter.name == input.name;
    });
    if (!isKnown)
      return failAt(node, "expected arguments of '" +
                              op.row->schema.split('(').second.drop_back() +
                              "', but got '" + printable(input.name) + "'");
    if (!given.try_emplace(input.name, &input.value).second)
      return failAt(node, "expected each argument once, but got '" +
                              printable(input.name) + "' twice");
  }
  for (const Parameter &parameter : op.parameters) {
    Call::Value &value = call.arguments[parameter.name];
    const Argument *argument = given.lookup(parameter.name);
    if (!argument && !parameter.byDefault)
      return failAt(node, "expected an argument '" + parameter.name +
                              "', but there is none");
    Argument byDefault;
    if (!argument) {
      byDefault = parseDefault(*parameter.byDefault);
      argument = &byDefault;
    }
    if (bindArgument(parameter, *argument, value))
      continue;
    return failAt(node, "argument '" + parameter.name + "': expected " +
                            ::describe(parameter.kind) + ", but got " +
                            ::describe(*argument));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// The names of the tensors that a node gives, those of a list in their order.
static std::vector<StringRef> getResultNames(const Node &node) {
  std::vector<StringRef> names;
  auto add = [&](const Argument &argument) {
    names.push_back(argument.kind == Argument::Kind::Tensor
                        ? StringRef(argument.text)
                        : StringRef());
  };
  for (const Argument &output : node.outputs) {
    if (output.kind == Argument::Kind::List)
      llvm::for_each(output.items, add);
    else
      add(output);
  }
  return names;
}

/// Results that nothing uses need not be in tensor_values; in place, they say
/// what the tensor is that is written to.
bool GraphBuilder::declareResults(const Node &node, const Op &op, Call &call) {
  std::vector<StringRef> names = getResultNames(node);
  if (op.isInPlace && names.size() != 1)
    return failAt(node, "expected one result, but got " + Twine(names.size()));
  for (StringRef name : names) {
    bool isNeeded = op.isInPlace || lastUse.count(name);
    if (!isNeeded && !program.tensors.count(name)) {
      call.declared.emplace_back();
      continue;
    }
    std::optional<Call::Result> declared = getDeclared(name);
    if (!declared)
      return false;
    call.declared.push_back(*declared);
  }
  return true;
}

/// Defines the value `name`, checked against what the file says of it.
bool GraphBuilder::takeTensor(StringRef name, const Tensor &tensor, Call &call,
                              size_t number, StringRef viewed) {
  if (!program.tensors.count(name))
    return !lastUse.count(name) || getDeclared(name);
  const Call::Result &declared = call.declared[number];
  bool fits = tensor.getRank() == int64_t(declared.shape.size()) &&
              tensor.dtype == declared.dtype;
  for (int64_t i = 0; fits && i < tensor.getRank(); ++i)
    fits = TensorBuilder::canBeEqual(tensor.shape[i], declared.shape[i]);
  if (!fits)
    return b->expect(false, "expected a result " + getName(declared.dtype) +
                                b->print(declared.shape) +
                                ", as the file says, but got " +
                                getName(tensor.dtype) + b->print(tensor.shape));
  // Sizes as the file spells them, so that equal ones are equal.
  Tensor result = tensor;
  if (b->getType(declared.shape, declared.dtype) == tensor.value.getType()) {
    for (int64_t i = 0; i < tensor.getRank(); ++i)
      b->requireEqual(tensor.shape[i], declared.shape[i],
                      "size " + Twine(i) + " of " + b->print(tensor.shape) +
                          " to be that of " + b->print(declared.shape) +
                          ", as the file says");
    result.shape = declared.shape;
  }
  if (b->hasFailed())
    return false;
  auto base = values.find(viewed); // none: of a number
  if (call.views.empty() || base == values.end())
    return define(name, makeStorage(result));
  GraphValue value = base->second;
  value.views.push_back(call.views[number]);
  value.views.back().id = ++numViews;
  value.tensor = result;
  return define(name, std::move(value));
}

/// The name of the tensor that argument `parameter` of a node is.
static StringRef getArgumentName(const Node &node, StringRef parameter) {
  for (const Node::Input &input : node.inputs)
    if (input.name == parameter && input.value.kind == Argument::Kind::Tensor)
      return input.value.text;
  return {};
}

bool GraphBuilder::takeResults(const Node &node, const Op &op, Call &call) {
  if (call.sizeResult) {
    if (node.outputs.size() != 1 ||
        node.outputs.front().kind != Argument::Kind::SymInt)
      return failAt(node, "expected an integer as its result");
    GraphValue value;
    value.size = call.sizeResult;
    return define(node.outputs.front().text, std::move(value));
  }
  std::vector<StringRef> names = getResultNames(node);
  if (names.size() > call.results.size())
    return failAt(node, "expected " + Twine(call.results.size()) +
                            " results, but got " + Twine(names.size()));
  if (op.isInPlace) {
    if (call.results.size() != 1 || !call.results.front())
      return failAt(node, "expected an op that can be done in place");
    if (!call.views.empty() &&
        call.results.front().value != call.tensor(call.viewed).value)
      return failAt(node, "expected an op that writes elements in place, but "
                          "it gives the tensor another shape");
    return writeInPlace(node, op, call.results.front());
  }
  StringRef viewed = getArgumentName(node, call.viewed);
  for (auto [i, name] : llvm::enumerate(names)) {
    if (name.empty() || (!call.results[i] && !lastUse.count(name)))
      continue;
    if (!call.results[i])
      return failAt(node, "expected a result '" + printable(name) +
                              "' that nothing reads, as tq does not compute "
                              "it");
    if (!takeTensor(name, call.results[i], call, i, viewed))
      return b->hasFailed() ? failAt(node, b->takeMessage()) : false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Ops in place
//===----------------------------------------------------------------------===//

/// Whether it depends on strides if two tensors of one storage share memory:
/// one of them may be a copy that the other is not a view of.
static bool mayBeApart(ArrayRef<View> a, ArrayRef<View> b) {
  while (!a.empty() && !b.empty() && a.front().id == b.front().id) {
    a = a.drop_front();
    b = b.drop_front();
  }
  auto mayCopy = [](const View &view) { return view.mayCopy; };
  return llvm::any_of(a, mayCopy) || llvm::any_of(b, mayCopy);
}

/// Gives the first argument's storage the value in which the argument is
/// `result`; the node's own result shows it as the argument does.
bool GraphBuilder::writeInPlace(const Node &node, const Op &op,
                                const Tensor &result) {
  StringRef name = getArgumentName(node, op.parameters.front().name);
  auto found = values.find(name);
  if (found == values.end())
    return failAt(node, "expected a tensor to write to");
  GraphValue written = found->second;
  Storage &storage = storages[written.storage];
  if (const InputSpec *input = storage.input) {
    if (input->kind != InputSpec::Kind::UserInput)
      return failAt(node, "expected parameters and buffers that stay as they "
                          "are, but it writes to '" +
                              printable(input->target) + "'");
    emitWarning(atFile(context, path))
        << ::printable(node.target) << " (" << getPythonLine(node)
        << ") writes to the input '" << printable(input->name)
        << "': a program leaves its inputs as they are";
  }
  for (const auto &other : values)
    if (other.first() != name && !other.second.size &&
        other.second.storage == written.storage &&
        lastUse.lookup(other.first()) > current &&
        mayBeApart(written.views, other.second.views))
      return failAt(node, "expected a tensor of its own to write to, but "
                          "whether '" +
                              printable(name) + "' shares memory with '" +
                              printable(other.first()) +
                              "' depends on its strides");
  SmallVector<Tensor> bases{storage.tensor};
  for (const View &view : written.views)
    bases.push_back(b->hasFailed() ? Tensor() : view.read(bases.back()));
  Tensor updated =
      b->cast(b->expand(result, bases.back().shape), bases.back().dtype);
  for (size_t i = written.views.size(); i-- > 0;)
    updated = b->hasFailed() || !updated
                  ? Tensor()
                  : written.views[i].write(bases[i], updated);
  if (b->hasFailed() || !updated)
    return failAt(node, b->takeMessage());
  storage.tensor = updated;
  ++storage.version;
  for (StringRef alias : getResultNames(node))
    if (!alias.empty() && !define(alias, written))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// A node
//===----------------------------------------------------------------------===//

bool GraphBuilder::buildNode(const Node &node) {
  std::optional<Op> op = findOp(node.target);
  Location loc = getLocation(node);
  b->setLocation(loc);
  Call call(*b);
  if (!bindArguments(node, *op, call) || !declareResults(node, *op, call))
    return false;
  op->row->build(call);
  if (b->hasFailed())
    return failAt(node, b->takeMessage());
  return takeResults(node, *op, call);
}
