//===- FuseIntegerOps.cpp - Integer forms and their epilogues -------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/TQ/Transforms/Passes.h"

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

/// mul by a vector known at compile time -> quantize becomes one op: a factor
/// of each column moves into the inverse scales.
struct FuseFactors : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto mul = op.getInput().getDefiningOp<MulOp>();
    Value inverse = op.getInverseScales();
    if (!mul || !inverse || !isCompileTimeValue(inverse))
      return rewriter.notifyMatchFailure(op, "no product before it");
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
        !isCompileTimeValue(op.getInverseScales()) ||
        (op.getZeroPoints() && !isCompileTimeValue(op.getZeroPoints())))
      return rewriter.notifyMatchFailure(op, "not u8 with known parameters");
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
  Value joined = QuantizeOp::create(rewriter, loc, type, whole, inverse,
                                    /*zero_points=*/Value());
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
    set.add<FormIntegerOp, FuseActivation<GeluOp>, FuseActivation<QuickGeluOp>,
            FuseActivation<ReluOp>, FuseActivation<SiluOp>,
            FuseActivation<TanhOp>, FuseActivation<SigmoidOp>, FuseResidual,
            FuseFactors, FuseQuantizedAttention, JoinQuantizes>(context);
    patterns = FrozenRewritePatternSet(std::move(set));
    return success();
  }

  void runOnOperation() override {
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      return signalPassFailure();
    getOperation().walk(allowCoarse);
    getOperation().walk(explainMiss);
  }

  /// An activation that is rounded to 8 bits right away need not be exact.
  static void allowCoarse(EpilogueOpInterface op) {
    if (llvm::all_of(op->getUsers(),
                     llvm::IsaPred<QuantizeOp, DynamicQuantizeOp>) &&
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
