//===- OptionsFuzzer.cpp - The command line of a program ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One argument a line.
//
//===----------------------------------------------------------------------===//

#include "Cli/Options.h"
#include "Fuzz.h"
#include "TestProgram.h"

#include "llvm/ADT/SmallVector.h"

using namespace tq;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const tq_program program = tq::test::makeProgram();
  llvm::SmallVector<llvm::StringRef, 0> lines;
  toText(data, size).split(lines, '\n');
  std::vector<std::string> arguments = {"program"};
  for (llvm::StringRef line : lines)
    arguments.push_back(line.str());
  std::vector<char *> argv;
  for (std::string &argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);
  rt::Options options;
  tq_status status =
      rt::parseOptions(program, int(arguments.size()), argv.data(), &options);
  if (status != TQ_OK) {
    fuzz::requireOneLine(tq_last_message());
    return 0;
  }
  fuzz::require(options.threads >= 0 && options.batch >= 0 &&
                    options.seconds >= 0,
                "numbers in their ranges");
  return 0;
}
