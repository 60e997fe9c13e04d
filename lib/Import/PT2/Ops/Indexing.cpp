//===- Indexing.cpp - Elements by number ----------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace tq;
using namespace tq::pt2;
using llvm::StringRef;

/// An element of a tensor of indices as a place among `size` elements: from
/// the end where it is negative, the nearest one where it is beyond them.
static Value buildPlace(OpBuilder &b, Location loc, Value index, Value size) {
  Type type = b.getIndexType();
  if (!index.getType().isIndex())
    index = arith::IndexCastOp::create(b, loc, type, index);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value isNegative =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
  Value wrapped = arith::AddIOp::create(b, loc, index, size);
  index = arith::SelectOp::create(b, loc, isNegative, wrapped, index);
  Value last = arith::SubIOp::create(b, loc, size, one);
  index = arith::MinSIOp::create(b, loc, index, last);
  return arith::MaxSIOp::create(b, loc, index, zero);
}

static Value buildSizeOf(OpBuilder &b, Location loc, Value tensor,
                         int64_t dim) {
  return b.createOrFold<tensor::DimOp>(loc, tensor, dim);
}

static void buildEmbedding(Call &call) {
  Tensor weight = call.tensor("weight");
  Tensor ids = call.b.cast(call.tensor("indices"), DType::I64);
  TensorBuilder &b = call.b;
  if (!b.expect(weight.getRank() == 2 && isFloat(weight.dtype) && ids,
                "expected a table [rows, columns] of floats and ids"))
    return;
  Shape shape = ids.shape;
  shape.push_back(weight.shape[1]);
  Value value =
      EmbeddingOp::create(b.getOps(), b.getLocation(), ids.value, weight.value);
  call.set(Tensor{value, shape, weight.dtype});
}

namespace {
/// self[i0, :, i1]: dimensions with an index, and where the indices' own
/// dimensions come in the result.
struct Indexing {
  std::vector<Tensor> indices; ///< by dimension of the source; null: all
  Shape shape;                 ///< that the indices broadcast to
  int64_t place = 0;           ///< of it in the result
};
} // namespace

/// As numpy has it: where the indexed dimensions are neighbours, else first.
static std::optional<Indexing> getIndexing(Call &call, const Tensor &self) {
  Indexing indexing;
  std::vector<Tensor> given;
  int64_t first = -1, last = -1;
  for (auto [dim, index] : llvm::enumerate(call.tensors("indices"))) {
    indexing.indices.push_back(index);
    if (!index)
      continue;
    if (!call.b.expect(isInteger(index.dtype),
                       "expected integers as indices: what bools pick is of a "
                       "size that depends on data"))
      return std::nullopt;
    first = first < 0 ? int64_t(dim) : first;
    last = int64_t(dim);
    given.push_back(index);
  }
  int64_t rank = self.getRank();
  if (!call.b.expect(!given.empty() && last < rank,
                     "expected indices of dimensions that the tensor has"))
    return std::nullopt;
  indexing.indices.resize(rank);
  std::optional<Shape> shape = call.b.broadcast(given);
  if (!shape)
    return std::nullopt;
  indexing.shape = *shape;
  bool areNeighbours = last - first + 1 == int64_t(given.size());
  indexing.place = areNeighbours ? first : 0;
  return indexing;
}

static void buildIndex(Call &call) {
  TensorBuilder &b = call.b;
  Tensor self = call.tensor("self");
  std::optional<Indexing> indexing = getIndexing(call, self);
  if (!indexing)
    return;
  // The result: dimensions before, those of the indices, those behind.
  Shape shape;
  for (int64_t i = 0; i < self.getRank(); ++i)
    if (!indexing->indices[i])
      shape.push_back(self.shape[i]);
  shape.insert(shape.begin() + indexing->place, indexing->shape.begin(),
               indexing->shape.end());
  int64_t behind =
      int64_t(shape.size()) - indexing->place - int64_t(indexing->shape.size());
  std::vector<Tensor> operands;
  for (const Tensor &index : indexing->indices) {
    if (!index)
      continue;
    // Broadcasting aligns at the end.
    Shape aligned = index.shape;
    aligned.append(behind, SizeExpr(1));
    operands.push_back(b.reshape(index, aligned));
  }
  call.set(b.indexed(
      operands, shape, self.dtype,
      [&](OpBuilder &ops, Location loc, ValueRange x, ValueRange at) {
        SmallVector<Value> position;
        unsigned next = 0, dim = 0;
        for (int64_t i = 0; i < self.getRank(); ++i) {
          if (indexing->indices[i]) {
            position.push_back(buildPlace(
                ops, loc, x[next++], buildSizeOf(ops, loc, self.value, i)));
            continue;
          }
          if (dim == indexing->place)
            dim += indexing->shape.size();
          position.push_back(at[dim++]);
        }
        return tensor::ExtractOp::create(ops, loc, self.value, position);
      }));
}

static void buildGather(Call &call) {
  Tensor self = call.tensor("self"), index = call.tensor("index");
  int64_t dim = call.dim("dim", self);
  if (!call.b.expect(self.getRank() == index.getRank() && self.getRank() > 0 &&
                         isInteger(index.dtype),
                     "expected integers of the tensor's rank as indices"))
    return;
  for (int64_t i = 0; i < self.getRank(); ++i)
    if (i != dim)
      call.b.requireAtMost(index.shape[i], self.shape[i],
                           "indices no larger than what they pick from");
  if (call.b.hasFailed())
    return;
  call.set(call.b.indexed(
      {index}, index.shape, self.dtype,
      [&](OpBuilder &b, Location loc, ValueRange x, ValueRange at) {
        SmallVector<Value> position(at);
        position[dim] =
            buildPlace(b, loc, x[0], buildSizeOf(b, loc, self.value, dim));
        return tensor::ExtractOp::create(b, loc, self.value, position);
      }));
}

static void buildIndexSelect(Call &call) {
  Tensor self = call.tensor("self"), index = call.tensor("index");
  int64_t dim = call.dim("dim", self);
  if (!call.b.expect(index.getRank() == 1 && self.getRank() > 0 &&
                         isInteger(index.dtype),
                     "expected a vector of integers as indices"))
    return;
  Shape shape = self.shape, column(self.getRank() - dim, SizeExpr(1));
  shape[dim] = column[0] = index.shape[0];
  call.set(call.b.indexed(
      {call.b.reshape(index, column)}, shape, self.dtype,
      [&](OpBuilder &b, Location loc, ValueRange x, ValueRange at) {
        SmallVector<Value> position(at);
        position[dim] =
            buildPlace(b, loc, x[0], buildSizeOf(b, loc, self.value, dim));
        return tensor::ExtractOp::create(b, loc, self.value, position);
      }));
}

/// self[mask] = value, where the value does not depend on which elements the
/// mask picks.
static bool buildMaskedPut(Call &call, const Tensor &self) {
  llvm::ArrayRef<Tensor> indices = call.tensors("indices");
  if (indices.size() != 1 || !indices.front() || !isBool(indices.front().dtype))
    return false;
  TensorBuilder &b = call.b;
  Tensor mask = indices.front(),
         value = b.cast(call.tensor("values"), self.dtype);
  int64_t rest = self.getRank() - mask.getRank();
  if (!b.expect(rest >= 0 && value.getRank() <= rest &&
                    !call.flag("accumulate"),
                "expected one value for all that a mask picks"))
    return true;
  Shape aligned = mask.shape;
  aligned.append(rest, SizeExpr(1));
  call.set(b.elementwise(
      {b.reshape(mask, aligned), b.expand(value, self.shape), self}, self.dtype,
      [](OpBuilder &ops, Location loc, ValueRange x) {
        return arith::SelectOp::create(ops, loc, x[0], x[1], x[2]);
      }));
  return true;
}

/// Each element looks whether an index means it: the last one that does gives
/// its value, or all add theirs.
static void buildIndexPut(Call &call) {
  TensorBuilder &b = call.b;
  Tensor self = call.tensor("self");
  if (buildMaskedPut(call, self))
    return;
  std::optional<Indexing> indexing = getIndexing(call, self);
  if (!indexing)
    return;
  bool isWhole = llvm::all_of(indexing->indices,
                              [](const Tensor &index) { return bool(index); });
  if (!b.expect(isWhole, "expected an index for each dimension"))
    return;
  // In a row: places, and what goes there.
  Shape row{product(indexing->shape)};
  auto inRow = [&](const Tensor &tensor) {
    return b.reshape(b.expand(tensor, indexing->shape), row);
  };
  SmallVector<mlir::Value> operands;
  for (const Tensor &index : indexing->indices)
    operands.push_back(inRow(index).value);
  operands.push_back(inRow(b.cast(call.tensor("values"), self.dtype)).value);
  if (b.hasFailed())
    return;
  OpBuilder &ops = b.getOps();
  int64_t rank = self.getRank();
  AffineMap readRow = AffineMap::get(rank + 1, 0, ops.getAffineDimExpr(rank));
  SmallVector<AffineMap> maps(operands.size(), readRow);
  maps.push_back(ops.getMultiDimIdentityMap(rank + 1).dropResult(rank));
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  bool accumulates = call.flag("accumulate");
  auto generic = linalg::GenericOp::create(
      ops, b.getLocation(), self.value.getType(), operands, self.value, maps,
      iterators, [&](OpBuilder &nested, Location at, ValueRange x) {
        Value isMeant;
        for (int64_t i = 0; i < rank; ++i) {
          Value place = buildPlace(nested, at, x[i],
                                   buildSizeOf(nested, at, self.value, i));
          Value own = linalg::IndexOp::create(nested, at, i);
          Value fits = arith::CmpIOp::create(
              nested, at, arith::CmpIPredicate::eq, place, own);
          isMeant =
              isMeant
                  ? arith::AndIOp::create(nested, at, isMeant, fits).getResult()
                  : fits;
        }
        Value value = x[rank], before = x[rank + 1];
        if (accumulates)
          value =
              isFloat(self.dtype)
                  ? arith::AddFOp::create(nested, at, before, value).getResult()
                  : arith::AddIOp::create(nested, at, before, value);
        linalg::YieldOp::create(
            nested, at,
            arith::SelectOp::create(nested, at, isMeant, value, before)
                .getResult());
      });
  call.set(Tensor{generic.getResult(0), self.shape, self.dtype});
}

static void buildFlip(Call &call) {
  Tensor self = call.tensor("self");
  SmallVector<int64_t> dims = call.dims("dims", self);
  if (self.getRank() == 0) // one element, but it has a dimension 0
    dims.clear();
  call.set(call.b.indexed(
      {}, self.shape, self.dtype,
      [&](OpBuilder &b, Location loc, ValueRange, ValueRange at) {
        SmallVector<Value> position(at);
        Value one = arith::ConstantIndexOp::create(b, loc, 1);
        for (int64_t dim : dims) {
          Value size = buildSizeOf(b, loc, self.value, dim);
          Value last = arith::SubIOp::create(b, loc, size, one);
          position[dim] = arith::SubIOp::create(b, loc, last, at[dim]);
        }
        return tensor::ExtractOp::create(b, loc, self.value, position);
      }));
}

static constexpr OpRow kRows[] = {
    {"aten.embedding.default(Tensor weight, Tensor indices, SymInt "
     "padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False)",
     buildEmbedding},
    {"aten.index.Tensor(Tensor self, Tensor?[] indices)", buildIndex},
    {"aten.index_select.default(Tensor self, int dim, Tensor index)",
     buildIndexSelect},
    {"aten.gather.default(Tensor self, int dim, Tensor index, *, bool "
     "sparse_grad=False)",
     buildGather},
    {"aten.index_put.default(Tensor self, Tensor?[] indices, Tensor values, "
     "bool accumulate=False)",
     buildIndexPut},
    {"aten.flip.default(Tensor self, int[] dims)", buildFlip},
};

llvm::ArrayRef<OpRow> pt2::getIndexingOps() { return kRows; }
