//===- TQInterfaces.td - What an op says of itself ---------*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_TQ_IR_TQINTERFACES_TD
#define TQ_DIALECT_TQ_IR_TQINTERFACES_TD

include "mlir/IR/OpBase.td"

def TQ_QuantizableOpInterface : OpInterface<"QuantizableOpInterface"> {
  let cppNamespace = "::tq";
  let description = [{
    By this interface a float op says what it can do in integers. The quantize
    phase puts a quantize/dequantize pair before each operand that is listed; the
    fuse phase asks the op for its integer form. An op that can never run in integers,
    but whose work counts, lists nothing and gives its reason.
  }];
  let methods = [
    InterfaceMethod<[{
      Operands that can enter in integers, with the role each plays.
    }], "::llvm::SmallVector<::tq::QuantizableOperand>", "getQuantizableOperands">,
    InterfaceMethod<[{
      Why this op must stay in float (for example because its weight is computed at
      run time), or an empty string.
    }], "::std::string", "getFloatReason", (ins), "", "return {};">,
    InterfaceMethod<[{
      Builds the integer form when every quantizable operand is produced by a
      dequantize op; replaces nothing. Fails, with a reason in `reason`, otherwise.
    }], "::mlir::FailureOr<::mlir::Operation *>", "buildIntegerForm",
      (ins "::mlir::OpBuilder &":$builder, "::std::string &":$reason)>,
    InterfaceMethod<[{
      Has the op quantize its operands of the role SymmetricActivation itself, at run
      time: called instead of putting pairs before them where the scheme is dynamic, or
      a range is not known.
    }], "void", "setDynamic", (ins), "", "return;">,
    InterfaceMethod<"Whether the op says itself that it computes in something but f32.",
                    "bool", "hasOwnPrecision", (ins), "", "return false;">
  ];
}

def TQ_AttentionOpInterface : OpInterface<"AttentionOpInterface"> {
  let cppNamespace = "::tq";
  let description = [{
    Scaled dot-product attention over heads of tensors [batch, token, column], in
    whatever numerics: H query heads of size D read G heads of key and value.
  }];
  let methods = [
    InterfaceMethod<"", "::mlir::Value", "getQuery">,
    InterfaceMethod<"", "::mlir::Value", "getKey">,
    InterfaceMethod<"", "::mlir::Value", "getValue">,
    InterfaceMethod<"[batch, keys], 0 for keys that are hidden; or null.",
                    "::mlir::Value", "getMask">,
    InterfaceMethod<"H.", "uint64_t", "getNumHeads">,
    InterfaceMethod<"G.", "int64_t", "getKvHeads", (ins), "", [{
      return $_op.getNumKvHeads().value_or($_op.getNumHeads());
    }]>,
    InterfaceMethod<"D.", "int64_t", "getHeadSize", (ins), "", [{
      return ::llvm::cast<::mlir::ShapedType>($_op.getQuery().getType())
                 .getShape()
                 .back() /
             static_cast<int64_t>($_op.getNumHeads());
    }]>,
    InterfaceMethod<"Whether a key behind the query's own place is hidden.", "bool",
                    "getCausal">,
    InterfaceMethod<"Keys so far away are hidden.", "std::optional<uint64_t>", "getWindow">,
    InterfaceMethod<"Whether it depends on the query which keys are hidden.", "bool",
                    "isBanded", (ins), "", [{
      return $_op.getCausal() || $_op.getWindow();
    }]>,
    InterfaceMethod<"In what both products are computed.", "::tq::Precision",
                    "getPrecision">
  ];
}

def TQ_EpilogueOpInterface : OpInterface<"EpilogueOpInterface"> {
  let cppNamespace = "::tq";
  let description = [{
    An op whose last steps are an activation and the sum with a residual, so that the
    fuse phase can put those of its only user there. A `coarse` activation is as inexact
    as rounding to 8 bits behind it allows.
  }];
  let methods = [
    InterfaceMethod<"", "::tq::Activation", "getActivation">,
    InterfaceMethod<"", "void", "setActivation", (ins "::tq::Activation":$activation)>,
    InterfaceMethod<"", "bool", "getCoarse">,
    InterfaceMethod<"", "void", "setCoarse", (ins "bool":$coarse)>,
    InterfaceMethod<"", "::mlir::MutableOperandRange", "getResidualMutable">,
  ];
}

def TQ_RowwiseOpInterface : OpInterface<"RowwiseOpInterface"> {
  let cppNamespace = "::tq";
  let description = [{
    Marks an op whose result row depends on one row of each operand only (a row is
    everything along the last dimension). The lower phase puts connected row-wise
    ops into one kernel: one pass over the row.
  }];
}

def TQ_EqualDimsOpInterface : OpInterface<"EqualDimsOpInterface"> {
  let cppNamespace = "::tq";
  let description = [{
    By this interface an op says which dimensions of its operands have to be of one
    size. Where types tell that they are not, the op is refused. Types need not tell: a
    dynamic dimension agrees with each other one. The lower phase puts a check into the
    program for each pair that may differ.

    The ranks that the pairs need are checked by the op's own verifier, which runs
    before.
  }];
  let methods = [
    InterfaceMethod<[{
      The pairs, in the order of the operands.
    }], "::llvm::SmallVector<::tq::EqualDims>", "getEqualDims">
  ];
  let verify = [{ return ::tq::detail::verifyEqualDims($_op); }];
  let verifyWithRegions = 1; // after the op's own verifier
}

def TQ_CompileTimeOpInterface : OpInterface<"CompileTimeOpInterface"> {
  let cppNamespace = "::tq";
  let description = [{
    An op whose results are known at compile time wherever its operands are: it says
    how they are computed. Where all of its operands come from `tq.get_weight`, each
    result that a kernel reads becomes a weight, which `Emit` evaluates.
  }];
  let methods = [
    InterfaceMethod<[{
      What the name of a weight that holds `result` ends in, after that of the weight
      that the first operand starts from: `.scales`.
    }], "::llvm::StringRef", "getWeightSuffix", (ins "::mlir::OpResult":$result)>,
    InterfaceMethod<[{
      Computes the elements of all results from those of the operands: dense,
      row-major, little-endian, aligned to their type. Results begin as zeros.
    }], "void", "evaluate",
      (ins "::llvm::ArrayRef<::llvm::ArrayRef<uint8_t>>":$operands,
           "::llvm::ArrayRef<::llvm::MutableArrayRef<uint8_t>>":$results)>
  ];
}

#endif // TQ_DIALECT_TQ_IR_TQINTERFACES_TD
