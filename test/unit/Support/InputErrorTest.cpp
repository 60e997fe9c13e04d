//===- InputErrorTest.cpp - What files say in errors ----------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Support/InputError.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace tq;

namespace {

TEST(InputError, IsLoggedBehindItsPath) {
  EXPECT_EQ(toString(makeFileError("a/b", "expected c")), "a/b: expected c");
}

TEST(InputError, PrintableIsShortAndOneLine) {
  EXPECT_EQ(printable("a\nb\x7f\xc3\xa9"), "a\\x0ab\\x7f\xc3\xa9");
  EXPECT_EQ(printable(std::string(121, 'a')), std::string(120, 'a') + "...");
  // A character that is cut in two is shown as a broken one.
  EXPECT_EQ(printable(std::string(119, 'a') + "\xc3\xa9"),
            std::string(119, 'a') + "\xef\xbf\xbd...");
}

} // namespace
