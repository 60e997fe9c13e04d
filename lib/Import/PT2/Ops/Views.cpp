//===- Views.cpp - Other views of the same elements -----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../OpTable.h"

#include <limits>

using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

/// The elements in another shape, in the same order.
static View reshapeTo(Call &call, Shape shape, bool mayCopy = false) {
  TensorBuilder &b = call.b;
  return {[&b, shape](const Tensor &base) { return b.reshape(base, shape); },
          [&b](const Tensor &base, const Tensor &part) {
            return b.reshape(part, base.shape);
          },
          mayCopy};
}

/// The file says what became of -1 and of names of sizes.
static void buildView(Call &call) {
  call.setView("self", reshapeTo(call, call.shape()));
}

static void buildReshape(Call &call) {
  call.setView("self", reshapeTo(call, call.shape(), /*mayCopy=*/true));
}

static void buildUnsqueeze(Call &call) {
  Shape shape = call.tensor("self").shape;
  int64_t rank = int64_t(shape.size());
  int64_t dim = call.integer("dim");
  if (!call.b.expect(dim >= -rank - 1 && dim <= rank,
                     "expected a dimension from " + Twine(-rank - 1) + " to " +
                         Twine(rank) + ", but got " + Twine(dim)))
    return;
  shape.insert(shape.begin() + (dim < 0 ? dim + rank + 1 : dim), SizeExpr(1));
  call.setView("self", reshapeTo(call, shape));
}

static View same(bool mayCopy) {
  return {[](const Tensor &base) { return base; },
          [](const Tensor &, const Tensor &part) { return part; }, mayCopy};
}

static void buildAlias(Call &call) { call.setView("self", same(false)); }

static void buildContiguous(Call &call) { call.setView("self", same(true)); }

static void buildClone(Call &call) { call.set(call.tensor("self")); }

//===----------------------------------------------------------------------===//
// Order of dimensions
//===----------------------------------------------------------------------===//

static View permuteBy(Call &call, llvm::ArrayRef<int64_t> order) {
  TensorBuilder &b = call.b;
  llvm::SmallVector<int64_t> forward(order), back(order.size(), 0);
  for (auto [to, from] : llvm::enumerate(order))
    if (from >= 0 && from < int64_t(order.size()))
      back[from] = to;
  return {
      [&b, forward](const Tensor &base) { return b.permute(base, forward); },
      [&b, back](const Tensor &, const Tensor &part) {
        return b.permute(part, back);
      }};
}

static void buildPermute(Call &call) {
  call.setView("self", permuteBy(call, call.dims("dims", call.tensor("self"))));
}

static void swapDims(Call &call, int64_t first, int64_t second) {
  int64_t rank = call.tensor("self").getRank();
  llvm::SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(rank));
  if (rank != 0 && !call.b.hasFailed())
    std::swap(order[first], order[second]);
  call.setView("self", permuteBy(call, order));
}

static void buildTranspose(Call &call) {
  Tensor self = call.tensor("self");
  swapDims(call, call.dim("dim0", self), call.dim("dim1", self));
}

static void buildT(Call &call) {
  int64_t rank = call.tensor("self").getRank();
  if (call.b.expect(rank <= 2, "expected a matrix"))
    swapDims(call, 0, rank == 2 ? 1 : 0);
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

static View sliceOf(Call &call, int64_t dim, SizeExpr start, SizeExpr count,
                    int64_t step = 1) {
  TensorBuilder &b = call.b;
  return {[=, &b](const Tensor &base) {
            return b.slice(base, dim, start, count, step);
          },
          [=, &b](const Tensor &base, const Tensor &part) {
            return b.insertSlice(base, part, dim, start, count, step);
          }};
}

/// A row: a slice of one, without its dimension.
static View rowOf(Call &call, int64_t dim, SizeExpr index) {
  TensorBuilder &b = call.b;
  return {[=, &b](const Tensor &base) { return b.select(base, dim, index); },
          [=, &b](const Tensor &base, const Tensor &part) {
            return b.insertSlice(base, part, dim, index, 1);
          }};
}

/// Where an index counts from: the end, if it is negative.
static SizeExpr fromStart(const SizeExpr &index, const SizeExpr &size) {
  std::optional<int64_t> constant = index.getConstant();
  return constant && *constant < 0 ? size + index : index;
}

/// Python's slice: what lies beyond the ends is left out. How many elements
/// there are, the file says.
static void buildSlice(Call &call) {
  Tensor self = call.tensor("self");
  int64_t dim = call.dim("dim", self), step = call.integer("step");
  if (call.b.hasFailed() || !call.b.expect(self.getRank() > 0, "expected a "
                                                               "tensor of rank "
                                                               "1 or more"))
    return;
  const SizeExpr &size = self.shape[dim];
  SizeExpr start =
      call.has("start") ? fromStart(call.size("start"), size) : SizeExpr(0);
  std::optional<int64_t> first = start.getConstant(), all = size.getConstant();
  if (first && all)
    start = std::clamp<int64_t>(*first, 0, *all);
  const Shape &shape = call.shape();
  if (!call.b.expect(dim < int64_t(shape.size()), "expected a result of the "
                                                  "rank of its argument"))
    return;
  call.setView("self", sliceOf(call, dim, start, shape[dim], step));
}

static void buildNarrow(Call &call) {
  Tensor self = call.tensor("self");
  int64_t dim = call.dim("dim", self);
  if (call.b.hasFailed() || self.getRank() == 0)
    return;
  call.setView("self", sliceOf(call, dim,
                               fromStart(call.size("start"), self.shape[dim]),
                               call.size("length")));
}

static void buildSelect(Call &call) {
  Tensor self = call.tensor("self");
  int64_t dim = call.dim("dim", self);
  if (call.b.hasFailed() ||
      !call.b.expect(self.getRank() > 0, "expected a tensor of rank 1 or more"))
    return;
  call.setView(
      "self", rowOf(call, dim, fromStart(call.size("index"), self.shape[dim])));
}

/// Consecutive parts, as large as the file says of the results.
static void buildSplit(Call &call) {
  Tensor self = call.tensor("self");
  int64_t dim = call.dim("dim", self);
  std::vector<View> parts;
  SizeExpr start;
  for (unsigned i = 0; call.hasResult(i) && !call.b.hasFailed(); ++i) {
    const Shape &shape = call.shape(i);
    if (!call.b.expect(dim < int64_t(shape.size()) &&
                           self.getRank() == int64_t(shape.size()),
                       "expected parts of the rank of the whole"))
      return;
    parts.push_back(sliceOf(call, dim, start, shape[dim]));
    start = start + shape[dim];
  }
  call.setViews("self", std::move(parts));
}

static void buildUnbind(Call &call) {
  Tensor self = call.tensor("self");
  int64_t dim = call.dim("dim", self);
  std::vector<View> rows;
  for (unsigned i = 0; call.hasResult(i) && !call.b.hasFailed(); ++i)
    rows.push_back(rowOf(call, dim, SizeExpr(i)));
  if (call.b.expect(self.getRank() > 0, "expected a tensor of rank 1 or more"))
    call.setViews("self", std::move(rows));
}

//===----------------------------------------------------------------------===//
// Repetitions and joins
//===----------------------------------------------------------------------===//

/// A view in PyTorch, too, but one that nothing can be written to.
static void buildExpand(Call &call) {
  TensorBuilder &b = call.b;
  Shape shape = call.shape();
  call.setView(
      "self",
      {[&b, shape](const Tensor &base) { return b.expand(base, shape); },
       [&b](const Tensor &, const Tensor &) {
         b.fail("expected a tensor whose elements lie apart to write "
                "to, but it is expanded");
         return Tensor();
       }});
}

/// The whole several times along each dimension.
static void buildRepeat(Call &call) {
  Tensor self = call.tensor("self");
  llvm::ArrayRef<SizeExpr> repeats = call.sizes("repeats");
  int64_t added = int64_t(repeats.size()) - self.getRank();
  if (!call.b.expect(added >= 0, "expected as many repeats as dimensions"))
    return;
  Shape inner(added, SizeExpr(1)), expanded, result;
  inner.append(self.shape.begin(), self.shape.end());
  Shape apart;
  for (auto [size, count] : llvm::zip_equal(inner, repeats)) {
    apart.append({SizeExpr(1), size});
    expanded.append({count, size});
    result.push_back(count * size);
  }
  call.set(call.b.reshape(call.b.expand(call.b.reshape(self, apart), expanded),
                          result));
}

/// Each element several times.
static void buildRepeatInterleave(Call &call) {
  Tensor self = call.tensor("self");
  if (!call.b.expect(call.has("dim"), "expected a dimension to repeat along"))
    return;
  int64_t dim = call.dim("dim", self);
  if (call.b.hasFailed() || self.getRank() == 0)
    return;
  SizeExpr count = call.size("repeats");
  Shape apart = self.shape, expanded = self.shape, result = self.shape;
  apart.insert(apart.begin() + dim + 1, SizeExpr(1));
  expanded.insert(expanded.begin() + dim + 1, count);
  result[dim] = result[dim] * count;
  call.set(call.b.reshape(call.b.expand(call.b.reshape(self, apart), expanded),
                          result));
}

/// Empty vectors are left out, whatever the rank of the others: a rule from
/// the times when they were all that is empty.
static void buildCat(Call &call) {
  std::vector<Tensor> parts;
  for (const Tensor &tensor : call.tensors("tensors"))
    if (!(tensor.getRank() == 1 && tensor.shape[0].isConstant(0)))
      parts.push_back(call.b.cast(tensor, call.resultType()));
  if (!call.b.expect(!parts.empty(), "expected a tensor that is not empty"))
    return;
  int64_t dim = call.dim("dim", parts.front());
  call.set(call.b.concat(parts, dim));
}

static void buildStack(Call &call) {
  std::vector<Tensor> parts;
  int64_t dim = call.integer("dim");
  for (const Tensor &tensor : call.tensors("tensors")) {
    int64_t rank = tensor.getRank();
    if (!call.b.expect(dim >= -rank - 1 && dim <= rank,
                       "expected a dimension of the result"))
      return;
    Shape shape = tensor.shape;
    shape.insert(shape.begin() + (dim < 0 ? dim + rank + 1 : dim), SizeExpr(1));
    parts.push_back(
        call.b.reshape(call.b.cast(tensor, call.resultType()), shape));
  }
  if (!call.b.expect(!parts.empty(), "expected tensors to stack"))
    return;
  int64_t rank = parts.front().getRank();
  call.set(call.b.concat(parts, dim < 0 ? dim + rank : dim));
}

static constexpr OpRow kRows[] = {
    {"aten.view.default(Tensor self, SymInt[] size)", buildView},
    {"aten._unsafe_view.default(Tensor self, SymInt[] size)", buildReshape},
    {"aten.reshape.default(Tensor self, SymInt[] shape)", buildReshape},
    {"aten.flatten.using_ints(Tensor self, int start_dim=0, int end_dim=-1)",
     buildReshape},
    {"aten.unflatten.int(Tensor self, int dim, SymInt[] sizes)", buildView},
    {"aten.unsqueeze.default(Tensor self, int dim)", buildUnsqueeze},
    {"aten.squeeze.default(Tensor self)", buildView},
    {"aten.squeeze.dim(Tensor self, int dim)", buildView},
    {"aten.squeeze.dims(Tensor self, int[] dim)", buildView},
    {"aten.alias.default(Tensor self)", buildAlias},
    {"aten.detach.default(Tensor self)", buildAlias},
    {"aten.lift_fresh_copy.default(Tensor self)", buildClone},
    {"aten.contiguous.default(Tensor self, *, MemoryFormat memory_format=None)",
     buildContiguous},
    {"aten.clone.default(Tensor self, *, MemoryFormat? memory_format=None)",
     buildClone},
    {"aten.permute.default(Tensor self, int[] dims)", buildPermute},
    {"aten.transpose.int(Tensor self, int dim0, int dim1)", buildTranspose},
    {"aten.t.default(Tensor self)", buildT},
    {"aten.slice.Tensor(Tensor self, int dim=0, SymInt? start=None, SymInt? "
     "end=None, SymInt step=1)",
     buildSlice},
    {"aten.narrow.default(Tensor self, int dim, SymInt start, SymInt length)",
     buildNarrow},
    {"aten.select.int(Tensor self, int dim, SymInt index)", buildSelect},
    {"aten.split.Tensor(Tensor self, SymInt split_size, int dim=0)",
     buildSplit},
    {"aten.split_with_sizes.default(Tensor self, SymInt[] split_sizes, int "
     "dim=0)",
     buildSplit},
    {"aten.chunk.default(Tensor self, int chunks, int dim=0)", buildSplit},
    {"aten.unbind.int(Tensor self, int dim=0)", buildUnbind},
    {"aten.expand.default(Tensor self, SymInt[] size, *, bool implicit=False)",
     buildExpand},
    {"aten.expand_as.default(Tensor self, Tensor other)", buildExpand},
    {"aten.repeat.default(Tensor self, SymInt[] repeats)", buildRepeat},
    {"aten.repeat_interleave.self_int(Tensor self, SymInt repeats, int? "
     "dim=None, *, SymInt? output_size=None)",
     buildRepeatInterleave},
    {"aten.cat.default(Tensor[] tensors, int dim=0)", buildCat},
    {"aten.stack.default(Tensor[] tensors, int dim=0)", buildStack},
};

llvm::ArrayRef<OpRow> pt2::getViewOps() { return kRows; }
