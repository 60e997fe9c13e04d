//===- KernelNames.cpp - One function for equal kernels -------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelNames.h"

#include "EntryOps.h"
#include "tq/Dialect/TQ/IR/TQOpKinds.h"

#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// How much an op says of what its kernel is for.
static int weightOf(Operation *op) {
  if (isContraction(op) || isa<AttentionOpInterface>(op))
    return 3;
  if (isa<LayerNormOp, RmsNormOp, SoftmaxOp>(op))
    return 2;
  return getLayerName(op->getLoc()).empty() ? 0 : 1;
}

Operation *program::findRoot(const KernelGroup &group) {
  Operation *root = group.ops.front();
  for (Operation *op : group.ops)
    if (weightOf(op) > weightOf(root))
      root = op;
  return root;
}

/// The op's name without its dialect.
static std::string shortName(Operation *op) {
  std::string name = op->getName().stripDialect().str();
  llvm::replace(name, '.', '_');
  return name;
}

static std::string sizeName(int64_t size) {
  return ShapedType::isDynamic(size) ? "d" : std::to_string(size);
}

static int64_t lastSize(Value value) {
  auto shape = cast<RankedTensorType>(value.getType()).getShape();
  return shape.empty() ? 1 : shape.back();
}

/// Inputs and outputs of a contraction, heads of an attention, else the row.
static std::string sizesOf(Operation *op) {
  if (isContraction(op))
    return sizeName(lastSize(op->getOperand(0))) + "x" +
           sizeName(lastSize(op->getResult(0)));
  if (auto attention = dyn_cast<AttentionOpInterface>(op))
    return std::to_string(attention.getNumHeads()) + "x" +
           std::to_string(attention.getHeadSize());
  return sizeName(lastSize(op->getResult(0)));
}

/// What the attributes of an op add to its name.
static void appendVariant(Operation *op, SmallVectorImpl<std::string> &parts) {
  if (auto linear = dyn_cast<EpilogueOpInterface>(op)) {
    if (linear.getActivation() != Activation::None)
      parts.push_back(stringifyActivation(linear.getActivation()).str());
    if (!linear.getResidualMutable().empty())
      parts.push_back("residual");
  }
  if (auto attention = dyn_cast<AttentionOpInterface>(op)) {
    if (attention.getCausal())
      parts.push_back("causal");
    if (std::optional<uint64_t> window = attention.getWindow())
      parts.push_back("window" + std::to_string(*window));
    if (attention.getPrecision() != Precision::F32 &&
        !isa<StaticAttentionOp>(op))
      parts.push_back(stringifyPrecision(attention.getPrecision()).str());
  }
}

std::string program::describe(const KernelGroup &group) {
  SmallVector<std::string> parts;
  auto append = [&](Operation *op) {
    std::string name = shortName(op);
    if (!llvm::is_contained(parts, name))
      parts.push_back(name);
  };
  if (group.kind == KernelGroup::Kind::Rows) {
    llvm::for_each(group.ops, append);
    parts.push_back(sizesOf(group.ops.front()));
    return llvm::join(parts, "_");
  }
  Operation *root = group.ops.front();
  append(root);
  parts.push_back(sizesOf(root));
  appendVariant(root, parts);
  llvm::for_each(ArrayRef(group.ops).drop_front(), append);
  return llvm::join(parts, "_");
}

StringRef program::schemeOf(const KernelGroup &group) {
  auto isAttention = [&](Precision precision) {
    return llvm::any_of(group.ops, [&](Operation *op) {
      auto attention = dyn_cast<AttentionOpInterface>(op);
      return attention && attention.getPrecision() == precision;
    });
  };
  if (isAttention(Precision::BF16))
    return "bf16";
  if (llvm::any_of(group.ops, llvm::IsaPred<StaticLinearOp, StaticAttentionOp>))
    return "int8 static";
  bool integers = llvm::any_of(
      group.ops, llvm::IsaPred<QuantizedLinearOp, QuantizedEmbeddingOp>);
  return integers || isAttention(Precision::Int8) ? "int8 dynamic" : "f32";
}

//===----------------------------------------------------------------------===//
// Distinct kernels
//===----------------------------------------------------------------------===//

DistinctKernels::DistinctKernels(func::FuncOp entry) : last(entry) {
  for (Operation &op : *entry->getBlock())
    if (auto symbol = dyn_cast<SymbolOpInterface>(op))
      names.insert(symbol.getName());
}

std::string DistinctKernels::uniqueName(const std::string &base) {
  std::string name = base;
  for (int i = 1; !names.insert(name).second; ++i)
    name = base + "_" + std::to_string(i);
  return name;
}

static bool areEqual(func::FuncOp a, func::FuncOp b) {
  return a.getFunctionType() == b.getFunctionType() &&
         llvm::all_of(llvm::seq(a.getNumArguments()),
                      [&](unsigned i) {
                        return a.getArgAttr(i, kColumnSumsOfAttr) ==
                               b.getArgAttr(i, kColumnSumsOfAttr);
                      }) &&
         OperationEquivalence::isRegionEquivalentTo(
             &a.getBody(), &b.getBody(), OperationEquivalence::IgnoreLocations);
}

/// An argument of `known` is a weight if it is one in all calls.
static void mergeWeights(func::FuncOp known, func::FuncOp other) {
  for (unsigned i = 0; i < known.getNumArguments(); ++i)
    if (!other.getArgAttr(i, kWeightAttr))
      known.removeArgAttr(i, kWeightAttr);
}

KernelOp DistinctKernels::getOrInsert(const KernelGroup &group,
                                      func::FuncOp definition) {
  std::string base = describe(group);
  SmallVector<KernelOp> &candidates = kernels[base];
  for (KernelOp known : candidates)
    if (areEqual(known.getDefinition(), definition)) {
      mergeWeights(known.getDefinition(), definition);
      definition.erase();
      return known;
    }
  definition.setName(uniqueName(base));
  OpBuilder builder(definition.getContext());
  builder.setInsertionPointAfter(last);
  auto kernel = KernelOp::create(builder, definition.getLoc(), definition);
  last = kernel;
  candidates.push_back(kernel);
  return kernel;
}
