#===- tokenizer_directories.py - Tokenizers of several files ---------------===#
#
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===#
"""Directories whose tokenizer stands in several files, and the ids of
transformers 5.24, which those of 4.57 equal where no warning is expected."""

import json
import pathlib
import subprocess
import sys
import tempfile

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "the",
              "cat", "##s", "The", "Cat", "e", "\u00e9", "\u4e2d", "\u6587", "[",
              "]", "new", "x", "##x"]
LINES = "\n".join(VOCABULARY) + "\n"
CONFIG = {"model_type": "bert"}
BERT = {"tokenizer_class": "BertTokenizer"}
FAST = {"tokenizer_class": "PreTrainedTokenizerFast"}
CUT_LEFT = {"direction": "Left", "max_length": 4, "strategy": "LongestFirst",
            "stride": 0}
TEXTS = ["The Cats \u00e9 \u4e2d\u6587", "cat [NEW] [new]x [MASK]"]
# Their ids, lower-cased without an added token, and as they are.
LOWER = [[2, 7, 8, 9, 12, 14, 15, 3], [2, 8, 16, 18, 17, 16, 18, 17, 19, 4, 3]]
CASED = [[2, 10, 11, 9, 13, 14, 15, 3], [2, 8, 16, 1, 17, 16, 18, 17, 19, 4, 3]]
# With [NEW] as a token of the text as it is, and of the normalized one.
RAW = [LOWER[0], [2, 8, 21, 16, 18, 17, 19, 4, 3]]
NORMALIZED = [LOWER[0], [2, 8, 21, 21, 19, 4, 3]]


def token(content, special=True, **more):
    return {"content": content, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": special, **more}


def tokenizer(lower=True, accents=None, clean=True, added=(), truncation=None,
              longest=100):
    standard = [token(t, id=i) for i, t in enumerate(VOCABULARY[:5])]
    return {
        "version": "1.0", "truncation": truncation, "padding": None,
        "added_tokens": standard + list(added),
        "normalizer": {"type": "BertNormalizer", "clean_text": clean,
                       "handle_chinese_chars": True, "strip_accents": accents,
                       "lowercase": lower},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2],
                           "sep": ["[SEP]", 3]},
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]",
                  "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": longest,
                  "vocab": {t: i for i, t in enumerate(VOCABULARY)}}}


def decoder(**tokens):
    return {"added_tokens_decoder": tokens}


def files(config=None, json_file=None, special=None, added=None, model=CONFIG):
    """config: tokenizer_config.json; json_file: tokenizer.json, or else
    vocab.txt."""
    found = {"tokenizer_config.json": config, "tokenizer.json": json_file,
             "special_tokens_map.json": special, "added_tokens.json": added,
             "config.json": model,
             "vocab.txt": None if json_file else LINES}
    return {name: content for name, content in found.items()
            if content is not None}


# What it is, the files, texts, the most tokens, ids, what is warned of.
DIRECTORIES = [
    ("no class and no settings: lower-cased, whatever tokenizer.json says",
     files(None, tokenizer(lower=False)), TEXTS, 0, LOWER, ""),
    ("BERT's class without do_lower_case",
     files(BERT, tokenizer(lower=False)), TEXTS, 0, LOWER, ""),
    ("do_lower_case false against lowercase true",
     files({**BERT, "do_lower_case": False}, tokenizer()), TEXTS, 0, CASED, ""),
    ("accents and ideographs as tokenizer_config.json says",
     files({**BERT, "strip_accents": False, "tokenize_chinese_chars": False},
           tokenizer(accents=True)),
     TEXTS, 0, [[2, 7, 8, 9, 13, 1, 3], LOWER[1]], ""),
    ("the class of DistilBERT",
     files({"tokenizer_class": "DistilBertTokenizerFast"},
           tokenizer(lower=False), model={"model_type": "distilbert"}),
     TEXTS, 0, LOWER, ""),
    ("PreTrainedTokenizerFast: tokenizer.json as it is",
     files({**FAST, "do_lower_case": True}, tokenizer(lower=False)),
     TEXTS, 0, CASED, ""),
    ("the class stands in config.json",
     files({"do_lower_case": True}, tokenizer(lower=False),
           model={**CONFIG, **FAST}), TEXTS, 0, CASED, ""),
    ("added_tokens_decoder beside vocab.txt",
     files({**BERT, **decoder(**{"2": token("[CLS]"), "21": token("[NEW]")}),
            "additional_special_tokens": ["[NEW]"]}), TEXTS, 0, RAW, ""),
    ("added_tokens_decoder with a normalized token",
     files({**BERT, **decoder(**{
         "21": token("[NEW]", special=False, normalized=True)})}),
     TEXTS, 0, NORMALIZED, ""),
    ("added_tokens.json beside vocab.txt",
     files(added={"[NEW]": 21}), TEXTS, 0, NORMALIZED, ""),
    ("a special token of added_tokens.json",
     files({**BERT, "additional_special_tokens": ["[NEW]"]},
           added={"[NEW]": 21}), TEXTS, 0, RAW, ""),
    ("an added token that is a word of the vocabulary",
     files(added={"cat": 8}), ["Cats catcat"], 0, [[2, 8, 1, 8, 8, 3]], ""),
    ("tokens without ids get the next ones",
     files({**BERT, "additional_special_tokens": ["[NEW]", "<u>"]}),
     TEXTS + ["a<u>"], 0, RAW + [[2, 1, 22, 3]], ""),
    ("extra_special_tokens",
     files({**BERT, "extra_special_tokens": ["<u>"]}, tokenizer()),
     ["<u>cat<U>"], 0, [[2, 21, 8, 1, 1, 1, 3]], ""),
    ("special_tokens_map.json overrides tokenizer_config.json",
     files({**BERT, "cls_token": "[CLS]"},
           special={"cls_token": "<s>", "sep_token": token("</s>")}),
     TEXTS, 0, [[5, *ids[1:-1], 6] for ids in LOWER], ""),
    ("but not beside an added_tokens_decoder",
     files({**BERT, **decoder()}, special={"cls_token": "<s>"}),
     TEXTS, 0, LOWER, ""),
    ("split_special_tokens",
     files({**BERT, "split_special_tokens": True}), ["x[MASK]x [SEP]"], 0,
     [[2, 19, 16, 1, 17, 19, 16, 1, 17, 3]], ""),
    ("without it", files(BERT), ["x[MASK]x [SEP]"], 0, [[2, 19, 4, 19, 3, 3]],
     ""),
    ("truncation_side left",
     files({**BERT, "truncation_side": "left"}),
     ["the cat cats \u00e9 x", "the", "", "x x cat"], 5,
     [[2, 9, 12, 19, 3], [2, 7, 3], [2, 3], [2, 19, 19, 8, 3]], ""),
    ("the direction of tokenizer.json",
     files(None, tokenizer(truncation=CUT_LEFT)), ["the cat cats \u00e9 x"], 5,
     [[2, 9, 12, 19, 3]], ""),
    ("truncation_side right against it",
     files({**BERT, "truncation_side": "right"},
           tokenizer(truncation=CUT_LEFT)), ["the cat cats \u00e9 x"], 5,
     [[2, 7, 8, 8, 3]], ""),
    ("lstrip and rstrip",
     files(None, tokenizer(added=[
         token("[NEW]", id=21, lstrip=True, rstrip=True)])),
     ["cat  [NEW] \t cats"], 0, [[2, 8, 21, 8, 9, 3]], ""),
    ("single_word",
     files(None, tokenizer(added=[
         token("new", id=18, special=False, single_word=True)])),
     ["new newx xnew"], 0, [[2, 18, 18, 20, 1, 3]], ""),
    ("another token before a text than tokenizer.json has",
     files({**BERT, "cls_token": "<s>"}, tokenizer()),
     TEXTS, 0, [[5, *ids[1:]] for ids in LOWER], "'post_processor'"),
    ("clean_text false", files(None, tokenizer(clean=False)), ["ca\u0001t"], 0,
     [[2, 8, 3]], "'normalizer.clean_text'"),
    ("max_input_chars_per_word", files(None, tokenizer(longest=2)), ["xxx"], 0,
     [[2, 19, 20, 20, 3]], "'model.max_input_chars_per_word'"),
    ("a normalized token where tokenizer.json normalizes otherwise",
     files(None, tokenizer(lower=False), added={"[NEW]": 21}), TEXTS, 0,
     NORMALIZED, "'normalizer'"),
    ("an added token that only tokenizer.json has",
     files({**BERT, **decoder()}, tokenizer(added=[token("[NEW]", id=21)])),
     TEXTS, 0, LOWER, "'added_tokens'"),
    ("special_tokens_map.json beside an empty list",
     files({**BERT, "additional_special_tokens": []},
           special={"additional_special_tokens": ["[NEW]"]}),
     TEXTS, 0, LOWER, "transformers 4 adds '[NEW]'"),
    ("added_tokens.json beside special_tokens_map.json",
     files(special={"additional_special_tokens": ["[NEW]"]},
           added={"[NEW]": 21}), TEXTS, 0, NORMALIZED,
     "takes it for a special one"),
    ("an id that is not the next",
     files({**BERT, **decoder(**{"30": token("[NEW]")})}), TEXTS, 0, RAW,
     "'[NEW]' to have id 21"),
]


def check_directories(tool):
    """Exits with 1 at the first difference."""
    for name, contents, texts, most, ids, warned in DIRECTORIES:
        with tempfile.TemporaryDirectory() as folder:
            for file, content in contents.items():
                (pathlib.Path(folder) / file).write_text(
                    content if isinstance(content, str)
                    else json.dumps(content), "utf-8")
            run = subprocess.run(
                [tool, folder, str(most), "framed"], capture_output=True,
                input=b"".join(b"%d\n%s" % (len(text), text) for text in
                               (text.encode() for text in texts)))
        lines = run.stdout.decode().split("\n")[:-1]
        found = [[int(word) for word in line.removesuffix(" ...").split()]
                 for line in lines]
        errors = run.stderr.decode()
        if found != ids or (warned not in errors if warned else errors):
            sys.exit(f"{name}: expected {ids} and a warning of "
                     f"{warned or 'nothing'}, got {found} and {errors!r}")
    print(f"  {len(DIRECTORIES)} directories of several files")
