//===- ImportFixture.h - Imports directories --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_UNIT_IMPORT_IMPORTFIXTURE_H
#define TQ_TEST_UNIT_IMPORT_IMPORTFIXTURE_H

#include "TinyModel.h"
#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"
#include "tq/Import/HuggingFace/ImportHuggingFace.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

namespace tq::test {

class HuggingFace : public testing::Test {
protected:
  HuggingFace()
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          std::string text;
          llvm::raw_string_ostream os(text);
          if (auto loc = llvm::dyn_cast<mlir::FileLineColLoc>(
                  diagnostic.getLocation()))
            os << loc.getFilename().strref() << ": ";
          os << diagnostic;
          bool isError =
              diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
          (isError ? errors : warnings).push_back(text);
        }) {}

  /// Imports what is in `directory`; true if it gave a module.
  bool importDirectory() {
    errors.clear();
    auto imported = importHuggingFace(directory.path(), options, &context);
    if (mlir::failed(imported))
      return false;
    module = std::move(*imported);
    main = module->lookupSymbol<mlir::func::FuncOp>("main");
    return errors.empty();
  }

  bool import(const TinyModel &model) {
    model.write(directory);
    return importDirectory();
  }

  /// Expects that the directory's import fails with one line holding `parts`.
  testing::AssertionResult
  failsWith(std::initializer_list<llvm::StringRef> parts) {
    if (importDirectory())
      return testing::AssertionFailure() << "no error";
    if (errors.size() != 1)
      return testing::AssertionFailure() << errors.size() << " errors";
    return isOneLineWith(errors.front(), parts);
  }
  testing::AssertionResult
  failsWith(const TinyModel &model,
            std::initializer_list<llvm::StringRef> parts) {
    model.write(directory);
    return failsWith(parts);
  }

  template <typename Op>
  int64_t count() {
    int64_t result = 0;
    module->walk([&](Op) { ++result; });
    return result;
  }

  /// The names of the ops of @main whose location is `layer`.
  std::vector<std::string> opsAt(llvm::StringRef layer) {
    std::vector<std::string> result;
    main.walk([&](mlir::Operation *op) {
      auto loc = llvm::dyn_cast<mlir::NameLoc>(op->getLoc());
      if (loc && loc.getName().strref() == layer)
        result.push_back(op->getName().stripDialect().str());
    });
    return result;
  }

  tq::program::PortAttr getOutput(unsigned i) {
    return main.getResultAttrOfType<tq::program::PortAttr>(
        i, tq::program::kPortAttr);
  }

  std::vector<std::string> outputDims(unsigned i) {
    std::vector<std::string> dims;
    for (mlir::StringAttr dim : getOutput(i).getDims())
      dims.push_back(dim.str());
    return dims;
  }

  /// The largest sequence of the program, 0 if nothing is said.
  int64_t maxSequence() {
    auto symbols = module->getOperation()->getAttrOfType<mlir::ArrayAttr>(
        tq::program::kSymbolsAttr);
    for (auto symbol : symbols.getAsRange<tq::program::SymbolAttr>())
      if (symbol.getName() == "sequence")
        return symbol.getMax();
    return 0;
  }

  /// "NAME: TYPE" of each result of @main.
  std::vector<std::string> results() {
    std::vector<std::string> result;
    for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
      std::string text = getOutput(i).getName().str() + ": ";
      llvm::raw_string_ostream(text) << type;
      result.push_back(text);
    }
    return result;
  }

  void writeModules(llvm::StringRef pooling, bool normalize) {
    std::string text =
        R"([{"path":"","type":"sentence_transformers.models.Transformer"},)"
        R"({"path":"1_Pooling","type":"sentence_transformers.models.Pooling"})";
    if (normalize)
      text += R"(,{"path":"2_Normalize",)"
              R"("type":"sentence_transformers.models.Normalize"})";
    directory.write("modules.json", text + "]");
    directory.write("1_Pooling/config.json", pooling);
  }

  using Strings = std::vector<std::string>;

  TempDirectory directory;
  mlir::MLIRContext context;
  ImportOptions options;
  std::vector<std::string> errors, warnings;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp main;
};

} // namespace tq::test

#endif // TQ_TEST_UNIT_IMPORT_IMPORTFIXTURE_H
