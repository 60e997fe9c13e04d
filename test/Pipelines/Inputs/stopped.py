"""stopped.py FILE CHANGE COMMAND...: runs the command, stops it in its last phase, before
it reads weights, and changes FILE meanwhile: CHANGE is truncate, touch, replace, none."""

import os
import shutil
import signal
import subprocess
import sys

file, change, command = sys.argv[1], sys.argv[2], sys.argv[3:]


def make_change():
    if change == "truncate":
        os.truncate(file, os.path.getsize(file) // 2)
    elif change == "touch":
        os.utime(file, ns=(0, 0))
    elif change == "replace":
        shutil.copyfile(file, file + ".new")
        os.replace(file + ".new", file)


process = subprocess.Popen(
    command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
)
for line in process.stdout:
    if line.startswith("codegen"):
        break
process.send_signal(signal.SIGSTOP)
os.waitid(os.P_PID, process.pid, os.WSTOPPED)
make_change()
process.send_signal(signal.SIGCONT)
_, errors = process.communicate()
print(errors, end="")
print("exit code", process.returncode, "lines", errors.count("\n"))
