//===- ConfigKeys.cpp - The keys of config.json ---------------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/Tables.h"

namespace tq {

static constexpr KnownKey configKeys[] = {
    // Which model it is.
    {"architectures", KeyUse::Honoured,
     "which model it is; absent or null, `model_type` says"},
    {"model_type", KeyUse::Honoured,
     "must be that of the architecture; alone, it means the bare model"},
    {"auto_map", KeyUse::Warned,
     "code that comes with a model is not run; tq computes what "
     "`architectures` "
     "says",
     "[null, {}]"},

    // Sizes.
    {"vocab_size", KeyUse::Honoured, "rows of the word table"},
    {"hidden_size", KeyUse::Honoured, "outputs of each layer"},
    {"num_hidden_layers", KeyUse::Honoured, "number of layers"},
    {"num_attention_heads", KeyUse::Honoured, "heads of an attention"},
    {"intermediate_size", KeyUse::Honoured, "width inside of a layer"},
    {"max_position_embeddings", KeyUse::Honoured, "rows of the position table"},
    {"type_vocab_size", KeyUse::Honoured, "rows of the token type table"},
    {"embedding_size", KeyUse::Honoured,
     "columns of ELECTRA's tables; other models have `hidden_size`"},
    {"dim", KeyUse::Honoured, "DistilBERT's `hidden_size`"},
    {"n_layers", KeyUse::Honoured, "DistilBERT's `num_hidden_layers`"},
    {"n_heads", KeyUse::Honoured, "DistilBERT's `num_attention_heads`"},
    {"hidden_dim", KeyUse::Honoured, "DistilBERT's `intermediate_size`"},

    // What is computed.
    {"hidden_act", KeyUse::Honoured, "the activation inside of a layer"},
    {"activation", KeyUse::Honoured, "DistilBERT's `hidden_act`"},
    {"layer_norm_eps", KeyUse::Honoured,
     "epsilon of layer norms; DistilBERT's is 1e-12"},
    {"pad_token_id", KeyUse::Honoured,
     "RoBERTa's positions count from it and skip it"},
    {"position_embedding_type", KeyUse::Refused,
     "positions are learned rows of a table", "[\"absolute\", null]"},
    {"sinusoidal_pos_embds", KeyUse::Harmless,
     "the checkpoint has the table, whatever made it"},
    {"alibi_starting_size", KeyUse::Refused,
     "positions are learned rows of a table", "[null]"},
    {"rope_theta", KeyUse::Refused, "positions are learned rows of a table",
     "[null]"},
    {"rope_scaling", KeyUse::Refused, "positions are learned rows of a table",
     "[null]"},
    {"rope_parameters", KeyUse::Refused,
     "positions are learned rows of a table", "[null]"},
    {"feed_forward_type", KeyUse::Refused, "a layer has two linears inside",
     "[null, \"original\"]"},
    {"is_decoder", KeyUse::Refused, "tokens see all others", "[false, null]"},
    {"is_encoder_decoder", KeyUse::Refused, "the model is an encoder",
     "[false, null]"},
    {"add_cross_attention", KeyUse::Refused, "the model is an encoder",
     "[false, null]"},
    {"cross_attention_hidden_size", KeyUse::Refused, "the model is an encoder",
     "[null]"},
    {"tie_encoder_decoder", KeyUse::Harmless, "the model is an encoder"},
    {"pruned_heads", KeyUse::Refused, "all layers have all heads",
     "[null, {}]"},
    {"per_layer_config", KeyUse::Refused, "all layers are alike", "[null, {}]"},
    {"layer_types", KeyUse::Refused, "all layers are alike", "[null]"},
    {"quantization_config", KeyUse::Refused,
     "tq reads weights as floats and quantizes itself", "[null]"},
    {"compression_config", KeyUse::Refused,
     "tq reads weights as floats and quantizes itself", "[null]"},
    {"adapters", KeyUse::Warned, "adapters are left out", "[null, {}]"},

    // Classifiers.
    {"id2label", KeyUse::Honoured, "the classes; their number, too"},
    {"num_labels", KeyUse::Honoured,
     "the number of classes; where `id2label` has another, its names do not "
     "count"},
    {"label2id", KeyUse::Harmless, "`id2label` the other way round"},
    {"problem_type", KeyUse::Honoured,
     "whether scores of labels are a softmax, sigmoids or the logits"},
    {"sentence_transformers", KeyUse::Honoured, "see the next table"},
    {"sbert_ce_default_activation_function", KeyUse::Honoured,
     "`sentence_transformers.activation_fn` of older versions"},
    {"function_to_apply", KeyUse::Harmless, "never read for these models"},

    // Text.
    {"tokenizer_class", KeyUse::Honoured,
     "how text is cut where tokenizer_config.json does not say"},
    {"bos_token_id", KeyUse::Harmless, "tokenizers have their own"},
    {"eos_token_id", KeyUse::Harmless, "tokenizers have their own"},
    {"sep_token_id", KeyUse::Harmless, "tokenizers have their own"},
    {"cls_token_id", KeyUse::Harmless, "tokenizers have their own"},
    {"mask_token_id", KeyUse::Harmless, "tokenizers have their own"},
    {"unk_token_id", KeyUse::Harmless, "tokenizers have their own"},
    {"prefix", KeyUse::Warned, "texts get no prefix", "[null, \"\"]"},

    // Dropout does nothing after training.
    {"hidden_dropout_prob", KeyUse::Harmless, "dropout is for training"},
    {"attention_probs_dropout_prob", KeyUse::Harmless,
     "dropout is for training"},
    {"classifier_dropout", KeyUse::Harmless, "dropout is for training"},
    {"dropout", KeyUse::Harmless, "dropout is for training"},
    {"attention_dropout", KeyUse::Harmless, "dropout is for training"},
    {"seq_classif_dropout", KeyUse::Harmless, "dropout is for training"},
    {"qa_dropout", KeyUse::Harmless, "dropout is for training"},
    {"summary_last_dropout", KeyUse::Harmless, "dropout is for training"},
    {"summary_first_dropout", KeyUse::Harmless, "dropout is for training"},
    {"layerdrop", KeyUse::Harmless, "dropout is for training"},

    // Heads that tq does not build.
    {"summary_type", KeyUse::Harmless, "of a head for multiple choice"},
    {"summary_use_proj", KeyUse::Harmless, "of a head for multiple choice"},
    {"summary_activation", KeyUse::Harmless, "of a head for multiple choice"},
    {"summary_proj_to_labels", KeyUse::Harmless,
     "of a head for multiple choice"},
    {"tie_word_embeddings", KeyUse::Harmless, "of a language model's head"},
    {"tie_weights_", KeyUse::Harmless, "of a language model's head"},
    {"pooler_fc_size", KeyUse::Harmless, "never read"},
    {"pooler_num_attention_heads", KeyUse::Harmless, "never read"},
    {"pooler_num_fc_layers", KeyUse::Harmless, "never read"},
    {"pooler_size_per_head", KeyUse::Harmless, "never read"},
    {"pooler_type", KeyUse::Harmless, "never read"},
    {"directionality", KeyUse::Harmless, "never read"},

    // How other programs train, store and run the model.
    {"dtype", KeyUse::Harmless, "each tensor says its own"},
    {"torch_dtype", KeyUse::Harmless, "each tensor says its own"},
    {"use_bfloat16", KeyUse::Harmless, "of TensorFlow"},
    {"tf_legacy_loss", KeyUse::Harmless, "of TensorFlow"},
    {"xla_device", KeyUse::Harmless, "of TensorFlow"},
    {"torchscript", KeyUse::Harmless, "how PyTorch exports"},
    {"initializer_range", KeyUse::Harmless, "of training"},
    {"initializer_factor", KeyUse::Harmless, "of training"},
    {"gradient_checkpointing", KeyUse::Harmless, "of training"},
    {"finetuning_task", KeyUse::Harmless, "for people"},
    {"task_specific_params", KeyUse::Harmless, "of pipelines that generate"},
    {"chunk_size_feed_forward", KeyUse::Harmless,
     "saves memory; the sums stay the same"},
    {"attn_implementation", KeyUse::Harmless, "how attention is computed"},
    {"_attn_implementation", KeyUse::Harmless, "how attention is computed"},
    {"_attn_implementation_autoset", KeyUse::Harmless,
     "how attention is computed"},
    {"_attn_implementation_internal", KeyUse::Harmless,
     "how attention is computed"},
    {"experts_implementation", KeyUse::Harmless, "these models have none"},
    {"_experts_implementation", KeyUse::Harmless, "these models have none"},
    {"_experts_implementation_internal", KeyUse::Harmless,
     "these models have none"},
    {"use_cache", KeyUse::Harmless, "of decoders"},
    {"output_past", KeyUse::Harmless, "of decoders"},
    {"decoder_start_token_id", KeyUse::Harmless, "of decoders"},
    {"output_attentions", KeyUse::Harmless, "tq gives its own outputs"},
    {"output_hidden_states", KeyUse::Harmless, "tq gives its own outputs"},
    {"return_dict", KeyUse::Harmless, "how Python returns outputs"},
    {"tie_last_hidden_states", KeyUse::Harmless, "how Python returns outputs"},
    {"_name_or_path", KeyUse::Harmless, "where the model came from"},
    {"name_or_path", KeyUse::Harmless, "where the model came from"},
    {"_commit_hash", KeyUse::Harmless, "where the model came from"},
    {"transformers_version", KeyUse::Harmless, "which version wrote the file"},
    {"adapter_transformers_version", KeyUse::Harmless,
     "which version wrote the file"},
    {"transformers.js_config", KeyUse::Harmless, "of a library for browsers"},
    {"language", KeyUse::Harmless, "for people"},
    {"license", KeyUse::Harmless, "for people"},

    // Older versions write the settings of generators for every model.
    {"max_length", KeyUse::Harmless, "of generators"},
    {"min_length", KeyUse::Harmless, "of generators"},
    {"do_sample", KeyUse::Harmless, "of generators"},
    {"early_stopping", KeyUse::Harmless, "of generators"},
    {"num_beams", KeyUse::Harmless, "of generators"},
    {"num_beam_groups", KeyUse::Harmless, "of generators"},
    {"diversity_penalty", KeyUse::Harmless, "of generators"},
    {"temperature", KeyUse::Harmless, "of generators"},
    {"top_k", KeyUse::Harmless, "of generators"},
    {"top_p", KeyUse::Harmless, "of generators"},
    {"typical_p", KeyUse::Harmless, "of generators"},
    {"epsilon_cutoff", KeyUse::Harmless, "of generators"},
    {"eta_cutoff", KeyUse::Harmless, "of generators"},
    {"repetition_penalty", KeyUse::Harmless, "of generators"},
    {"encoder_repetition_penalty", KeyUse::Harmless, "of generators"},
    {"length_penalty", KeyUse::Harmless, "of generators"},
    {"no_repeat_ngram_size", KeyUse::Harmless, "of generators"},
    {"encoder_no_repeat_ngram_size", KeyUse::Harmless, "of generators"},
    {"bad_words_ids", KeyUse::Harmless, "of generators"},
    {"num_return_sequences", KeyUse::Harmless, "of generators"},
    {"output_scores", KeyUse::Harmless, "of generators"},
    {"return_dict_in_generate", KeyUse::Harmless, "of generators"},
    {"forced_bos_token_id", KeyUse::Harmless, "of generators"},
    {"forced_eos_token_id", KeyUse::Harmless, "of generators"},
    {"remove_invalid_values", KeyUse::Harmless, "of generators"},
    {"exponential_decay_length_penalty", KeyUse::Harmless, "of generators"},
    {"suppress_tokens", KeyUse::Harmless, "of generators"},
    {"begin_suppress_tokens", KeyUse::Harmless, "of generators"},
};

const MetadataTable configTable = {"config.json", configKeys};

static constexpr KnownKey crossEncoderKeys[] = {
    {"activation_fn", KeyUse::Honoured,
     "whether scores of labels are a softmax, sigmoids or the logits; before "
     "`problem_type`, after that of config_sentence_transformers.json"},
    {"version", KeyUse::Harmless, "which version wrote the file"},
};

const MetadataTable crossEncoderTable = {"config.json: sentence_transformers",
                                         crossEncoderKeys};

} // namespace tq
