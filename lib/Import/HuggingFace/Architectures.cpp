//===- Architectures.cpp - What is known of each architecture -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Architectures.h"

#include "Families/Families.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace tq;

static constexpr ArrayRef<Architecture> (*families[])() = {
#define TQ_FAMILY(name) get##name##Architectures,
#include "Families/Families.def"
};

/// The names of transformers; those of a function that has several differ in
/// how it is computed.
static constexpr std::pair<StringLiteral, Activation> activations[] = {
    {"gelu", Activation::Gelu},
    {"gelu_python", Activation::Gelu},
    {"gelu_new", Activation::GeluTanh},
    {"gelu_fast", Activation::GeluTanh},
    {"gelu_accurate", Activation::GeluTanh},
    {"gelu_pytorch_tanh", Activation::GeluTanh},
    {"gelu_python_tanh", Activation::GeluTanh},
    {"quick_gelu", Activation::QuickGelu},
    {"relu", Activation::Relu},
    {"silu", Activation::Silu},
    {"swish", Activation::Silu},
    {"tanh", Activation::Tanh},
    {"sigmoid", Activation::Sigmoid},
    {"linear", Activation::None},
};

template <typename Predicate>
static const Architecture *findIf(Predicate predicate) {
  for (auto getRows : families)
    for (const Architecture &row : getRows())
      if (predicate(row))
        return &row;
  return nullptr;
}

const Architecture *tq::findArchitecture(StringRef name) {
  return findIf([&](const Architecture &row) { return row.name == name; });
}

const Architecture *tq::findBareModel(StringRef modelType) {
  return findIf([&](const Architecture &row) {
    return row.family.modelType == modelType;
  });
}

bool tq::isCompatible(const Architecture &architecture, StringRef modelType) {
  const Architecture *other = findBareModel(modelType);
  const EncoderFamily &family = architecture.family;
  return other && other->family.prefix == family.prefix &&
         &other->family.names == &family.names &&
         &other->family.keys == &family.keys;
}

std::optional<Activation> tq::findActivation(StringRef name) {
  for (const auto &[known, activation] : activations)
    if (known == name)
      return activation;
  return std::nullopt;
}

std::string tq::listActivations() {
  return llvm::join(llvm::make_first_range(activations), ", ");
}

std::string tq::listModelTypes() {
  std::vector<StringRef> types;
  for (auto getRows : families)
    for (const Architecture &row : getRows())
      if (!llvm::is_contained(types, row.family.modelType))
        types.push_back(row.family.modelType);
  return llvm::join(types, ", ");
}

std::vector<StringRef> tq::getSupportedArchitectures() {
  std::vector<StringRef> names;
  for (auto getRows : families)
    for (const Architecture &row : getRows())
      names.push_back(row.name);
  return names;
}
