"""paths.py TQ_COMPILE INPUT DIRECTORY: compiles INPUT into folders with odd names, with
temporary files in such folders, and finds nothing but the outputs afterwards."""

import os
import subprocess
import sys

compiler, source, root = (os.fsencode(argument) for argument in sys.argv[1:])
source = os.path.abspath(source)

NAMES = [
    b"100%",
    b"%%%%%%%%",
    b"a,b",
    b"a b",
    b"it's \"quoted\"",
    b"back\\slash\\n",
    b"new\nline",
    b"\xff\xfe",
    "tq äö".encode(),
    b"-o",
    b"@file",
    b"a=b;c&d$e*?",
    b"x" * 245,
]
KINDS = {b"exe": b"", b"so": b".so", b"obj": b".o", b"asm": b".s", b"mlir": b".mlir"}


def compile_to(output, kind, temporary, directory):
    """Runs the compiler in `directory`."""
    run = subprocess.run(
        [compiler, source, b"-o", output, b"--emit=" + kind],
        cwd=directory,
        env={**os.environb, b"TMPDIR": temporary},
        capture_output=True,
    )
    if run.returncode != 0:
        sys.exit(f"{output} --emit={kind}, TMPDIR={temporary}: {run.stderr}")


def expect_files(directory, expected):
    found = sorted(os.listdir(directory))
    if found != sorted(expected):
        sys.exit(f"{directory}: expected {expected}, but got {found}")


def check_name(index, name):
    here = os.path.join(root, b"%d" % index)
    output, temporary = os.path.join(here, name), os.path.join(here, b"tmp", name)
    os.makedirs(output)
    os.makedirs(temporary)
    expected = []
    for kind, suffix in KINDS.items():
        file = name + suffix
        compile_to(os.path.join(output, file), kind, temporary, root)
        expected.append(file)
        if kind == b"so":
            expected.append(name + b".h")
        if kind == b"asm":
            expected.append(file + b".weights")
    expect_files(output, expected)
    expect_files(temporary, [])
    check_program(os.path.join(output, name))


def check_program(program):
    run = subprocess.run([os.path.abspath(program), b"--selftest"], capture_output=True)
    if run.returncode != 0:
        sys.exit(f"{program} --selftest: {run.stderr}")


def check_relative():
    """Names without a folder, which could be taken for options."""
    here = os.path.join(root, b"relative")
    os.makedirs(os.path.join(here, b"tmp"))
    for name in (b"@file", b"-o", b"100%"):
        compile_to(name, b"exe", b"tmp", here)
        check_program(os.path.join(here, name))
    expect_files(here, [b"@file", b"-o", b"100%", b"tmp"])
    expect_files(os.path.join(here, b"tmp"), [])


for index, name in enumerate(NAMES):
    check_name(index, name)
check_relative()
print("all names work")
