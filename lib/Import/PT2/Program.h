//===- Program.h - What torch.export writes of a program --------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The parts of `models/NAME.json` that say what the program computes, as
// structs: names follow torch/_export/serde/schema.py. Nothing is understood
// here but kinds; what a node means is in the op table.
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_PT2_PROGRAM_H
#define TQ_LIB_IMPORT_PT2_PROGRAM_H

#include "DType.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace tq::pt2 {

/// A value of a node: a tensor or number by its name, or a constant.
struct Argument {
  enum class Kind {
    None,
    Tensor, ///< `text` is its name
    SymInt, ///< `text` is its name; so are the next two
    SymFloat,
    SymBool,
    Int,
    Float,
    Bool,
    String,
    ScalarType, ///< `integer` is the number that files have for it
    Ignored,    ///< layout, device, memory format: of no consequence here
    List,
    Other, ///< `text` is the kind, as "as_graph"
  };
  Kind kind = Kind::None;
  std::string text;
  int64_t integer = 0;
  double number = 0;
  std::vector<Argument> items;
};

/// The kind of an argument in the words of an error: "a tensor".
llvm::StringRef describe(Argument::Kind kind);

struct Node {
  struct Input {
    std::string name;
    Argument value;
  };
  std::string target; ///< "torch.ops.aten.add.Tensor"
  std::vector<Input> inputs;
  std::vector<Argument> outputs;
  std::string stackTrace;  ///< of Python, the innermost frame last
  std::string moduleStack; ///< "key,name,class;...", the innermost last
};

/// A size: a number, or an expression as sympy's srepr prints it.
struct SizeText {
  int64_t value = 0;
  std::string expr;
};

struct TensorMeta {
  DType dtype = DType::F32;
  std::vector<SizeText> sizes;
  /// Those of weights only: what the strides of a value are does not matter.
  std::vector<int64_t> strides;
  int64_t storageOffset = 0;
};

struct InputSpec {
  enum class Kind { Weight, Buffer, UserInput, ConstantInput };
  Kind kind;
  std::string name;   ///< of the value in the graph, or of a constant input
  std::string target; ///< the tensor's name among the weights
  Argument value;     ///< of a constant input
};

struct OutputSpec {
  enum class Kind { UserOutput, Mutation };
  Kind kind;
  Argument value;
  std::string what; ///< of a mutation: "buffer 'running_mean'"
};

struct Range {
  int64_t min = 0, max = 0; ///< max 0: any
};

struct Program {
  std::vector<Node> nodes;
  llvm::StringMap<TensorMeta> tensors;
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  /// By the expression's text: "s77", or "2*s83".
  std::vector<std::pair<std::string, Range>> ranges;
  /// What forward calls its arguments, and the keys of its results; empty where
  /// the file does not say.
  std::vector<std::string> inputNames, outputNames;
};

/// Reads a tensor's `tensor_meta`; `where` precedes keys in errors.
llvm::Expected<TensorMeta> readTensorMeta(llvm::StringRef path,
                                          const llvm::json::Object &object,
                                          const llvm::Twine &where);

/// Reads a program; `path` is its file, for errors.
llvm::Expected<Program> readProgram(llvm::StringRef path, llvm::StringRef text);

} // namespace tq::pt2

#endif // TQ_LIB_IMPORT_PT2_PROGRAM_H
