//===- GenerateKernels.cpp - Write variants in the way of their plans -----===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelGenerator.h"
#include "MatrixTiles.h"

#include "tq/Codegen/CPU/Passes.h"
#include "tq/Target/Target.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tq {
#define GEN_PASS_DEF_GENERATEKERNELSPASS
#include "tq/Codegen/CPU/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;
using namespace tq::cpu;

//===----------------------------------------------------------------------===//
// Common parts of the generators
//===----------------------------------------------------------------------===//

Value tq::cpu::indexConstant(ImplicitLocOpBuilder &builder, int64_t value) {
  return arith::ConstantIndexOp::create(builder, value);
}

Value tq::cpu::minIndex(ImplicitLocOpBuilder &builder, Value a, Value b) {
  return arith::MinSIOp::create(builder, a, b);
}

void tq::cpu::interleave(ArrayRef<SmallVector<Operation *>> chains) {
  llvm::DenseSet<Operation *> waiting;
  for (ArrayRef<Operation *> chain : chains)
    waiting.insert(chain.begin(), chain.end());
  if (waiting.empty())
    return;
  Operation *last = chains.back().back();
  Block *block = last->getBlock();
  auto end = std::next(last->getIterator());
  SmallVector<size_t> next(chains.size());
  while (!waiting.empty())
    for (auto [chain, position] : llvm::zip(chains, next)) {
      if (position == chain.size() ||
          llvm::any_of(chain[position]->getOperands(), [&](Value operand) {
            return waiting.contains(operand.getDefiningOp());
          }))
        continue;
      Operation *op = chain[position++];
      waiting.erase(op);
      op->moveBefore(block, end);
    }
}

SizeBuilder::SizeBuilder(Kernel &kernel, Region &region)
    : builder(kernel.source.getLoc(), kernel.source.getContext()),
      kernel(kernel), region(region) {
  unsigned count = program::countSizes(kernel.source.getArgumentTypes());
  builder.createBlock(&region, {},
                      SmallVector<Type>(count, builder.getIndexType()),
                      SmallVector<Location>(count, builder.getLoc()));
}

Value SizeBuilder::dim(unsigned argument, unsigned dimension) {
  TypeRange types = kernel.source.getArgumentTypes();
  auto shape = cast<ShapedType>(types[argument]).getShape();
  if (!ShapedType::isDynamic(shape[dimension]))
    return indexConstant(builder, shape[dimension]);
  unsigned place = program::countSizes(types.take_front(argument));
  for (int64_t size : shape.take_front(dimension))
    place += ShapedType::isDynamic(size);
  return region.getArgument(place);
}

Value SizeBuilder::number(unsigned argument) {
  return region.getArgument(program::countSizes(
      kernel.source.getArgumentTypes().take_front(argument)));
}

void SizeBuilder::finish(Value result) {
  program::YieldOp::create(builder, result);
}

//===----------------------------------------------------------------------===//
// Variants
//===----------------------------------------------------------------------===//

/// What the code of a variant takes for an argument of the kernel.
static Type getCodeType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? MemRefType::get(tensor.getShape(), tensor.getElementType())
                : type;
}

/// A variant with an empty block for its code: (memrefs..., begin, end).
static Kernel createKernel(program::VariantOp variant) {
  func::FuncOp source = variant.getKernel().getDefinition();
  Kernel kernel{source, variant};
  Block &block = variant.getCode().emplaceBlock();
  for (Type type : source.getArgumentTypes())
    kernel.memrefs.push_back(
        block.addArgument(getCodeType(type), source.getLoc()));
  Type index = IndexType::get(source.getContext());
  kernel.begin = block.addArgument(index, source.getLoc());
  kernel.end = block.addArgument(index, source.getLoc());
  return kernel;
}

Value Kernel::addWorkspace() {
  auto type = MemRefType::get({ShapedType::kDynamic},
                              Float32Type::get(source.getContext()));
  return getCode()->insertArgument(memrefs.size(), type, source.getLoc());
}

void Kernel::pack(unsigned argument, int64_t panel, int64_t group) {
  Builder builder(source.getContext());
  auto packed =
      program::PackedAttr::get(source.getContext(), argument, panel, group);
  SmallVector<Attribute> all(variant.getPacked().getValue());
  all.push_back(packed);
  variant.setPackedAttr(builder.getArrayAttr(all));
  memrefs[argument].setType(getCodeType(variant.getArgumentType(argument)));
}

//===----------------------------------------------------------------------===//
// Plans
//===----------------------------------------------------------------------===//

namespace {

/// Writes one variant in the way of its plan.
class VariantWriter {
public:
  VariantWriter(program::VariantOp variant, ArrayRef<std::string> features)
      : variant(variant), features(features),
        source(variant.getKernel().getDefinition()) {}

  LogicalResult write();

private:
  LogicalResult write(ContractionPlanAttr plan);
  LogicalResult write(AttentionPlanAttr plan);
  LogicalResult write(RowsPlanAttr plan);
  /// An error where the CPU does not have what the plan asks for.
  LogicalResult checkInstructions(DotKind dot, SumPlace sums);
  LogicalResult refuse(const Twine &expected);

  program::VariantOp variant;
  ArrayRef<std::string> features;
  func::FuncOp source;
};

} // namespace

LogicalResult VariantWriter::refuse(const Twine &expected) {
  return variant.emitError("expected ")
         << expected << ", but got " << *variant.getPlan();
}

LogicalResult VariantWriter::checkInstructions(DotKind dot, SumPlace sums) {
  if (canRun(dot, sums, features))
    return success();
  return refuse("a plan with instructions that " +
                variant.getTarget().getCpu() + " has");
}

LogicalResult VariantWriter::write(ContractionPlanAttr plan) {
  FailureOr<ContractionPattern> pattern = matchContraction(source);
  if (failed(pattern))
    return refuse("a plan that suits a kernel without a contraction");
  if (isInteger(plan.getDot()) != pattern->isInteger || isBf16(plan.getDot()))
    return refuse(pattern->isInteger ? "products of bytes" : "fma");
  if (plan.getSums() == SumPlace::Tiles && pattern->inputs % kTileBytes != 0)
    return refuse("sums in vectors, as the " + Twine(pattern->inputs) +
                  " inputs do not fill tiles");
  if (failed(checkInstructions(plan.getDot(), plan.getSums())))
    return failure();
  Kernel kernel = createKernel(variant);
  writeContraction(kernel, *pattern, plan);
  return success();
}

/// Whether the products are of the numbers that `precision` says.
static bool suits(DotKind dot, Precision precision) {
  switch (precision) {
  case Precision::F32:
    return dot == DotKind::Fma;
  case Precision::BF16:
    return isBf16(dot);
  case Precision::Int8:
    return isInteger(dot);
  }
  llvm_unreachable("unknown precision");
}

LogicalResult VariantWriter::write(AttentionPlanAttr plan) {
  FailureOr<AttentionPattern> pattern = matchAttention(source);
  if (failed(pattern))
    return refuse("a plan that suits a kernel without attention");
  Precision precision = pattern->op.getPrecision();
  if (!suits(plan.getDot(), precision))
    return refuse("products in " + stringifyPrecision(precision));
  if (failed(checkInstructions(plan.getDot(), plan.getSums())))
    return failure();
  Kernel kernel = createKernel(variant);
  writeAttention(kernel, *pattern, plan);
  return success();
}

LogicalResult VariantWriter::write(RowsPlanAttr plan) {
  FailureOr<RowsPattern> pattern = matchRows(source);
  if (failed(pattern))
    return refuse("a plan that suits a kernel that is not row-wise");
  Kernel kernel = createKernel(variant);
  writeRows(kernel, *pattern, plan);
  return success();
}

LogicalResult VariantWriter::write() {
  return TypeSwitch<Attribute, LogicalResult>(*variant.getPlan())
      .Case<ContractionPlanAttr, AttentionPlanAttr, RowsPlanAttr>(
          [&](auto plan) { return write(plan); })
      .Default([&](Attribute) { return refuse("a plan for CPUs"); });
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

namespace {

struct GenerateKernelsPass
    : public tq::impl::GenerateKernelsPassBase<GenerateKernelsPass> {
  void runOnOperation() override {
    for (auto variant : getOperation().getBody()->getOps<program::VariantOp>())
      if (!variant.hasCode() && variant.getPlan() && failed(write(variant)))
        return signalPassFailure();
  }

private:
  LogicalResult write(program::VariantOp variant) {
    program::TargetAttr target = variant.getTarget();
    auto resolved = resolveTarget(target.getCpu(), target.getTriple());
    if (!resolved)
      return variant.emitError(toString(resolved.takeError()));
    return VariantWriter(variant, resolved->required).write();
  }
};

} // namespace
