//===- HuggingFaceTest.cpp - Good and bad model directories ---------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportFixture.h"

#include <cstring>

using namespace mlir;
using namespace tq;
using namespace tq::test;

namespace {

//===----------------------------------------------------------------------===//
// Architectures
//===----------------------------------------------------------------------===//

TEST_F(HuggingFace, ImportsBert) {
  ASSERT_TRUE(import(TinyModel::bert()));
  EXPECT_EQ(results(), (Strings{"last_hidden_state: tensor<?x?x8xf32>",
                                "pooler_output: tensor<?x8xf32>"}));
  EXPECT_EQ(count<LinearOp>(), 13);
  EXPECT_EQ(count<AttentionOp>(), 2);
  EXPECT_EQ(count<LayerNormOp>(), 5);
  EXPECT_EQ(count<EmbeddingOp>(), 3);
  EXPECT_EQ(count<AddOp>(), 6);
  EXPECT_EQ(count<GeluOp>(), 2);
  // Five of the embeddings, 16 a layer, two of the pooler.
  EXPECT_EQ(count<WeightOp>(), 39);
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
  auto port = [&](unsigned i) {
    std::string text;
    llvm::raw_string_ostream(text) << main.getArgAttr(i, program::kPortAttr);
    return text;
  };
  EXPECT_EQ(port(0), "#program.port<\"input_ids\", [\"batch\", \"sequence\"], "
                     "limit = 20>");
  EXPECT_EQ(port(1), "#program.port<\"attention_mask\", [\"batch\", "
                     "\"sequence\"], fill = ones, padding>");
  EXPECT_EQ(port(2), "#program.port<\"token_type_ids\", [\"batch\", "
                     "\"sequence\"], limit = 2, fill = zeros>");
  EXPECT_EQ(outputDims(0), (Strings{"batch", "sequence", "hidden"}));
  EXPECT_EQ(program::findBatch(*module).getName(), "batch");
  EXPECT_EQ(maxSequence(), 6);
  Builder builder(&context);
  EXPECT_EQ(module->getOperation()->getAttr(program::kMaxTokensAttr),
            builder.getI64IntegerAttr(6));
  EXPECT_EQ(module->getOperation()->getAttr(program::kNameAttr),
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
  EXPECT_EQ(maxSequence(), 4);
  auto norm = *main.getOps<LayerNormOp>().begin();
  EXPECT_EQ(norm.getEpsilon().convertToFloat(), 1e-5f);
  EXPECT_EQ(main.getArgAttrOfType<program::PortAttr>(2, program::kPortAttr)
                .getLimit(),
            1);
}

/// What a language model's checkpoint adds to its encoder.
TinyModel asMaskedLM(TinyModel model, const std::string &name,
                     const std::string &prefix) {
  model.config["architectures"] = llvm::json::Array{name};
  model.tensors.erase("pooler.dense.weight");
  model.tensors.erase("pooler.dense.bias");
  model.addPrefix(prefix);
  model.addLinear("cls.predictions.transform.dense", 8, 8);
  model.tensors["cls.predictions.bias"] = {20};
  return model;
}

TEST_F(HuggingFace, ImportsEncodersOfLanguageModels) {
  const std::tuple<const char *, const char *, TinyModel> cases[] = {
      {"BertForMaskedLM", "bert.", TinyModel::bert()},
      {"BertForPreTraining", "bert.", TinyModel::bert()},
      {"DistilBertForMaskedLM", "distilbert.", TinyModel::distilBert()},
      {"RobertaForMaskedLM", "roberta.", TinyModel::roberta()},
      {"XLMRobertaForMaskedLM", "roberta.", TinyModel::roberta()},
      {"CamembertForMaskedLM", "roberta.", TinyModel::roberta()},
      {"ElectraForMaskedLM", "electra.", TinyModel::electra()},
      {"ElectraForPreTraining", "electra.", TinyModel::electra()},
  };
  for (const auto &[name, prefix, body] : cases) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(import(asMaskedLM(body, name, prefix)));
    EXPECT_EQ(results(), Strings{"last_hidden_state: tensor<?x?x8xf32>"});
    EXPECT_EQ(count<LinearOp>(), 12);
    EXPECT_TRUE(warnings.empty());
  }
}

TEST_F(HuggingFace, ImportsRobertasOfOtherNames) {
  for (llvm::StringRef name : {"XLMRoberta", "Camembert"}) {
    ASSERT_TRUE(import(TinyModel::roberta((name + "Model").str())));
    EXPECT_EQ((*main.getOps<PositionIdsOp>().begin()).getPaddingId(), 1);
    EXPECT_EQ(results().back(), "pooler_output: tensor<?x8xf32>");
    ASSERT_TRUE(
        import(TinyModel::roberta((name + "ForSequenceClassification").str())));
    EXPECT_EQ(opsAt("classifier.dense"), (Strings{"linear", "tanh"}));
  }
}

TEST_F(HuggingFace, ImportsElectra) {
  ASSERT_TRUE(import(TinyModel::electra()));
  EXPECT_EQ(results(), Strings{"last_hidden_state: tensor<?x?x8xf32>"});
  EXPECT_EQ(count<LinearOp>(), 12);
  ASSERT_TRUE(import(TinyModel::electra("ElectraForSequenceClassification")));
  EXPECT_EQ(opsAt("classifier.dense"), (Strings{"linear", "gelu"}));
  EXPECT_EQ(opsAt("classifier.out_proj"), Strings{"linear"});
}

TEST_F(HuggingFace, ProjectsElectrasNarrowTables) {
  TinyModel model = TinyModel::electra();
  model.config["embedding_size"] = 5;
  for (llvm::StringRef part :
       {"word_embeddings", "position_embeddings", "token_type_embeddings"})
    model.tensors[("embeddings." + part + ".weight").str()].back() = 5;
  for (llvm::StringRef part : {"weight", "bias"})
    model.tensors[("embeddings.LayerNorm." + part).str()] = {5};
  EXPECT_TRUE(failsWith(model, {"'embeddings_project.weight'", "[8, 5]"}));
  model.addLinear("embeddings_project", 8, 5);
  ASSERT_TRUE(import(model));
  EXPECT_EQ(opsAt("embeddings_project"), Strings{"linear"});
  EXPECT_EQ(results(), Strings{"last_hidden_state: tensor<?x?x8xf32>"});
  // transformers' default.
  model.config.erase("embedding_size");
  EXPECT_TRUE(failsWith(model, {"word_embeddings.weight'", "[20, 128]"}));
}

TEST_F(HuggingFace, TakesTheBareModelOfAModelType) {
  TinyModel model = TinyModel::roberta();
  for (llvm::json::Value names :
       {llvm::json::Value(nullptr), llvm::json::Value(llvm::json::Array())})
    for (llvm::StringRef type : {"roberta", "xlm-roberta", "camembert"}) {
      model.config["architectures"] = names;
      model.config["model_type"] = type;
      ASSERT_TRUE(import(model));
      EXPECT_EQ((*main.getOps<PositionIdsOp>().begin()).getPaddingId(), 1);
    }
  model = TinyModel::distilBert();
  model.config.erase("architectures");
  model.config["model_type"] = "distilbert";
  EXPECT_TRUE(import(model));
}

TEST_F(HuggingFace, ComparesModelTypeAndArchitecture) {
  TinyModel model = TinyModel::roberta();
  model.config["model_type"] = "xlm-roberta"; // computes the same
  EXPECT_TRUE(import(model));
  model.config["model_type"] = "bert";
  EXPECT_TRUE(failsWith(model, {"'model_type'", "\"roberta\", that of Roberta",
                                "but got \"bert\""}));
  model = TinyModel::distilBert();
  model.config["hidden_size"] = 8;
  EXPECT_TRUE(import(model));
  model.config["num_attention_heads"] = 4;
  EXPECT_TRUE(
      failsWith(model, {"'num_attention_heads'", "key 'n_heads', but got 4"}));
}

TEST_F(HuggingFace, GivesThePoolersOutput) {
  TinyModel model = TinyModel::bert();
  ASSERT_TRUE(import(model));
  EXPECT_EQ(opsAt("pooler.dense"), (Strings{"linear", "tanh"}));
  EXPECT_EQ(outputDims(1), (Strings{"batch", "hidden"}));
  options.pooling = ImportPooling::Mean;
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(results().back(), "embedding: tensor<?x8xf32>");
  EXPECT_TRUE(opsAt("pooler.dense").empty());
  options.pooling = ImportPooling::Auto;
  model.tensors.erase("pooler.dense.bias");
  EXPECT_TRUE(failsWith(model, {"'pooler.dense.bias'", "none of that name"}));
  model.tensors.erase("pooler.dense.weight");
  ASSERT_TRUE(import(model));
  EXPECT_EQ(results().size(), 1u);
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
  model.config["hidden_act"] = "quick_gelu";
  ASSERT_TRUE(import(model));
  EXPECT_EQ(count<QuickGeluOp>(), 2);
  for (llvm::StringRef name : {"gelu_fast", "gelu_accurate", "gelu_python_tanh",
                               "gelu_pytorch_tanh"}) {
    model.config["hidden_act"] = name;
    ASSERT_TRUE(import(model));
    EXPECT_TRUE((*main.getOps<GeluOp>().begin()).getTanh());
  }
  model.config["hidden_act"] = "sigmoid";
  ASSERT_TRUE(import(model));
  EXPECT_EQ(count<SigmoidOp>(), 2);
  model.config["hidden_act"] = "linear";
  ASSERT_TRUE(import(model));
  EXPECT_EQ(opsAt("encoder.layer.0.intermediate.dense"), Strings{"linear"});
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
                ->getAttrOfType<IntegerAttr>(program::kMaxTokensAttr)
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
                ->getAttrOfType<IntegerAttr>(program::kMaxTokensAttr)
                .getInt(),
            6);
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
  EXPECT_EQ(results(), (Strings{"last_hidden_state: tensor<?x?x8xf32>",
                                "pooler_output: tensor<?x8xf32>"}));
}

TEST_F(HuggingFace, RejectsPoolingOfClassifiers) {
  options.pooling = ImportPooling::Mean;
  EXPECT_TRUE(failsWith(TinyModel::bert("BertForSequenceClassification"),
                        {"config.json", "BertForSequenceClassification"}));
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
  EXPECT_TRUE(failsWith(model, {"'architectures' or 'model_type'", "neither"}));
  model.config["model_type"] = "t5";
  EXPECT_TRUE(failsWith(model, {"'model_type'", "one of bert,", "\"t5\""}));
  model.config["model_type"] = 3;
  EXPECT_TRUE(failsWith(model, {"'model_type'", "a string, but got 3"}));
  model.config.erase("model_type");
  model.config["architectures"] =
      llvm::json::Array{"BertModel", "BertForMaskedLM"};
  EXPECT_TRUE(failsWith(model, {"'architectures'", "BertForMaskedLM\"]"}));
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
  for (llvm::StringRef key :
       {"quantization_config", "pruned_heads", "rope_theta",
        "is_encoder_decoder", "cross_attention_hidden_size"}) {
    model = TinyModel::bert();
    model.config[key] = llvm::json::Object{{"0", 1}};
    EXPECT_TRUE(failsWith(model, {"config.json", key, "expected"}));
    model.config[key] = nullptr;
    EXPECT_TRUE(import(model));
  }
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
  directory.write("pytorch_model.bin", "PK\x03\x04");
  EXPECT_TRUE(failsWith({"got only pytorch_model.bin", "save_file"}));
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
                                "F64, F32, F16 or BF16", "I32"}));
}

TEST_F(HuggingFace, TakesDoubles) {
  TinyModel model = TinyModel::bert();
  model.dtype = "F64";
  model.elementBytes = 8;
  ASSERT_TRUE(import(model));
  auto table = module->lookupSymbol<WeightOp>("embeddings.LayerNorm.bias");
  EXPECT_TRUE(table.getTensorType().getElementType().isF64());
  EXPECT_TRUE(warnings.empty());
  const double large = 1e39;
  model.data.assign(reinterpret_cast<const char *>(&large), sizeof(large));
  ASSERT_TRUE(import(model));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(isOneLineWith(warnings[0], {"beyond the range of f32"}));
}

TEST_F(HuggingFace, WarnsOfKeysItDoesNotKnow) {
  TinyModel model = TinyModel::bert();
  model.config["gate"] = true;
  model.config["auto_map"] = llvm::json::Object{{"AutoModel", "m.Model"}};
  ASSERT_TRUE(import(model));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_TRUE(
      isOneLineWith(warnings[0], {"config.json", "'auto_map'", "code"}));
  EXPECT_TRUE(isOneLineWith(warnings[1], {"config.json", "'gate'"}));
}

TEST_F(HuggingFace, ChecksTheTokenizer) {
  TinyModel::bert().write(directory); // 20 rows of words
  std::string words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (char c = 'a'; c < 'p'; ++c)
    words += std::string(1, c) + "\n";
  directory.write("vocab.txt", words);
  EXPECT_TRUE(importDirectory());
  EXPECT_TRUE(warnings.empty());
  directory.write("vocab.txt", words + "p\n");
  EXPECT_TRUE(importDirectory());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(isOneLineWith(warnings[0], {"vocab.txt", "below 20", "id 20"}));
  warnings.clear();
  directory.write("tokenizer_config.json", R"({"cls_token": "p"})");
  EXPECT_TRUE(failsWith({"vocab.txt", "special tokens of each text", "id 20"}));
  directory.write("tokenizer_config.json", R"({"pad_token": "p"})");
  EXPECT_TRUE(failsWith({"vocab.txt", "the padding token", "id 20"}));
  directory.write("tokenizer_config.json", "[");
  EXPECT_TRUE(failsWith({"tokenizer_config.json", "expected valid JSON"}));
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
                ->getAttrOfType<IntegerAttr>(program::kMaxTokensAttr)
                .getInt(),
            256);
}

} // namespace
