//===- TQ.h - The tq dialect ------------------------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQ_H
#define TQ_DIALECT_TQ_IR_TQ_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/ShapedOpInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tq/Dialect/TQ/IR/TQDialect.h.inc"
#include "tq/Dialect/TQ/IR/TQEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tq/Dialect/TQ/IR/TQAttrs.h.inc"

namespace tq {

/// The role an operand plays in the integer form of an op.
enum class QuantizedRole {
  Activation, ///< quantized row by row at run time, or with calibrated ranges
  Weight,     ///< s8, one scale a row, quantized at compile time
  Table, ///< s8, one scale a row; only gathered, never multiplied in integers
  SymmetricActivation, ///< s8, with calibrated ranges only
};

/// Whether calibration looks for the range of an operand.
inline bool isActivation(QuantizedRole role) {
  return role == QuantizedRole::Activation ||
         role == QuantizedRole::SymmetricActivation;
}

struct QuantizableOperand {
  unsigned index;
  QuantizedRole role;
  /// What the op calls it.
  llvm::StringRef name;
  /// Of SymmetricActivation: blocks of equally many columns with a scale each.
  int64_t blocks = 1;
};

/// A dimension of a tensor.
struct TensorDim {
  mlir::Value tensor;
  int64_t dim;
};

/// Two dimensions of one size.
using EqualDims = std::pair<TensorDim, TensorDim>;

/// The longest sum of (x - 128) * w, u8 and s8, that fits into s32:
/// kMaxQuantizedK of tq/Quant.
inline constexpr int64_t kMaxIntegerDepth = 132104;

/// The longest sum of (x - z) * w, u8 and s8, that fits into s32, whatever the
/// zero point z: kMaxStaticK of tq/Quant.
inline constexpr int64_t kMaxStaticDepth = 66311;

/// The longest sum of products with a weight of this type, at most
/// `maxDepth`, which holds for weights from -127 to 127.
int64_t getMaxDepth(mlir::Type weightElement, int64_t maxDepth);

/// The largest head of attention in s8: scores that are hidden are lower by
/// 2^30 than any other.
inline constexpr int64_t kMaxIntegerHead = 33285;

/// `!quant.any<i8<low:high>:f32>`, or of u8: storage of 8 bits, parameters in
/// operands.
mlir::quant::QuantizedType getByteType(mlir::MLIRContext *context,
                                       bool isSigned, int64_t low,
                                       int64_t high);

/// `!quant.any<u8:f32>`: u8 storage, parameters in operands.
mlir::quant::QuantizedType getDynamicU8Type(mlir::MLIRContext *context);

/// `!quant.any<i8<-127:127>:f32>`: symmetric s8 storage, scales in operands.
mlir::quant::QuantizedType getWeightS8Type(mlir::MLIRContext *context);

/// Weights begin at multiples of it in their section: kernels read whole cache
/// lines.
inline constexpr int64_t kWeightAlignment = 64;

/// Larger tensors are refused: 4 TiB, more than any weight file, and sums and
/// products of a few such sizes fit into 64 bits.
inline constexpr int64_t kMaxTensorBytes = int64_t(1) << 42;

/// Bytes of one element in memory and in the section of weights; 0 if there is
/// no layout for the type.
int64_t getElementBytes(mlir::Type element);

/// Bytes of all elements, row-major without gaps; where dimensions are dynamic,
/// of one element along these. None if there is no layout for the elements or
/// they take more than kMaxTensorBytes.
std::optional<int64_t> getTensorBytes(mlir::ShapedType type);

/// The dimension that `op` gives the size of, where it is a constant that the
/// rank bounds: no verifier asks for that.
std::optional<int64_t> getConstantDim(mlir::ShapedDimOpInterface op);

/// Whether the value is a tensor that is known at compile time: a weight, a
/// constant, or what ops of CompileTimeOpInterface make of such.
bool isCompileTimeValue(mlir::Value value);

/// Clones the ops that compute a compile-time value to the insertion point,
/// where the value itself may stand below it.
mlir::Value cloneCompileTimeValue(mlir::OpBuilder &builder, mlir::Value value);

/// Whether the op gives another shape to the same elements in the same memory:
/// reshapes and casts.
bool isView(mlir::Operation *op);

/// The type with its last dimension dropped and another element type.
mlir::RankedTensorType getRowParameterType(mlir::RankedTensorType type,
                                           mlir::Type element);

namespace detail {
/// ReifyRankedShapedTypeOpInterface of ops whose result has the shape of the
/// first operand.
llvm::LogicalResult
reifyFirstOperand(mlir::Operation *op, mlir::OpBuilder &builder,
                  mlir::ReifiedRankedShapedTypeDims &shapes);

/// Refuses pairs of EqualDimsOpInterface whose sizes are known to differ.
llvm::LogicalResult verifyEqualDims(mlir::Operation *op);
} // namespace detail

} // namespace tq

#include "tq/Dialect/TQ/IR/TQInterfaces.h.inc"

#define GET_OP_CLASSES
#include "tq/Dialect/TQ/IR/TQOps.h.inc"

#endif // TQ_DIALECT_TQ_IR_TQ_H
