//===- KernelLowering.cpp - The body of one kernel in linalg --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelLowering.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

#include "tq/Dialect/TQ/IR/TQOpKinds.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tq;

Type tq::toStorageType(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  auto quantized =
      shaped ? dyn_cast<mlir::quant::QuantizedType>(shaped.getElementType())
             : mlir::quant::QuantizedType();
  if (!quantized)
    return type;
  // Signless: what u8 and s8 mean is in the ops.
  return shaped.clone(IntegerType::get(
      type.getContext(), quantized.getStorageTypeIntegralWidth()));
}

unsigned tq::rankOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

AffineMap tq::elementMap(MLIRContext *context, unsigned rank) {
  return AffineMap::getMultiDimIdentityMap(rank, context);
}

AffineMap tq::rowMap(MLIRContext *context, unsigned rank) {
  return elementMap(context, rank).dropResult(rank - 1);
}

AffineMap tq::columnMap(MLIRContext *context, unsigned rank) {
  return AffineMap::get(rank, 0, getAffineDimExpr(rank - 1, context));
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

ElementExpr ElementExpr::combine(ArrayRef<ElementExpr> parts, Body body) {
  ElementExpr result;
  SmallVector<Body> bodies;
  SmallVector<size_t> counts;
  for (const ElementExpr &part : parts) {
    llvm::append_range(result.leaves, part.leaves);
    bodies.push_back(part.body);
    counts.push_back(part.leaves.size());
  }
  result.body = [=](OpBuilder &builder, Location loc, ValueRange elements) {
    SmallVector<Value> values;
    for (auto [part, count] : llvm::zip(bodies, counts)) {
      values.push_back(part(builder, loc, elements.take_front(count)));
      elements = elements.drop_front(count);
    }
    return body(builder, loc, values);
  };
  return result;
}

ElementExpr KernelLowering::read(Value old, AffineMap map) {
  auto found = deferred.find(old);
  if (found != deferred.end()) {
    // Positions of rows: the space of the reader has columns in addition.
    ElementExpr expr = found->second;
    for (ElementExpr::Leaf &leaf : expr.leaves)
      leaf.map = leaf.map.compose(map);
    return expr;
  }
  return {{{lookup(old), map}}, [](OpBuilder &, Location, ValueRange elements) {
            return elements.front();
          }};
}

/// The leaves without repetitions, and for each leaf the place of its like.
static SmallVector<ElementExpr::Leaf>
uniqueLeaves(ArrayRef<ElementExpr::Leaf> leaves, SmallVector<size_t> &places) {
  SmallVector<ElementExpr::Leaf> unique;
  for (const ElementExpr::Leaf &leaf : leaves) {
    auto *known = llvm::find_if(unique, [&](const ElementExpr::Leaf &other) {
      return other.tensor == leaf.tensor && other.map == leaf.map;
    });
    places.push_back(known - unique.begin());
    if (known == unique.end())
      unique.push_back(leaf);
  }
  return unique;
}

Value KernelLowering::write(Location loc, const ElementExpr &expr,
                            Value destination) {
  SmallVector<size_t> places;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const ElementExpr::Leaf &leaf : uniqueLeaves(expr.leaves, places)) {
    inputs.push_back(leaf.tensor);
    maps.push_back(leaf.map);
  }
  unsigned rank = rankOf(destination);
  maps.push_back(elementMap(builder.getContext(), rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, destination.getType(), inputs, destination, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        SmallVector<Value> elements;
        for (size_t place : places)
          elements.push_back(arguments[place]);
        linalg::YieldOp::create(nested, loc, expr.body(nested, loc, elements));
      });
  return generic.getResult(0);
}

/// Reads by index, so that no canonicalization takes the copy for its source.
Value KernelLowering::copy(Location loc, Value source, Value destination) {
  unsigned rank = rankOf(destination);
  ElementExpr expr{
      {}, [=](OpBuilder &nested, Location loc, ValueRange) {
        SmallVector<Value> indices;
        for (unsigned i = 0; i < rank; ++i)
          indices.push_back(linalg::IndexOp::create(nested, loc, i));
        return Value(tensor::ExtractOp::create(nested, loc, source, indices));
      }};
  return write(loc, expr, destination);
}

Value KernelLowering::fill(Location loc, TypedAttr value, Value destination) {
  Value constant = arith::ConstantOp::create(builder, loc, value);
  return linalg::FillOp::create(builder, loc, constant, destination)
      .getResult(0);
}

Value tq::buildRowReduction(
    KernelLowering &lowering, Location loc, const ElementExpr &source,
    Value like, Value init,
    llvm::function_ref<Value(OpBuilder &, Value, Value)> step) {
  OpBuilder &builder = lowering.getBuilder();
  unsigned rank = rankOf(like);
  SmallVector<size_t> places;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const ElementExpr::Leaf &leaf : uniqueLeaves(source.leaves, places)) {
    inputs.push_back(leaf.tensor);
    maps.push_back(leaf.map);
  }
  maps.push_back(rowMap(builder.getContext(), rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      builder, loc, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        SmallVector<Value> elements;
        for (size_t place : places)
          elements.push_back(arguments[place]);
        Value element = source.body(nested, loc, elements);
        linalg::YieldOp::create(nested, loc,
                                step(nested, element, arguments.back()));
      });
  return generic.getResult(0);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

bool KernelLowering::isDeferred(OpResult old) {
  if (!old.hasOneUse())
    return false;
  OpOperand &use = *old.use_begin();
  Operation *user = use.getOwner();
  if (isElementwise(user))
    return shapeOf(old) == shapeOf(user->getResult(0));
  return isa<EmbeddingOp, QuantizedEmbeddingOp>(user) &&
         use.getOperandNumber() == 0 && isPlainPositionIds(old.getOwner());
}

void KernelLowering::define(OpResult old, ElementExpr expr) {
  if (isDeferred(old)) {
    deferred[old] = std::move(expr);
    return;
  }
  define(old, write(old.getLoc(), expr, destination(old)));
}

void KernelLowering::define(OpResult old, Value value) {
  mapping.map(old, value);
}

FailureOr<Dims> KernelLowering::reify(OpResult old) {
  return program::reifyResultDims(builder, old,
                                  [&](Value value) { return dimsOf(value); });
}

Dims KernelLowering::dimsOf(Value old) {
  if (Value value = mapping.lookupOrNull(old))
    return tensor::getMixedSizes(builder, old.getLoc(), value);
  FailureOr<Dims> dims = reify(cast<OpResult>(old));
  assert(succeeded(dims) && "only tq ops are deferred");
  return *dims;
}

Value KernelLowering::temporary(Location loc, const Dims &dims, Type element) {
  return tensor::EmptyOp::create(builder, loc, dims, element);
}

/// The number of the out argument of a returned value, by the order of returned
/// values; none for others.
static std::optional<unsigned> outNumber(OpResult old) {
  for (OpOperand &use : old.getUses())
    if (isa<func::ReturnOp>(use.getOwner()))
      return use.getOperandNumber();
  return std::nullopt;
}

Value KernelLowering::destination(OpResult old) {
  if (std::optional<unsigned> number = outNumber(old)) {
    unsigned inputs = kernel.getNumArguments() - kernel.getNumResults();
    return kernel.getBody().front().getArgument(inputs + *number);
  }
  auto type = cast<RankedTensorType>(toStorageType(old.getType()));
  FailureOr<Dims> dims = reify(old);
  assert(succeeded(dims) && "only tq ops share a kernel");
  return temporary(old.getLoc(), *dims, type.getElementType());
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

KernelLowering::KernelLowering(func::FuncOp kernel)
    : kernel(kernel), builder(kernel.getContext()),
      oldBlock(&kernel.getBody().front()) {}

/// Ops whose sizes are known only where they write a result of the kernel.
static bool needsOutArgument(Operation *op) {
  return isa<tensor::ConcatOp, tensor::PadOp, tensor::GenerateOp,
             tensor::SplatOp>(op) &&
         !cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape();
}

LogicalResult KernelLowering::lower(Operation *op) {
  if (needsOutArgument(op) && !outNumber(op->getResult(0)))
    return op->emitError("expected '")
           << op->getName() << "' to give a result of its kernel";
  if (isContraction(op))
    return lowerContraction(*this, op);
  if (isa<QuantizeOp, DequantizeOp, DynamicQuantizeOp, ColumnSumsOp,
          mlir::quant::StorageCastOp>(op))
    return lowerQuantization(*this, op);
  if (isElementwise(op))
    return lowerElementwise(*this, op);
  if (isa<RotaryEmbeddingOp>(op))
    return lowerRotaryEmbedding(*this, op);
  if (isa<PositionIdsOp, EmbeddingOp, QuantizedEmbeddingOp>(op))
    return lowerLookup(*this, op);
  if (isa<LayerNormOp, RmsNormOp, SoftmaxOp, L2NormalizeOp, PoolOp>(op))
    return lowerRows(*this, op);
  if (isa<linalg::LinalgOp, linalg::SoftmaxOp>(op))
    return lowerLinalgOp(*this, op);
  return lowerTensorOp(*this, op);
}

/// The kernel's results, each in its out argument.
void KernelLowering::finish(func::ReturnOp op) {
  SmallVector<Value> results;
  for (Value value : op.getOperands())
    results.push_back(lookup(value));
  func::ReturnOp::create(builder, op.getLoc(), results);
}

LogicalResult KernelLowering::run() {
  Block *block =
      builder.createBlock(&kernel.getBody(), kernel.getBody().begin());
  for (BlockArgument argument : oldBlock->getArguments())
    mapping.map(argument, block->addArgument(toStorageType(argument.getType()),
                                             argument.getLoc()));
  auto toStorage = [](ArrayRef<Type> types) {
    return llvm::map_to_vector(types, toStorageType);
  };
  FunctionType type = kernel.getFunctionType();
  kernel.setFunctionType(builder.getFunctionType(toStorage(type.getInputs()),
                                                 toStorage(type.getResults())));
  builder.setInsertionPointToEnd(block);
  for (Operation &op : oldBlock->without_terminator())
    if (failed(lower(&op)))
      return failure();
  finish(cast<func::ReturnOp>(oldBlock->getTerminator()));
  oldBlock->dropAllReferences();
  oldBlock->erase();
  return success();
}
