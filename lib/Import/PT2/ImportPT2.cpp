//===- ImportPT2.cpp - A program of torch.export as tq --------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/PT2/ImportPT2.h"

#include "Archive.h"
#include "GraphBuilder.h"
#include "Program.h"

#include "tq/Support/InputError.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include "llvm/Support/Path.h"

using namespace mlir;
using namespace tq;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

static LogicalResult report(MLIRContext *context, StringRef path, Error error) {
  llvm::handleAllErrors(
      std::move(error),
      [&](const InputError &input) {
        emitError(atFile(context, input.getPath())) << input.getMessage();
      },
      [&](const llvm::ErrorInfoBase &other) {
        emitError(atFile(context, path)) << other.message();
      });
  return failure();
}

FailureOr<OwningOpRef<ModuleOp>> tq::importPT2(StringRef path,
                                               const ImportOptions &options,
                                               MLIRContext *context) {
  context->loadDialect<TQDialect, program::ProgramDialect, arith::ArithDialect,
                       cf::ControlFlowDialect, func::FuncDialect,
                       linalg::LinalgDialect, math::MathDialect,
                       tensor::TensorDialect>();
  Expected<std::unique_ptr<pt2::Archive>> archive = pt2::Archive::open(path);
  if (!archive)
    return report(context, path, archive.takeError());
  StringRef programPath = (*archive)->getProgramPath();
  Expected<pt2::Program> program =
      pt2::readProgram(programPath, (*archive)->getProgramText());
  if (!program)
    return report(context, path, program.takeError());

  OwningOpRef<ModuleOp> module =
      ModuleOp::create(NameLoc::get(StringAttr::get(context, path)));
  (*module)->setAttr(
      program::kNameAttr,
      StringAttr::get(context, printable(llvm::sys::path::stem(path))));
  pt2::GraphBuilder builder(programPath, *program, **archive,
                            options.checkFinite, *module);
  if (failed(builder.build()) || failed(verify(*module)))
    return failure();
  return module;
}
