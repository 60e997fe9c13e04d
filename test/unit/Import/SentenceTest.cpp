//===- SentenceTest.cpp - Directories of sentence-transformers ------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportFixture.h"

#include "tq/Runtime/TokenizerFormat.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace mlir;
using namespace tq;
using namespace tq::test;

namespace {

class Sentence : public HuggingFace {
protected:
  Sentence() { TinyModel::bert().write(directory); }

  struct Module {
    std::string path, type;
  };

  static std::string old(llvm::StringRef name) {
    return "sentence_transformers.models." + name.str();
  }

  /// A Transformer, a Pooling of the mean, and `others`.
  void writeChain(llvm::ArrayRef<Module> others) {
    std::vector<Module> all = {{"", old("Transformer")},
                               {"1_Pooling", old("Pooling")}};
    llvm::append_range(all, others);
    writeList(all);
    directory.write("1_Pooling/config.json", R"({"pooling_mode":"mean"})");
  }

  void writeList(llvm::ArrayRef<Module> all) {
    llvm::json::Array entries;
    for (const Module &module : all)
      entries.push_back(
          llvm::json::Object{{"path", module.path}, {"type", module.type}});
    std::string text;
    llvm::raw_string_ostream(text) << llvm::json::Value(std::move(entries));
    directory.write("modules.json", text);
  }

  void writePooling(llvm::StringRef config) {
    writeChain({});
    directory.write("1_Pooling/config.json", config);
  }

  /// Writes a Dense module with `config` and weights.
  void writeDense(llvm::StringRef folder, llvm::StringRef config, int64_t from,
                  int64_t to) {
    TinyModel weights;
    weights.addLinear("linear", to, from);
    weights.tensors["residual.weight"] = {to, from};
    directory.write((folder + "/config.json").str(), config);
    directory.write((folder + "/model.safetensors").str(),
                    weights.safetensors());
  }

  void writeEncode(llvm::StringRef text) {
    directory.write("config_sentence_transformers.json", text);
  }

  std::vector<PoolKind> kinds() {
    std::vector<PoolKind> result;
    main.walk([&](PoolOp op) { result.push_back(op.getKind()); });
    return result;
  }

  /// The names of the ops between the pooling and the end of @main.
  Strings tail() {
    Strings names;
    for (Operation &op : main.front()) {
      if (isa<PoolOp>(op))
        names.clear();
      else if (!isa<GetWeightOp>(op))
        names.push_back(op.getName().stripDialect().str());
    }
    return names;
  }

  std::string embedding() { return results().back(); }
  Attribute attribute(llvm::StringRef name) {
    return module->getOperation()->getAttr(name);
  }

  /// The flags of the tokenizer that travels with the module, or none.
  std::optional<uint32_t> tokenizerFlags() {
    auto tables = dyn_cast_or_null<DenseResourceElementsAttr>(
        attribute(program::kTokenizerAttr));
    if (!tables)
      return std::nullopt;
    llvm::ArrayRef<char> bytes = tables.getRawHandle().getBlob()->getData();
    rt::TokenizerHeader header;
    std::memcpy(&header, bytes.data(), sizeof(header));
    return header.flags;
  }

  int64_t maxTokens() {
    return cast<IntegerAttr>(attribute(program::kMaxTokensAttr)).getInt();
  }

  /// Puts a link that leads nowhere in the place of a file.
  void breakLink(llvm::StringRef name) {
    std::string path = directory.path(name);
    llvm::sys::fs::remove(path);
    ASSERT_FALSE(llvm::sys::fs::create_link(directory.path("gone"), path));
  }
};

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

using Kinds = std::vector<PoolKind>;

TEST_F(Sentence, PoolsByName) {
  const std::pair<const char *, PoolKind> modes[] = {
      {"cls", PoolKind::First},
      {"max", PoolKind::Max},
      {"mean", PoolKind::Mean},
      {"mean_sqrt_len_tokens", PoolKind::MeanSqrtLen},
      {"weightedmean", PoolKind::WeightedMean},
      {"lasttoken", PoolKind::Last}};
  for (auto [name, kind] : modes) {
    SCOPED_TRACE(name);
    writePooling((R"({"embedding_dimension":8,"include_prompt":true,)"
                  R"("pooling_mode":")" +
                  llvm::StringRef(name) + "\"}")
                     .str());
    ASSERT_TRUE(importDirectory()) << errors.front();
    EXPECT_EQ(kinds(), Kinds{kind});
    EXPECT_EQ(embedding(), "embedding: tensor<?x8xf32>");
    auto pool = *main.getOps<PoolOp>().begin();
    EXPECT_EQ(pool.getMask(),
              kind == PoolKind::First ? Value() : main.getArgument(1));
    EXPECT_TRUE(warnings.empty());
  }
}

TEST_F(Sentence, PutsPoolingsOfAListSideBySide) {
  writePooling(R"({"pooling_mode":["lasttoken","cls","cls"]})");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(kinds(), (Kinds{PoolKind::Last, PoolKind::First, PoolKind::First}));
  EXPECT_EQ(embedding(), "embedding: tensor<?x24xf32>");
  EXPECT_EQ(tail(), (Strings{"concat", "return"}));
  writePooling(R"({"pooling_mode":["max"]})");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(kinds(), Kinds{PoolKind::Max});
}

TEST_F(Sentence, PoolsAsOldKeysSay) {
  writePooling(R"({"pooling_mode_lasttoken":true,)"
               R"("pooling_mode_weightedmean_tokens":true,)"
               R"("pooling_mode_mean_sqrt_len_tokens":true,)"
               R"("pooling_mode_mean_tokens":true,)"
               R"("pooling_mode_max_tokens":true,)"
               R"("pooling_mode_cls_token":true})");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(kinds(), (Kinds{PoolKind::First, PoolKind::Max, PoolKind::Mean,
                            PoolKind::MeanSqrtLen, PoolKind::WeightedMean,
                            PoolKind::Last}));
  EXPECT_EQ(embedding(), "embedding: tensor<?x48xf32>");
  // The new key beats the old ones.
  writePooling(R"({"pooling_mode":"cls","pooling_mode_max_tokens":true})");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(kinds(), Kinds{PoolKind::First});
  for (const char *text : {"{}", R"({"pooling_mode_cls_token":false})",
                           R"({"pooling_mode_mean_tokens":false})"}) {
    writePooling(text);
    ASSERT_TRUE(importDirectory());
    EXPECT_EQ(kinds(), Kinds{PoolKind::Mean}) << text;
  }
}

TEST_F(Sentence, RefusesOtherPoolings) {
  for (const char *mode : {"\"sum\"", "[]", "3", "[\"cls\",\"sum\"]", "{}",
                           "[\"cls\",[\"cls\"]]", "\"\"", "true"}) {
    writePooling((llvm::Twine(R"({"pooling_mode":)") + mode + "}").str());
    EXPECT_TRUE(failsWith({"1_Pooling/config.json", "'pooling_mode'",
                           "weightedmean, lasttoken, but got"}))
        << mode;
  }
  std::string many = R"({"pooling_mode":["cls")";
  for (int i = 0; i < 16; ++i)
    many += ",\"cls\"";
  writePooling(many + "]}");
  EXPECT_TRUE(failsWith({"'pooling_mode'", "at most 16"}));
  writePooling(R"({"pooling_mode_new_tokens":true})");
  EXPECT_TRUE(failsWith({"1_Pooling/config.json", "pooling_mode_new_tokens"}));
  writePooling(R"({"pooling_mode_cls_token":1})");
  EXPECT_TRUE(failsWith({"'pooling_mode_cls_token'", "true or false"}));
  writePooling(R"({"word_embedding_dimension":9})");
  EXPECT_TRUE(failsWith({"1_Pooling/config.json", "8 numbers", "9"}));
  writePooling(R"({"embedding_dimension":8,"word_embedding_dimension":9})");
  EXPECT_TRUE(importDirectory());
  // The user's word beats that of the file.
  writePooling(R"({"pooling_mode":"sum"})");
  options.pooling = ImportPooling::LastToken;
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(kinds(), Kinds{PoolKind::Last});
  options.pooling = ImportPooling::None;
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(embedding(), "pooler_output: tensor<?x8xf32>");
}

TEST_F(Sentence, RefusesPoolingWithoutThePrompt) {
  writePooling(R"({"include_prompt":false})");
  EXPECT_TRUE(importDirectory());
  writeEncode(R"({"prompts":{"query":""}})");
  EXPECT_TRUE(importDirectory());
  writeEncode(R"({"prompts":{"query":"q: "}})");
  EXPECT_TRUE(failsWith({"1_Pooling/config.json", "'include_prompt'"}));
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

TEST_F(Sentence, KnowsModulesByTheirFullNames) {
  const Module modules[][2] = {
      {{"", old("Transformer")}, {"1_Pooling", old("Pooling")}},
      {{"", old("transformer.Transformer")},
       {"1_Pooling", old("Pooling.Pooling")}},
      {{"", "sentence_transformers.base.modules.transformer.Transformer"},
       {"1_Pooling",
        "sentence_transformers.sentence_transformer.modules.pooling.Pooling"}},
      {{"", "sentence_transformers.base.modules.Transformer"},
       {"1_Pooling",
        "sentence_transformers.sentence_transformer.modules.Pooling"}}};
  directory.write("1_Pooling/config.json", "{}");
  for (const auto &pair : modules) {
    writeList(pair);
    ASSERT_TRUE(importDirectory()) << errors.front();
    EXPECT_EQ(kinds(), Kinds{PoolKind::Mean});
  }
  for (const char *type :
       {"custom_st.Transformer", "Transformer", "x.models.Transformer",
        "sentence_transformers.models.", "sentence_transformers.Transformer",
        "sentence_transformers.models.pooling.Transformer",
        "my.sentence_transformers.models.Transformer",
        "sentence_transformers.models.Transformer.x"}) {
    writeList({{"", type}, {"1_Pooling", old("Pooling")}});
    EXPECT_TRUE(failsWith({"modules.json", "Transformer first", type}));
  }
  for (const char *type :
       {"custom_st.Pooling",
        "sentence_transformers.models.WeightedLayerPooling",
        "sentence_transformers.models.CNN", "sentence_transformers.models.LSTM",
        "sentence_transformers.models.BoW", "sentence_transformers.models.Asym",
        "sentence_transformers.base.modules.router.Router",
        "sentence_transformers.sentence_transformer.modules.static_embedding."
        "StaticEmbedding",
        "sentence_transformers.sparse_encoder.modules.splade_pooling."
        "SpladePooling",
        "sentence_transformers.models.dense.Normalize"}) {
    writeChain({{"2", type}});
    EXPECT_TRUE(failsWith({"modules.json", "Normalize and Dropout", type}));
    options.pooling = ImportPooling::None;
    EXPECT_TRUE(importDirectory());
    options.pooling = ImportPooling::Auto;
  }
}

TEST_F(Sentence, LooksAtTheOrderOfModules) {
  Module transformer = {"", old("Transformer")},
         pooling = {"1_Pooling", old("Pooling")},
         normalize = {"2_Normalize", old("Normalize")};
  directory.write("1_Pooling/config.json", "{}");
  writeList({});
  EXPECT_TRUE(failsWith({"modules.json", "but got no module"}));
  writeList({pooling, transformer});
  EXPECT_TRUE(failsWith({"modules.json", "Transformer first", "Pooling'"}));
  writeList({transformer, transformer, pooling});
  EXPECT_TRUE(failsWith({"modules.json", "and once"}));
  writeList({transformer, pooling, pooling});
  EXPECT_TRUE(failsWith({"modules.json", "one module Pooling"}));
  writeList({transformer, normalize, pooling});
  EXPECT_TRUE(failsWith({"modules.json", "Pooling before others"}));
  writeList({transformer});
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(kinds(), Kinds{PoolKind::First}); // of the model's own pooler
  writeChain({{"2_Dropout", old("Dropout")}, normalize});
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(tail(), (Strings{"l2_normalize", "return"}));
  directory.write("modules.json", R"([{"path":"","name":"0","type":"x"},)"
                                  R"({"path":"","name":"0","type":"x"}])");
  EXPECT_TRUE(failsWith({"modules.json", "different names", "'0'"}));
}

TEST_F(Sentence, RejectsBadModules) {
  directory.write("modules.json", R"([{"path":"../1","type":"a.Pooling"}])");
  EXPECT_TRUE(failsWith({"modules.json", "in the directory"}));
  directory.write("modules.json", "[3]");
  EXPECT_TRUE(failsWith({"modules.json", "but got 3"}));
  directory.write("modules.json", R"([{"path":""}])");
  EXPECT_TRUE(failsWith({"modules.json", "'type'"}));
  for (const char *text : {"{}", "null", "\"x\""}) {
    directory.write("modules.json", text);
    EXPECT_TRUE(failsWith({"modules.json", "expected an array"}));
  }
  writeList(std::vector<Module>(65, {"", old("Transformer")}));
  EXPECT_TRUE(failsWith({"modules.json", "at most 64"}));
  writeList({{"", old("Transformer")}, {"1", old("Pooling")}});
  EXPECT_TRUE(failsWith({"1/config.json", "expected a readable file"}));
}

TEST_F(Sentence, FindsTheTransformer) {
  ASSERT_FALSE(llvm::sys::fs::create_directory(directory.path("0_T")));
  for (const char *file : {"/config.json", "/model.safetensors"})
    ASSERT_FALSE(llvm::sys::fs::rename(directory.path() + file,
                                       directory.path("0_T") + file));
  directory.write("0_T/sentence_bert_config.json", R"({"max_seq_length":3})");
  directory.write("0_T/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
  writeList({{"0_T", old("Transformer")}});
  ASSERT_TRUE(importDirectory());
  EXPECT_TRUE(tokenizerFlags());
  EXPECT_EQ(maxTokens(), 3);
}

//===----------------------------------------------------------------------===//
// Dense, LayerNorm, Normalize
//===----------------------------------------------------------------------===//

TEST_F(Sentence, BuildsDenseModulesInOrder) {
  writeChain({{"2_Dense", old("Dense")},
              {"3_Normalize", old("Normalize")},
              {"4_Dense", "sentence_transformers.base.modules.dense.Dense"}});
  writeDense("2_Dense",
             R"({"in_features":8,"out_features":5,"bias":true,)"
             R"("activation_function":"torch.nn.modules.activation.Tanh",)"
             R"("module_input_name":"sentence_embedding",)"
             R"("module_output_name":"sentence_embedding"})",
             8, 5);
  writeDense("4_Dense",
             R"({"in_features":5,"out_features":3,"bias":false,)"
             R"("activation_function":"torch.nn.modules.linear.Identity"})",
             5, 3);
  ASSERT_TRUE(importDirectory()) << errors.front();
  EXPECT_EQ(embedding(), "embedding: tensor<?x3xf32>");
  EXPECT_EQ(tail(),
            (Strings{"linear", "tanh", "l2_normalize", "linear", "return"}));
  EXPECT_EQ(opsAt("2_Dense.linear"), (Strings{"linear", "tanh"}));
  for (const char *name : {"2_Dense.linear.weight", "2_Dense.linear.bias",
                           "4_Dense.linear.weight"})
    EXPECT_TRUE(module->lookupSymbol(name)) << name;
  EXPECT_FALSE(module->lookupSymbol("4_Dense.linear.bias"));
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Sentence, KnowsActivationsOfDense) {
  writeChain({{"2_Dense", old("Dense")}});
  auto importWith = [&](llvm::StringRef rest) {
    writeDense("2_Dense",
               (R"({"in_features":8,"out_features":5)" + rest + "}").str(), 8,
               5);
    return importDirectory();
  };
  auto activation = [](llvm::StringRef name) {
    return R"(,"activation_function":")" + name.str() + "\"";
  };
  ASSERT_TRUE(importWith(""));
  EXPECT_EQ(tail(), (Strings{"linear", "tanh", "return"}));
  const std::pair<const char *, const char *> known[] = {
      {"GELU", "gelu"}, {"ReLU", "relu"},       {"SiLU", "silu"},
      {"Tanh", "tanh"}, {"Sigmoid", "sigmoid"},
  };
  for (auto [name, op] : known) {
    ASSERT_TRUE(importWith(
        activation(std::string("torch.nn.modules.activation.") + name)));
    EXPECT_EQ(tail(), (Strings{"linear", op, "return"}));
  }
  ASSERT_TRUE(importWith(activation("torch.nn.Identity")));
  EXPECT_EQ(tail(), (Strings{"linear", "return"}));
  for (std::string rest :
       {activation("torch.nn.modules.activation.ELU"), activation("Tanh"),
        activation("custom.Tanh"), activation(""),
        std::string(R"(,"activation_function":null)")}) {
    EXPECT_FALSE(importWith(rest));
    EXPECT_TRUE(failsWith({"2_Dense/config.json", "'activation_function'"}))
        << rest;
  }
}

TEST_F(Sentence, AddsResidualsOfDense) {
  writeChain({{"2_Dense", old("Dense")}});
  writeDense("2_Dense",
             R"({"in_features":8,"out_features":5,"use_residual":true})", 8, 5);
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(tail(), (Strings{"linear", "tanh", "linear", "add", "return"}));
  EXPECT_TRUE(module->lookupSymbol("2_Dense.residual.weight"));
  writeDense("2_Dense",
             R"({"in_features":8,"out_features":8,"use_residual":true})", 8, 8);
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(tail(), (Strings{"linear", "tanh", "add", "return"}));
}

TEST_F(Sentence, RejectsBadDense) {
  writeChain({{"2_Dense", old("Dense")}});
  EXPECT_TRUE(failsWith({"2_Dense/config.json"}));
  writeDense("2_Dense", R"({"in_features":7,"out_features":5})", 7, 5);
  EXPECT_TRUE(failsWith({"2_Dense/config.json", "take 8 numbers", "7"}));
  writeDense("2_Dense", R"({"in_features":8})", 8, 5);
  EXPECT_TRUE(failsWith({"2_Dense/config.json", "'out_features'"}));
  writeDense("2_Dense", R"({"in_features":8,"out_features":6})", 8, 5);
  EXPECT_TRUE(failsWith(
      {"2_Dense/model.safetensors", "'linear.weight'", "[6, 8]", "[5, 8]"}));
  TinyModel other;
  other.addNorm("norm");
  directory.write("2_Dense/model.safetensors", other.safetensors());
  EXPECT_TRUE(failsWith(
      {"2_Dense/model.safetensors", "'linear.weight'", "none of that name"}));
  llvm::sys::fs::remove(directory.path("2_Dense/model.safetensors"));
  EXPECT_TRUE(failsWith({"2_Dense"}));
  writeDense("2_Dense",
             R"({"in_features":8,"out_features":5,)"
             R"("module_input_name":"token_embeddings"})",
             8, 5);
  EXPECT_TRUE(failsWith({"2_Dense/config.json", "'module_input_name'"}));
}

TEST_F(Sentence, BuildsLayerNorm) {
  writeChain({{"2_LayerNorm", old("LayerNorm")}});
  TinyModel weights;
  weights.addNorm("norm");
  directory.write("2_LayerNorm/model.safetensors", weights.safetensors());
  directory.write("2_LayerNorm/config.json", R"({"dimension":8})");
  ASSERT_TRUE(importDirectory()) << errors.front();
  EXPECT_EQ(tail(), (Strings{"layer_norm", "return"}));
  EXPECT_TRUE(module->lookupSymbol("2_LayerNorm.norm.weight"));
  directory.write("2_LayerNorm/config.json", R"({"dimension":9})");
  EXPECT_TRUE(failsWith({"2_LayerNorm/config.json", "take 8 numbers", "9"}));
}

TEST_F(Sentence, ReadsNormalize) {
  writeChain({{"2_Normalize", old("Normalize")}});
  ASSERT_TRUE(importDirectory());
  directory.write("2_Normalize/config.json",
                  R"({"module_input_name":"sentence_embedding"})");
  EXPECT_TRUE(importDirectory());
  directory.write("2_Normalize/config.json",
                  R"({"module_output_name":"token_embeddings"})");
  EXPECT_TRUE(failsWith({"2_Normalize/config.json", "'module_output_name'"}));
}

//===----------------------------------------------------------------------===//
// config_sentence_transformers.json
//===----------------------------------------------------------------------===//

TEST_F(Sentence, TruncatesBehindAllModules) {
  writeChain({{"2_Normalize", old("Normalize")}});
  writeEncode(R"({"truncate_dim":3})");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(embedding(), "embedding: tensor<?x3xf32>");
  EXPECT_EQ(count<tensor::ExtractSliceOp>(), 1);
  EXPECT_EQ(opsAt("normalize"), Strings{"l2_normalize"});
  auto slice = *main.getOps<tensor::ExtractSliceOp>().begin();
  EXPECT_TRUE(slice.getSource().getDefiningOp<L2NormalizeOp>());
  for (const char *text : {R"({"truncate_dim":8})", R"({"truncate_dim":99})",
                           R"({"truncate_dim":null})", "{}"}) {
    writeEncode(text);
    ASSERT_TRUE(importDirectory());
    EXPECT_EQ(embedding(), "embedding: tensor<?x8xf32>") << text;
    EXPECT_EQ(count<tensor::ExtractSliceOp>(), 0);
  }
  for (const char *value : {"0", "-1", "2.5", "\"3\""}) {
    writeEncode((llvm::Twine(R"({"truncate_dim":)") + value + "}").str());
    EXPECT_TRUE(failsWith(
        {"config_sentence_transformers.json", "'truncate_dim'", value}));
  }
}

TEST_F(Sentence, KeepsPrompts) {
  writeChain({});
  writeEncode(R"({"prompts":{"query":"q: ","a b":"","none":null},)"
              R"("default_prompt_name":"query"})");
  ASSERT_TRUE(importDirectory());
  auto prompts = dyn_cast<DictionaryAttr>(attribute(program::kPromptsAttr));
  ASSERT_TRUE(prompts);
  EXPECT_EQ(prompts.size(), 3u);
  EXPECT_EQ(prompts.getAs<StringAttr>("query").str(), "q: ");
  EXPECT_EQ(prompts.getAs<StringAttr>("none").str(), "");
  EXPECT_EQ(cast<StringAttr>(attribute(program::kDefaultPromptAttr)).str(),
            "query");

  writeEncode(R"({"prompts":{},"default_prompt_name":null})");
  ASSERT_TRUE(importDirectory());
  EXPECT_FALSE(attribute(program::kPromptsAttr));
  EXPECT_FALSE(attribute(program::kDefaultPromptAttr));
  // Every model has these two.
  writeEncode(R"({"default_prompt_name":"document"})");
  ASSERT_TRUE(importDirectory());
  EXPECT_FALSE(attribute(program::kDefaultPromptAttr));
  // Without modules they belong to nothing.
  writeEncode(R"({"prompts":{"query":"q: "}})");
  llvm::sys::fs::remove(directory.path("modules.json"));
  ASSERT_TRUE(importDirectory());
  EXPECT_FALSE(attribute(program::kPromptsAttr));
}

TEST_F(Sentence, RejectsBadPrompts) {
  writeChain({});
  writeEncode(R"({"prompts":{"q":"q: "},"default_prompt_name":"other"})");
  EXPECT_TRUE(failsWith({"config_sentence_transformers.json",
                         "'default_prompt_name'", "\"other\""}));
  for (const char *prompts : {"[]", "3", R"({"q":3})", R"({"":"x"})",
                              R"({"q":"a\u0000b"})", R"({"a\nb":"x"})"}) {
    writeEncode((llvm::Twine(R"({"prompts":)") + prompts + "}").str());
    EXPECT_TRUE(failsWith({"config_sentence_transformers.json", "'prompts'"}))
        << prompts;
  }
  writeEncode(R"({"default_prompt_name":3})");
  EXPECT_TRUE(failsWith({"'default_prompt_name'", "a string"}));
}

TEST_F(Sentence, KnowsTheTypeOfModel) {
  writeChain({});
  writeEncode(R"({"model_type":"SentenceTransformer"})");
  EXPECT_TRUE(importDirectory());
  for (const char *type : {"SparseEncoder", "CrossEncoder", "ColBERT", "X"}) {
    writeEncode((llvm::Twine(R"({"model_type":")") + type + "\"}").str());
    EXPECT_TRUE(failsWith({"config_sentence_transformers.json",
                           "SentenceTransformer for BertModel", type}));
  }
  writeEncode(R"({"query_prefix":"[Q] "})");
  EXPECT_TRUE(failsWith({"'query_prefix'"}));
}

TEST_F(Sentence, TakesCrossEncoders) {
  TinyModel model = TinyModel::bert("BertForSequenceClassification");
  model.write(directory);
  writeList({{"", "sentence_transformers.base.modules.transformer."
                  "Transformer"}});
  writeEncode(R"({"model_type":"CrossEncoder","default_prompt_name":null,)"
              R"("prompts":{},)"
              R"("activation_fn":"torch.nn.modules.linear.Identity"})");
  directory.write("sentence_bert_config.json",
                  R"({"transformer_task":"sequence-classification",)"
                  R"("modality_config":{"text":{"method":"forward",)"
                  R"("method_output_name":"logits"}},)"
                  R"("module_output_name":"scores"})");
  ASSERT_TRUE(importDirectory()) << errors.front();
  EXPECT_EQ(results(), Strings{"logits: tensor<?x2xf32>"});
  writeEncode(R"({"model_type":"CrossEncoder","prompts":{"q":"q: "}})");
  warnings.clear();
  ASSERT_TRUE(importDirectory());
  EXPECT_FALSE(attribute(program::kPromptsAttr));
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(isOneLineWith(warnings[0], {"'prompts'", "classifier"}));
  writeEncode(R"({"model_type":"CrossEncoder","prompts":{"q":"q: "},)"
              R"("default_prompt_name":"q"})");
  EXPECT_TRUE(failsWith({"'default_prompt_name'", "\"q\""}));
  writeEncode(R"({"model_type":"SentenceTransformer"})");
  EXPECT_TRUE(failsWith({"config_sentence_transformers.json",
                         "CrossEncoder for BertForSequenceClassification"}));
  options.pooling = ImportPooling::None;
  EXPECT_TRUE(importDirectory());
}

//===----------------------------------------------------------------------===//
// sentence_bert_config.json
//===----------------------------------------------------------------------===//

TEST_F(Sentence, FindsTheLongestText) {
  writeChain({});
  struct Case {
    const char *sentence, *tokenizer;
    int64_t expected;
  };
  // The position table has 6 rows.
  const Case cases[] = {
      {"{}", "{}", 6},
      {R"({"max_seq_length":5})", "{}", 5},
      {R"({"max_seq_length":512})", "{}", 6},
      {R"({"max_seq_length":null})", R"({"model_max_length":4})", 4},
      {"{}", R"({"model_max_length":4})", 4},
      {"{}", R"({"max_len":3})", 3},
      {"{}", R"({"model_max_length":4.0})", 4},
      {"{}", R"({"model_max_length":1000000000000000019884624838656})", 6},
      {"{}", R"({"model_max_length":null})", 6},
      {R"({"max_seq_length":5})", R"({"model_max_length":4})", 5},
      {R"({"max_seq_length":3})", R"({"model_max_length":4})", 3},
      {R"({"max_seq_length":5,"tokenizer_args":{"model_max_length":2}})",
       R"({"model_max_length":4})", 2},
      {R"({"processor_kwargs":{"model_max_length":2}})", "{}", 2},
  };
  for (const Case &c : cases) {
    directory.write("sentence_bert_config.json", c.sentence);
    directory.write("tokenizer_config.json", c.tokenizer);
    ASSERT_TRUE(importDirectory()) << errors.front();
    EXPECT_EQ(maxTokens(), c.expected) << c.sentence << " " << c.tokenizer;
  }
  // A plain directory has the tokenizer's limit, too.
  for (const char *file : {"modules.json", "sentence_bert_config.json"})
    llvm::sys::fs::remove(directory.path(file));
  directory.write("tokenizer_config.json", R"({"model_max_length":4})");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(maxTokens(), 4);
  directory.write("tokenizer_config.json", R"({"model_max_length":"4"})");
  EXPECT_TRUE(failsWith({"tokenizer_config.json", "'model_max_length'"}));
  directory.write("tokenizer_config.json", R"({"model_max_length":0})");
  EXPECT_TRUE(failsWith({"tokenizer_config.json", "'model_max_length'"}));
}

TEST_F(Sentence, ReadsTextConfigs) {
  writeChain({});
  EXPECT_TRUE(importDirectory());
  EXPECT_FALSE(tokenizerFlags());
  EXPECT_TRUE(attribute(program::kTokenizerNoteAttr));
  directory.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
  EXPECT_TRUE(importDirectory());
  ASSERT_TRUE(tokenizerFlags());
  EXPECT_FALSE(attribute(program::kTokenizerNoteAttr));
  EXPECT_FALSE(*tokenizerFlags() & rt::kLowercaseFirst);
  directory.write("sentence_roberta_config.json",
                  R"({"max_seq_length":2,"do_lower_case":true})");
  directory.write("sentence_bert_config.json", "{}");
  ASSERT_TRUE(importDirectory());
  EXPECT_EQ(maxTokens(), 2);
  EXPECT_TRUE(*tokenizerFlags() & rt::kLowercaseFirst);
  directory.write("sentence_bert_config.json",
                  R"({"transformer_task":"feature-extraction",)"
                  R"("modality_config":{"text":{"method":"forward",)"
                  R"("method_output_name":"last_hidden_state"}},)"
                  R"("module_output_name":"token_embeddings",)"
                  R"("processing_kwargs":{},"unpad_inputs":false,)"
                  R"("model_args":{},"config_args":{},)"
                  R"("tokenizer_args":{"use_fast":true}})");
  warnings.clear();
  ASSERT_TRUE(importDirectory()) << errors.front();
  EXPECT_FALSE(*tokenizerFlags() & rt::kLowercaseFirst);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(Sentence, RefusesOtherTexts) {
  writeChain({});
  const std::pair<const char *, const char *> bad[] = {
      {R"({"max_seq_length":0})", "'max_seq_length'"},
      {R"({"transformer_task":"fill-mask"})", "'transformer_task'"},
      {R"({"transformer_task":"sequence-classification"})",
       "'transformer_task'"},
      {R"({"module_output_name":"sentence_embedding"})",
       "'module_output_name'"},
      {R"({"modality_config":{"message":{"method":"forward",)"
       R"("method_output_name":"last_hidden_state"}}})",
       "'modality_config'"},
      {R"({"modality_config":{"text":{"method":"forward",)"
       R"("method_output_name":"pooler_output"}}})",
       "'modality_config'"},
      {R"({"modality_config":[]})", "'modality_config'"},
      {R"({"processing_kwargs":{"text":{"max_length":3}}})",
       "'processing_kwargs'"},
      {R"({"query_length":32})", "'query_length'"},
      {R"({"tokenizer_args":{"padding_side":"left"}})",
       "'tokenizer_args.padding_side'"},
      {R"({"config_args":[]})", "'config_args'"},
  };
  for (auto [text, key] : bad) {
    directory.write("sentence_bert_config.json", text);
    EXPECT_TRUE(failsWith({"sentence_bert_config.json", key})) << text;
  }
}

TEST_F(Sentence, WarnsOfKeysItDoesNotKnow) {
  writeChain({{"2_Normalize", old("Normalize")}});
  directory.write("1_Pooling/config.json", R"({"new_a":1})");
  directory.write("2_Normalize/config.json", R"({"new_b":1})");
  directory.write("sentence_bert_config.json",
                  R"({"new_c":1,"config_args":{"new_d":1},)"
                  R"("model_args":{"torch_dtype":"float16"}})");
  writeEncode(R"({"new_e":1})");
  ASSERT_TRUE(importDirectory()) << errors.front();
  ASSERT_EQ(warnings.size(), 6u);
  size_t next = 0;
  for (const char *key :
       {"'new_a'", "'new_b'", "'new_c'", "'model_args.torch_dtype'",
        "'config_args.new_d'", "'new_e'"})
    EXPECT_TRUE(isOneLineWith(warnings[next++], {key}));
}

TEST_F(Sentence, RefusesLinksThatLeadNowhere) {
  for (const char *file :
       {"modules.json", "sentence_bert_config.json", "tokenizer_config.json",
        "config_sentence_transformers.json", "1_Pooling/config.json",
        "2_Normalize/config.json"}) {
    directory.write("2_Normalize/config.json", "{}");
    writeChain({{"2_Normalize", old("Normalize")}});
    ASSERT_TRUE(importDirectory()) << errors.front();
    breakLink(file);
    EXPECT_TRUE(failsWith({file}));
    llvm::sys::fs::remove(directory.path(file));
  }
}

} // namespace
