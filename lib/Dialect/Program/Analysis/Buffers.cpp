//===- Buffers.cpp - Where the tensors of a schedule lie ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Dialect/Program/Analysis/Buffers.h"
#include "tq/Dialect/TQ/IR/TQ.h"

using namespace mlir;
using namespace tq;
using namespace tq::program;

Value program::getYielded(OpResult result) {
  auto rows = cast<RowsOp>(result.getOwner());
  return rows.getBody()->getTerminator()->getOperand(result.getResultNumber());
}

Value program::getRoot(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (isView(op))
      tensor = op->getOperand(0);
    else if (auto call = dyn_cast<CallOp>(op))
      tensor = call.getDestination(cast<OpResult>(tensor));
    else if (isa<RowsOp>(op))
      tensor = getYielded(cast<OpResult>(tensor));
    else
      break;
  }
  return tensor;
}

bool program::isAllocated(Value tensor) {
  Operation *op = getRoot(tensor).getDefiningOp();
  return isa_and_nonnull<tensor::EmptyOp, BufferOp>(op);
}

int64_t program::getRowBytes(Type tensor) {
  return *getTensorBytes(cast<RankedTensorType>(tensor));
}

Value program::getRowsTensor(RowsOp rows) {
  for (CallOp call : rows.getCalls())
    for (Value operand : call.getArguments())
      if (auto type = dyn_cast<RankedTensorType>(operand.getType());
          type && !type.hasStaticShape())
        return operand;
  return {};
}
