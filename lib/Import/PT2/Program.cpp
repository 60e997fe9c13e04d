//===- Program.cpp - What torch.export writes of a program ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program.h"

#include "tq/Support/InputError.h"
#include "tq/Support/JSONFile.h"
#include "tq/Support/ObjectReader.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace tq;
using namespace tq::pt2;

using Kind = Argument::Kind;

StringRef pt2::describe(Kind kind) {
  switch (kind) {
  case Kind::None:
    return "None";
  case Kind::Tensor:
    return "a tensor";
  case Kind::SymInt:
  case Kind::Int:
    return "an integer";
  case Kind::Float:
    return "a float";
  case Kind::SymFloat:
    return "a float that is computed";
  case Kind::Bool:
    return "a bool";
  case Kind::SymBool:
    return "a bool that is computed";
  case Kind::String:
    return "a string";
  case Kind::ScalarType:
    return "a dtype";
  case Kind::Ignored:
    return "a layout, device or memory format";
  case Kind::List:
    return "a list";
  case Kind::Other:
    return "an argument of another kind";
  }
  llvm_unreachable("covered switch");
}

//===----------------------------------------------------------------------===//
// Reading, as far as the first error
//===----------------------------------------------------------------------===//

namespace {

class ProgramReader {
public:
  explicit ProgramReader(StringRef path) : path(path) {}

  Expected<Program> read(const json::Object &root);
  TensorMeta readTensor(const json::Object &object, const Twine &where);
  Error takeError() {
    return message.empty() ? Error::success() : makeFileError(path, message);
  }

private:
  void fail(const Twine &where, const Twine &what, const json::Value *found) {
    if (message.empty())
      message = ("'" + printable(where.str()) + "': expected " + what +
                 ", but got " + (found ? printableJSON(*found) : "nothing"))
                    .str();
  }
  const json::Object *getObject(const json::Value *value, const Twine &where);
  const json::Array *getArray(const json::Value *value, const Twine &where);
  std::string getString(const json::Value *value, const Twine &where);
  int64_t getInteger(const json::Value *value, const Twine &where);
  double getNumber(const json::Value *value, const Twine &where);

  SizeText readSize(const json::Value &value, const Twine &where);
  Argument readArgument(const json::Value *value, const Twine &where);
  Argument readUnion(StringRef kind, const json::Value &value,
                     const Twine &where);
  Argument readName(Kind kind, const json::Value *value, const Twine &where);
  Argument readList(const json::Value &value, const Twine &where,
                    function_ref<Argument(const json::Value &)> readItem);
  Node readNode(const json::Object &object, const std::string &where);
  void readGraph(const json::Object &graph, Program &program);
  void readSignature(const json::Object &signature, Program &program);
  void readInputSpec(const json::Value &value, const std::string &where,
                     Program &program);
  void readOutputSpec(const json::Value &value, const std::string &where,
                      Program &program);
  void readNames(const json::Object &graphModule, Program &program);
  void readRanges(const json::Object &root, Program &program);
  void checkVersion(const json::Object &root);

  StringRef path;
  std::string message;
};

} // namespace

const json::Object *ProgramReader::getObject(const json::Value *value,
                                             const Twine &where) {
  const json::Object *object = value ? value->getAsObject() : nullptr;
  if (!object)
    fail(where, "an object", value);
  return object;
}

const json::Array *ProgramReader::getArray(const json::Value *value,
                                           const Twine &where) {
  const json::Array *array = value ? value->getAsArray() : nullptr;
  if (!array)
    fail(where, "an array", value);
  return array;
}

std::string ProgramReader::getString(const json::Value *value,
                                     const Twine &where) {
  std::optional<StringRef> text = value ? value->getAsString() : std::nullopt;
  if (!text)
    fail(where, "a string", value);
  return text.value_or("").str();
}

int64_t ProgramReader::getInteger(const json::Value *value,
                                  const Twine &where) {
  std::optional<int64_t> number = value ? value->getAsInteger() : std::nullopt;
  if (!number)
    fail(where, "an integer of 64 bits", value);
  return number.value_or(0);
}

/// JSON has no infinity: files have "-Infinity", a string.
double ProgramReader::getNumber(const json::Value *value, const Twine &where) {
  if (std::optional<double> number =
          value ? value->getAsNumber() : std::nullopt)
    return *number;
  StringRef word = value ? value->getAsString().value_or("") : "";
  if (word == "NaN")
    return std::numeric_limits<double>::quiet_NaN();
  double sign = word.consume_front("-") ? -1 : 1;
  if (word != "Infinity")
    fail(where, "a number", value);
  return sign * std::numeric_limits<double>::infinity();
}

//===----------------------------------------------------------------------===//
// Tensors and arguments
//===----------------------------------------------------------------------===//

SizeText ProgramReader::readSize(const json::Value &value, const Twine &where) {
  const json::Object *object = getObject(&value, where);
  if (!object)
    return {};
  if (const json::Value *number = object->get("as_int"))
    return {getInteger(number, where), ""};
  const json::Object *expr = getObject(object->get("as_expr"), where);
  return expr ? SizeText{0, getString(expr->get("expr_str"), where)}
              : SizeText();
}

TensorMeta ProgramReader::readTensor(const json::Object &object,
                                     const Twine &where) {
  TensorMeta tensor;
  int64_t number = getInteger(object.get("dtype"), where + ".dtype");
  std::optional<DType> dtype = findDType(number);
  if (!dtype)
    fail(where + ".dtype",
         "bool, an integer or a float of at most 64 bits (1 to 8, 12, 13)",
         object.get("dtype"));
  tensor.dtype = dtype.value_or(DType::F32);
  if (const json::Value *layout = object.get("layout");
      layout && layout->getAsInteger() != 7)
    fail(where + ".layout", "strided tensors (7)", layout);
  if (const json::Array *sizes =
          getArray(object.get("sizes"), where + ".sizes"))
    for (const json::Value &size : *sizes)
      tensor.sizes.push_back(readSize(size, where + ".sizes"));
  if (const json::Array *strides = object.getArray("strides"))
    for (const json::Value &stride : *strides)
      tensor.strides.push_back(readSize(stride, where + ".strides").value);
  if (const json::Value *offset = object.get("storage_offset"))
    tensor.storageOffset = readSize(*offset, where + ".storage_offset").value;
  return tensor;
}

Argument ProgramReader::readName(Kind kind, const json::Value *value,
                                 const Twine &where) {
  Argument argument;
  argument.kind = kind;
  if (const json::Object *object = getObject(value, where))
    argument.text = getString(object->get("name"), where + ".name");
  return argument;
}

Argument
ProgramReader::readList(const json::Value &value, const Twine &where,
                        function_ref<Argument(const json::Value &)> readItem) {
  Argument argument;
  argument.kind = Kind::List;
  if (const json::Array *array = getArray(&value, where))
    for (const json::Value &item : *array)
      argument.items.push_back(readItem(item));
  return argument;
}

Argument ProgramReader::readUnion(StringRef kind, const json::Value &value,
                                  const Twine &where) {
  Argument argument;
  auto isA = [&](StringRef name, Kind found) {
    if (kind == name)
      argument.kind = found;
    return kind == name;
  };
  // Symbols by name, or the number that became of them.
  auto readSymbol = [&](Kind symbol, StringRef constant,
                        const json::Value &value) {
    const json::Object *object = getObject(&value, where);
    if (!object)
      return argument;
    if (const json::Value *name = object->get("as_name")) {
      argument.kind = symbol;
      argument.text = getString(name, where);
      return argument;
    }
    const json::Value *number = object->get(constant);
    if (!number)
      fail(where, "as_name or " + constant, &value);
    return number ? readUnion(constant, *number, where) : argument;
  };
  auto readItems = [&](StringRef item) {
    return readList(value, where, [&, item](const json::Value &value) {
      return readUnion(item, value, where);
    });
  };
  if (kind == "as_none")
    return argument;
  if (kind == "as_tensor")
    return readName(Kind::Tensor, &value, where);
  if (kind == "as_tensors" || kind == "as_ints" || kind == "as_floats" ||
      kind == "as_bools" || kind == "as_sym_ints" || kind == "as_sym_floats" ||
      kind == "as_strings")
    return readItems(kind.drop_back());
  if (kind == "as_optional_tensors")
    return readList(value, where, [&](const json::Value &item) {
      return readArgument(&item, where);
    });
  if (isA("as_int", Kind::Int))
    argument.integer = getInteger(&value, where);
  else if (isA("as_float", Kind::Float))
    argument.number = getNumber(&value, where);
  else if (isA("as_string", Kind::String))
    argument.text = getString(&value, where);
  else if (isA("as_scalar_type", Kind::ScalarType))
    argument.integer = getInteger(&value, where);
  else if (isA("as_bool", Kind::Bool)) {
    if (!value.getAsBoolean())
      fail(where, "true or false", &value);
    argument.integer = value.getAsBoolean().value_or(false);
  } else if (isA("as_layout", Kind::Ignored) ||
             isA("as_memory_format", Kind::Ignored) ||
             isA("as_device", Kind::Ignored)) {
    return argument;
  } else if (kind == "as_sym_int") {
    return readSymbol(Kind::SymInt, "as_int", value);
  } else if (kind == "as_sym_float") {
    return readSymbol(Kind::SymFloat, "as_float", value);
  } else if (kind == "as_sym_bool") {
    return readSymbol(Kind::SymBool, "as_bool", value);
  } else {
    argument.kind = Kind::Other;
    argument.text = kind.str();
  }
  return argument;
}

/// An object with one key, which is its kind.
Argument ProgramReader::readArgument(const json::Value *value,
                                     const Twine &where) {
  const json::Object *object = getObject(value, where);
  if (!object)
    return {};
  if (object->size() != 1) {
    fail(where, "an object with one key", value);
    return {};
  }
  const auto &[kind, inner] = *object->begin();
  return readUnion(kind, inner, where);
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

Node ProgramReader::readNode(const json::Object &object,
                             const std::string &where) {
  Node node;
  node.target = getString(object.get("target"), where + ".target");
  if (const json::Array *inputs =
          getArray(object.get("inputs"), where + ".inputs"))
    for (const json::Value &value : *inputs)
      if (const json::Object *input = getObject(&value, where + ".inputs"))
        node.inputs.push_back(
            {getString(input->get("name"), where + ".inputs.name"),
             readArgument(input->get("arg"), where + ".inputs.arg")});
  if (const json::Array *outputs =
          getArray(object.get("outputs"), where + ".outputs"))
    for (const json::Value &value : *outputs)
      node.outputs.push_back(readArgument(&value, where + ".outputs"));
  if (const json::Object *metadata = object.getObject("metadata")) {
    node.stackTrace = metadata->getString("stack_trace").value_or("").str();
    node.moduleStack =
        metadata->getString("nn_module_stack").value_or("").str();
  }
  return node;
}

void ProgramReader::readGraph(const json::Object &graph, Program &program) {
  if (const json::Object *tensors =
          getObject(graph.get("tensor_values"), "graph.tensor_values"))
    for (const auto &[name, value] : *tensors) {
      std::string where = "graph.tensor_values." + name.str();
      if (const json::Object *tensor = getObject(&value, where))
        program.tensors[name] = readTensor(*tensor, where);
    }
  const json::Array *nodes = getArray(graph.get("nodes"), "graph.nodes");
  for (size_t i = 0; nodes && i < nodes->size() && message.empty(); ++i) {
    std::string where = "graph.nodes[" + std::to_string(i) + "]";
    if (const json::Object *node = getObject(&(*nodes)[i], where))
      program.nodes.push_back(readNode(*node, where));
  }
}

void ProgramReader::readInputSpec(const json::Value &value,
                                  const std::string &where, Program &program) {
  const json::Object *object = getObject(&value, where);
  if (!object || object->size() != 1)
    return fail(where, "an object with one key", &value);
  const auto &[kind, inner] = *object->begin();
  const json::Object *spec = getObject(&inner, where);
  if (!spec)
    return;
  static const struct {
    StringLiteral kind, key;
    InputSpec::Kind result;
  } weights[] = {
      {"parameter", "parameter_name", InputSpec::Kind::Weight},
      {"buffer", "buffer_name", InputSpec::Kind::Buffer},
      {"tensor_constant", "tensor_constant_name", InputSpec::Kind::Weight}};
  for (const auto &weight : weights)
    if (StringRef(kind) == weight.kind) {
      Argument name = readName(Kind::Tensor, spec->get("arg"), where + ".arg");
      program.inputs.push_back({weight.result,
                                name.text,
                                getString(spec->get(weight.key), where),
                                {}});
      return;
    }
  if (kind == "user_input") {
    Argument value = readArgument(spec->get("arg"), where + ".arg");
    if (value.kind != Kind::Tensor)
      return fail(where, "inputs of forward that are tensors", &inner);
    program.inputs.push_back({InputSpec::Kind::UserInput, value.text, "", {}});
  } else if (kind == "constant_input") {
    program.inputs.push_back({InputSpec::Kind::ConstantInput,
                              getString(spec->get("name"), where + ".name"), "",
                              readArgument(spec->get("value"), where)});
  } else {
    fail(where, "a parameter, buffer, constant or input of forward", &value);
  }
}

void ProgramReader::readOutputSpec(const json::Value &value,
                                   const std::string &where, Program &program) {
  const json::Object *object = getObject(&value, where);
  if (!object || object->size() != 1)
    return fail(where, "an object with one key", &value);
  const auto &[kind, inner] = *object->begin();
  const json::Object *spec = getObject(&inner, where);
  if (!spec)
    return;
  if (kind == "user_output") {
    program.outputs.push_back({OutputSpec::Kind::UserOutput,
                               readArgument(spec->get("arg"), where), ""});
    return;
  }
  StringRef word(kind);
  if (!word.consume_back("_mutation"))
    return fail(where, "an output of forward or a mutation", &value);
  word.consume_front("user_");
  for (const auto &[key, target] : *spec)
    if (StringRef(key).ends_with("_name"))
      program.outputs.push_back(
          {OutputSpec::Kind::Mutation,
           {},
           (word + " '" + printable(getString(&target, where)) + "'").str()});
}

void ProgramReader::readSignature(const json::Object &signature,
                                  Program &program) {
  const json::Array *inputs =
      getArray(signature.get("input_specs"), "signature.input_specs");
  for (size_t i = 0; inputs && i < inputs->size(); ++i)
    readInputSpec((*inputs)[i],
                  "signature.input_specs[" + std::to_string(i) + "]", program);
  const json::Array *outputs =
      getArray(signature.get("output_specs"), "signature.output_specs");
  for (size_t i = 0; outputs && i < outputs->size(); ++i)
    readOutputSpec((*outputs)[i],
                   "signature.output_specs[" + std::to_string(i) + "]",
                   program);
}

/// Keys of the results, where they are a dictionary: `out_spec` is JSON text,
/// [1, {"type", "context", "children_spec"}], and `context` JSON text in it.
static std::vector<std::string> readOutputKeys(StringRef outSpec) {
  std::vector<std::string> keys;
  auto discard = [](Error error) { consumeError(std::move(error)); };
  Expected<json::Value> spec = parseJSON("", outSpec);
  if (!spec) {
    discard(spec.takeError());
    return keys;
  }
  const json::Array *pair = spec->getAsArray();
  const json::Object *tree =
      pair && pair->size() == 2 ? (*pair)[1].getAsObject() : nullptr;
  const json::Array *children =
      tree ? tree->getArray("children_spec") : nullptr;
  std::optional<StringRef> context =
      tree ? tree->getString("context") : std::nullopt;
  if (!children || !context)
    return keys;
  Expected<json::Value> list = parseJSON("", *context);
  if (!list) {
    discard(list.takeError());
    return keys;
  }
  const json::Array *names = list->getAsArray();
  // A key whose value is a tuple stands for several outputs.
  bool areLeaves = all_of(*children, [](const json::Value &child) {
    const json::Object *object = child.getAsObject();
    return object && object->get("type") && object->get("type")->getAsNull();
  });
  if (!names || names->size() != children->size() || !areLeaves)
    return keys;
  for (const json::Value &name : *names)
    keys.push_back(name.getAsString().value_or("").str());
  return keys;
}

void ProgramReader::readNames(const json::Object &graphModule,
                              Program &program) {
  const json::Array *calls = graphModule.getArray("module_call_graph");
  const json::Object *call =
      calls && !calls->empty() ? calls->front().getAsObject() : nullptr;
  const json::Object *signature = call ? call->getObject("signature") : nullptr;
  if (!signature)
    return;
  if (const json::Array *names = signature->getArray("forward_arg_names"))
    for (const json::Value &name : *names)
      program.inputNames.push_back(name.getAsString().value_or("").str());
  program.outputNames =
      readOutputKeys(signature->getString("out_spec").value_or(""));
}

void ProgramReader::readRanges(const json::Object &root, Program &program) {
  const json::Object *ranges = root.getObject("range_constraints");
  if (!ranges)
    return;
  for (const auto &[name, value] : *ranges) {
    std::string where = "range_constraints." + name.str();
    const json::Object *range = getObject(&value, where);
    if (!range)
      continue;
    auto bound = [&](StringRef key) {
      const json::Value *found = range->get(key);
      return found && !found->getAsNull() ? getInteger(found, where) : 0;
    };
    Range limits{bound("min_val"), bound("max_val")};
    if (limits.max > 0 && limits.min > limits.max)
      fail(where, "a minimum that is not above the maximum", &value);
    program.ranges.emplace_back(name.str(), limits);
  }
  llvm::sort(program.ranges, llvm::less_first());
}

void ProgramReader::checkVersion(const json::Object &root) {
  constexpr int64_t version = 8;
  const json::Object *found =
      getObject(root.get("schema_version"), "schema_version");
  if (found && found->getInteger("major") != version)
    fail("schema_version.major",
         Twine(version) +
             ", which torch.export of PyTorch 2.7 and later writes",
         found->get("major"));
}

Expected<Program> ProgramReader::read(const json::Object &root) {
  Program program;
  checkVersion(root);
  const json::Object *graphModule =
      getObject(root.get("graph_module"), "graph_module");
  const json::Object *graph =
      graphModule ? getObject(graphModule->get("graph"), "graph_module.graph")
                  : nullptr;
  const json::Object *signature =
      graphModule
          ? getObject(graphModule->get("signature"), "graph_module.signature")
          : nullptr;
  if (graph && signature) {
    readGraph(*graph, program);
    readSignature(*signature, program);
    readNames(*graphModule, program);
    readRanges(root, program);
  }
  if (Error error = takeError())
    return error;
  return program;
}

Expected<TensorMeta> pt2::readTensorMeta(StringRef path,
                                         const json::Object &object,
                                         const Twine &where) {
  ProgramReader reader(path);
  TensorMeta tensor = reader.readTensor(object, where);
  if (Error error = reader.takeError())
    return error;
  return tensor;
}

Expected<Program> pt2::readProgram(StringRef path, StringRef text) {
  Expected<json::Object> root = parseJSONObject(path, text);
  if (!root)
    return root.takeError();
  return ProgramReader(path).read(*root);
}
