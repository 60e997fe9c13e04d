#!/usr/bin/env python3
#===- tokenizer_test.py - The same ids as the tokenizers library -----------===#
#
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===#
"""Compares the ids of tq-tokenize with those of the `tokenizers` library.

First with stored ids of directories whose tokenizer stands in several files;
then over the sentences of STS-B (--data), a list of nasty texts, every code point
there is, and random strings; with the model's own tokenizer (--model; skipped
where it is not there) and with variants of the normalizer over a vocabulary made
from the texts, so that no difference hides in [UNK]. Exits with 1 at the first
difference and prints both, with 77 where the library is not installed.
"""

import argparse
import csv
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata

from tokenizer_directories import check_directories

HERE = pathlib.Path(__file__).resolve().parent
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SETTINGS = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")


def frame(texts):
    return b"".join(b"%d\n%s" % (len(text), text) for text in texts)


class Comparison:
    """One model directory, read by both sides."""

    def __init__(self, tool, directory, name, reference=None):
        from tokenizers import Tokenizer
        self.tool, self.directory, self.name = tool, directory, name
        self.reference = Tokenizer.from_file(
            str((reference or directory) / "tokenizer.json"))
        self.reference.no_padding()
        self.texts = 0

    def check(self, texts, what, max_tokens=0, side="right", lowercase=False):
        if max_tokens:
            self.reference.enable_truncation(max_tokens, direction=side)
        else:
            self.reference.no_truncation()
        run = subprocess.run(
            [self.tool, self.directory, str(max_tokens), "framed",
             *(["lowercase"] if lowercase else [])],
            input=frame(texts), stdout=subprocess.PIPE, check=True)
        lines = run.stdout.decode().split("\n")[:-1]
        if len(lines) != len(texts):
            sys.exit(f"{self.name}: {len(texts)} texts gave {len(lines)} lines")
        decoded = [text.decode("utf-8", "replace") for text in texts]
        expected = self.reference.encode_batch(
            [text.lower() for text in decoded] if lowercase else decoded)
        for text, line, encoding in zip(texts, lines, expected):
            truncated = bool(encoding.overflowing)
            ids = [int(word) for word in line.removesuffix(" ...").split()]
            if ids != encoding.ids or line.endswith("...") != truncated:
                print(f"{self.name}, {what}: {text[:2000]!r}\n"
                      f"expected {encoding.ids}{' ...' if truncated else ''}\n"
                      f"got      {line}\n"
                      f"that is  {self.first_difference(ids, encoding)}")
                sys.exit(1)
        self.texts += len(texts)
        print(f"  {self.name}: {len(texts)} texts, {what}", flush=True)

    def first_difference(self, ids, encoding):
        for at, (ours, theirs) in enumerate(zip(ids, encoding.ids)):
            if ours != theirs:
                return (f"token {at}: expected "
                        f"{self.reference.id_to_token(theirs)!a}, got "
                        f"{self.reference.id_to_token(ours)!a}")
        return f"{len(encoding.ids)} tokens expected, {len(ids)} got"


def nasty_texts():
    """One text a line, Python's escapes of its bytes; '#' begins a comment."""
    lines = (HERE / "Inputs" / "nasty-texts.txt").read_text("ascii").split("\n")
    texts = [line.encode().decode("unicode_escape").encode("latin-1")
             for line in lines if not line.startswith("#")]
    for length in (99, 100, 101, 102, 1000, 100000):
        texts += ["x".encode() * length, "\u00e9".encode() * length,
                  "e\u0301".encode() * length, "\u302e\u302f".encode() * length]
    return texts


def stsb_texts(directory):
    texts = []
    for part in ("dev", "test"):
        with open(directory / f"stsb-en-{part}.csv", newline="",
                  encoding="utf-8") as file:
            for row in csv.reader(file):
                texts += [row[0].encode(), row[1].encode()]
    return texts


def scalar(random_source, below):
    while True:
        c = random_source.randrange(below)
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def every_code_point():
    """Each between letters, so that what becomes of it shows: 64 a text."""
    points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    return ["".join(f"a{chr(c)}b " for c in points[i:i + 64]).encode()
            for i in range(0, len(points), 64)]


def fuzz_texts(count, seed):
    """Characters of all planes, marks and joiners often, and broken bytes."""
    source = random.Random(seed)
    marks = [chr(c) for c in range(0x20000) if unicodedata.combining(chr(c)) or
             unicodedata.category(chr(c)) in ("Mn", "Mc", "Cf")]
    folded = [chr(c) for c in range(0x20000) if chr(c).lower() != chr(c) or
              unicodedata.normalize("NFD", chr(c)) != chr(c)]
    kinds = [lambda: scalar(source, 0x80), lambda: scalar(source, 0x800),
             lambda: scalar(source, 0x3000), lambda: scalar(source, 0x20000),
             lambda: scalar(source, 0x110000), lambda: source.choice(marks),
             lambda: source.choice(marks), lambda: source.choice(folded),
             lambda: source.choice(" \t\n\u00a0\u3000ab"),
             lambda: source.choice(SPECIAL + ["[NEW]", "[mask", "m\u00e9lo"])]
    texts = []
    for _ in range(count):
        few = source.sample(kinds, source.randint(1, len(kinds)))
        text = "".join(source.choice(few)()
                       for _ in range(source.randint(0, 24))).encode()
        if source.random() < 0.2:
            broken = bytearray(text)
            for _ in range(source.randint(1, 4)):
                broken.insert(source.randint(0, len(broken)),
                              source.randint(0x80, 0xFF))
            text = bytes(broken)
        texts.append(text)
    return texts


def vocabulary_of(texts):
    """Every character that normalization can make of the texts."""
    characters = set(map(chr, range(32, 127)))
    for text in texts:
        characters.update(text.decode("utf-8", "replace"))
    for form in ("NFD", "NFC"):
        for c in list(characters):
            characters.update(unicodedata.normalize(form, c))
    for c in list(characters):
        characters.update(c.lower())
    tokens = list(SPECIAL)
    for c in sorted(characters):
        tokens += [c, "##" + c]
    source = random.Random(1)
    letters = sorted(characters)
    for _ in range(2000):  # and some that overlap
        tokens += [mark + "".join(source.choice("abe\u0301")
                                  for _ in range(source.randint(3, 5)))
                   for mark in ("", "##")]
        tokens.append("##" + source.choice(letters) + source.choice(letters))
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}


def tokenizer_json(vocabulary, settings, added=()):
    tokens = [{"id": vocabulary[token], "content": token, "single_word": False,
               "lstrip": False, "rstrip": False, "normalized": False,
               "special": True} for token in SPECIAL]
    tokens += [{"id": len(vocabulary) + i, "lstrip": False, "rstrip": False,
                "special": False, **token} for i, token in enumerate(added)]
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": tokens,
        "normalizer": {"type": "BertNormalizer",
                       **dict(zip(SETTINGS, settings))},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2],
                           "sep": ["[SEP]", 3]},
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]",
                  "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary},
    }


ADDED = [
    {"content": "[NEW]", "normalized": True, "single_word": False},
    {"content": "M\u00e9lo", "normalized": True, "single_word": True},
    {"content": "ab", "normalized": True, "single_word": True},
    {"content": "ba", "normalized": False, "single_word": True},
    {"content": "babel", "normalized": False, "single_word": False},
]

VARIANTS = {
    "uncased": ((True, True, None, True), ()),
    "cased": ((True, True, None, False), ()),
    "lower-case with accents": ((True, True, False, True), ()),
    "cased without accents": ((True, False, True, False), ()),
    "not cleaned": ((False, True, None, True), ()),
    "as it is": ((False, False, False, False), ()),
    "more tokens": ((True, True, None, True), ADDED),
    "more cased tokens": ((True, True, None, False), ADDED),
}
EVERY_CODE_POINT = ("uncased", "lower-case with accents", "as it is")


def check_variants(tool, texts, points):
    vocabulary = vocabulary_of(texts + [
        chr(c).encode() for c in range(0x20000)
        if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn"])
    total = 0
    for name, (settings, added) in VARIANTS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            # Characters as they are, as in files of the library, or escaped.
            escape = name == "as it is"
            (path / "tokenizer.json").write_text(
                json.dumps(tokenizer_json(vocabulary, settings, added),
                           ensure_ascii=escape), "utf-8")
            comparison = Comparison(tool, path, name)
            comparison.check(texts, "nasty and random")
            if name in EVERY_CODE_POINT:
                comparison.check(points, "every code point")
            total += comparison.texts
    return total


def check_settings(tool, texts):
    """Texts that lose their beginning, and texts that are lower-cased first."""
    # What Python knows: its tables may be older.
    known = [text for text in texts if not any(
        unicodedata.category(c) == "Cn" for c in text.decode("utf-8", "replace"))]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "tokenizer.json").write_text(
            json.dumps(tokenizer_json(vocabulary_of(texts), (True, True, False, False),
                                      ADDED)), "utf-8")
        (path / "tokenizer_config.json").write_text(
            json.dumps({"tokenizer_class": "PreTrainedTokenizerFast",
                        "truncation_side": "left"}), "utf-8")
        comparison = Comparison(tool, path, "cased")
        comparison.check(known, "lower-cased first", lowercase=True)
        for limit in (2, 3, 8):
            comparison.check(texts, f"the last {limit} tokens", limit, "left")
    return comparison.texts


def check_model(tool, model, data, texts):
    comparison = Comparison(tool, model, model.name)
    comparison.check(texts, "nasty and random")
    for limit in (2, 3, 8):
        comparison.check(texts[:3000], f"at most {limit} tokens", limit)
    if data and (data / "stsb-en-test.csv").is_file():
        comparison.check(stsb_texts(data), "STS-B dev and test")
    total = comparison.texts
    if (model / "vocab.txt").exists():
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(model / "vocab.txt", folder)
            alone = Comparison(tool, pathlib.Path(folder), "its vocab.txt", model)
            alone.check(texts, "nasty and random")
            total += alone.texts
    return total


def check_long_line(tool, model):
    """Ten megabytes on one line, of several kinds: linear time."""
    for name, unit in (("words", b"linear time "), ("no spaces", b"abcdefgh"),
                       ("marks", "\u302e\u302f\u0301".encode()),
                       ("brackets", b"[[MASK"), ("broken", b"\xf0\x9f\x98")):
        text = unit * (10_000_000 // len(unit))
        start = time.monotonic()
        subprocess.run([tool, model], input=text, stdout=subprocess.DEVNULL,
                       check=True)
        print(f"  10 MB of {name}: {time.monotonic() - start:.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", default=HERE.parents[1] / "build" / "dev" /
                        "bin" / "tq-tokenize", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path,
                        help="a Hugging Face directory with a tokenizer.json")
    parser.add_argument("--data", type=pathlib.Path,
                        help="the folder with stsb-en-dev.csv and -test.csv")
    parser.add_argument("--fuzz", type=int, default=20000, metavar="COUNT")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    check_directories(options.tool)
    try:
        import tokenizers
    except ImportError:
        print("skipped: pip install tokenizers")
        return 77
    print(f"tq-tokenize beside tokenizers {tokenizers.__version__}")
    texts = nasty_texts() + fuzz_texts(options.fuzz, options.seed)
    total = 0
    has_model = options.model and (options.model / "tokenizer.json").is_file()
    if has_model:
        total += check_model(options.tool, options.model, options.data, texts)
        check_long_line(options.tool, options.model)
    else:
        print(f"skipped: expected a model with a tokenizer.json, found none at {options.model}")
    total += check_variants(options.tool, texts, every_code_point())
    total += check_settings(options.tool, texts)
    print(f"{total} texts have the same ids")
    print(f"{2 if has_model else 1} passed, 0 failed, {0 if has_model else 1} skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
