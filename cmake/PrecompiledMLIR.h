//===- PrecompiledMLIR.h - What is parsed once ------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Headers of MLIR that most of the compiler's libraries include: parsing them is
// two thirds of the time that a file takes. Files include what they use all the
// same. Headers of tq are not here: a change of one would build everything.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_CMAKE_PRECOMPILEDMLIR_H
#define TQ_CMAKE_PRECOMPILEDMLIR_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#endif // TQ_CMAKE_PRECOMPILEDMLIR_H
