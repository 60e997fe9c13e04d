//===- OpTable.cpp - What each op of PyTorch is in tq ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace llvm;
using namespace tq;
using namespace tq::pt2;

static Parameter::Kind getKind(StringRef type) {
  using Kind = Parameter::Kind;
  bool isList = type.contains('[');
  StringRef element =
      type.take_until([](char c) { return c == '[' || c == '?'; });
  if (element == "Tensor")
    return isList ? Kind::Tensors : Kind::Tensor;
  if (element == "int" || element == "SymInt")
    return isList ? Kind::Ints : Kind::Int;
  static const struct {
    StringLiteral name;
    Kind kind;
  } others[] = {{"float", Kind::Float},
                {"Scalar", Kind::Scalar},
                {"bool", Kind::Bool},
                {"str", Kind::String},
                {"ScalarType", Kind::DType}};
  for (const auto &other : others)
    if (element == other.name)
      return other.kind;
  return Kind::Ignored;
}

/// "SymInt[1] stride=1" and the like, between the parentheses.
static std::vector<Parameter> parseParameters(StringRef text) {
  std::vector<Parameter> parameters;
  SmallVector<StringRef> parts;
  text.split(parts, ", ", -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    auto [type, rest] = part.split(' ');
    if (rest.empty()) // the star before keyword arguments
      continue;
    auto [name, value] = rest.split('=');
    Parameter parameter{getKind(type), type.ends_with("?"), name.str(), {}, {}};
    if (rest.contains('='))
      parameter.byDefault = value.str();
    parameter.hasGaps = type.contains("?[");
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

static const StringMap<const OpRow *> &getRows() {
  static const StringMap<const OpRow *> rows = [] {
    StringMap<const OpRow *> all;
    for (ArrayRef<OpRow> family :
         {getElementwiseOps(), getViewOps(), getCreationOps(),
          getReductionOps(), getIndexingOps(), getLayerOps(), getSizeOps(),
          getQuantizedOps()})
      for (const OpRow &row : family) {
        bool isNew =
            all.try_emplace(
                   row.schema.take_until([](char c) { return c == '('; }), &row)
                .second;
        assert(isNew && "two rows for one op");
        (void)isNew;
      }
    return all;
  }();
  return rows;
}

std::optional<Op> pt2::findOp(StringRef target) {
  target.consume_front("torch.ops.");
  const StringMap<const OpRow *> &rows = getRows();
  auto found = rows.find(target);
  bool isInPlace = false;
  if (found == rows.end()) {
    // "aten.add_.Tensor" writes what "aten.add.Tensor" computes.
    auto [name, overload] = target.rsplit('.');
    if (name.ends_with("__") || !name.consume_back("_"))
      return std::nullopt;
    found = rows.find((name + "." + overload).str());
    isInPlace = true;
  }
  if (found == rows.end())
    return std::nullopt;
  StringRef schema = found->second->schema;
  StringRef parameters = schema.drop_front(schema.find('(') + 1).drop_back(1);
  return Op{found->second, parseParameters(parameters), isInPlace};
}
