"""refusals.py TEST: makes the archive of each section NAME.py of the test, which split-file
has put into the working directory, and prints what tq-compile says of it. It has to be
one line, and no file may be left."""

import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import pt2

for name in re.findall(r"^#--- (.+)\.py$", pathlib.Path(sys.argv[1]).read_text(), re.M):
    pt2.run(pathlib.Path(name + ".py"))
    for folder in ("out", "tmp"):
        os.makedirs(folder, exist_ok=True)
    run = subprocess.run(
        ["tq-compile", name + ".pt2", "-o", "out/program"],
        env={**os.environ, "TMPDIR": os.path.abspath("tmp")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    print(f"{name}: exit code {run.returncode}: {run.stderr.rstrip()}", flush=True)
    if run.stderr.count("\n") != 1 or not run.stderr.startswith("error: "):
        sys.exit(f"{name}: expected one line on stderr, but got '{run.stderr}'")
    if os.listdir("out") or os.listdir("tmp"):
        sys.exit(f"{name}: expected no file, but got {os.listdir('out') + os.listdir('tmp')}")
