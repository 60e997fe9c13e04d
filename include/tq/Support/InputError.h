//===- InputError.h - What is wrong with a file -----------------*- C++ -*-===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TQ_SUPPORT_INPUTERROR_H
#define TQ_SUPPORT_INPUTERROR_H

#include "llvm/Support/Error.h"

#include <string>

namespace tq {

/// What is wrong with a file; logged as "PATH: MESSAGE".
class InputError : public llvm::ErrorInfo<InputError> {
public:
  static char ID;

  InputError(llvm::StringRef path, const llvm::Twine &message)
      : path(path.str()), message(message.str()) {}

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

  llvm::StringRef getPath() const { return path; }
  llvm::StringRef getMessage() const { return message; }

private:
  std::string path;
  std::string message;
};

/// An InputError as an error.
llvm::Error makeFileError(llvm::StringRef path, const llvm::Twine &message);

/// Returns `text` on one line and without control characters, cut after 120
/// bytes: what a file says about itself may go into an error.
std::string printable(llvm::StringRef text);

} // namespace tq

#endif // TQ_SUPPORT_INPUTERROR_H
