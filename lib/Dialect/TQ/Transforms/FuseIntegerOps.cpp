//===- FuseIntegerOps.cpp - Integer forms and their epilogues -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"

namespace tq {
#define GEN_PASS_DEF_FUSEINTEGEROPSPASS
#include "tq/Dialect/TQ/Transforms/Passes.h.inc"
} // namespace tq

using namespace mlir;
using namespace tq;

/// Whether the quantize phase meant the op to run in integers.
static bool isMeantForIntegers(QuantizableOpInterface op) {
  return !op.hasOwnPrecision() &&
         llvm::any_of(op.getQuantizableOperands(),
                      [&](QuantizableOperand operand) {
                        return op->getOperand(operand.index)
                            .getDefiningOp<DequantizeOp>();
                      });
}

namespace {

/// dequantize -> op becomes the op's integer form.
struct FormIntegerOp : OpInterfaceRewritePattern<QuantizableOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(QuantizableOpInterface op,
                                PatternRewriter &rewriter) const override {
    if (!isMeantForIntegers(op))
      return rewriter.notifyMatchFailure(op, "no operand is dequantized");
    std::string reason;
    FailureOr<Operation *> integer = op.buildIntegerForm(rewriter, reason);
    if (failed(integer))
      return rewriter.notifyMatchFailure(op, reason);
    rewriter.replaceOp(op, *integer);
    return success();
  }
};

} // namespace

/// `zero`, or 0 where it is null, plus `offset`: a constant where it is one.
static Value addToZeroPoint(PatternRewriter &rewriter, Location loc, Value zero,
                            int32_t offset) {
  auto type = RankedTensorType::get({}, rewriter.getI32Type());
  Value added = arith::ConstantOp::create(rewriter, loc,
                                          DenseElementsAttr::get(type, offset));
  DenseElementsAttr known;
  if (!zero)
    return added;
  if (matchPattern(zero, m_Constant(&known)))
    return arith::ConstantOp::create(
        rewriter, loc,
        DenseElementsAttr::get(type, known.getSplatValue<int32_t>() + offset));
  return arith::AddIOp::create(rewriter, loc, zero, added);
}

static bool hasRankZero(Value value) {
  return !value || cast<RankedTensorType>(value.getType()).getRank() == 0;
}

namespace {

/// s8 -> dequantize becomes u8 -> dequantize, with a zero point that is larger
/// by 128: the same numbers, as the integer ops take them.
struct QuantizeUnsigned : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto element =
        cast<mlir::quant::QuantizedType>(op.getType().getElementType());
    if (!element.isSigned() || !op.getInverseScales() ||
        !hasRankZero(op.getInverseScales()) || !hasRankZero(op.getZeroPoints()))
      return rewriter.notifyMatchFailure(op, "not s8 with one scale");
    if (!llvm::all_of(op->getUsers(), readsOneScale))
      return rewriter.notifyMatchFailure(op, "the integers are read");
    Type type = getByteType(op.getContext(), /*isSigned=*/false,
                            element.getStorageTypeMin() + 128,
                            element.getStorageTypeMax() + 128);
    Value zero = addToZeroPoint(rewriter, op.getLoc(), op.getZeroPoints(), 128);
    Value quantized = QuantizeOp::create(
        rewriter, op.getLoc(), cast<RankedTensorType>(op.getType()).clone(type),
        op.getInput(), op.getInverseScales(), zero, op.getCoarse());
    for (Operation *user : llvm::make_early_inc_range(op->getUsers())) {
      auto dequantize = cast<DequantizeOp>(user);
      rewriter.setInsertionPoint(dequantize);
      rewriter.replaceOpWithNewOp<DequantizeOp>(
          dequantize, quantized, dequantize.getScales(),
          addToZeroPoint(rewriter, op.getLoc(), dequantize.getZeroPoints(),
                         128),
          /*column_scales=*/Value());
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static bool readsOneScale(Operation *user) {
    auto dequantize = dyn_cast<DequantizeOp>(user);
    return dequantize && dequantize.getScales() &&
           hasRankZero(dequantize.getScales()) &&
           hasRankZero(dequantize.getZeroPoints());
  }
};

/// Parameters of a whole tensor that are found at run time become those of each
/// row, as a linear takes them.
struct RepeatForRows : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    Value scales = op.getScales(), zeros = op.getZeroPoints();
    if (!scales || !hasRankZero(scales) || !hasRankZero(zeros) ||
        isCompileTimeValue(scales))
      return rewriter.notifyMatchFailure(op, "no scale of run time");
    auto type = cast<RankedTensorType>(op.getInput().getType());
    if (!llvm::any_of(op->getUsers(), llvm::IsaPred<LinearOp>) ||
        type.getRank() == 1 ||
        cast<mlir::quant::QuantizedType>(type.getElementType()).isSigned())
      return rewriter.notifyMatchFailure(op, "no linear reads it, as u8");
    rewriter.replaceOpWithNewOp<DequantizeOp>(
        op, op.getInput(), repeat(rewriter, op, scales),
        zeros ? repeat(rewriter, op, zeros) : Value(),
        /*column_scales=*/Value());
    return success();
  }

private:
  static Value repeat(PatternRewriter &rewriter, DequantizeOp op,
                      Value number) {
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(rewriter, op.getLoc(), op.getInput());
    sizes.pop_back();
    Value rows = tensor::EmptyOp::create(rewriter, op.getLoc(), sizes,
                                         getElementTypeOrSelf(number));
    auto dims = llvm::to_vector(llvm::seq<int64_t>(sizes.size()));
    return linalg::BroadcastOp::create(rewriter, op.getLoc(), number, rows,
                                       dims)
        ->getResult(0);
  }
};

} // namespace

/// The activation that a unary op applies.
static Activation getActivation(GeluOp op) {
  return op.getTanh() ? Activation::GeluTanh : Activation::Gelu;
}
static Activation getActivation(QuickGeluOp) { return Activation::QuickGelu; }
static Activation getActivation(ReluOp) { return Activation::Relu; }
static Activation getActivation(SiluOp) { return Activation::Silu; }
static Activation getActivation(TanhOp) { return Activation::Tanh; }
static Activation getActivation(SigmoidOp) { return Activation::Sigmoid; }

/// The integer op that produces `value` for one user only and adds no residual:
/// the one whose epilogue that user can join.
static FailureOr<EpilogueOpInterface>
getOpenLinear(PatternRewriter &rewriter, Operation *user, Value value) {
  auto linear = value.getDefiningOp<EpilogueOpInterface>();
  if (!linear)
    return rewriter.notifyMatchFailure(user, "no integer linear before it");
  if (!linear->hasOneUse())
    return rewriter.notifyMatchFailure(user, "the linear has other users");
  if (!linear.getResidualMutable().empty())
    return rewriter.notifyMatchFailure(user, "the linear adds a residual");
  return linear;
}

/// Replaces `op`, the only user of `linear`, by a linear that does its work.
static void replaceByLinear(PatternRewriter &rewriter, Operation *op,
                            EpilogueOpInterface linear, Value residual,
                            Activation activation) {
  auto fused = cast<EpilogueOpInterface>(rewriter.clone(*linear));
  fused.setActivation(activation);
  if (residual)
    fused.getResidualMutable().append(residual);
  rewriter.replaceOp(op, fused);
  rewriter.eraseOp(linear);
}

namespace {

/// linear -> activation becomes one op.
template <typename ActivationOp>
struct FuseActivation : OpRewritePattern<ActivationOp> {
  using OpRewritePattern<ActivationOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp op,
                                PatternRewriter &rewriter) const override {
    FailureOr<EpilogueOpInterface> linear =
        getOpenLinear(rewriter, op, op.getInput());
    if (failed(linear))
      return failure();
    if (linear->getActivation() != Activation::None)
      return rewriter.notifyMatchFailure(op, "the linear has an activation");
    replaceByLinear(rewriter, op, *linear, /*residual=*/Value(),
                    getActivation(op));
    return success();
  }
};

/// linear -> add of a tensor of the same type becomes one op.
struct FuseResidual : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getLhs().getType() != op.getRhs().getType())
      return rewriter.notifyMatchFailure(op, "the operands differ in type");
    // A float sum does not depend on the order of its two operands.
    for (auto [value, residual] : {std::pair(op.getLhs(), op.getRhs()),
                                   std::pair(op.getRhs(), op.getLhs())}) {
      FailureOr<EpilogueOpInterface> linear =
          getOpenLinear(rewriter, op, value);
      if (failed(linear))
        continue;
      replaceByLinear(rewriter, op, *linear, residual, linear->getActivation());
      return success();
    }
    return failure();
  }
};

/// The same, but a product alone, to which nothing is added or done.
static QuantizedLinearOp getProduct(PatternRewriter &rewriter, Operation *user,
                                    Value value) {
  FailureOr<EpilogueOpInterface> open = getOpenLinear(rewriter, user, value);
  auto linear = succeeded(open)
                    ? dyn_cast<QuantizedLinearOp>(open->getOperation())
                    : QuantizedLinearOp();
  bool isProduct =
      linear && !linear.getBias() && linear.getActivation() == Activation::None;
  return isProduct ? linear : QuantizedLinearOp();
}

/// Whether a vector of compile time has a number for each column of `like`.
static bool isOfColumns(Value value, Value like) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getShape() ==
             cast<RankedTensorType>(like.getType()).getShape().take_back() &&
         isCompileTimeValue(value);
}

/// linear -> mul by a factor of each row, [..., 1], or of each column: they
/// join the scales of the input or of the weight.
struct FuseScales : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    QuantizedLinearOp linear = getProduct(rewriter, op, op.getLhs());
    if (!linear)
      return rewriter.notifyMatchFailure(op, "no linear alone before it");
    bool ofColumns = isOfColumns(op.getRhs(), op.getLhs());
    if (!ofColumns && !isOfRows(op.getRhs(), linear.getInputScales()))
      return rewriter.notifyMatchFailure(op, "no factors of rows or columns");
    Value factors = ofColumns ? op.getRhs() : dropColumn(rewriter, op.getRhs());
    auto fused = cast<QuantizedLinearOp>(rewriter.clone(*linear));
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(fused);
    MutableOperandRange scales = ofColumns ? fused.getWeightScalesMutable()
                                           : fused.getInputScalesMutable();
    Value product =
        MulOp::create(rewriter, op.getLoc(), factors, scales[0].get());
    scales.assign(product);
    rewriter.replaceOp(op, fused);
    rewriter.eraseOp(linear);
    return success();
  }

private:
  static bool isOfRows(Value value, Value like) {
    ArrayRef<int64_t> shape =
        cast<RankedTensorType>(value.getType()).getShape();
    return shape.size() > 1 && shape.back() == 1 &&
           shape.drop_back() ==
               cast<RankedTensorType>(like.getType()).getShape();
  }

  static Value dropColumn(PatternRewriter &rewriter, Value numbers) {
    int64_t rank = cast<RankedTensorType>(numbers.getType()).getRank();
    SmallVector<ReassociationIndices> groups;
    for (int64_t i = 0; i + 1 < rank; ++i)
      groups.push_back({i});
    groups.back().push_back(rank - 1);
    return tensor::CollapseShapeOp::create(rewriter, numbers.getLoc(), numbers,
                                           groups);
  }
};

/// linear -> add of a number of each column, which is the bias; a view of the
/// rows may be between them.
struct FuseBias : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto view = op.getLhs().getDefiningOp<tensor::ExpandShapeOp>();
    if (view && (!view->hasOneUse() ||
                 view.getReassociationIndices().back().size() != 1))
      return rewriter.notifyMatchFailure(op, "no view of rows");
    QuantizedLinearOp linear =
        getProduct(rewriter, op, view ? view.getSrc() : op.getLhs());
    if (!linear || !isOfColumns(op.getRhs(), op.getLhs()))
      return rewriter.notifyMatchFailure(op, "no bias of a linear");
    auto fused = cast<QuantizedLinearOp>(rewriter.clone(*linear));
    fused.getBiasMutable().assign(op.getRhs());
    Operation *result = fused;
    if (view) {
      result = rewriter.clone(*view);
      result->setOperand(0, fused);
    }
    rewriter.replaceOp(op, result);
    if (view)
      rewriter.eraseOp(view);
    rewriter.eraseOp(linear);
    return success();
  }
};

/// mul by a vector known at compile time -> quantize becomes one op: a factor
/// of each column moves into the inverse scales.
struct FuseFactors : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto mul = op.getInput().getDefiningOp<MulOp>();
    Value inverse = op.getInverseScales();
    if (!mul || !inverse || !isCompileTimeValue(inverse) || !op.getCoarse())
      return rewriter.notifyMatchFailure(op, "no product before it, or exact");
    auto factors = cast<RankedTensorType>(mul.getRhs().getType());
    ArrayRef<int64_t> shape = op.getInput().getType().getShape();
    if (shape.empty() || factors.getShape() != shape.take_back() ||
        !isCompileTimeValue(mul.getRhs()))
      return rewriter.notifyMatchFailure(op, "no factor for each column");
    Value product = MulOp::create(rewriter, op.getLoc(), mul.getRhs(), inverse);
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputMutable().assign(mul.getLhs());
      op.getInverseScalesMutable().assign(product);
    });
    return success();
  }
};

/// static_attention -> quantize to u8 becomes one op.
struct FuseQuantizedAttention : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto attention = op.getInput().getDefiningOp<StaticAttentionOp>();
    if (!attention || !attention->hasOneUse())
      return rewriter.notifyMatchFailure(op, "no attention alone before it");
    if (op.getType().getElementType() != getDynamicU8Type(op.getContext()) ||
        !op.getCoarse() || !isCompileTimeValue(op.getInverseScales()) ||
        (op.getZeroPoints() && !isCompileTimeValue(op.getZeroPoints())))
      return rewriter.notifyMatchFailure(op,
                                         "not coarse u8 of known parameters");
    auto fused = cast<StaticAttentionOp>(rewriter.clone(*attention));
    fused.getInverseScalesMutable().append(op.getInverseScales());
    if (op.getZeroPoints())
      fused.getZeroPointsMutable().append(op.getZeroPoints());
    fused.getResult().setType(op.getType());
    rewriter.replaceOp(op, fused);
    rewriter.eraseOp(attention);
    return success();
  }
};

/// A slice of columns, and what quantizes them.
struct QuantizedSlice {
  tensor::ExtractSliceOp slice;
  QuantizeOp quantize;
  int64_t offset, columns;
};

/// Slices of a value -> quantize each becomes quantize -> slices, where the
/// slices have all columns: so the linear that computes them can quantize them.
struct JoinQuantizes : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto slice = op.getInput().getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice || !slice.getSource().getDefiningOp())
      return rewriter.notifyMatchFailure(op, "no slice of a result");
    SmallVector<QuantizedSlice> parts = findParts(slice.getSource());
    if (parts.empty())
      return rewriter.notifyMatchFailure(op, "columns differ in their use");
    join(rewriter, slice.getSource(), parts);
    return success();
  }

private:
  static FailureOr<QuantizedSlice> matchPart(Operation *user);
  static SmallVector<QuantizedSlice> findParts(Value whole);
  static void join(PatternRewriter &rewriter, Value whole,
                   ArrayRef<QuantizedSlice> parts);
};

} // namespace

FailureOr<QuantizedSlice> JoinQuantizes::matchPart(Operation *user) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
  if (!slice || !slice->hasOneUse() || !slice.hasUnitStride() ||
      slice.getType().getRank() != slice.getSourceType().getRank() ||
      slice.getType().getRank() == 0)
    return failure();
  auto quantize = dyn_cast<QuantizeOp>(*slice->user_begin());
  auto offset = getConstantIntValue(slice.getMixedOffsets().back());
  auto columns = getConstantIntValue(slice.getMixedSizes().back());
  if (!quantize || !offset || !columns || quantize.getZeroPoints())
    return failure();
  Value inverse = quantize.getInverseScales();
  if (!inverse || !isCompileTimeValue(inverse) ||
      cast<RankedTensorType>(inverse.getType()).getShape() !=
          ArrayRef(*columns))
    return failure();
  return QuantizedSlice{slice, quantize, *offset, *columns};
}

/// In the order of their columns; none if `whole` has other users or columns.
SmallVector<QuantizedSlice> JoinQuantizes::findParts(Value whole) {
  SmallVector<QuantizedSlice> parts;
  for (Operation *user : whole.getUsers()) {
    FailureOr<QuantizedSlice> part = matchPart(user);
    if (failed(part))
      return {};
    parts.push_back(*part);
  }
  llvm::sort(parts, [](const QuantizedSlice &a, const QuantizedSlice &b) {
    return a.offset < b.offset;
  });
  int64_t end = 0;
  for (QuantizedSlice &part : parts) {
    if (part.offset != end || part.quantize.getType().getElementType() !=
                                  parts[0].quantize.getType().getElementType())
      return {};
    end += part.columns;
  }
  if (end != cast<RankedTensorType>(whole.getType()).getShape().back())
    return {};
  return parts;
}

void JoinQuantizes::join(PatternRewriter &rewriter, Value whole,
                         ArrayRef<QuantizedSlice> parts) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfterValue(whole);
  SmallVector<Value> scales;
  for (const QuantizedSlice &part : parts) {
    QuantizeOp op = part.quantize;
    scales.push_back(cloneCompileTimeValue(rewriter, op.getInverseScales()));
  }
  Location loc = whole.getLoc();
  Value inverse = tensor::ConcatOp::create(rewriter, loc, /*dim=*/0, scales);
  QuantizeOp first = parts[0].quantize;
  Type element = first.getType().getElementType();
  auto type = cast<RankedTensorType>(whole.getType()).clone(element);
  bool isCoarse = llvm::all_of(parts, [](const QuantizedSlice &part) {
    return QuantizeOp(part.quantize).getCoarse();
  });
  Value joined = QuantizeOp::create(rewriter, loc, type, whole, inverse,
                                    /*zero_points=*/Value(), isCoarse);
  for (const QuantizedSlice &part : parts) {
    tensor::ExtractSliceOp slice = part.slice;
    rewriter.setInsertionPoint(slice);
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(
        part.quantize, slice.getType().clone(element), joined,
        slice.getMixedOffsets(), slice.getMixedSizes(),
        slice.getMixedStrides());
    rewriter.eraseOp(slice);
  }
}

namespace {

struct FuseIntegerOps : tq::impl::FuseIntegerOpsPassBase<FuseIntegerOps> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<QuantizeUnsigned, RepeatForRows, FormIntegerOp,
            FuseActivation<GeluOp>, FuseActivation<QuickGeluOp>,
            FuseActivation<ReluOp>, FuseActivation<SiluOp>,
            FuseActivation<TanhOp>, FuseActivation<SigmoidOp>, FuseResidual,
            FuseScales, FuseBias, FuseFactors, FuseQuantizedAttention,
            JoinQuantizes>(context);
    patterns = FrozenRewritePatternSet(std::move(set));
    return success();
  }

  void runOnOperation() override {
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      return signalPassFailure();
    getOperation().walk(allowCoarse);
    getOperation().walk(explainMiss);
  }

  static bool mayReadCoarse(Operation *user) {
    auto quantize = dyn_cast<QuantizeOp>(user);
    return isa<DynamicQuantizeOp>(user) || (quantize && quantize.getCoarse());
  }

  /// An activation that tq rounds to 8 bits right away need not be exact.
  static void allowCoarse(EpilogueOpInterface op) {
    if (llvm::all_of(op->getUsers(), mayReadCoarse) &&
        (op.getActivation() == Activation::Gelu ||
         op.getActivation() == Activation::GeluTanh))
      op.setCoarse(op.getResidualMutable().empty());
  }

  /// Says why an op that was meant for integers is still here.
  static void explainMiss(QuantizableOpInterface op) {
    if (!isMeantForIntegers(op))
      return;
    OpBuilder builder(op);
    std::string reason;
    if (succeeded(op.buildIntegerForm(builder, reason)))
      llvm_unreachable("the patterns have run to their end");
    op->setAttr(program::kReasonAttr, builder.getStringAttr(reason));
    op->emitRemark("stays in float: ") << reason;
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
