//===- NpyBuilder.h - Arrays of numpy for tests -----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_TEST_UNIT_CALIBRATION_NPYBUILDER_H
#define TQ_TEST_UNIT_CALIBRATION_NPYBUILDER_H

#include "ZipBuilder.h"

namespace tq::test {

/// A file with this header, as it is.
inline std::string makeNpyFile(llvm::StringRef header, llvm::StringRef data,
                               int version = 1) {
  return "\x93NUMPY" + number(version, 2) +
         number(header.size(), version == 1 ? 2 : 4) + header.str() +
         data.str();
}

/// An array of `type`, as "<f4", and `shape`, as "(2, 3)".
inline std::string makeNpy(llvm::StringRef type, llvm::StringRef shape,
                           llvm::StringRef data, int version = 1) {
  return makeNpyFile(("{'descr': '" + type +
                      "', 'fortran_order': False, 'shape': " + shape +
                      ", }    \n")
                         .str(),
                     data, version);
}

} // namespace tq::test

#endif // TQ_TEST_UNIT_CALIBRATION_NPYBUILDER_H
