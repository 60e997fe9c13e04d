#!/usr/bin/env python3
#===- unicode-exceptions.py - Where utf8proc and tokenizers differ ---------===#
#
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
#===------------------------------------------------------------------------===#
"""Prints lib/Runtime/Tokenizer/UnicodeExceptions.inc.

Asks the `tokenizers` library about every code point and compares with what
utf8proc says. Needs `pip install tokenizers` and libutf8proc2.
"""

import ctypes
import ctypes.util

from tokenizers import (AddedToken, Tokenizer, __version__, models, normalizers,
                        pre_tokenizers)

CATEGORIES = ("CN LU LL LT LM LO MN MC ME ND NL NO PC PD PS PE PI PF PO SM SC "
              "SK SO ZS ZL ZP CC CF CS CO").split()
BOUNDARY_LOW, BOUNDARY_HIGH = "\u0334", "\u0345"  # classes 1 and 240


class Property(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining", ctypes.c_int16)]


def load_utf8proc():
    library = ctypes.CDLL(ctypes.util.find_library("utf8proc"))
    library.utf8proc_get_property.restype = ctypes.POINTER(Property)
    library.utf8proc_version.restype = ctypes.c_char_p
    library.utf8proc_unicode_version.restype = ctypes.c_char_p
    return library


def step(**enabled):
    settings = dict(clean_text=False, handle_chinese_chars=False,
                    strip_accents=False, lowercase=False)
    settings.update(enabled)
    return normalizers.BertNormalizer(**settings).normalize_str


def single_word_probe():
    """Whether a character keeps a token behind it from being a single word."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.add_tokens([AddedToken("~", single_word=True, normalized=False)])
    return lambda text: 1 not in tokenizer.encode(text + "~").ids


def ranges(points):
    merged = []
    for c in points:
        if merged and merged[-1][1] == c - 1:
            merged[-1][1] = c
        else:
            merged.append([c, c])
    return merged


def print_ranges(name, comment, points):
    print(f"\n/// {comment}\nconstexpr Range {name}[] = {{")
    for first, last in ranges(points):
        print(f"    {{0x{first:X}, 0x{last:X}}},")
    print("};")


def print_lower(lower):
    merged = []
    for c, to in lower:
        if (merged and merged[-1][1] == c - 1 and merged[-1][2] == to - c):
            merged[-1][1] = c
        else:
            merged.append([c, c, to - c])
    print("\n/// Lower case that utf8proc does not know: add the third number.\n"
          "constexpr Shift lowerCase[] = {")
    for first, last, shift in merged:
        print(f"    {{0x{first:X}, 0x{last:X}, {shift}}},")
    print("};")


def main():
    utf8proc = load_utf8proc()
    clean, strip, lower = step(clean_text=True), step(strip_accents=True), step(
        lowercase=True)
    nfd = normalizers.NFD().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    scratch = (ctypes.c_int32 * 64)()
    last_class = ctypes.c_int(0)
    touches_word = single_word_probe()
    controls, marks, punctuation, unordered, composed, lowered, words = (
        [] for _ in range(7))
    for c in range(0x80, 0x110000):
        if 0xD800 <= c < 0xE000 or c == 0xFFFD:
            continue
        text = chr(c)
        category = CATEGORIES[utf8proc.utf8proc_category(c)]
        if (clean(text) == "") != (category in ("CC", "CF", "CO")):
            controls.append(c)
        count = utf8proc.utf8proc_decompose_char(c, scratch, 64, 1 << 4 | 1 << 1,
                                                 ctypes.byref(last_class))
        if nfd(text) != "".join(map(chr, scratch[:count])):
            assert nfd(text) == text, hex(c)
            composed.append(c)
        if nfd(text) == text and (strip(text) == "") != (category == "MN"):
            marks.append(c)
        if (len(split("a" + text + "b")) == 3) != (category[0] == "P"):
            punctuation.append(c)
        ordered = (nfd(BOUNDARY_HIGH + text)[0] != BOUNDARY_HIGH or
                   nfd(text + BOUNDARY_LOW)[0] == BOUNDARY_LOW)
        if nfd(text) == text and ordered != bool(utf8proc.utf8proc_get_property(
                c).contents.combining):
            assert not ordered, hex(c)
            unordered.append(c)
        if touches_word(text) != (category[0] in "LM" or
                                  category in ("ND", "NL", "PC")):
            words.append(c)
        if lower(text) != chr(utf8proc.utf8proc_tolower(c)) and c != 0x130:
            assert len(lower(text)) == 1, hex(c)
            lowered.append((c, ord(lower(text))))

    print("//===- UnicodeExceptions.inc - tokenizers beside utf8proc "
          "-----*- C++ -*-===//\n//\n"
          "// Part of the tq project, under the Apache License v2.0 with LLVM "
          "Exceptions.\n"
          "// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n//\n"
          "//===-------------------------------------------------------------"
          "---------===//\n//\n"
          "// Printed by tools/dev/unicode-exceptions.py from tokenizers "
          f"{__version__} and\n// utf8proc {utf8proc.utf8proc_version().decode()}"
          f" (Unicode {utf8proc.utf8proc_unicode_version().decode()}).\n"
          "// Ascending, above U+007F.\n//\n"
          "//===-------------------------------------------------------------"
          "---------===//")
    print_ranges("controls", "Cleaned away, unlike utf8proc says, or the other way "
                 "round.", controls)
    print_ranges("marks", "Nonspacing marks, unlike utf8proc says, or the other way "
                 "round.", marks)
    print_ranges("punctuation", "Punctuation, unlike utf8proc says, or the other "
                 "way round.", punctuation)
    print_ranges("unordered", "Combining class 0, unlike utf8proc says.", unordered)
    print_ranges("composed", "Not decomposed, unlike utf8proc does.", composed)
    print_ranges("wordCharacters", "Letters, marks, decimal and letter numbers and "
                 "connectors that \\w does not match, or others that it does.", words)
    print_lower(lowered)


main()
