//===- GraphBuilder.cpp - A graph of PyTorch as a function ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphBuilder.h"

#include "tq/Support/InputError.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Where a node comes from
//===----------------------------------------------------------------------===//

/// The frames of PyTorch itself say little: every linear is a line of
/// linear.py.
static bool isInsidePyTorch(StringRef file) {
  return file.contains("/torch/") || file.contains("\\torch\\");
}

std::string pt2::getPythonLine(const Node &node) {
  SmallVector<StringRef> lines;
  StringRef(node.stackTrace).split(lines, '\n');
  std::string innermost, own;
  for (StringRef line : lines) {
    line = line.trim();
    unsigned number;
    if (!line.consume_front("File \""))
      continue;
    auto [file, rest] = line.split('"');
    if (!rest.consume_front(", line ") || rest.consumeInteger(10, number))
      continue;
    StringRef name = file.substr(file.find_last_of("/\\") + 1);
    innermost = printable(name) + ":" + std::to_string(number);
    if (!isInsidePyTorch(file))
      own = innermost;
  }
  return own.empty() ? innermost : own;
}

/// Entries are "key,path,class".
StringRef pt2::getModulePath(const Node &node) {
  StringRef last = StringRef(node.moduleStack).rsplit(';').second;
  if (last.empty())
    last = node.moduleStack;
  return last.split(',').second.split(',').first;
}

Location GraphBuilder::getLocation(const Node &node) {
  std::string line = getPythonLine(node);
  StringRef layer = getModulePath(node);
  Location place = UnknownLoc::get(context);
  if (!line.empty()) {
    auto [file, number] = StringRef(line).rsplit(':');
    unsigned row = 0;
    (void)number.getAsInteger(10, row);
    place = FileLineColLoc::get(context, file, row, 0);
  }
  StringRef target = node.target;
  return NameLoc::get(
      StringAttr::get(context, printable(layer.empty() ? target : layer)),
      place);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

GraphBuilder::GraphBuilder(StringRef path, const Program &program,
                           const WeightArchive &archive, bool checkFinite,
                           ModuleOp module)
    : path(path), program(program), archive(archive), module(module),
      context(module.getContext()), model(module, checkFinite) {}

bool GraphBuilder::fail(const Twine &message) {
  model.fail(path, message);
  return false;
}

std::string pt2::describe(const Node &node) {
  std::string text = printable(node.target);
  std::string line = getPythonLine(node),
              layer = printable(getModulePath(node));
  if (!line.empty() || !layer.empty())
    text +=
        " (" + line + (line.empty() || layer.empty() ? "" : " ") + layer + ")";
  return text;
}

bool GraphBuilder::failAt(const Node &node, const Twine &message) {
  return fail(describe(node) + ": " + message);
}

bool GraphBuilder::failHere(const Twine &message) {
  return current < program.nodes.size()
             ? failAt(program.nodes[current], message)
             : fail(message);
}

//===----------------------------------------------------------------------===//
// What is needed
//===----------------------------------------------------------------------===//

static void visitNames(const Argument &argument,
                       llvm::function_ref<void(StringRef)> visit) {
  using Kind = Argument::Kind;
  if (argument.kind == Kind::Tensor || argument.kind == Kind::SymInt ||
      argument.kind == Kind::SymFloat || argument.kind == Kind::SymBool)
    visit(argument.text);
  for (const Argument &item : argument.items)
    visitNames(item, visit);
}

/// An op that changes an argument, or one that only checks something.
static bool hasEffect(const Node &node) {
  StringRef name = StringRef(node.target).rsplit('.').first;
  return node.outputs.empty() || (name.ends_with("_") && !name.ends_with("__"));
}

/// Goes from the outputs backwards.
void GraphBuilder::findUses() {
  llvm::StringSet<> used;
  auto use = [&](StringRef name) { used.insert(name); };
  for (const OutputSpec &output : program.outputs)
    visitNames(output.value, use);
  isLive.resize(program.nodes.size());
  for (size_t i = program.nodes.size(); i-- > 0;) {
    const Node &node = program.nodes[i];
    bool isUsed = hasEffect(node);
    for (const Argument &output : node.outputs)
      visitNames(output,
                 [&](StringRef name) { isUsed |= used.contains(name); });
    isLive[i] = isUsed;
    if (!isUsed)
      continue;
    for (const Node::Input &input : node.inputs)
      visitNames(input.value, [&](StringRef name) {
        used.insert(name);
        lastUse.try_emplace(name, i);
      });
  }
  for (const OutputSpec &output : program.outputs)
    visitNames(output.value,
               [&](StringRef name) { lastUse[name] = program.nodes.size(); });
}

/// One error for all ops that the table lacks.
bool GraphBuilder::checkCoverage() {
  llvm::MapVector<StringRef, SmallVector<const Node *>> missing;
  for (auto [node, live] : llvm::zip_equal(program.nodes, isLive))
    if (live && !findOp(node.target))
      missing[node.target].push_back(&node);
  if (missing.empty())
    return true;
  SmallVector<std::string> parts;
  for (const auto &[target, nodes] : missing) {
    std::string part = describe(*nodes.front());
    if (nodes.size() > 1)
      part += " and " + std::to_string(nodes.size() - 1) + " more";
    parts.push_back(std::move(part));
  }
  return fail("expected ops that tq knows, but got " + llvm::join(parts, ", "));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

std::optional<Shape> GraphBuilder::getShape(const TensorMeta &meta) {
  Shape shape;
  for (const SizeText &size : meta.sizes) {
    std::optional<SizeExpr> expr =
        size.expr.empty() ? SizeExpr(size.value) : sizes.parse(size.expr);
    if (!expr) {
      failHere("expected sizes that are integers or expressions of symbols, "
               "but got '" +
               printable(size.expr) + "'");
      return std::nullopt;
    }
    shape.push_back(*expr);
  }
  return shape;
}

std::optional<Call::Result> GraphBuilder::getDeclared(StringRef name) {
  auto meta = program.tensors.find(name);
  if (meta == program.tensors.end()) {
    failHere("expected the tensor '" + printable(name) +
             "' in tensor_values, but there is none");
    return std::nullopt;
  }
  std::optional<Shape> shape = getShape(meta->second);
  if (!shape)
    return std::nullopt;
  return Call::Result{*shape, meta->second.dtype};
}

bool GraphBuilder::define(StringRef name, GraphValue value) {
  if (values.try_emplace(name, std::move(value)).second)
    return true;
  return failHere("expected each value once, but '" + printable(name) +
                  "' is made twice");
}

GraphBuilder::GraphValue GraphBuilder::makeStorage(Tensor tensor,
                                                   const InputSpec *input) {
  GraphValue value;
  value.storage = storages.size();
  value.tensor = tensor;
  storages.push_back({std::move(tensor), 0, input});
  return value;
}

/// Computes a view anew where its storage has changed.
Tensor GraphBuilder::refresh(GraphValue &value) {
  const Storage &storage = storages[value.storage];
  if (value.version == storage.version)
    return value.tensor;
  Tensor tensor = storage.tensor;
  for (const View &view : value.views)
    tensor = b->hasFailed() ? Tensor() : view.read(tensor);
  value.tensor = tensor;
  value.version = storage.version;
  return tensor;
}

Tensor GraphBuilder::getTensor(StringRef name) {
  auto found = values.find(name);
  if (found == values.end() || found->second.size) {
    failHere("expected a tensor '" + printable(name) +
             "' before it is used, but there is none");
    return {};
  }
  return refresh(found->second);
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

LogicalResult GraphBuilder::build() {
  findUses();
  if (!checkCoverage() || !describePorts() || !createFunction())
    return failure();
  for (current = 0; current < program.nodes.size(); ++current)
    if (isLive[current] && !buildNode(program.nodes[current]))
      return failure();
  return finish();
}
