//===- TensorBuilder.h - Tensors with symbolic shapes -----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What rows of the op table are written with: ops on tensors whose sizes are
// known as expressions of the program's dynamic dimensions, in the terms of
// PyTorch. Every function checks its operands; the first that do not fit are an
// error, and results are null then and wherever an operand is null.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_PT2_TENSORBUILDER_H
#define TQ_LIB_IMPORT_PT2_TENSORBUILDER_H

#include "DType.h"
#include "SizeExpr.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/DenseSet.h"

#include <functional>

namespace tq::pt2 {

struct Tensor {
  mlir::Value value;
  Shape shape;
  DType dtype = DType::F32;

  explicit operator bool() const { return static_cast<bool>(value); }
  int64_t getRank() const { return static_cast<int64_t>(shape.size()); }
};

/// A number of Python.
struct Scalar {
  Scalar(double value) : number(value), isFloat(true) {}
  Scalar(int64_t value) : number(double(value)), integer(value) {}
  Scalar(int value) : Scalar(int64_t(value)) {}

  double number;
  int64_t integer = 0;
  bool isFloat = false;
};

/// Computes one element of elements; all of compute types.
using ElementBody = std::function<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                              mlir::ValueRange)>;
/// The same, with the indices of the element.
using IndexedBody = std::function<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                              mlir::ValueRange elements,
                                              mlir::ValueRange indices)>;

class TensorBuilder {
public:
  /// Ops go to the end of `block`, which is empty, and sizes before them.
  TensorBuilder(mlir::Block *block, SizeTable &sizes);
  ~TensorBuilder();

  mlir::OpBuilder &getOps() { return ops; }
  mlir::OpBuilder &getSizeOps() { return sizeOps; }
  SizeTable &getSizes() { return sizes; }
  void setLocation(mlir::Location newLoc) { loc = newLoc; }
  mlir::Location getLocation() const { return loc; }

  // Errors.
  void fail(const llvm::Twine &message);
  bool hasFailed() const { return !message.empty(); }
  std::string takeMessage() { return std::exchange(message, ""); }
  /// Whether `holds`; if not, that is an error.
  bool expect(bool holds, const llvm::Twine &message);

  // Sizes.
  /// Defines a symbol as a dimension of an argument, or computed from one.
  void bind(const SizeExpr &symbol, mlir::Value value);
  bool isBound(const SizeExpr &symbol) const;
  mlir::Value getIndex(const SizeExpr &size);
  mlir::OpFoldResult getSize(const SizeExpr &size);
  llvm::SmallVector<mlir::OpFoldResult>
  getSizes(llvm::ArrayRef<SizeExpr> shape);
  mlir::RankedTensorType getType(llvm::ArrayRef<SizeExpr> shape, DType dtype);
  std::string print(llvm::ArrayRef<SizeExpr> shape) const;
  /// Whether both may be one size.
  static bool canBeEqual(const SizeExpr &a, const SizeExpr &b);
  /// What has to hold when the program runs; an error where it never does.
  void requireEqual(const SizeExpr &a, const SizeExpr &b,
                    const llvm::Twine &what);
  void requireAtMost(const SizeExpr &small, const SizeExpr &large,
                     const llvm::Twine &what);
  /// A dimension that may count from the end.
  std::optional<int64_t> getDim(int64_t dim, int64_t rank);

  // Constants.
  Tensor constant(DType dtype, Scalar value);
  /// A size as a tensor of rank 0.
  Tensor fromSize(const SizeExpr &size, DType dtype);
  Tensor full(llvm::ArrayRef<SizeExpr> shape, DType dtype, Scalar value);
  /// Notes that all elements of a weight are 0.
  void setZero(mlir::Value weight) { zeros.insert(weight); }
  bool isZero(const Tensor &tensor) const {
    return zeros.contains(tensor.value);
  }

  // The same elements.
  Tensor reshape(const Tensor &input, llvm::ArrayRef<SizeExpr> shape);
  Tensor permute(const Tensor &input, llvm::ArrayRef<int64_t> order);
  Tensor transpose(const Tensor &input, int64_t a, int64_t b);
  Tensor expand(const Tensor &input, llvm::ArrayRef<SizeExpr> shape);
  /// Elements start, start + step, ... of dimension `dim`, `count` of them.
  Tensor slice(const Tensor &input, int64_t dim, const SizeExpr &start,
               const SizeExpr &count, int64_t step = 1);
  Tensor select(const Tensor &input, int64_t dim, const SizeExpr &index);
  /// `input` with `part` in the place that the same slice has.
  Tensor insertSlice(const Tensor &input, const Tensor &part, int64_t dim,
                     const SizeExpr &start, const SizeExpr &count,
                     int64_t step = 1);
  Tensor concat(llvm::ArrayRef<Tensor> inputs, int64_t dim);
  Tensor cast(const Tensor &input, DType dtype);

  // Element by element.
  std::optional<Shape> broadcast(llvm::ArrayRef<Tensor> operands);
  Tensor elementwise(llvm::ArrayRef<Tensor> operands, DType dtype,
                     const ElementBody &body);
  Tensor add(const Tensor &lhs, const Tensor &rhs);
  Tensor sub(const Tensor &lhs, const Tensor &rhs);
  Tensor mul(const Tensor &lhs, const Tensor &rhs);
  Tensor div(const Tensor &lhs, const Tensor &rhs);
  template <typename Op>
  Tensor unary(const Tensor &input) {
    return wrapUnary(input, [&](mlir::Value value) -> mlir::Value {
      return Op::create(ops, loc, value);
    });
  }
  /// `operands` have the shape or broadcast to it; the body also gets indices.
  Tensor indexed(llvm::ArrayRef<Tensor> operands,
                 llvm::ArrayRef<SizeExpr> shape, DType dtype,
                 const IndexedBody &body);

  // Others.
  enum class Reduction { Sum, Max, Min, Any, All };
  /// Over the dimensions, which become 1 or go.
  Tensor reduce(const Tensor &input, llvm::ArrayRef<int64_t> dims,
                bool keepsDims, Reduction reduction);
  Tensor mean(const Tensor &input, llvm::ArrayRef<int64_t> dims,
              bool keepsDims);
  Tensor linear(const Tensor &input, const Tensor &weight, const Tensor &bias);
  Tensor matmul(const Tensor &lhs, const Tensor &rhs);
  Tensor softmax(const Tensor &input, int64_t dim);
  Tensor layerNorm(const Tensor &input, const Tensor &gamma, const Tensor &beta,
                   double epsilon);

private:
  Tensor wrap(mlir::Value value, llvm::ArrayRef<SizeExpr> shape, DType dtype);
  Tensor wrapUnary(const Tensor &input,
                   llvm::function_ref<mlir::Value(mlir::Value)> create);
  bool check(llvm::ArrayRef<Tensor> operands);
  void require(mlir::arith::CmpIPredicate predicate, const SizeExpr &a,
               const SizeExpr &b, const llvm::Twine &what);
  mlir::Value empty(llvm::ArrayRef<SizeExpr> shape, DType dtype);
  mlir::AffineMap broadcastMap(const Tensor &operand,
                               llvm::ArrayRef<SizeExpr> shape);
  mlir::Value emitAtom(unsigned number);
  Tensor castTo(const Tensor &input, mlir::RankedTensorType type);
  Tensor collapse(const Tensor &input, llvm::ArrayRef<SizeExpr> shape,
                  llvm::ArrayRef<int64_t> counts);
  Tensor split(const Tensor &input, llvm::ArrayRef<SizeExpr> shape,
               llvm::ArrayRef<int64_t> counts);
  Tensor dropUnits(const Tensor &input);
  Tensor addUnits(const Tensor &input, llvm::ArrayRef<SizeExpr> shape);
  Tensor flatten(const Tensor &input);
  template <typename Op>
  Tensor binary(const Tensor &lhs, const Tensor &rhs, bool commutes,
                const ElementBody &integers);

  mlir::OpBuilder ops, sizeOps;
  mlir::Operation *firstOp; ///< divides sizes from what is computed
  SizeTable &sizes;
  mlir::Location loc;
  std::string message;
  std::map<SizeExpr, mlir::Value> indices;
  llvm::DenseSet<mlir::Value> zeros;
};

/// A constant of the compute type of `dtype`.
mlir::Value buildNumber(mlir::OpBuilder &builder, mlir::Location loc,
                        DType dtype, Scalar value);

/// An element of another type, as `torch.Tensor.to` converts it: toward zero,
/// at the ends of the range where it lies beyond; of NaN 0.
mlir::Value convertElement(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value element, DType from, DType to);

} // namespace tq::pt2

#endif // TQ_LIB_IMPORT_PT2_TENSORBUILDER_H
