//===- Families.h - The families of encoders --------------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_LIB_IMPORT_HUGGINGFACE_FAMILIES_FAMILIES_H
#define TQ_LIB_IMPORT_HUGGINGFACE_FAMILIES_FAMILIES_H

#include "Architectures.h"

namespace tq {

// The rows of each family. The bare model of a model type comes first.
#define TQ_FAMILY(name) llvm::ArrayRef<Architecture> get##name##Architectures();
#include "Families.def"

} // namespace tq

#endif // TQ_LIB_IMPORT_HUGGINGFACE_FAMILIES_FAMILIES_H
