//===- EntryOps.cpp - What may stand in an entry --------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EntryOps.h"

#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

static bool isScalarOp(Operation *op) {
  return isa<arith::ArithDialect, math::MathDialect, affine::AffineDialect>(
             op->getDialect()) &&
         op->getNumRegions() == 0 &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}

/// Whether no kernel can compute what the op computes.
static bool isForCompileTime(Operation *op) {
  return isa<ObserveOp>(op) ||
         (isa<CompileTimeOpInterface>(op) &&
          !isa<AddOp, SubOp, MulOp, DivOp, PermuteOp, ColumnSumsOp, QuantizeOp,
               DequantizeOp>(op));
}

static bool isSupported(Operation *op) {
  if (isa<func::ReturnOp, cf::AssertOp, arith::ConstantOp, GetStateOp,
          SetStateOp>(op) ||
      isScalarOp(op) || isView(op))
    return true;
  if (isa<TQDialect>(op->getDialect()))
    return !isForCompileTime(op) || isCompileTimeValue(op->getResult(0));
  if (isa<linalg::LinalgOp, linalg::SoftmaxOp>(op))
    return true;
  return isa<mlir::quant::StorageCastOp, tensor::EmptyOp, tensor::DimOp,
             tensor::ExtractOp, tensor::ConcatOp, tensor::PadOp,
             tensor::GatherOp, tensor::ExtractSliceOp, tensor::InsertSliceOp,
             tensor::InsertOp, tensor::GenerateOp, tensor::FromElementsOp,
             tensor::SplatOp>(op);
}

LogicalResult program::checkEntryOps(func::FuncOp entry) {
  for (Operation &op : entry.getBody().front()) {
    for (Type type : op.getResultTypes())
      if (isa<UnrankedTensorType>(type))
        return op.emitError("expected ranked tensors, but got ") << type;
    if (!isSupported(&op))
      return op.emitError("expected an op of the tq, linalg, tensor, arith or "
                          "math dialect that can become a kernel, but got '")
             << op.getName() << "'";
  }
  return success();
}

bool program::isScheduled(Operation *op) {
  if (isView(op) ||
      isa<tensor::EmptyOp, tensor::DimOp, cf::AssertOp, GetWeightOp, GetStateOp,
          SetStateOp, CallOp, func::ReturnOp>(op))
    return true;
  return op->getNumRegions() == 0 &&
         isa<arith::ArithDialect>(op->getDialect()) &&
         llvm::none_of(op->getResultTypes(), llvm::IsaPred<ShapedType>);
}
