//===- PT2Fuzzer.cpp - Programs of torch.export ---------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An input is the JSON of a program, `models/NAME.json` of an archive; the
// tensors that it may name are those below. Of archives as such, see ZipFuzzer.
//
//===----------------------------------------------------------------------===//

#include "Context.h"
#include "Fuzz.h"
#include "PT2/GraphBuilder.h"

#include "tq/Dialect/Program/IR/Program.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include <array>
#include <deque>

using namespace tq;

namespace {
/// Tensors of every kind that importing tells apart, all of the same bytes.
class Weights final : public WeightArchive {
public:
  Weights() {
    add("fc.weight", WeightType::F32, {3, 4});
    add("fc.bias", WeightType::F32, {3});
    add("transposed", WeightType::F32, {4, 3}, {1, 4});
    add("table", WeightType::F32, {5, 4});
    add("conv.weight", WeightType::F32, {2, 1, 3});
    add("half", WeightType::F16, {4});
    add("bytes", WeightType::I8, {4, 4});
    add("position_ids", WeightType::I64, {1, 8});
    add("mask", WeightType::Bool, {4, 4});
    add("scale", WeightType::F32, {});
    add("empty", WeightType::F32, {0, 4});
  }

  const Weight *lookup(llvm::StringRef name) const override {
    for (const Weight *weight : sorted)
      if (weight->name == name)
        return weight;
    return nullptr;
  }
  llvm::ArrayRef<const Weight *> getWeights() const override { return sorted; }
  llvm::StringRef getPath() const override { return "program.pt2"; }
  llvm::StringRef getRefusal(llvm::StringRef name) const override {
    return name == "pickled" ? "it is a pickle" : "";
  }

private:
  void add(llvm::StringRef name, WeightType type, llvm::ArrayRef<int64_t> shape,
           llvm::ArrayRef<int64_t> strides = {}) {
    Weight &weight = weights.emplace_back();
    weight.name = name.str();
    weight.type = type;
    weight.shape.assign(shape.begin(), shape.end());
    weight.strides.assign(strides.begin(), strides.end());
    weight.path = "program.pt2";
    weight.fileDigest = 1;
    weight.offset = 64 * weights.size();
    weight.bytes = weight.getNumElements() * getWeightTypeBytes(type);
    weight.data = bytes.data();
    fuzz::require(weight.bytes <= bytes.size(), "bytes for all elements");
    sorted.push_back(&weight);
  }

  std::array<uint8_t, 256> bytes = {};
  std::deque<Weight> weights;
  std::vector<const Weight *> sorted;
};
} // namespace

static mlir::MLIRContext &getContext() {
  mlir::MLIRContext &context = fuzz::getContext();
  context.loadDialect<TQDialect, program::ProgramDialect,
                      mlir::arith::ArithDialect, mlir::cf::ControlFlowDialect,
                      mlir::func::FuncDialect, mlir::linalg::LinalgDialect,
                      mlir::math::MathDialect, mlir::tensor::TensorDialect>();
  return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Weights weights;
  llvm::Expected<pt2::Program> program =
      pt2::readProgram("program.json", toText(data, size));
  if (!program) {
    fuzz::requireOneLine(program.takeError());
    return 0;
  }
  mlir::MLIRContext &context = getContext();
  unsigned errors = 0;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        errors += diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
        fuzz::requireOneLine(diagnostic.str());
      });
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  pt2::GraphBuilder builder("program.json", *program, weights,
                            /*checkFinite=*/true, *module);
  if (failed(builder.build())) {
    fuzz::require(errors == 1, "one error for what is refused");
    return 0;
  }
  fuzz::require(errors == 0, "no error for what is imported");
  fuzz::require(succeeded(mlir::verify(*module)), "a module that verifies");
  return 0;
}
