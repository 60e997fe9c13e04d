"""own_linker.py FOLDER: makes of FOLDER what is installed where there is no compiler: a
tq-compile with its libraries, a linker, and what a compiler has besides."""

import pathlib
import shutil
import subprocess
import sys

prefix = pathlib.Path(sys.argv[1])
compiler = pathlib.Path(shutil.which("tq-compile"))
libraries = prefix / "lib/tq"


def ask(option):
    """A path that clang knows."""
    command = ["clang-22", "--rtlib=compiler-rt", option]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


(prefix / "bin").mkdir(parents=True)
(libraries / "crt").mkdir(parents=True)
# Copies: the compiler looks for libraries where its file is, behind symbolic links.
shutil.copy(compiler, prefix / "bin")
for name in ["libtq_main.a", "libtq_runtime.a", "tq.h"]:
    shutil.copy(compiler.parents[1] / "lib" / name, libraries)
for name in ["Scrt1.o", "crti.o", "crtn.o"]:
    shutil.copy(ask(f"-print-file-name={name}"), libraries / "crt")
shutil.copy(ask("-print-libgcc-file-name"), libraries / "crt/libbuiltins.a")
(libraries / "ld.lld").symlink_to(shutil.which("ld.lld"))
