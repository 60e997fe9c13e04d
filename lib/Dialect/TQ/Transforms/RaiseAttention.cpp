//===- RaiseAttention.cpp - Attention from its pieces ---------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AxisTrace.h"
#include "MaskVisibility.h"
#include "RowwiseMatch.h"
#include "Views.h"

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_RAISEATTENTIONPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

static constexpr StringLiteral kStays =
    "attention stays as products and a softmax: ";

//===----------------------------------------------------------------------===//
// From products
//===----------------------------------------------------------------------===//

/// The number that all elements are multiplied by, if `value` is such a
/// product; `value` becomes the other factor.
static float takeScale(Value &value) {
  float scale = 1;
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<MulOp, DivOp>(op) || typeOf(op->getOperand(0)) != typeOf(value))
      break;
    std::optional<double> factor = getSplat(op->getOperand(1));
    if (!factor)
      break;
    auto number = static_cast<float>(*factor);
    scale = isa<MulOp>(op) ? scale * number : scale / number;
    value = op->getOperand(0);
  }
  return scale;
}

/// The same of a product that is seen through views.
static float takeScaleBehindViews(Value &value) {
  SmallVector<Operation *> views;
  Value source = value;
  while (Operation *op = source.getDefiningOp()) {
    if (!isa<PermuteOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      break;
    views.push_back(op);
    source = op->getOperand(0);
  }
  Value factor = source;
  float scale = takeScale(factor);
  if (factor == source)
    return 1;
  for (Operation *view : llvm::reverse(views)) {
    OpBuilder builder(view);
    IRMapping mapping;
    mapping.map(view->getOperand(0), factor);
    factor = builder.clone(*view, mapping)->getResult(0);
  }
  value = factor;
  return scale;
}

/// Whether `permute` only swaps the last two dimensions.
static bool swapsLast(PermuteOp permute) {
  ArrayRef<int64_t> dims = permute.getDims();
  int64_t rank = dims.size();
  if (rank < 2 || dims[rank - 1] != rank - 2 || dims[rank - 2] != rank - 1)
    return false;
  return llvm::is_sorted(dims.drop_back(2));
}

/// The right side of a product as [..., N, K].
static Value getTransposedRight(OpBuilder &builder, MatmulOp op, Value right) {
  if (op.getTransposeRhs())
    return right;
  auto permute = right.getDefiningOp<PermuteOp>();
  if (permute && swapsLast(permute))
    return permute.getInput();
  RankedTensorType type = typeOf(right);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq(type.getRank()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  SmallVector<int64_t> shape;
  for (int64_t dim : order)
    shape.push_back(type.getDimSize(dim));
  return PermuteOp::create(builder, op.getLoc(), type.clone(shape), right,
                           order);
}

/// Whether `hidden` says of each row of `scores` that all of it is -inf: what
/// core ATen computes of comparisons, reductions and negations.
static bool saysAllHidden(Value hidden, Value scores) {
  bool comparesInfinity = false;
  for (unsigned depth = 0; depth < 8 && hidden != scores; ++depth) {
    Operation *op = hidden.getDefiningOp();
    if (isa_and_nonnull<tensor::ExpandShapeOp>(op)) {
      hidden = op->getOperand(0);
      continue;
    }
    auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
    if (!generic || generic.getBody()->getOperations().size() > 3)
      return false;
    for (Operation &inner : generic.getBody()->without_terminator()) {
      auto compare = dyn_cast<arith::CmpFOp>(inner);
      if (!compare &&
          !isa<arith::XOrIOp, arith::OrIOp, arith::ConstantOp>(inner))
        return false;
      if (!compare)
        continue;
      DenseElementsAttr bound;
      comparesInfinity =
          compare.getPredicate() == arith::CmpFPredicate::OEQ &&
          generic.getNumDpsInputs() == 2 &&
          matchPattern(generic.getDpsInputs()[1], m_Constant(&bound)) &&
          bound.isSplat() && bound.getElementType().isF32() &&
          bound.getSplatValue<APFloat>().isInfinity() &&
          bound.getSplatValue<APFloat>().isNegative();
    }
    hidden = generic.getDpsInputs().front();
  }
  return hidden == scores && comparesInfinity;
}

/// The softmax whose rows `weights` has, 0 where all keys of a row are hidden.
static SoftmaxOp getSoftmax(Value weights) {
  if (auto softmax = weights.getDefiningOp<SoftmaxOp>())
    return softmax;
  auto generic = weights.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumReductionLoops() != 0 ||
      generic.getBody()->getOperations().size() != 2)
    return {};
  auto select = dyn_cast<arith::SelectOp>(generic.getBody()->front());
  if (!select ||
      generic.getBody()->getTerminator()->getOperand(0) != select.getResult())
    return {};
  auto getInput = [&](Value element) -> OpOperand * {
    auto argument = dyn_cast<BlockArgument>(element);
    return argument && argument.getOwner() == generic.getBody()
               ? &generic->getOpOperand(argument.getArgNumber())
               : nullptr;
  };
  OpOperand *hidden = getInput(select.getCondition()),
            *rows = getInput(select.getFalseValue());
  if (!hidden || !rows || !generic.getMatchingIndexingMap(rows).isIdentity())
    return {};
  bool isZero = matchPattern(select.getTrueValue(), m_AnyZeroFloat());
  if (OpOperand *zero = getInput(select.getTrueValue())) {
    auto fill = zero->get().getDefiningOp<linalg::FillOp>();
    isZero = matchPattern(fill ? fill.getInputs().front() : zero->get(),
                          m_AnyZeroFloat());
  }
  auto softmax = rows->get().getDefiningOp<SoftmaxOp>();
  return isZero && softmax && saysAllHidden(hidden->get(), softmax.getInput())
             ? softmax
             : SoftmaxOp();
}

/// softmax(scale * query * key^T + mask) * value, as far as the softmax is one
/// over what a product gave.
static void raiseProducts(MatmulOp outer) {
  if (outer.getTransposeRhs())
    return;
  SoftmaxOp softmax = getSoftmax(outer.getLhs());
  if (!softmax)
    return;
  auto explain = [&] {
    outer.emitRemark(kStays)
        << "its scores are more than a product, a scale and a mask";
  };
  Value scores = softmax.getInput(), mask;
  if (auto add = scores.getDefiningOp<AddOp>()) {
    // The mask is what has other dimensions, or what is no product.
    Value lhs = add.getLhs(), rhs = add.getRhs();
    takeScale(lhs);
    if (!lhs.getDefiningOp<MatmulOp>())
      return explain();
    scores = add.getLhs();
    mask = rhs;
  }
  float scale = takeScale(scores);
  auto inner = scores.getDefiningOp<MatmulOp>();
  if (!inner || typeOf(inner.getLhs()).getRank() < 3)
    return explain();
  OpBuilder builder(outer);
  Value right = inner.getRhs(), query = inner.getLhs();
  scale *= takeScaleBehindViews(query) * takeScaleBehindViews(right);
  Value key = getTransposedRight(builder, inner, right);
  auto op = ScaledDotProductAttentionOp::create(
      builder, outer.getLoc(), outer.getType(), query, key, outer.getRhs(),
      mask, APFloat(scale), /*causal=*/false);
  outer.replaceAllUsesWith(op.getResult());
  outer.erase();
}

//===----------------------------------------------------------------------===//
// To heads as columns
//===----------------------------------------------------------------------===//

namespace {

/// Query, key or value as rows of all heads: [batch, tokens, heads * size].
struct Rows {
  Value value;
  int64_t heads = 0; ///< that it has, of those that the scores have
};

class Raiser {
public:
  explicit Raiser(ScaledDotProductAttentionOp op)
      : op(op), builder(op), loc(op.getLoc()) {}

  /// Says why not, if it cannot be `tq.attention`.
  std::string run();

private:
  std::optional<Rows> getRows(Value value);
  std::optional<Rows> readRoot(Value value, const AxisTrace &trace);
  Value gatherRows(Value value);
  std::optional<Rows> joinHeads(const AxisTrace &trace);
  /// Which keys `tq.attention` does not show.
  struct Hidden {
    Value mask;
    bool causal = false;
    std::optional<int64_t> window;
  };
  std::string findMask(Hidden &hidden);
  std::string findBand(const Visibility &visibility, Hidden &hidden);
  std::optional<int64_t> getReach(const mask::Ref &bound);
  Value buildMask(const Visibility &visibility);
  Value asNumbers(const Visibility::Padding &padding);
  Value restore(Value rows);
  OpFoldResult sizeOf(Value value, int64_t dim) {
    if (OpFoldResult known = getDimSize(value, dim))
      return known;
    return tensor::getMixedSize(builder, loc, value, dim);
  }

  ScaledDotProductAttentionOp op;
  OpBuilder builder;
  Location loc;
  int64_t heads = 0;
};

} // namespace

/// [batch, heads, tokens, columns] or [heads, tokens, columns] by moving data.
Value Raiser::gatherRows(Value value) {
  Value moved = permute(builder, loc, value, {0, 2, 1, 3});
  return tensor::CollapseShapeOp::create(
      builder, loc, moved, ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
}

/// Heads as a dimension of the root, before they are repeated for the groups of
/// query heads: it moves data only where they do not stand behind the tokens.
std::optional<Rows> Raiser::joinHeads(const AxisTrace &trace) {
  RankedTensorType root = typeOf(trace.root);
  if (root.getRank() != 4 || trace.repeated.size() > 1)
    return std::nullopt;
  // Where the batch, tokens, heads and columns are.
  constexpr unsigned wanted[] = {0, 2, 1, 3};
  SmallVector<int64_t> order;
  for (unsigned dim : wanted) {
    std::optional<int64_t> place;
    for (int64_t i = 0; i < 4; ++i) {
      ArrayRef<Axis> axes = trace.dims[i];
      if (axes.size() == 1 && axes[0].dim == dim &&
          (dim == 1 || axes[0].order == 0))
        place = i;
    }
    order.push_back(place.value_or(-1));
  }
  // A size of 1 has no axes: it is the one dimension that is left.
  if (llvm::count(order, -1) > 1)
    return std::nullopt;
  for (int64_t i = 0; i < 4; ++i)
    if (auto *open = llvm::find(order, -1);
        open != order.end() && trace.dims[i].empty())
      *open = i;
  SmallVector<int64_t> sorted(order);
  llvm::sort(sorted);
  if (sorted != SmallVector<int64_t>{0, 1, 2, 3} ||
      root.isDynamicDim(order[2]) || root.isDynamicDim(order[3]))
    return std::nullopt;
  ArrayRef<Axis> heads = trace.dims[order[2]];
  // The repetition is what is inside.
  if (!trace.repeated.empty() && !heads.empty() &&
      heads[0].order >= trace.repeated.front().order)
    return std::nullopt;
  Value moved = permute(builder, loc, trace.root, order);
  Value rows = tensor::CollapseShapeOp::create(
      builder, loc, moved, ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
  return Rows{rows, root.getDimSize(order[2])};
}

/// Where the root has a batch, tokens, and heads with their columns last, in
/// this order but for the first two: some columns of the root itself.
std::optional<Rows> Raiser::readRoot(Value value, const AxisTrace &trace) {
  int64_t rank = typeOf(value).getRank();
  unsigned tokens = rank - 2, columns = rank - 1;
  RankedTensorType root = typeOf(trace.root);
  if (root.getRank() != 3)
    return std::nullopt;
  // A dimension is the batch or the tokens; a size of 1 can be either.
  auto isOf = [&](const SmallVector<Axis> &axes, unsigned dim) {
    return axes.empty() || (axes.size() == 1 && axes[0].dim == dim);
  };
  bool isSwapped = false;
  if (!(isOf(trace.dims[0], 0) && isOf(trace.dims[1], tokens))) {
    isSwapped = isOf(trace.dims[0], tokens) && isOf(trace.dims[1], 0);
    if (!isSwapped)
      return std::nullopt;
  }
  ArrayRef<Axis> last = trace.dims[2];
  int64_t offset = 0;
  while (!last.empty() && !last.front().dim) {
    int64_t inside = 1;
    for (const Axis &axis : last.drop_front()) {
      if (ShapedType::isDynamic(axis.size))
        return std::nullopt;
      inside *= axis.size;
    }
    offset += last.front().index * inside;
    last = last.drop_front();
  }
  Rows rows;
  rows.heads = 1;
  int64_t size = 1;
  // Axes of one dimension stay in their order: the batch, too, may be one of
  // those of the heads.
  SmallVector<Axis> sequence(trace.dims[isSwapped ? 1 : 0]);
  llvm::append_range(sequence, last);
  llvm::append_range(sequence, trace.repeated);
  for (auto [i, inner] : llvm::enumerate(sequence))
    for (const Axis &outer : ArrayRef(sequence).take_front(i))
      if (outer.dim == inner.dim && outer.order >= inner.order)
        return std::nullopt;
  for (const Axis &axis : last) {
    bool isHead = axis.dim && *axis.dim != columns && *axis.dim != tokens;
    bool isColumn = axis.dim == columns;
    if (ShapedType::isDynamic(axis.size) || (!isHead && !isColumn) ||
        (isHead && size != 1))
      return std::nullopt;
    (isHead ? rows.heads : size) *= axis.size;
  }
  int64_t all = typeOf(value).getShape().back();
  if (ShapedType::isDynamic(all) || size != all)
    return std::nullopt;
  Value source = trace.root;
  if (isSwapped)
    source = permute(builder, loc, source, {1, 0, 2});
  int64_t width = rows.heads * size;
  if (width != root.getDimSize(2)) {
    SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0)),
        strides(3, builder.getIndexAttr(1)),
        sizes{sizeOf(source, 0), sizeOf(source, 1),
              builder.getIndexAttr(width)};
    offsets[2] = builder.getIndexAttr(offset);
    source = tensor::ExtractSliceOp::create(builder, loc, source, offsets,
                                            sizes, strides);
  }
  rows.value = source;
  return rows;
}

std::optional<Rows> Raiser::getRows(Value value) {
  RankedTensorType type = typeOf(value);
  AxisTrace trace = traceAxes(value);
  // Heads repeat in groups of neighbours: the repetition is what is inside.
  bool isGrouped = llvm::all_of(trace.repeated, [&](const Axis &axis) {
    return axis.dim == unsigned(type.getRank() - 3);
  });
  if (isGrouped)
    if (std::optional<Rows> rows = readRoot(value, trace))
      return rows;
  if (isGrouped && type.getRank() == 4)
    if (std::optional<Rows> rows = joinHeads(trace))
      return rows;
  if (type.getRank() != 4 || type.isDynamicDim(1) || type.isDynamicDim(3))
    return std::nullopt;
  return Rows{gatherRows(value), type.getDimSize(1)};
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// 1 for keys that are shown, else 0: what is already so is taken as it is.
Value Raiser::asNumbers(const Visibility::Padding &padding) {
  RankedTensorType type = typeOf(padding.tensor);
  bool isBool = type.getElementType().isInteger(1);
  if (!isBool && !padding.isHidden)
    return padding.tensor;
  auto result = type.clone(builder.getI64Type());
  Value out = tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, padding.tensor),
      builder.getI64Type());
  SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(2));
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      builder, loc, result, padding.tensor, out, maps, iterators,
      [&](OpBuilder &b, Location at, ValueRange x) {
        Value isShown = x[0];
        auto compare = [&](arith::CmpIPredicate predicate, Value value) {
          Value zero = arith::ConstantOp::create(
              b, at, b.getIntegerAttr(value.getType(), 0));
          return arith::CmpIOp::create(b, at, predicate, value, zero);
        };
        if (padding.isHidden)
          isShown = compare(arith::CmpIPredicate::eq, isShown);
        linalg::YieldOp::create(
            b, at,
            arith::ExtUIOp::create(b, at, b.getI64Type(), isShown).getResult());
      });
  return generic.getResult(0);
}

Value Raiser::buildMask(const Visibility &visibility) {
  if (visibility.paddings.size() != 1)
    return {};
  const Visibility::Padding &padding = visibility.paddings.front();
  // The op has a row for each of the batch.
  OpFoldResult batch = getDimSize(op.getQuery(), 0);
  bool isOneRow = typeOf(padding.tensor).getDimSize(0) == 1 &&
                  !isConstantIntValue(batch, 1);
  return isOneRow ? Value() : asNumbers(padding);
}

/// How far ahead of its own place a query sees, as `bound` says, which counts
/// places from the first of both, whereas the op's queries and keys end at the
/// same place. None: it depends on sizes.
std::optional<int64_t> Raiser::getReach(const mask::Ref &bound) {
  int64_t dim = typeOf(op.getQuery()).getRank() - 2;
  mask::Ref behind = mask::add(evaluateSize(op.getKey(), dim),
                               evaluateSize(op.getQuery(), dim), -1);
  mask::Ref reach = mask::add(bound, behind, -1);
  return mask::isNumber(reach) ? std::optional<int64_t>(reach->number)
                               : std::nullopt;
}

std::string Raiser::findBand(const Visibility &visibility, Hidden &hidden) {
  std::optional<int64_t> high, low;
  if (visibility.high && !(high = getReach(visibility.high)))
    return "it is not known that its causal mask ends where the keys do";
  if (visibility.low && !(low = getReach(visibility.low)))
    return "it is not known that its window ends where the keys do";
  hidden.causal = high == 0;
  if (high && !hidden.causal && !low)
    return "it is causal, but its last query is not at the last key";
  bool isSymmetric = high && low && *high == -*low;
  if ((high && !hidden.causal && !isSymmetric) || (low && !high) ||
      (low && *low > 0))
    return "its window is neither symmetric nor behind the query";
  if (low)
    hidden.window = 1 - *low;
  return "";
}

/// What hides keys as operands of `tq.attention`; else why it is not.
std::string Raiser::findMask(Hidden &hidden) {
  Visibility visibility;
  if (Value given = op.getMask()) {
    std::string reason;
    if (typeOf(op.getQuery()).getRank() != 4)
      return "its mask is of other dimensions than batch, heads, queries, keys";
    std::optional<Visibility> found = evaluateMask(given, reason);
    if (!found)
      return reason;
    visibility = *found;
    // Paddings that are there twice are one.
    auto &paddings = visibility.paddings;
    for (size_t i = paddings.size(); i-- > 1;)
      if (llvm::any_of(ArrayRef(paddings).take_front(i), [&](auto &other) {
            return other.tensor == paddings[i].tensor &&
                   other.isHidden == paddings[i].isHidden;
          }))
        paddings.erase(paddings.begin() + i);
    if (!paddings.empty()) {
      hidden.mask = buildMask(visibility);
      if (!hidden.mask)
        return "its mask is not one of [batch, keys]";
    }
  }
  if (op.getCausal() && !visibility.limitHigh(mask::number(0)))
    return "it is not known whether its mask or its causality hides more";
  return findBand(visibility, hidden);
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// [batch, tokens, heads * size] in the dimensions of the op's result.
Value Raiser::restore(Value rows) {
  RankedTensorType type = typeOf(op.getResult());
  int64_t size = type.getShape().back();
  OpFoldResult batch = sizeOf(rows, 0), tokens = sizeOf(rows, 1);
  SmallVector<OpFoldResult> sizes{batch, tokens, builder.getIndexAttr(heads),
                                  builder.getIndexAttr(size)};
  auto apart = RankedTensorType::get(
      {typeOf(rows).getDimSize(0), typeOf(rows).getDimSize(1), heads, size},
      builder.getF32Type());
  Value parted = tensor::ExpandShapeOp::create(
      builder, loc, apart, rows,
      ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}}, sizes);
  Value moved = permute(builder, loc, parted, {0, 2, 1, 3});
  if (type.getRank() == 3)
    moved = tensor::CollapseShapeOp::create(
        builder, loc, moved, ArrayRef<ReassociationIndices>{{0, 1}, {2}, {3}});
  if (moved.getType() != type)
    moved = tensor::CastOp::create(builder, loc, type, moved);
  return moved;
}

std::string Raiser::run() {
  RankedTensorType queryType = typeOf(op.getQuery()),
                   valueType = typeOf(op.getValue());
  int64_t rank = queryType.getRank();
  if (rank > 4)
    return "it has more dimensions than batch, heads, tokens and columns";
  if (queryType.getShape().back() != valueType.getShape().back() ||
      queryType.isDynamicDim(rank - 1))
    return "its values are not as wide as its queries";
  Hidden hidden;
  if (std::string reason = findMask(hidden); !reason.empty())
    return reason;
  std::optional<Rows> query = getRows(op.getQuery()),
                      key = getRows(op.getKey()),
                      value = getRows(op.getValue());
  if (!query || !key || !value)
    return "its heads are not columns of rows, and their number is not known";
  if (key->heads != value->heads || key->heads == 0 ||
      query->heads % key->heads != 0)
    return "its query heads are not groups of key heads";
  heads = query->heads;
  IntegerAttr kvHeads = key->heads == heads
                            ? IntegerAttr()
                            : builder.getI64IntegerAttr(key->heads);
  auto result = AttentionOp::create(
      builder, loc, query->value.getType(), query->value, key->value,
      value->value, hidden.mask, builder.getI64IntegerAttr(heads), kvHeads,
      op.getScaleAttr(), hidden.causal ? builder.getUnitAttr() : UnitAttr(),
      hidden.window ? builder.getI64IntegerAttr(*hidden.window) : IntegerAttr(),
      PrecisionAttr::get(builder.getContext(), Precision::F32));
  op.replaceAllUsesWith(restore(result));
  op.erase();
  return "";
}

namespace {
struct RaiseAttention : tq::impl::RaiseAttentionPassBase<RaiseAttention> {
  void runOnOperation() override {
    SmallVector<MatmulOp> products;
    getOperation().walk([&](MatmulOp op) { products.push_back(op); });
    for (MatmulOp op : products)
      raiseProducts(op);
    SmallVector<ScaledDotProductAttentionOp> attentions;
    getOperation().walk(
        [&](ScaledDotProductAttentionOp op) { attentions.push_back(op); });
    for (ScaledDotProductAttentionOp op : attentions)
      if (std::string reason = Raiser(op).run(); !reason.empty())
        op.emitRemark(kStays) << reason;
  }
};
} // namespace
