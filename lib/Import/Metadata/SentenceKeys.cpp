//===- SentenceKeys.cpp - The keys of sentence-transformers' files --------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/Tables.h"

using llvm::StringLiteral;

namespace tq {

//===----------------------------------------------------------------------===//
// modules.json
//===----------------------------------------------------------------------===//

static constexpr KnownKey modulesKeys[] = {
    {"idx", KeyUse::Harmless,
     "modules follow each other in the order of the file"},
    {"name", KeyUse::Honoured, "no two modules may have one name"},
    {"path", KeyUse::Honoured, "the folder of the module"},
    {"type", KeyUse::Honoured,
     "what the module does, by its full name; others than Transformer, "
     "Pooling, "
     "Dense, LayerNorm, Normalize and Dropout of sentence-transformers are an "
     "error"},
    {"kwargs", KeyUse::Harmless, "which arguments of encode() it takes"},
};

const MetadataTable modulesTable = {"modules.json", modulesKeys};

//===----------------------------------------------------------------------===//
// sentence_bert_config.json
//===----------------------------------------------------------------------===//

static constexpr StringLiteral oneEmbedding =
    "tq makes one embedding of a text, whatever it is for";

static constexpr KnownKey sentenceBertKeys[] = {
    {"max_seq_length", KeyUse::Honoured,
     "longer texts are cut; null: `model_max_length` of the tokenizer holds"},
    {"do_lower_case", KeyUse::Honoured, "texts are lower-cased first"},
    {"transformer_task", KeyUse::Honoured,
     "others than `feature-extraction` and, of a classifier, "
     "`sequence-classification` are an error"},
    {"modality_config", KeyUse::Honoured,
     "`text` must be the model's output; other modalities are not read"},
    {"module_output_name", KeyUse::Honoured,
     "others than `token_embeddings` and, of a classifier, `scores` are an "
     "error"},
    {"processing_kwargs", KeyUse::Refused,
     "tq tokenizes as the tokenizer's files say", "[null,{}]"},
    {"unpad_inputs", KeyUse::Harmless, "how padding is avoided"},
    {"query_length", KeyUse::Refused, oneEmbedding, "[null]"},
    {"document_length", KeyUse::Refused, oneEmbedding, "[null]"},
    {"query_expansion", KeyUse::Refused, oneEmbedding, "[null]"},
    {"model_args", KeyUse::Honoured, "see the table of its keys"},
    {"model_kwargs", KeyUse::Honoured, "see the table of its keys"},
    {"tokenizer_args", KeyUse::Honoured, "see the table of its keys"},
    {"processor_kwargs", KeyUse::Honoured, "see the table of its keys"},
    {"config_args", KeyUse::Honoured, "see the table of its keys"},
    {"config_kwargs", KeyUse::Honoured, "see the table of its keys"},
    {"tokenizer_name_or_path", KeyUse::Refused,
     "tq reads the tokenizer beside the weights", "[null,\"\"]"},
    {"cache_dir", KeyUse::Harmless, "where files were kept"},
    {"backend", KeyUse::Harmless, "who computes"},
};

const MetadataTable sentenceBertTable = {"sentence_bert_config.json",
                                         sentenceBertKeys};

static constexpr KnownKey modelArgumentsKeys[] = {
    {"torch_dtype", KeyUse::Warned, "tq computes in float",
     "[null,\"auto\",\"float32\",\"torch.float32\"]"},
    {"dtype", KeyUse::Warned, "tq computes in float",
     "[null,\"auto\",\"float32\",\"torch.float32\"]"},
    {"attn_implementation", KeyUse::Harmless, "who computes attention"},
    {"add_pooling_layer", KeyUse::Harmless, "an output that is not used"},
    {"device_map", KeyUse::Harmless, "where it runs"},
    {"low_cpu_mem_usage", KeyUse::Harmless, "how it is loaded"},
    {"use_safetensors", KeyUse::Harmless, "how it is loaded"},
    {"trust_remote_code", KeyUse::Harmless,
     "not read by sentence-transformers either"},
};

const MetadataTable modelArgumentsTable = {
    "sentence_bert_config.json: model_args, model_kwargs", modelArgumentsKeys};

static constexpr KnownKey tokenizerArgumentsKeys[] = {
    {"model_max_length", KeyUse::Honoured, "longer texts are cut"},
    {"padding_side", KeyUse::Refused, "tq pads at the end", "[null,\"right\"]"},
    {"truncation_side", KeyUse::Refused,
     "tq cuts as the tokenizer's own files say", "[null]"},
    {"do_lower_case", KeyUse::Refused,
     "tq lower-cases as the tokenizer's own files say", "[null]"},
    {"use_fast", KeyUse::Harmless, "who tokenizes"},
    {"trust_remote_code", KeyUse::Harmless,
     "not read by sentence-transformers either"},
};

const MetadataTable tokenizerArgumentsTable = {
    "sentence_bert_config.json: tokenizer_args, processor_kwargs",
    tokenizerArgumentsKeys};

static constexpr KnownKey configArgumentsKeys[] = {
    {"trust_remote_code", KeyUse::Harmless,
     "not read by sentence-transformers either"},
    {"use_cache", KeyUse::Harmless, "what generating text keeps"},
};

const MetadataTable configArgumentsTable = {
    "sentence_bert_config.json: config_args, config_kwargs",
    configArgumentsKeys};

//===----------------------------------------------------------------------===//
// config_sentence_transformers.json
//===----------------------------------------------------------------------===//

static constexpr KnownKey sentenceTransformersKeys[] = {
    {"__version__", KeyUse::Harmless, "which libraries wrote the file"},
    {"model_type", KeyUse::Honoured,
     "others than `SentenceTransformer` and, of a classifier, `CrossEncoder` "
     "are an error"},
    {"prompts", KeyUse::Honoured,
     "texts that `--prompt NAME` puts before each text"},
    {"default_prompt_name", KeyUse::Honoured,
     "the prompt that is put there without `--prompt`"},
    {"truncate_dim", KeyUse::Honoured,
     "only the first numbers of an embedding are kept"},
    {"similarity_fn_name", KeyUse::Harmless, "how embeddings are compared"},
    {"activation_fn", KeyUse::Honoured,
     "of a classifier: how its scores are "
     "shown"},
    {"keep_in_fp32_modules", KeyUse::Harmless, "tq keeps all in float"},
    {"max_active_dims", KeyUse::Refused, "tq makes no sparse embeddings",
     "[null]"},
    {"query_prefix", KeyUse::Refused, oneEmbedding, "[null,\"\"]"},
    {"document_prefix", KeyUse::Refused, oneEmbedding, "[null,\"\"]"},
    {"query_length", KeyUse::Refused, oneEmbedding, "[null]"},
    {"document_length", KeyUse::Refused, oneEmbedding, "[null]"},
    {"do_query_expansion", KeyUse::Refused, oneEmbedding, "[null,false]"},
    {"query_expansion", KeyUse::Refused, oneEmbedding, "[null]"},
    {"attend_to_expansion_tokens", KeyUse::Refused, oneEmbedding,
     "[null,false]"},
    {"skiplist_words", KeyUse::Refused, oneEmbedding, "[null,[]]"},
};

const MetadataTable sentenceTransformersTable = {
    "config_sentence_transformers.json", sentenceTransformersKeys};

//===----------------------------------------------------------------------===//
// The modules' own config.json
//===----------------------------------------------------------------------===//

static constexpr KnownKey poolingKeys[] = {
    {"pooling_mode", KeyUse::Honoured,
     "one mode, or several whose embeddings stand side by side; default: mean"},
    {"pooling_mode_cls_token", KeyUse::Honoured, "mode `cls`: the first token"},
    {"pooling_mode_max_tokens", KeyUse::Honoured, "mode `max`"},
    {"pooling_mode_mean_tokens", KeyUse::Honoured, "mode `mean`"},
    {"pooling_mode_mean_sqrt_len_tokens", KeyUse::Honoured,
     "mode `mean_sqrt_len_tokens`: the sum by the square root of the number"},
    {"pooling_mode_weightedmean_tokens", KeyUse::Honoured,
     "mode `weightedmean`: token n weighs n"},
    {"pooling_mode_lasttoken", KeyUse::Honoured, "mode `lasttoken`"},
    {"embedding_dimension", KeyUse::Honoured,
     "an error if the model has another width"},
    {"word_embedding_dimension", KeyUse::Honoured,
     "`embedding_dimension` of older versions"},
    {"include_prompt", KeyUse::Honoured,
     "false is an error where the model has prompts"},
};

const MetadataTable poolingTable = {"1_Pooling/config.json", poolingKeys};

static constexpr StringLiteral onlySentences =
    "only embeddings of whole texts pass through modules";

static constexpr KnownKey denseKeys[] = {
    {"in_features", KeyUse::Honoured,
     "an error if the module before gives another width"},
    {"out_features", KeyUse::Honoured, "the width of the embedding"},
    {"bias", KeyUse::Honoured, "whether there is a bias; default: true"},
    {"activation_function", KeyUse::Honoured,
     "a class of torch; default: Tanh"},
    {"use_residual", KeyUse::Honoured, "whether the input is added"},
    {"module_input_name", KeyUse::Refused, onlySentences,
     "[null,\"sentence_embedding\"]"},
    {"module_output_name", KeyUse::Refused, onlySentences,
     "[null,\"sentence_embedding\"]"},
};

const MetadataTable denseTable = {"2_Dense/config.json", denseKeys};

static constexpr KnownKey layerNormKeys[] = {
    {"dimension", KeyUse::Honoured,
     "an error if the module before gives another width"},
};

const MetadataTable layerNormTable = {"2_LayerNorm/config.json", layerNormKeys};

static constexpr KnownKey normalizeKeys[] = {
    {"module_input_name", KeyUse::Refused, onlySentences,
     "[null,\"sentence_embedding\"]"},
    {"module_output_name", KeyUse::Refused, onlySentences,
     "[null,\"sentence_embedding\"]"},
};

const MetadataTable normalizeTable = {"2_Normalize/config.json", normalizeKeys};

} // namespace tq
