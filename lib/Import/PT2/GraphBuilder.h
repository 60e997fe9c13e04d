//===- GraphBuilder.h - A graph of PyTorch as a function --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Goes through the nodes of a program in order. A graph of PyTorch is not
// functional: an op may write into a tensor, which its views show. Here each
// storage has a value that such an op replaces, and a view is computed anew
// from the value of its storage when that has changed.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_PT2_GRAPHBUILDER_H
#define TQ_LIB_IMPORT_PT2_GRAPHBUILDER_H

#include "OpTable.h"
#include "Program.h"

#include "tq/Import/ModelBuilder/ModelBuilder.h"
#include "tq/Import/Weights/WeightArchive.h"

#include "llvm/ADT/StringMap.h"

#include <deque>

namespace tq::pt2 {

class GraphBuilder {
public:
  /// `path` is the program's file, for errors.
  GraphBuilder(llvm::StringRef path, const Program &program,
               const WeightArchive &archive, bool checkFinite,
               mlir::ModuleOp module);

  /// Builds the function `main`, its weights, ports and symbols.
  mlir::LogicalResult build();

private:
  /// A value of the graph: a tensor that shows a storage through views, or a
  /// number.
  struct GraphValue {
    unsigned storage = 0;
    std::vector<View> views;
    Tensor tensor; ///< as it was when the storage had `version`
    unsigned version = 0;
    std::optional<SizeExpr> size;
  };
  struct Storage {
    Tensor tensor;
    unsigned version = 0;
    const InputSpec *input = nullptr; ///< what of the signature it is, if any
  };
  struct PortInfo {
    std::string name;
    Shape shape;
    mlir::RankedTensorType type;
    llvm::SmallVector<std::string> dims;
  };

  // Inputs and outputs.
  void findUses();
  bool checkCoverage();
  bool createFunction();
  bool describePorts();
  bool describePort(PortInfo &port, llvm::StringRef value);
  void nameDims(PortInfo &port);
  void bindSymbols();
  bool solve(const SizeExpr &size, mlir::Value dim);
  bool areSymbolsBound(const SizeExpr &size) const;
  void addCheck(mlir::Value holds, const llvm::Twine &message);
  void checkSizes();
  bool defineInputs();
  mlir::LogicalResult finish();
  void setModuleAttributes();
  void limitIds();

  // Nodes.
  bool buildNode(const Node &node);
  bool bindArguments(const Node &node, const Op &op, Call &call);
  bool bindArgument(const Parameter &parameter, const Argument &argument,
                    Call::Value &value);
  bool bindTensors(const Argument &argument, Call::Value &value);
  bool bindInteger(const Argument &argument, Call::Value &value);
  bool bindNumber(const Argument &argument, Call::Value &value);
  bool bindDefault(const Parameter &parameter, Call::Value &value);
  bool declareResults(const Node &node, const Op &op, Call &call);
  bool takeResults(const Node &node, const Op &op, Call &call);
  bool takeTensor(llvm::StringRef name, const Tensor &tensor, Call &call,
                  size_t number, llvm::StringRef viewed);
  bool writeInPlace(const Node &node, const Op &op, const Tensor &result);

  // Values.
  Tensor getTensor(llvm::StringRef name);
  Tensor refresh(GraphValue &value);
  bool define(llvm::StringRef name, GraphValue value);
  GraphValue makeStorage(Tensor tensor, const InputSpec *input = nullptr);
  std::optional<Shape> getShape(const TensorMeta &meta);
  std::optional<Call::Result> getDeclared(llvm::StringRef name);

  bool fail(const llvm::Twine &message);
  bool failAt(const Node &node, const llvm::Twine &message);
  /// At the node that is built, if one is.
  bool failHere(const llvm::Twine &message);
  mlir::Location getLocation(const Node &node);

  std::string path;
  const Program &program;
  const WeightArchive &archive;
  mlir::ModuleOp module;
  mlir::MLIRContext *context;
  ModelBuilder model;
  SizeTable sizes;
  mlir::func::FuncOp function;
  std::vector<PortInfo> inputs, outputs;
  std::vector<const InputSpec *> userInputs;
  std::map<SizeExpr, std::string>
      dimNames; ///< by the first dimension that has it
  std::unique_ptr<TensorBuilder> b;
  llvm::StringMap<GraphValue> values;
  std::deque<Storage> storages;
  /// Nodes that are needed, and by name of a value the last one that uses it.
  std::vector<bool> isLive;
  llvm::StringMap<size_t> lastUse;
  size_t numViews = 0;
  size_t current = ~size_t(0); ///< the node that is built, if one is
};

/// "model.py:42", of the innermost frame that is not PyTorch's own; empty where
/// there is none.
std::string getPythonLine(const Node &node);
/// What a node is, and where in Python: "torch.ops.aten.view.default
/// (model.py:42 encoder.layers.3)".
std::string describe(const Node &node);
/// "encoder.layers.3.linear1"; empty outside of all modules.
llvm::StringRef getModulePath(const Node &node);

} // namespace tq::pt2

#endif // TQ_LIB_IMPORT_PT2_GRAPHBUILDER_H
