//===- TokenizerKeys.cpp - The keys of tokenizers' files ------------------===//
//
// Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tq/Import/Metadata/Tables.h"

namespace tq {

static constexpr KnownKey tokenizerConfigKeys[] = {
    // How text is cut.
    {"tokenizer_class", KeyUse::Honoured,
     "BERT's classes take the vocabulary of a file and the settings here, "
     "PreTrainedTokenizerFast takes tokenizer.json as it is; programs get no "
     "tokenizer of another class"},
    {"do_lower_case", KeyUse::Honoured,
     "BERT's classes: whether text is lower-cased; it is if the key is absent, "
     "whatever tokenizer.json says"},
    {"strip_accents", KeyUse::Honoured,
     "BERT's classes: whether accents are dropped; as do_lower_case if absent"},
    {"tokenize_chinese_chars", KeyUse::Honoured,
     "BERT's classes: whether ideographs are words of their own"},
    {"do_basic_tokenize", KeyUse::Harmless,
     "transformers' fast tokenizers do not look at it"},
    {"never_split", KeyUse::Harmless,
     "transformers' fast tokenizers do not look at it"},
    {"clean_text", KeyUse::Warned,
     "tq drops control characters, as transformers does", "[true, null]"},
    {"wordpieces_prefix", KeyUse::Warned,
     "tq lets pieces of words begin with ##, as transformers does",
     "[\"##\", null]"},
    {"max_input_chars_per_word", KeyUse::Warned,
     "tq takes words of more than 100 characters for unknown, as transformers "
     "does",
     "[100, null]"},

    // Special and added tokens.
    {"unk_token", KeyUse::Honoured, "what becomes of an unknown word"},
    {"sep_token", KeyUse::Honoured, "the token behind a text"},
    {"cls_token", KeyUse::Honoured, "the token before a text"},
    {"pad_token", KeyUse::Honoured, "what fills up shorter texts of a batch"},
    {"mask_token", KeyUse::Honoured, "a token that is found in texts"},
    {"bos_token", KeyUse::Honoured, "a token that is found in texts"},
    {"eos_token", KeyUse::Honoured, "a token that is found in texts"},
    {"additional_special_tokens", KeyUse::Honoured,
     "tokens that are found in texts"},
    {"extra_special_tokens", KeyUse::Honoured,
     "tokens that are found in texts; the newer name"},
    {"added_tokens_decoder", KeyUse::Honoured,
     "tokens that are found in texts; if it is there, the lists of "
     "special_tokens_map.json, added_tokens.json and, for BERT's classes, "
     "tokenizer.json do not count"},
    {"model_specific_special_tokens", KeyUse::Warned,
     "tq knows no tokens with names of their own", "[{}, null]"},
    {"split_special_tokens", KeyUse::Honoured,
     "whether special tokens in a text are text like any other"},
    {"add_bos_token", KeyUse::Harmless,
     "of no use to tokenizers that are built in"},
    {"add_eos_token", KeyUse::Harmless,
     "of no use to tokenizers that are built in"},
    {"add_prefix_space", KeyUse::Harmless,
     "BERT's way of cutting has no use for it"},
    {"trim_offsets", KeyUse::Harmless, "where tokens were in the text"},

    // Lengths.
    {"model_max_length", KeyUse::Honoured, "longer texts are cut"},
    {"max_len", KeyUse::Honoured, "the older name of model_max_length"},
    {"truncation_side", KeyUse::Honoured,
     "which end of a longer text is cut; if absent, as tokenizer.json says"},
    {"padding_side", KeyUse::Warned,
     "transformers fills up the texts of a batch on the left and shifts their "
     "positions; tq gives each text what it gives alone",
     "[\"right\", null]"},
    {"max_length", KeyUse::Harmless, "of a call that was once made"},
    {"truncation", KeyUse::Harmless, "of a call that was once made"},
    {"truncation_strategy", KeyUse::Harmless, "of a call that was once made"},
    {"stride", KeyUse::Harmless, "of a call that was once made"},
    {"padding", KeyUse::Harmless, "padding is masked"},
    {"pad_to_multiple_of", KeyUse::Harmless, "padding is masked"},
    {"pad_token_type_id", KeyUse::Harmless, "padding is masked"},
    {"pad_token_id", KeyUse::Harmless, "padding is masked"},
    {"model_input_names", KeyUse::Warned,
     "tq gives models input_ids, attention_mask and, if they have such, "
     "token_type_ids of zeros",
     "[[\"input_ids\", \"token_type_ids\", \"attention_mask\"], "
     "[\"input_ids\", \"attention_mask\", \"token_type_ids\"], "
     "[\"input_ids\", \"attention_mask\"], null]"},

    // Code.
    {"auto_map", KeyUse::Warned, "tq runs no code of a model's own",
     "[null, {}]"},
    {"fast_tokenizer_files", KeyUse::Warned,
     "tq reads no tokenizer.json for one version of transformers",
     "[null, [], [\"tokenizer.json\"]]"},
    {"use_fast", KeyUse::Harmless, "the fast tokenizers are what tq follows"},
    {"from_slow", KeyUse::Harmless, "the fast tokenizers are what tq follows"},

    // Decoding, chats, and where the files came from.
    {"clean_up_tokenization_spaces", KeyUse::Harmless,
     "ids to text: not what programs do"},
    {"clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output",
     KeyUse::Harmless, "ids to text: not what programs do"},
    {"errors", KeyUse::Harmless, "ids to text: not what programs do"},
    {"chat_template", KeyUse::Harmless, "programs hold no chats"},
    {"chat_control_tokens", KeyUse::Harmless, "programs hold no chats"},
    {"response_template", KeyUse::Harmless, "programs hold no chats"},
    {"response_schema", KeyUse::Harmless, "programs hold no chats"},
    {"use_default_system_prompt", KeyUse::Harmless, "programs hold no chats"},
    {"name_or_path", KeyUse::Harmless, "where the files came from"},
    {"vocab_file", KeyUse::Harmless, "where the files came from"},
    {"tokenizer_file", KeyUse::Harmless, "where the files came from"},
    {"full_tokenizer_file", KeyUse::Harmless, "where the files came from"},
    {"special_tokens_map_file", KeyUse::Harmless, "where the files came from"},
    {"added_tokens_file", KeyUse::Harmless, "where the files came from"},
    {"files_loaded", KeyUse::Harmless, "where the files came from"},
    {"is_local", KeyUse::Harmless, "where the files came from"},
    {"local_files_only", KeyUse::Harmless, "where the files came from"},
    {"_commit_hash", KeyUse::Harmless, "where the files came from"},
    {"backend", KeyUse::Harmless, "the library that wrote the file"},
    {"processor_class", KeyUse::Harmless, "what prepares images or sound"},
    {"init_inputs", KeyUse::Warned, "tq knows no arguments without a name",
     "[[], null]"},
    {"transformers_version", KeyUse::Harmless,
     "the library that wrote the file"},
    {"verbose", KeyUse::Harmless, "what is printed"},

    // Of other tokenizers, written nonetheless.
    {"legacy", KeyUse::Harmless, "of SentencePiece"},
    {"sp_model_kwargs", KeyUse::Harmless, "of SentencePiece"},
    {"keep_accents", KeyUse::Harmless, "of SentencePiece"},
    {"vocab_size", KeyUse::Harmless, "the vocabulary is counted"},
    {"do_word_tokenize", KeyUse::Harmless, "of BertJapaneseTokenizer"},
    {"do_subword_tokenize", KeyUse::Harmless, "of BertJapaneseTokenizer"},
    {"word_tokenizer_type", KeyUse::Refused,
     "programs hold no tokenizer of Japanese words", "[null, \"basic\"]"},
    {"subword_tokenizer_type", KeyUse::Refused,
     "programs hold no tokenizer of Japanese words", "[null, \"wordpiece\"]"},
    {"mecab_kwargs", KeyUse::Harmless, "of BertJapaneseTokenizer"},
    {"sudachi_kwargs", KeyUse::Harmless, "of BertJapaneseTokenizer"},
    {"jumanpp_kwargs", KeyUse::Harmless, "of BertJapaneseTokenizer"},
    {"cls_token_box", KeyUse::Harmless, "of tokenizers of pages"},
    {"sep_token_box", KeyUse::Harmless, "of tokenizers of pages"},
    {"pad_token_box", KeyUse::Harmless, "of tokenizers of pages"},
    {"pad_token_label", KeyUse::Harmless, "of tokenizers of pages"},
    {"only_label_first_subword", KeyUse::Harmless, "of tokenizers of pages"},
};

const MetadataTable tokenizerConfigTable = {"tokenizer_config.json",
                                            tokenizerConfigKeys};

static constexpr KnownKey specialTokensMapKeys[] = {
    {"unk_token", KeyUse::Honoured, "overrides tokenizer_config.json"},
    {"sep_token", KeyUse::Honoured, "overrides tokenizer_config.json"},
    {"cls_token", KeyUse::Honoured, "overrides tokenizer_config.json"},
    {"pad_token", KeyUse::Honoured, "overrides tokenizer_config.json"},
    {"mask_token", KeyUse::Honoured, "overrides tokenizer_config.json"},
    {"bos_token", KeyUse::Honoured, "overrides tokenizer_config.json"},
    {"eos_token", KeyUse::Honoured, "overrides tokenizer_config.json"},
    {"additional_special_tokens", KeyUse::Honoured,
     "tokens that are found in texts; a warning where transformers 5 leaves "
     "them out, as tokenizer_config.json has a list"},
    {"extra_special_tokens", KeyUse::Honoured,
     "tokens that are found in texts"},
};

const MetadataTable specialTokensMapTable = {"special_tokens_map.json",
                                             specialTokensMapKeys};

static constexpr KnownKey addedTokenKeys[] = {
    {"content", KeyUse::Honoured, "the token"},
    {"id", KeyUse::Honoured,
     "where it disagrees with the vocabulary and the order of tokens, these "
     "count as in transformers, and that is a warning"},
    {"normalized", KeyUse::Honoured,
     "whether it is looked for in normalized text"},
    {"single_word", KeyUse::Honoured, "whether it matches whole words only"},
    {"special", KeyUse::Honoured, "see split_special_tokens"},
    {"lstrip", KeyUse::Honoured,
     "white space before it is dropped anyway; refused beside tokens that "
     "begin or end with white space"},
    {"rstrip", KeyUse::Honoured, "the same behind it"},
    {"__type", KeyUse::Harmless, "that it is a token"},
};

const MetadataTable addedTokenTable = {"added token (in each of these files)",
                                       addedTokenKeys};

static constexpr KnownKey tokenizerKeys[] = {
    {"version", KeyUse::Warned, "tq knows version 1.0 of the file",
     "[\"1.0\", null]"},
    {"model", KeyUse::Honoured, "the vocabulary; WordPiece only"},
    {"normalizer", KeyUse::Honoured, "BertNormalizer only"},
    {"pre_tokenizer", KeyUse::Honoured, "BertPreTokenizer only"},
    {"post_processor", KeyUse::Honoured,
     "the tokens before and behind a text; for BERT's classes those of "
     "tokenizer_config.json count"},
    {"added_tokens", KeyUse::Honoured, "tokens that are found in texts"},
    {"truncation", KeyUse::Honoured, "which end of a longer text is cut"},
    {"padding", KeyUse::Honoured, "the padding token"},
    {"decoder", KeyUse::Harmless, "ids to text: not what programs do"},
};

const MetadataTable tokenizerTable = {"tokenizer.json", tokenizerKeys};

static constexpr KnownKey tokenizerModelKeys[] = {
    {"type", KeyUse::Honoured, "WordPiece only"},
    {"vocab", KeyUse::Honoured, "the tokens and their ids"},
    {"unk_token", KeyUse::Honoured,
     "what becomes of an unknown word; for BERT's classes "
     "tokenizer_config.json says it"},
    {"continuing_subword_prefix", KeyUse::Honoured,
     "how the pieces of a word begin; ## for BERT's classes"},
    {"max_input_chars_per_word", KeyUse::Honoured,
     "longer words are unknown; 100 for BERT's classes"},
};

const MetadataTable tokenizerModelTable = {"tokenizer.json: model",
                                           tokenizerModelKeys};

static constexpr KnownKey normalizerKeys[] = {
    {"type", KeyUse::Honoured, "BertNormalizer only"},
    {"clean_text", KeyUse::Honoured,
     "whether control characters are dropped; true for BERT's classes"},
    {"handle_chinese_chars", KeyUse::Honoured,
     "for BERT's classes tokenize_chinese_chars of tokenizer_config.json"},
    {"strip_accents", KeyUse::Honoured,
     "for BERT's classes that of tokenizer_config.json"},
    {"lowercase", KeyUse::Honoured,
     "for BERT's classes do_lower_case of tokenizer_config.json"},
};

const MetadataTable normalizerTable = {"tokenizer.json: normalizer",
                                       normalizerKeys};

static constexpr KnownKey preTokenizerKeys[] = {
    {"type", KeyUse::Honoured, "BertPreTokenizer only"},
};

const MetadataTable preTokenizerTable = {"tokenizer.json: pre_tokenizer",
                                         preTokenizerKeys};

static constexpr KnownKey postProcessorKeys[] = {
    {"type", KeyUse::Honoured,
     "TemplateProcessing, BertProcessing or RobertaProcessing"},
    {"single", KeyUse::Honoured, "special tokens, and the text once"},
    {"special_tokens", KeyUse::Honoured, "their ids"},
    {"cls", KeyUse::Honoured, "the token before a text"},
    {"sep", KeyUse::Honoured, "the token behind a text"},
    {"pair", KeyUse::Harmless, "programs take no pairs"},
    {"trim_offsets", KeyUse::Harmless, "where tokens were in the text"},
    {"add_prefix_space", KeyUse::Harmless, "where tokens were in the text"},
};

const MetadataTable postProcessorTable = {"tokenizer.json: post_processor",
                                          postProcessorKeys};

static constexpr KnownKey truncationKeys[] = {
    {"direction", KeyUse::Honoured,
     "which end of a longer text is cut, unless tokenizer_config.json has "
     "truncation_side"},
    {"max_length", KeyUse::Harmless,
     "transformers and sentence-transformers have limits of their own"},
    {"strategy", KeyUse::Harmless, "of pairs of texts"},
    {"stride", KeyUse::Harmless, "of what is cut off"},
};

const MetadataTable truncationTable = {"tokenizer.json: truncation",
                                       truncationKeys};

static constexpr KnownKey paddingKeys[] = {
    {"pad_token", KeyUse::Honoured, "unless tokenizer_config.json has one"},
    {"pad_id", KeyUse::Honoured, "the id of a padding token without a name"},
    {"strategy", KeyUse::Harmless, "padding is masked"},
    {"pad_to_multiple_of", KeyUse::Harmless, "padding is masked"},
    {"pad_type_id", KeyUse::Harmless, "padding is masked"},
    {"direction", KeyUse::Warned,
     "transformers fills up the texts of a batch on the left and shifts their "
     "positions; tq gives each text what it gives alone",
     "[\"Right\", null]"},
};

const MetadataTable paddingTable = {"tokenizer.json: padding", paddingKeys};

} // namespace tq
