//===- Reductions.cpp - Sums, means and the like --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;

using Kind = TensorBuilder::Reduction;

/// All dimensions where the list is None or empty.
static SmallVector<int64_t> getDims(Call &call, const Tensor &tensor) {
  return call.arguments.count("dim") && call.has("dim")
             ? call.dims("dim", tensor)
             : SmallVector<int64_t>();
}

static bool keepsDims(Call &call) {
  return call.arguments.count("keepdim") && call.flag("keepdim");
}

static void buildSum(Call &call) {
  Tensor self = call.b.cast(call.tensor("self"), call.resultType());
  call.set(
      call.b.reduce(self, getDims(call, self), keepsDims(call), Kind::Sum));
}

static void buildMean(Call &call) {
  Tensor self = call.b.cast(call.tensor("self"), call.resultType());
  if (call.b.expect(isFloat(self.dtype), "expected floats"))
    call.set(call.b.mean(self, getDims(call, self), keepsDims(call)));
}

template <Kind kind>
static void buildExtreme(Call &call) {
  Tensor self = call.tensor("self");
  call.set(call.b.reduce(self, getDims(call, self), keepsDims(call), kind));
}

template <Kind kind>
static void buildLogical(Call &call) {
  Tensor self = call.b.cast(call.tensor("self"), DType::Bool);
  call.set(call.b.reduce(self, getDims(call, self), keepsDims(call), kind));
}

/// sqrt(sum(x^2)), the only norm that is asked for.
static void buildNorm(Call &call) {
  Tensor self = call.b.cast(call.tensor("self"), call.resultType());
  if (!call.b.expect(call.number("ord") == 2 && isFloat(self.dtype),
                     "expected floats, and the norm of order 2"))
    return;
  Tensor squares = call.b.mul(self, self);
  Tensor sum =
      call.b.reduce(squares, getDims(call, self), keepsDims(call), Kind::Sum);
  call.set(call.b.elementwise({sum}, sum.dtype,
                              [](OpBuilder &b, Location loc, ValueRange x) {
                                return math::SqrtOp::create(b, loc, x[0]);
                              }));
}

/// Each row's sums from its start, each by itself: rows are short.
static void buildCumsum(Call &call) {
  DType dtype = call.resultType();
  Tensor self = call.b.cast(call.tensor("self"), dtype);
  int64_t dim = call.dim("dim", self), rank = self.getRank();
  TensorBuilder &b = call.b;
  Tensor init = b.full(self.shape, dtype, 0);
  if (b.hasFailed() ||
      !b.expect(rank > 0, "expected a tensor of rank 1 or more"))
    return;
  // The last loop is the one that is summed.
  OpBuilder &ops = b.getOps();
  SmallVector<AffineExpr> read;
  for (int64_t i = 0; i < rank; ++i)
    read.push_back(ops.getAffineDimExpr(i == dim ? rank : i));
  AffineMap write = ops.getMultiDimIdentityMap(rank + 1).dropResult(rank);
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      ops, b.getLocation(), init.value.getType(), self.value, init.value,
      ArrayRef{AffineMap::get(rank + 1, 0, read, ops.getContext()), write},
      iterators, [&](OpBuilder &nested, Location at, ValueRange x) {
        Value to = linalg::IndexOp::create(nested, at, dim);
        Value from = linalg::IndexOp::create(nested, at, rank);
        Value isBefore = arith::CmpIOp::create(
            nested, at, arith::CmpIPredicate::ule, from, to);
        Value sum =
            isFloat(dtype)
                ? arith::AddFOp::create(nested, at, x[1], x[0]).getResult()
                : arith::AddIOp::create(nested, at, x[1], x[0]);
        linalg::YieldOp::create(
            nested, at,
            arith::SelectOp::create(nested, at, isBefore, sum, x[1])
                .getResult());
      });
  call.set(Tensor{generic.getResult(0), self.shape, dtype});
}

static void buildSoftmax(Call &call) {
  Tensor self = call.b.cast(call.tensor("self"), call.resultType());
  call.set(call.b.softmax(self, call.integer("dim")));
}

/// x - max - log(sum(exp(x - max))).
static void buildLogSoftmax(Call &call) {
  TensorBuilder &b = call.b;
  Tensor self = b.cast(call.tensor("self"), call.resultType());
  SmallVector<int64_t> dims{call.dim("dim", self)};
  if (!b.expect(isFloat(self.dtype), "expected floats"))
    return;
  Tensor shifted = b.sub(self, b.reduce(self, dims, true, Kind::Max));
  Tensor powers = b.elementwise({shifted}, self.dtype,
                                [](OpBuilder &b, Location loc, ValueRange x) {
                                  return math::ExpOp::create(b, loc, x[0]);
                                });
  Tensor sum = b.reduce(powers, dims, true, Kind::Sum);
  Tensor logarithm = b.elementwise(
      {sum}, self.dtype, [](OpBuilder &b, Location loc, ValueRange x) {
        return math::LogOp::create(b, loc, x[0]);
      });
  call.set(b.sub(shifted, logarithm));
}

/// Differences of neighbours.
static void buildDiff(Call &call) {
  TensorBuilder &b = call.b;
  Tensor self = call.tensor("self");
  int64_t dim = call.dim("dim", self);
  // PyTorch puts `prepend` and `append` before and behind the elements.
  std::vector<Tensor> parts;
  if (call.has("prepend"))
    parts.push_back(call.tensor("prepend"));
  parts.push_back(self);
  if (call.has("append"))
    parts.push_back(call.tensor("append"));
  if (!b.expect(call.integer("n") == 1, "expected differences of order 1") ||
      !b.expect(self.getRank() > 0, "expected a tensor of rank 1 or more"))
    return;
  Tensor all = b.concat(parts, dim);
  if (!all)
    return;
  SizeExpr count = all.shape[dim] - SizeExpr(1);
  Tensor left = b.slice(all, dim, SizeExpr(0), count),
         right = b.slice(all, dim, SizeExpr(1), count);
  if (isBool(all.dtype))
    call.set(b.elementwise({left, right}, DType::Bool,
                           [](OpBuilder &b, Location loc, ValueRange x) {
                             return arith::XOrIOp::create(b, loc, x[0], x[1]);
                           }));
  else
    call.set(b.sub(right, left));
}

static constexpr OpRow kRows[] = {
    {"aten.sum.default(Tensor self, *, ScalarType? dtype=None)", buildSum},
    {"aten.sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, "
     "ScalarType? dtype=None)",
     buildSum},
    {"aten.mean.default(Tensor self, *, ScalarType? dtype=None)", buildMean},
    {"aten.mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, "
     "ScalarType? dtype=None)",
     buildMean},
    {"aten.amax.default(Tensor self, int[1] dim=[], bool keepdim=False)",
     buildExtreme<Kind::Max>},
    {"aten.amin.default(Tensor self, int[1] dim=[], bool keepdim=False)",
     buildExtreme<Kind::Min>},
    {"aten.max.default(Tensor self)", buildExtreme<Kind::Max>},
    {"aten.min.default(Tensor self)", buildExtreme<Kind::Min>},
    {"aten.any.default(Tensor self)", buildLogical<Kind::Any>},
    {"aten.any.dim(Tensor self, int dim, bool keepdim=False)",
     buildLogical<Kind::Any>},
    {"aten.all.default(Tensor self)", buildLogical<Kind::All>},
    {"aten.all.dim(Tensor self, int dim, bool keepdim=False)",
     buildLogical<Kind::All>},
    {"aten.linalg_vector_norm.default(Tensor self, Scalar ord=2, int[1]? "
     "dim=None, bool keepdim=False, *, ScalarType? dtype=None)",
     buildNorm},
    {"aten.cumsum.default(Tensor self, int dim, *, ScalarType? dtype=None)",
     buildCumsum},
    {"aten.softmax.int(Tensor self, int dim, ScalarType? dtype=None)",
     buildSoftmax},
    {"aten._softmax.default(Tensor self, int dim, bool half_to_float)",
     buildSoftmax},
    {"aten.log_softmax.int(Tensor self, int dim, ScalarType? dtype=None)",
     buildLogSoftmax},
    {"aten._log_softmax.default(Tensor self, int dim, bool half_to_float)",
     buildLogSoftmax},
    {"aten.diff.default(Tensor self, int n=1, int dim=-1, Tensor? "
     "prepend=None, "
     "Tensor? append=None)",
     buildDiff},
};

llvm::ArrayRef<OpRow> pt2::getReductionOps() { return kRows; }
