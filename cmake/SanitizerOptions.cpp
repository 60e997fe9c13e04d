//===- SanitizerOptions.cpp - Defaults of sanitized builds ----------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

/// LLVM's allocators poison what is free in code that their headers bring into
/// ours, but the system's LLVM, built without the sanitizer, does not unpoison
/// what it takes.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0";
}
