//===- IRFuzzer.cpp - Modules of text -------------------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Ops of ours among those that the importer makes: a module that parses
// verifies, and prints as one that parses.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "NestingCheck.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <string>

using namespace mlir;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // With the zero byte behind it on which MLIR's parser relies.
  std::string text = toText(data, size).str();
  if (tq::findDeepNesting(text))
    return 0;
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<tq::TQDialect, tq::program::ProgramDialect,
                      arith::ArithDialect, func::FuncDialect,
                      tensor::TensorDialect>();
  ScopedDiagnosticHandler handler(&context, [](Diagnostic &) {});
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return 0;
  std::string printed;
  llvm::raw_string_ostream stream(printed);
  module->print(stream);
  tq::fuzz::require(
      static_cast<bool>(parseSourceString<ModuleOp>(printed, &context)),
      "what is printed parses");
  return 0;
}
