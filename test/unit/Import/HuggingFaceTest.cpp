//===- HuggingFaceTest.cpp - Good and bad model directories ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/HuggingFace/ImportHuggingFace.h"

#include "TinyModel.h"
#include "tq/Dialect/TQ/IR/TQ.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <cstring>

using namespace mlir;
using namespace tq;
using namespace tq::test;

namespace {

class HuggingFace : public testing::Test {
protected:
  HuggingFace()
      : handler(&context, [this](Diagnostic &diagnostic) {
          std::string text;
          llvm::raw_string_ostream os(text);
          if (auto loc = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
            os << loc.getFilename().strref() << ": ";
          os << diagnostic;
          bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
          (isError ? errors : warnings).push_back(text);
        }) {}

  /// Imports what is in `directory`; true if it gave a module.
  bool importDirectory() {
    errors.clear();
    auto imported = importHuggingFace(directory.path(), options, &context);
    if (failed(imported))
      return false;
    module = std::move(*imported);
    main = module->lookupSymbol<func::FuncOp>("main");
    return errors.empty();
  }

  bool import(const TinyModel &model) {
    model.write(directory);
    return importDirectory();
  }

  /// Expects that the directory's import fails with one line holding `parts`.
  testing::AssertionResult
  failsWith(std::initializer_list<llvm::StringRef> parts) {
    if (importDirectory())
      return testing::AssertionFailure() << "no error";
    if (errors.size() != 1)
      return testing::AssertionFailure() << errors.size() << " errors";
    return isOneLineWith(errors.front(), parts);
  }
  testing::AssertionResult
  failsWith(const TinyModel &model,
            std::initializer_list<llvm::StringRef> parts) {
    model.write(directory);
    return failsWith(parts);
  }

  template <typename Op>
  int64_t count() {
    int64_t result = 0;
    module->walk([&](Op) { ++result; });
    return result;
  }

  /// The names of the ops of @main whose location is `layer`.
  std::vector<std::string> opsAt(llvm::StringRef layer) {
    std::vector<std::string> result;
    main.walk([&](Operation *op) {
      auto loc = dyn_cast<NameLoc>(op->getLoc());
      if (loc && loc.getName().strref() == layer)
        result.push_back(op->getName().stripDialect().str());
    });
    return result;
  }

  /// "NAME: TYPE" of each result of @main.
  std::vector<std::string> results() {
    std::vector<std::string> result;
    for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
      auto name = main.getResultAttrOfType<StringAttr>(i, "tq.name");
      std::string text = name.str() + ": ";
      llvm::raw_string_ostream(text) << type;
      result.push_back(text);
    }
    return result;
  }

  void writeModules(llvm::StringRef pooling, bool normalize) {
    std::string text =
        R"([{"path":"","type":"sentence_transformers.models.Transformer"},)"
        R"({"path":"1_Pooling","type":"sentence_transformers.models.Pooling"})";
    if (normalize)
      text += R"(,{"path":"2_Normalize",)"
              R"("type":"sentence_transformers.models.Normalize"})";
    directory.write("modules.json", text + "]");
    directory.write("1_Pooling/config.json", pooling);
  }

  using Strings = std::vector<std::string>;

  TempDirectory directory;
  MLIRContext context;
  ImportOptions options;
  std::vector<std::string> errors, warnings;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
  func::FuncOp main;
};

//===----------------------------------------------------------------------===//
// Architectures
//===----------------------------------------------------------------------===//

TEST_F(HuggingFace, ImportsBert) {
  ASSERT_TRUE(import(TinyModel::bert()));
  EXPECT_EQ(results(), Strings{"last_hidden_state: tensor<?x?x8xf32>"});
  EXPECT_EQ(count<LinearOp>(), 12);
  EXPECT_EQ(count<AttentionOp>(), 2);
  EXPECT_EQ(count<LayerNormOp>(), 5);
  EXPECT_EQ(count<EmbeddingOp>(), 3);
  EXPECT_EQ(count<AddOp>(), 6);
  EXPECT_EQ(count<GeluOp>(), 2);
  // The pooler is not part of any output: 5 + 16 * 2 weights.
  EXPECT_EQ(count<WeightOp>(), 37);
  EXPECT_EQ(opsAt("encoder.layer.1.attention.self.query"), Strings{"linear"});
  EXPECT_EQ(opsAt("encoder.layer.0.intermediate.dense"),
            (Strings{"linear", "gelu"}));
  EXPECT_EQ(opsAt("encoder.layer.0.output.dense"), (Strings{"linear", "add"}));
  auto attention = *main.getOps<AttentionOp>().begin();
  EXPECT_EQ(attention.getNumHeads(), 2u);
  EXPECT_EQ(attention.getScale().convertToFloat(), 0.5f);
  EXPECT_FALSE(attention.getCausal());
  auto norm = *main.getOps<LayerNormOp>().begin();
  EXPECT_EQ(norm.getEpsilon().convertToFloat(), 1e-12f);
  auto positions = *main.getOps<PositionIdsOp>().begin();
  EXPECT_FALSE(positions.getPaddingId());
}

TEST_F(HuggingFace, DescribesItsInputs) {
  ASSERT_TRUE(import(TinyModel::bert()));
  ASSERT_EQ(main.getNumArguments(), 3u);
  auto text = [&](unsigned i, llvm::StringRef name) {
    auto attribute = main.getArgAttrOfType<StringAttr>(i, name);
    return attribute ? attribute.str() : "";
  };
  auto limit = [&](unsigned i) {
    auto attribute = main.getArgAttrOfType<IntegerAttr>(i, "tq.limit");
    return attribute ? attribute.getInt() : 0;
  };
  EXPECT_EQ(text(0, "tq.name"), "input_ids");
  EXPECT_EQ(text(0, "tq.fill"), "");
  EXPECT_EQ(limit(0), 20);
  EXPECT_EQ(text(1, "tq.name"), "attention_mask");
  EXPECT_EQ(text(1, "tq.fill"), "ones");
  EXPECT_EQ(limit(1), 0);
  EXPECT_FALSE(main.getArgAttr(0, "tq.padding"));
  EXPECT_TRUE(main.getArgAttr(1, "tq.padding"));
  EXPECT_EQ(text(2, "tq.name"), "token_type_ids");
  EXPECT_EQ(text(2, "tq.fill"), "zeros");
  EXPECT_EQ(limit(2), 2);
  Builder builder(&context);
  EXPECT_EQ(main.getArgAttr(1, "tq.dims"),
            builder.getStrArrayAttr({"batch", "sequence"}));
  EXPECT_EQ(main.getResultAttr(0, "tq.dims"),
            builder.getStrArrayAttr({"batch", "sequence", "hidden"}));
  auto limits =
      module->getOperation()->getAttrOfType<DictionaryAttr>("tq.dim_limits");
  EXPECT_EQ(limits.get("sequence"), builder.getI64IntegerAttr(6));
  EXPECT_EQ(module->getOperation()->getAttr("tq.batch_dim"),
            builder.getStringAttr("batch"));
  EXPECT_EQ(module->getOperation()->getAttr("tq.max_tokens"),
            builder.getI64IntegerAttr(6));
  EXPECT_EQ(module->getOperation()->getAttr("tq.model_name"),
            builder.getStringAttr(llvm::sys::path::filename(directory.path())));
}

TEST_F(HuggingFace, PointsWeightsIntoTheirFile) {
  TinyModel model = TinyModel::bert();
  model.dtype = "BF16";
  model.elementBytes = 2;
  ASSERT_TRUE(import(model));
  auto weight =
      module->lookupSymbol<WeightOp>("encoder.layer.0.output.dense.weight");
  ASSERT_TRUE(weight);
  EXPECT_EQ(weight.getTensorType(),
            RankedTensorType::get({8, 12}, BFloat16Type::get(&context)));
  auto mapped = cast<MappedAttr>(*weight.getValue());
  EXPECT_EQ(mapped.getFile(), directory.path("model.safetensors"));
  EXPECT_GT(mapped.getOffset(), 8u);
  for (GetWeightOp read : main.getOps<GetWeightOp>())
    EXPECT_TRUE(
        cast<RankedTensorType>(read.getType()).getElementType().isF32());
}

TEST_F(HuggingFace, TakesNamesWithAndWithoutPrefix) {
  TinyModel model = TinyModel::bert();
  model.addPrefix("bert.");
  ASSERT_TRUE(import(model));
  EXPECT_EQ(opsAt("bert.encoder.layer.0.attention.self"), Strings{"attention"});
  TinyModel classifier = TinyModel::bert("BertForSequenceClassification");
  ASSERT_TRUE(import(classifier));
  for (auto &[name, shape] : TinyModel::bert().tensors)
    classifier.rename("bert." + name, name);
  ASSERT_TRUE(import(classifier));
}

TEST_F(HuggingFace, TakesOldNormNames) {
  TinyModel model = TinyModel::bert();
  model.rename("embeddings.LayerNorm.weight", "embeddings.LayerNorm.gamma");
  model.rename("embeddings.LayerNorm.bias", "embeddings.LayerNorm.beta");
  ASSERT_TRUE(import(model));
  EXPECT_TRUE(module->lookupSymbol<WeightOp>("embeddings.LayerNorm.gamma"));
}

TEST_F(HuggingFace, ImportsDistilBert) {
  ASSERT_TRUE(import(TinyModel::distilBert()));
  EXPECT_EQ(results(), Strings{"last_hidden_state: tensor<?x?x8xf32>"});
  EXPECT_EQ(main.getNumArguments(), 2u);
  EXPECT_EQ(count<EmbeddingOp>(), 2);
  EXPECT_EQ(count<LinearOp>(), 12);
  EXPECT_EQ(opsAt("transformer.layer.1.ffn.lin1"), (Strings{"linear", "gelu"}));
}

TEST_F(HuggingFace, ImportsRoberta) {
  ASSERT_TRUE(import(TinyModel::roberta()));
  auto positions = *main.getOps<PositionIdsOp>().begin();
  EXPECT_EQ(positions.getPaddingId(), 1);
  auto limits =
      module->getOperation()->getAttrOfType<DictionaryAttr>("tq.dim_limits");
  EXPECT_EQ(cast<IntegerAttr>(limits.get("sequence")).getInt(), 4);
  auto norm = *main.getOps<LayerNormOp>().begin();
  EXPECT_EQ(norm.getEpsilon().convertToFloat(), 1e-5f);
  EXPECT_EQ(main.getArgAttrOfType<IntegerAttr>(2, "tq.limit").getInt(), 1);
}

TEST_F(HuggingFace, ImportsClassifiers) {
  ASSERT_TRUE(import(TinyModel::bert("BertForSequenceClassification")));
  EXPECT_EQ(results(), Strings{"logits: tensor<?x2xf32>"});
  EXPECT_EQ(opsAt("bert.pooler.dense"), (Strings{"linear", "tanh"}));
  EXPECT_EQ(opsAt("classifier"), Strings{"linear"});
  ASSERT_TRUE(
      import(TinyModel::distilBert("DistilBertForSequenceClassification")));
  EXPECT_EQ(results(), Strings{"logits: tensor<?x2xf32>"});
  EXPECT_EQ(opsAt("pre_classifier"), (Strings{"linear", "relu"}));
  ASSERT_TRUE(import(TinyModel::roberta("RobertaForSequenceClassification")));
  EXPECT_EQ(opsAt("classifier.dense"), (Strings{"linear", "tanh"}));
  EXPECT_EQ(opsAt("classifier.out_proj"), Strings{"linear"});
  EXPECT_EQ(count<PoolOp>(), 1);
}

TEST_F(HuggingFace, KeepsLabelsInOrder) {
  TinyModel model = TinyModel::bert("BertForSequenceClassification");
  auto labels = [&] { return module->getOperation()->getAttr("tq.labels"); };
  Builder builder(&context);
  ASSERT_TRUE(import(model));
  EXPECT_EQ(labels(), builder.getStrArrayAttr({"LABEL_0", "LABEL_1"}));
  model.config["id2label"] =
      llvm::json::Object{{"1", "POSITIVE"}, {"0", "NEGATIVE"}};
  ASSERT_TRUE(import(model));
  EXPECT_EQ(labels(), builder.getStrArrayAttr({"NEGATIVE", "POSITIVE"}));
  model.config["id2label"] = llvm::json::Object{{"0", "A"}, {"2", "B"}};
  EXPECT_TRUE(failsWith(model, {"config.json", "'id2label'", "class 1 of 2"}));
  model.config["id2label"] = llvm::json::Object{};
  EXPECT_TRUE(failsWith(model, {"'id2label'", "got 0"}));
  model.config["id2label"] = 3;
  EXPECT_TRUE(failsWith(model, {"'id2label'", "an object, but got 3"}));
  model.config.erase("id2label");
  model.config["num_labels"] = 3;
  EXPECT_TRUE(failsWith(model, {"'classifier.weight'", "[3, 8]", "[2, 8]"}));
}

TEST_F(HuggingFace, KnowsActivations) {
  TinyModel model = TinyModel::bert();
  model.config["hidden_act"] = "gelu_new";
  ASSERT_TRUE(import(model));
  EXPECT_TRUE((*main.getOps<GeluOp>().begin()).getTanh());
  model.config["hidden_act"] = "relu";
  ASSERT_TRUE(import(model));
  EXPECT_EQ(count<ReluOp>(), 2);
  model.config["hidden_act"] = "swish";
  ASSERT_TRUE(import(model));
  EXPECT_EQ(count<SiluOp>(), 2);
  model.config["hidden_act"] = "mish";
  EXPECT_TRUE(failsWith(
      model, {"config.json", "'hidden_act'", "gelu, gelu_python", "\"mish\""}));
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

TEST_F(HuggingFace, PoolsAsModulesSay) {
  TinyModel::bert().write(directory);
  writeModules(R"({"word_embedding_dimension":8,)"
               R"("pooling_mode_mean_tokens":true})",
               /*normalize=*/true);
  directory.write("sentence_bert_config.json", R"({"max_seq_length":5})");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(results(), (Strings{"last_hidden_state: tensor<?x?x8xf32>",
                                "embedding: tensor<?x8xf32>"}));
  auto pool = *main.getOps<PoolOp>().begin();
  EXPECT_EQ(pool.getKind(), PoolKind::Mean);
  EXPECT_EQ(pool.getMask(), main.getArgument(1));
  EXPECT_EQ(count<L2NormalizeOp>(), 1);
  EXPECT_EQ(module->getOperation()
                ->getAttrOfType<IntegerAttr>("tq.max_tokens")
                .getInt(),
            5);

  writeModules(R"({"pooling_mode_mean_tokens":false,)"
               R"("pooling_mode_cls_token":true})",
               /*normalize=*/false);
  directory.write("sentence_bert_config.json", R"({"max_seq_length":512})");
  ASSERT_TRUE(importDirectory());
  pool = *main.getOps<PoolOp>().begin();
  EXPECT_EQ(pool.getKind(), PoolKind::First);
  EXPECT_EQ(count<L2NormalizeOp>(), 0);
  EXPECT_EQ(module->getOperation()
                ->getAttrOfType<IntegerAttr>("tq.max_tokens")
                .getInt(),
            6);
}

TEST_F(HuggingFace, WarnsOfLowerCasing) {
  TinyModel::bert().write(directory);
  directory.write("sentence_bert_config.json", R"({"do_lower_case":true})");
  ASSERT_TRUE(importDirectory());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(isOneLineWith(warnings[0], {"lower-cased texts"}));
  directory.write("sentence_bert_config.json", R"({"max_seq_length":0})");
  EXPECT_TRUE(failsWith({"sentence_bert_config.json", "'max_seq_length'"}));
}

TEST_F(HuggingFace, PoolsAsAsked) {
  TinyModel::bert().write(directory);
  options.pooling = ImportPooling::Mean;
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(results().size(), 2u);
  EXPECT_EQ(count<L2NormalizeOp>(), 0);

  writeModules(R"({"pooling_mode_max_tokens":true})", /*normalize=*/true);
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(count<L2NormalizeOp>(), 1);
  options.pooling = ImportPooling::Cls;
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ((*main.getOps<PoolOp>().begin()).getKind(), PoolKind::First);
  options.pooling = ImportPooling::None;
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(results().size(), 1u);

  options.pooling = ImportPooling::Auto;
  EXPECT_TRUE(failsWith({"1_Pooling/config.json", "pooling_mode_max_tokens"}));
  writeModules("{}", /*normalize=*/false);
  EXPECT_TRUE(importDirectory());
  writeModules(R"({"pooling_mode_mean_tokens":false})", /*normalize=*/false);
  EXPECT_TRUE(failsWith({"1_Pooling/config.json", "neither"}));
}

TEST_F(HuggingFace, RejectsPoolingOfClassifiers) {
  options.pooling = ImportPooling::Mean;
  EXPECT_TRUE(failsWith(TinyModel::bert("BertForSequenceClassification"),
                        {"config.json", "BertForSequenceClassification"}));
}

TEST_F(HuggingFace, FindsTheTransformerModule) {
  TinyModel model = TinyModel::bert();
  model.write(directory);
  ASSERT_FALSE(llvm::sys::fs::create_directory(directory.path("0_T")));
  for (const char *file : {"/config.json", "/model.safetensors"})
    ASSERT_FALSE(llvm::sys::fs::rename(directory.path() + file,
                                       directory.path("0_T") + file));
  directory.write("modules.json",
                  R"([{"path":"0_T","type":"x.models.Transformer"}])");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(module->getOperation()
                ->getAttrOfType<StringAttr>("tq.tokenizer_dir")
                .str(),
            directory.path("0_T"));
}

TEST_F(HuggingFace, RejectsOtherModules) {
  TinyModel::bert().write(directory);
  directory.write("modules.json", R"([{"path":"2","type":"a.b.Dense"}])");
  EXPECT_TRUE(failsWith({"modules.json", "'a.b.Dense'", "Normalize"}));
  options.pooling = ImportPooling::None;
  EXPECT_TRUE(importDirectory());
  options.pooling = ImportPooling::Auto;
  directory.write("modules.json", R"([{"path":"../1","type":"a.Pooling"}])");
  EXPECT_TRUE(failsWith({"modules.json", "in the directory"}));
  directory.write("modules.json", R"([3])");
  EXPECT_TRUE(failsWith({"modules.json", "but got 3"}));
  directory.write("modules.json", R"({})");
  EXPECT_TRUE(failsWith({"modules.json", "expected an array"}));
  directory.write("modules.json", R"([{"path":"1","type":"a.Pooling"}])");
  EXPECT_TRUE(failsWith({"1/config.json", "expected a readable file"}));
}

//===----------------------------------------------------------------------===//
// Bad configurations
//===----------------------------------------------------------------------===//

TEST_F(HuggingFace, RejectsUnknownArchitectures) {
  TinyModel model = TinyModel::bert();
  model.config["architectures"] = llvm::json::Array{"T5Model"};
  EXPECT_TRUE(
      failsWith(model, {"config.json", "'architectures'", "BertModel",
                        "BertForSequenceClassification", "DistilBertModel",
                        "DistilBertForSequenceClassification", "RobertaModel",
                        "RobertaForSequenceClassification", "[\"T5Model\"]"}));
  model.config.erase("architectures");
  EXPECT_TRUE(failsWith(model, {"'architectures'", "no such key"}));
  model.config["architectures"] = "BertModel";
  EXPECT_TRUE(failsWith(model, {"'architectures'", "but got \"BertModel\""}));
}

TEST_F(HuggingFace, RejectsMissingKeys) {
  for (llvm::StringRef key :
       {"hidden_size", "num_hidden_layers", "num_attention_heads",
        "intermediate_size", "vocab_size", "max_position_embeddings"}) {
    TinyModel model = TinyModel::bert();
    model.config.erase(key);
    EXPECT_TRUE(failsWith(model, {"config.json", key, "no such key"}));
    model.config[key] = "8";
    EXPECT_TRUE(failsWith(model, {"config.json", key, "but got \"8\""}));
    model.config[key] = -1;
    EXPECT_TRUE(failsWith(model, {"config.json", key, "but got -1"}));
    model.config[key] = int64_t(1) << 62;
    EXPECT_TRUE(failsWith(model, {"config.json", key, "4611686018427387904"}));
    model.config[key] = 1.5;
    EXPECT_TRUE(failsWith(model, {"config.json", key, "but got 1.5"}));
    model.config[key] = nullptr;
    EXPECT_TRUE(failsWith(model, {"config.json", key, "null"}));
  }
}

TEST_F(HuggingFace, RejectsInconsistentConfigurations) {
  TinyModel model = TinyModel::bert();
  model.config["num_attention_heads"] = 3;
  EXPECT_TRUE(failsWith(
      model, {"'num_attention_heads'", "a divisor of hidden_size = 8", "3"}));
  model = TinyModel::bert();
  model.config["position_embedding_type"] = "relative_key";
  EXPECT_TRUE(failsWith(model, {"'position_embedding_type'", "absolute"}));
  model = TinyModel::bert();
  model.config["is_decoder"] = true;
  EXPECT_TRUE(failsWith(model, {"'is_decoder'", "expected false"}));
  model = TinyModel::bert();
  model.config["layer_norm_eps"] = -1.0;
  EXPECT_TRUE(failsWith(model, {"'layer_norm_eps'", "-1"}));
  model = TinyModel::roberta();
  model.config["max_position_embeddings"] = 2;
  EXPECT_TRUE(failsWith(model, {"'max_position_embeddings'", "at least"}));
}

TEST_F(HuggingFace, RejectsWhatIsNoModel) {
  EXPECT_TRUE(failsWith({"config.json", "expected a readable file"}));
  directory.write("config.json", "{");
  EXPECT_TRUE(failsWith({"config.json", "expected valid JSON"}));
  directory.write("config.json", std::string(1000, '['));
  EXPECT_TRUE(failsWith({"config.json", "nested"}));
  TinyModel::bert().write(directory);
  llvm::sys::fs::remove(directory.path("model.safetensors"));
  EXPECT_TRUE(failsWith({"expected model.safetensors", "neither"}));
  directory.write("model.safetensors", "short");
  EXPECT_TRUE(failsWith({"model.safetensors", "at least 8 bytes"}));
  auto missing =
      importHuggingFace(directory.path("none"), ImportOptions(), &context);
  EXPECT_TRUE(failed(missing));
}

//===----------------------------------------------------------------------===//
// Bad tensors
//===----------------------------------------------------------------------===//

TEST_F(HuggingFace, RejectsEachMissingTensor) {
  TinyModel whole = TinyModel::bert("BertForSequenceClassification");
  for (const auto &[name, shape] : whole.tensors) {
    TinyModel model = whole;
    model.tensors.erase(name);
    EXPECT_TRUE(failsWith(
        model, {"model.safetensors", "'" + name + "'", "none of that name"}));
  }
}

TEST_F(HuggingFace, RejectsEachMisshapenTensor) {
  TinyModel whole =
      TinyModel::distilBert("DistilBertForSequenceClassification");
  for (const auto &[name, shape] : whole.tensors) {
    TinyModel model = whole;
    model.tensors[name].back() += 1;
    EXPECT_TRUE(failsWith(
        model, {"model.safetensors", "'" + name + "'", "expected shape"}));
    model.tensors[name] = shape;
    model.tensors[name].push_back(1);
    EXPECT_TRUE(failsWith(model, {"'" + name + "'", "expected shape"}));
  }
}

TEST_F(HuggingFace, RejectsIntegerTensors) {
  TinyModel model = TinyModel::bert();
  model.dtype = "I32";
  EXPECT_TRUE(failsWith(model, {"'embeddings.word_embeddings.weight'",
                                "F32, F16 or BF16", "I32"}));
}

TEST_F(HuggingFace, WarnsOfNaN) {
  TinyModel model = TinyModel::bert();
  // Tensors lie in the order of their names: the bias of a norm comes first.
  model.data = std::string(4 * 8, '\0');
  const char nan[] = "\x00\x00\xc0\x7f";
  model.data.replace(12, 4, nan, 4);
  ASSERT_TRUE(import(model));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(isOneLineWith(
      warnings[0],
      {"model.safetensors", "'embeddings.LayerNorm.bias'", "NaN at index 3"}));
  warnings.clear();
  options.checkFinite = false;
  ASSERT_TRUE(import(model));
  EXPECT_TRUE(warnings.empty());
}

//===----------------------------------------------------------------------===//
// A real model
//===----------------------------------------------------------------------===//

TEST_F(HuggingFace, ImportsMiniLM) {
  std::string path = TQ_SHARED_DIR "/models/all-MiniLM-L6-v2";
  if (!llvm::sys::fs::exists(path))
    GTEST_SKIP() << "no " << path;
  auto imported = importHuggingFace(path, options, &context);
  ASSERT_TRUE(succeeded(imported)) << errors.front();
  module = std::move(*imported);
  main = module->lookupSymbol<func::FuncOp>("main");
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(results(), (Strings{"last_hidden_state: tensor<?x?x384xf32>",
                                "embedding: tensor<?x384xf32>"}));
  EXPECT_EQ(count<LinearOp>(), 36);
  EXPECT_EQ(count<L2NormalizeOp>(), 1);
  EXPECT_EQ(module->getOperation()
                ->getAttrOfType<IntegerAttr>("tq.max_tokens")
                .getInt(),
            256);
}

} // namespace
