//===- ClassifierTest.cpp - Labels and scores of classifiers --------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportFixture.h"

using namespace mlir;
using namespace tq;
using namespace tq::test;
using llvm::json::Array;
using llvm::json::Object;

namespace {

class Classifier : public HuggingFace {
protected:
  Strings labels() {
    Strings names;
    for (StringAttr name : attribute().getNames())
      names.push_back(name.str());
    return names;
  }

  std::string scores() {
    return program::stringifyLabelScores(attribute().getScores()).str();
  }

  program::LabelsAttr attribute() {
    return module->getOperation()->getAttrOfType<program::LabelsAttr>(
        program::kLabelsAttr);
  }

  /// A classifier with this number of outputs.
  static TinyModel make(int64_t classes) {
    TinyModel model = TinyModel::bert("BertForSequenceClassification");
    model.addLinear("classifier", classes, 8);
    if (classes != 2)
      model.config["num_labels"] = classes;
    return model;
  }
};

//===----------------------------------------------------------------------===//
// Labels
//===----------------------------------------------------------------------===//

TEST_F(Classifier, KeepsLabelsInOrder) {
  TinyModel model = make(2);
  ASSERT_TRUE(import(model));
  EXPECT_EQ(labels(), (Strings{"LABEL_0", "LABEL_1"}));
  model.config["id2label"] = Object{{"1", "POSITIVE"}, {"0", "NEGATIVE"}};
  ASSERT_TRUE(import(model));
  EXPECT_EQ(labels(), (Strings{"NEGATIVE", "POSITIVE"}));
  model.config["id2label"] = Object{{"1", 7}, {"0", -1}};
  ASSERT_TRUE(import(model));
  EXPECT_EQ(labels(), (Strings{"-1", "7"}));
  model.config["id2label"] = nullptr;
  ASSERT_TRUE(import(model));
  EXPECT_EQ(labels(), (Strings{"LABEL_0", "LABEL_1"}));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Classifier, CountsLabelsAsTransformersDoes) {
  // Two entries are two classes, whatever their numbers.
  TinyModel model = make(2);
  model.config["id2label"] = Object{{"0", "A"}, {"2", "B"}};
  ASSERT_TRUE(import(model));
  EXPECT_EQ(labels(), (Strings{"A", "LABEL_1"}));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(isOneLineWith(warnings[0], {"config.json", "'id2label'",
                                          "classes 0 to 1", "got only 1"}));
  model = make(3);
  model.config.erase("num_labels");
  model.config["id2label"] = Object{{"0", "A"}, {"2", "B"}};
  EXPECT_TRUE(failsWith(model, {"'classifier.weight'", "[2, 8]", "[3, 8]"}));
  // num_labels wins, and the names are gone.
  warnings.clear();
  model.config["num_labels"] = 3;
  ASSERT_TRUE(import(model));
  EXPECT_EQ(labels(), (Strings{"LABEL_0", "LABEL_1", "LABEL_2"}));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(isOneLineWith(warnings[0], {"num_labels = 3", "but got 2"}));
  model.config.erase("id2label");
  model.config.erase("num_labels");
  EXPECT_TRUE(failsWith(model, {"'classifier.weight'", "[2, 8]", "[3, 8]"}));
}

TEST_F(Classifier, RejectsBadLabels) {
  TinyModel model = make(2);
  model.config["id2label"] = Object{};
  EXPECT_TRUE(failsWith(model, {"'id2label'", "got 0"}));
  model.config["id2label"] = 3;
  EXPECT_TRUE(failsWith(model, {"'id2label'", "an object, but got 3"}));
  model.config["id2label"] = Object{{"0", "A"}, {"one", "B"}};
  EXPECT_TRUE(failsWith(model, {"'id2label'", "'one'"}));
  model.config["id2label"] = Object{{"0", "A"}, {"1", Array{}}};
  EXPECT_TRUE(failsWith(model, {"'id2label'", "for class 1"}));
  model.config["id2label"] = Object{{"1", "A"}, {"01", "B"}};
  EXPECT_TRUE(failsWith(model, {"'id2label'", "class 1 once"}));
  model.config["num_labels"] = 0;
  EXPECT_TRUE(failsWith(model, {"'num_labels'", "but got 0"}));
}

TEST_F(Classifier, RejectsLabelsWithControlCharacters) {
  TinyModel model = make(2);
  const std::pair<std::string, llvm::StringRef> cases[] = {
      {std::string("a\0b", 3), "'a\\x00b'"},
      {"a\nb", "'a\\x0ab'"},
      {"\x1b[31m", "'\\x1b[31m'"},
      {"\x7f", "'\\x7f'"},
      {"\xc2\x9b", "class 0"},
  };
  for (const auto &[label, shown] : cases) {
    model.config["id2label"] = Object{{"0", label}, {"1", "b"}};
    EXPECT_TRUE(
        failsWith(model, {"config.json", "'id2label'", "class 0", shown}));
  }
  model.config["id2label"] = Object{{"0", "\xc3\xa4 \xc2\xa0"}, {"1", "b"}};
  EXPECT_TRUE(import(model));
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

TEST_F(Classifier, ShowsScoresAsTransformersDoes) {
  const std::tuple<int64_t, llvm::json::Value, llvm::StringRef> cases[] = {
      {2, nullptr, "softmax"},
      {3, "single_label_classification", "softmax"},
      {3, "multi_label_classification", "sigmoid"},
      {3, "regression", "none"},
      {1, nullptr, "sigmoid"},
      {1, "multi_label_classification", "sigmoid"},
      {1, "regression", "none"},
  };
  for (const auto &[classes, problem, expected] : cases) {
    TinyModel model = make(classes);
    model.config["problem_type"] = problem;
    ASSERT_TRUE(import(model));
    EXPECT_EQ(scores(), expected);
  }
  EXPECT_TRUE(warnings.empty());
  TinyModel model = make(2);
  model.config["problem_type"] = "ranking";
  EXPECT_TRUE(
      failsWith(model, {"'problem_type'", "regression", "\"ranking\""}));
  ASSERT_TRUE(import(TinyModel::bert()));
  EXPECT_FALSE(module->getOperation()->hasAttr(program::kLabelsAttr));
}

TEST_F(Classifier, ShowsScoresAsCrossEncodersDo) {
  TinyModel model = make(1);
  const std::pair<llvm::StringRef, llvm::StringRef> cases[] = {
      {"torch.nn.modules.linear.Identity", "none"},
      {"torch.nn.modules.activation.Sigmoid", "sigmoid"},
  };
  for (auto [name, expected] : cases) {
    model.config["sbert_ce_default_activation_function"] = name;
    ASSERT_TRUE(import(model));
    EXPECT_EQ(scores(), expected);
  }
  // The key of newer versions comes first; null in it means the default.
  model.config["sentence_transformers"] =
      Object{{"activation_fn", "torch.nn.modules.linear.Identity"},
             {"version", "4.0.1"}};
  ASSERT_TRUE(import(model));
  EXPECT_EQ(scores(), "none");
  model.config["sentence_transformers"] = Object{{"activation_fn", nullptr}};
  ASSERT_TRUE(import(model));
  EXPECT_EQ(scores(), "sigmoid");
  EXPECT_TRUE(warnings.empty());
  model.config["sentence_transformers"] =
      Object{{"activation_fn", "my.Activation"}, {"gate", 1}};
  ASSERT_TRUE(import(model));
  EXPECT_EQ(scores(), "sigmoid");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_TRUE(
      isOneLineWith(warnings[0], {"'sentence_transformers.activation_fn'",
                                  "'my.Activation'", "shown with sigmoid"}));
  EXPECT_TRUE(isOneLineWith(warnings[1], {"'sentence_transformers.gate'"}));
  // The file of its own comes before both.
  directory.write("config_sentence_transformers.json",
                  R"({"activation_fn": "torch.nn.modules.linear.Identity"})");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(scores(), "none");
}

} // namespace
