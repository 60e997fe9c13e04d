//===- LayerTitle.h - What users are told of a layer ------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_IR_LAYERTITLE_H
#define TQ_DIALECT_PROGRAM_IR_LAYERTITLE_H

#include "mlir/IR/Location.h"

#include <string>

namespace tq::program {

/// The name of a layer (see getLayerName), behind the line of the model's
/// source where that is known: "model.py:42 encoder.layers.3.linear1". Empty
/// where the location has no name.
std::string getLayerTitle(mlir::Location loc);

} // namespace tq::program

#endif // TQ_DIALECT_PROGRAM_IR_LAYERTITLE_H
