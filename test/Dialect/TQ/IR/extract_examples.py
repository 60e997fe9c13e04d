#!/usr/bin/env python3
"""Checks that what the .td files of a dialect say of its ops and passes is true.

  extract_examples.py parse TQ-OPT FILE.td...         every ```mlir block parses
  extract_examples.py covered FILE.mlir... FILE.td...  every (Cn) has its test

An example is a list of statements, each starting in the first column of the
block. A value that no statement before defines becomes a function argument,
whose type is read from the types after the statement's last colon: they are
those of the operands, in the order in which the operands are written (one type
alone holds for all). A `tq.weight` goes to the module; a weight that is read
but not defined gets the type of that reading, and zeros.
"""

import re
import subprocess
import sys
import textwrap


def blocks(text):
    for match in re.finditer(r"^ *```mlir\n(.*?)^ *```", text, re.S | re.M):
        yield text.count("\n", 0, match.start()) + 1, textwrap.dedent(match[1])


def statements(block):
    """Splits at lines that start in the first column with an op or a value."""
    found = []
    for line in block.splitlines():
        if re.match(r"[%\w]", line):
            found.append(line)
        elif line.strip():
            found[-1] += "\n" + line
    return found


def top_level(text, token):
    """Positions of `token` outside of all brackets and strings."""
    depth, found, i = 0, [], 0
    while i < len(text):
        if text[i] == '"':
            i = text.index('"', i + 1)
        elif text.startswith("->", i):
            if token == "->" and depth == 0:
                found.append(i)
            i += 1
        elif text[i] in "([{<":
            depth += 1
        elif text[i] in ")]}>":
            depth -= 1
        elif depth == 0 and text.startswith(token, i):
            found.append(i)
        i += 1
    return found


def split_top_level(text, token):
    parts, start = [], 0
    for i in top_level(text, token):
        parts.append(text[start:i])
        start = i + len(token)
    return [part.strip() for part in parts + [text[start:]] if part.strip()]


def operand_types(types, count):
    types = types.strip()
    arrow = top_level(types, "->")
    inputs = types[: arrow[0]].strip() if arrow else re.split(r" (?:in)?to ", types)[0]
    if inputs.startswith("("):
        inputs = inputs[1:-1]
    found = split_top_level(inputs, ",")
    return found * count if len(found) == 1 else found


def wrap(block):
    weights, body, arguments, defined, read = [], [], {}, set(), {}
    named = set(re.findall(r'tq\.weight (?:"\w+" )?@([\w.$]+)', block))
    for statement in statements(block):
        for name, kind in re.findall(r"tq\.get_weight @([\w.$]+) : (\S+)", statement):
            if name not in named:
                read[name] = kind
        if statement.startswith("tq.weight"):
            weights.append(statement)
            continue
        body.append(statement)
        equal = top_level(statement, "=")
        left, right = ("", statement)
        if equal and statement.startswith("%"):
            left, right = statement[: equal[0]], statement[equal[0] + 1 :]
        colon = top_level(right, ":")[-1]
        for name, kind in re.findall(r"\((%\w+) : ([^()]*)\)", right[:colon]):
            if name not in defined:
                arguments.setdefault(name, kind)  # its type stands beside it
        operands = re.findall(r"%\w+", right[:colon])
        undefined = [name for name in operands if name not in defined]
        types = operand_types(right[colon + 1 :], len(operands))
        for name, kind in zip(operands, types):
            if name in undefined:
                arguments.setdefault(name, kind)
        defined.update(re.findall(r"%\w+", left))
    for name, kind in read.items():
        weights.append("tq.weight @%s : %s = dense<0.0> : %s" % (name, kind, kind))
    signature = ", ".join("%s: %s" % pair for pair in arguments.items())
    body = "\n".join(body + ["return"])
    weights = "\n".join(weights)
    return "%s\nfunc.func @example(%s) {\n%s\n}\n" % (weights, signature, body)


def parse(tq_opt, files):
    count = failures = 0
    for file in files:
        with open(file) as opened:
            text = opened.read()
        for line, block in blocks(text):
            count += 1
            module = wrap(block)
            run = subprocess.run(
                [tq_opt, "-"], input=module, capture_output=True, text=True
            )
            if run.returncode:
                failures += 1
                print("%s:%d: example does not parse" % (file, line))
                print(module + run.stderr)
    print("%d examples, %d failures" % (count, failures))
    return failures


def definitions(text):
    """The mnemonic and the text of each op."""
    for part in re.split(r"^def ", text, flags=re.M)[1:]:
        match = re.match(r'TQ_\w+Op : TQ_\w*Op<\s*"(\w+)"', part)
        if match:
            yield match[1], part


def covered(files):
    tests, wanted, failures = set(), set(), 0
    for file in files:
        with open(file) as opened:
            text = opened.read()
        if file.endswith(".mlir"):
            tests.update(re.findall(r"^// (tq\.\w+ \(C\d+\))", text, re.M))
            continue
        for mnemonic, part in definitions(text):
            labels = re.findall(r"\(C\d+\)", part)
            wanted.update("tq.%s %s" % (mnemonic, label) for label in labels)
            if "```mlir" not in part:
                failures += 1
                print("tq.%s has no example" % mnemonic)
    for label in sorted(wanted - tests):
        print("%s has no negative test" % label)
    for label in sorted(tests - wanted):
        print("%s is tested but not described" % label)
    failures += len(wanted ^ tests)
    print("%d constraints, %d failures" % (len(wanted), failures))
    return failures


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("parse", "covered"):
        sys.exit(__doc__)
    if sys.argv[1] == "parse":
        failed = parse(sys.argv[2], sys.argv[3:])
    else:
        failed = covered(sys.argv[2:])
    sys.exit(1 if failed else 0)
