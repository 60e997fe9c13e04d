//===- ProgramInterfaces.td - What targets tell a program --*- tablegen -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_DIALECT_PROGRAM_IR_PROGRAMINTERFACES_TD
#define TQ_DIALECT_PROGRAM_IR_PROGRAMINTERFACES_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/Interfaces.td"

def Program_PlanAttrInterface : AttrInterface<"PlanAttrInterface"> {
  let description = [{
    How the code of a variant does its work: what its generator needs to know beside
    the kernel, and nothing else. Attributes of the target's dialect.
  }];
  let cppNamespace = "::tq::program";
  let methods = [
    InterfaceMethod<"The same in words, for remarks.", "std::string", "describe">
  ];
}

#endif // TQ_DIALECT_PROGRAM_IR_PROGRAMINTERFACES_TD
