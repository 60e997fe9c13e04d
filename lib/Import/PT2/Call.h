//===- Call.h - A node of a program, ready to be built ----------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_PT2_CALL_H
#define TQ_LIB_IMPORT_PT2_CALL_H

#include "Program.h"
#include "TensorBuilder.h"

#include "llvm/ADT/StringMap.h"

#include <functional>

namespace tq::pt2 {

/// How a tensor shows some elements of another one, so that what is written to
/// either can be seen in both.
struct View {
  std::function<Tensor(const Tensor &base)> read;
  /// The base with `part` in the place of the view.
  std::function<Tensor(const Tensor &base, const Tensor &part)> write;
  /// PyTorch makes a copy instead where the strides ask for one.
  bool mayCopy = false;
  size_t id = 0; ///< of a result that is one; set by the graph builder
};

/// The arguments of a node by the names of its schema, all of the kinds that
/// the schema asks for and with its defaults, and what the file says of its
/// results. What builds the node sets its results, by one of the setters.
class Call {
public:
  /// An argument. Which member holds it, the schema says.
  struct Value {
    bool isNone = false;
    std::vector<Tensor> tensors; ///< one, or those of a list; null: None
    std::vector<SizeExpr> sizes; ///< an integer, or those of a list
    Scalar number = 0;
    std::string text;
    std::optional<DType> dtype;
  };
  struct Result {
    Shape shape;
    DType dtype = DType::F32;
  };

  explicit Call(TensorBuilder &builder) : b(builder) {}

  TensorBuilder &b;

  // Arguments.
  bool has(llvm::StringRef name) const { return !get(name).isNone; }
  /// Null where it is None.
  Tensor tensor(llvm::StringRef name) const;
  llvm::ArrayRef<Tensor> tensors(llvm::StringRef name) const {
    return get(name).tensors;
  }
  SizeExpr size(llvm::StringRef name) const;
  llvm::ArrayRef<SizeExpr> sizes(llvm::StringRef name) const {
    return get(name).sizes;
  }
  /// Integers that have to be constants; 0 and an error where they are not.
  int64_t integer(llvm::StringRef name);
  llvm::SmallVector<int64_t> integers(llvm::StringRef name);
  /// A number that has to be a constant, too.
  double number(llvm::StringRef name);
  bool flag(llvm::StringRef name) const {
    return get(name).number.integer != 0;
  }
  llvm::StringRef text(llvm::StringRef name) const { return get(name).text; }
  std::optional<DType> dtype(llvm::StringRef name) const {
    return get(name).dtype;
  }
  /// A scalar as a tensor of rank 0.
  Tensor scalar(llvm::StringRef name, DType dtype);
  /// A dimension of `tensor`; 0 and an error where it has none of that number.
  int64_t dim(llvm::StringRef name, const Tensor &tensor);
  llvm::SmallVector<int64_t> dims(llvm::StringRef name, const Tensor &tensor);

  // What the file says of result `i`.
  bool hasResult(unsigned i) const { return i < declared.size(); }
  const Shape &shape(unsigned i = 0);
  DType resultType(unsigned i = 0);

  // Results.
  void set(Tensor result) { results = {std::move(result)}; }
  void set(std::vector<Tensor> all) { results = std::move(all); }
  void setSize(SizeExpr size) { sizeResult = std::move(size); }
  /// The results show elements of the argument `of`.
  void setView(llvm::StringRef of, View view) {
    setViews(of, {std::move(view)});
  }
  void setViews(llvm::StringRef of, std::vector<View> all);

  // For the graph builder.
  llvm::StringMap<Value> arguments;
  std::vector<Result> declared;
  std::vector<Tensor> results;
  std::optional<SizeExpr> sizeResult;
  std::vector<View> views;
  std::string viewed; ///< the argument that they show

private:
  const Value &get(llvm::StringRef name) const;
};

} // namespace tq::pt2

#endif // TQ_LIB_IMPORT_PT2_CALL_H
