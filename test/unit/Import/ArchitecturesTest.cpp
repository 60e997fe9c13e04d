//===- ArchitecturesTest.cpp - Lookups in the families' rows --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Architectures.h"

#include "tq/Import/HuggingFace/ImportHuggingFace.h"

#include "llvm/ADT/StringSet.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace tq;

namespace {

TEST(Architectures, AllAreFoundByTheirNames) {
  StringSet<> names;
  for (StringRef name : getSupportedArchitectures()) {
    EXPECT_TRUE(names.insert(name).second) << name.str();
    const Architecture *found = findArchitecture(name);
    ASSERT_TRUE(found) << name.str();
    EXPECT_EQ(found->name, name);
  }
  EXPECT_FALSE(findArchitecture("BertForNothing"));
}

TEST(Architectures, EachModelTypeHasABareModel) {
  EXPECT_EQ(listModelTypes(),
            "bert, distilbert, roberta, xlm-roberta, camembert, electra");
  for (StringRef name : getSupportedArchitectures()) {
    const Architecture *found = findArchitecture(name);
    const Architecture *bare = findBareModel(found->family.modelType);
    ASSERT_TRUE(bare) << name.str();
    EXPECT_EQ(&bare->family, &found->family);
    EXPECT_TRUE(bare->head.empty()) << name.str();
    EXPECT_TRUE(bare->name.ends_with("Model")) << name.str();
  }
  EXPECT_FALSE(findBareModel("gpt2"));
}

TEST(Architectures, OneMayTakeTheModelTypeOfAnother) {
  const Architecture *camembert = findArchitecture("CamembertModel");
  EXPECT_TRUE(isCompatible(*camembert, "camembert"));
  EXPECT_TRUE(isCompatible(*camembert, "roberta"));
  EXPECT_FALSE(isCompatible(*camembert, "bert"));
  EXPECT_FALSE(isCompatible(*findArchitecture("ElectraModel"), "bert"));
}

} // namespace
