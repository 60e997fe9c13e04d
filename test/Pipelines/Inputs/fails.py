"""fails.py CODE COMMAND...: the command must end with the exit code, and say why in
one line on stderr, which is printed."""

import subprocess
import sys

expected = int(sys.argv[1])
run = subprocess.run(sys.argv[2:], stderr=subprocess.PIPE, text=True)
print(run.stderr, end="")
if run.returncode != expected:
    sys.exit(f"expected exit code {expected}, but got {run.returncode}")
if run.stderr.count("\n") != 1 or not run.stderr.startswith("error: "):
    sys.exit("expected one line on stderr")
