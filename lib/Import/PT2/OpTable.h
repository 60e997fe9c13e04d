//===- OpTable.h - What each op of PyTorch is in tq -------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_PT2_OPTABLE_H
#define TQ_LIB_IMPORT_PT2_OPTABLE_H

#include "Call.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace tq::pt2 {

/// A row of the table: an overload as PyTorch declares it, and what builds it.
/// A new op is a line in one of the tables of Ops/.
struct OpRow {
  /// "aten.add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1)": the name
  /// behind "torch.ops.", and arguments as in native_functions.yaml.
  llvm::StringLiteral schema;
  void (*build)(Call &call);
};

/// One argument of a schema.
struct Parameter {
  enum class Kind {
    Tensor,
    Tensors,
    Int,
    Ints,
    Float,
    Scalar,
    Bool,
    String,
    DType,
    Ignored
  };
  Kind kind;
  bool isOptional; ///< may be None
  std::string name;
  std::optional<std::string> byDefault; ///< as Python writes it
  bool hasGaps = false;                 ///< items of a list may be None
};

/// An overload of the table.
struct Op {
  const OpRow *row;
  std::vector<Parameter> parameters;
  bool isInPlace; ///< it writes its result to its first argument
};

/// The op of a node's target, as "torch.ops.aten.add_.Tensor": in place too,
/// where the table has what it computes. None: the table has no such row.
std::optional<Op> findOp(llvm::StringRef target);

// The rows by what they are about.
llvm::ArrayRef<OpRow> getElementwiseOps();
llvm::ArrayRef<OpRow> getViewOps();
llvm::ArrayRef<OpRow> getCreationOps();
llvm::ArrayRef<OpRow> getReductionOps();
llvm::ArrayRef<OpRow> getIndexingOps();
llvm::ArrayRef<OpRow> getLayerOps();
llvm::ArrayRef<OpRow> getSizeOps();
llvm::ArrayRef<OpRow> getQuantizedOps();

} // namespace tq::pt2

#endif // TQ_LIB_IMPORT_PT2_OPTABLE_H
