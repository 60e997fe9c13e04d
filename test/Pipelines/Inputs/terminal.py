"""terminal.py TERM COMMAND...: runs the command on a terminal, stops it in its last
phase for longer than what is shown without a bar, and prints what it shows; TERM may be
'unset'. A stop near the end comes too late for a bar: hence some tries."""

import os
import pty
import signal
import sys
import time

environment = {name: value for name, value in os.environ.items() if name != "TERM"}
if sys.argv[1] != "unset":
    environment["TERM"] = sys.argv[1]


def stop(child):
    """Stops it for a while, if it has not ended."""
    os.kill(child, signal.SIGSTOP)
    state = os.waitid(os.P_PID, child, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    if state.si_code == os.CLD_STOPPED:
        time.sleep(2.5)
        os.kill(child, signal.SIGCONT)


def run():
    """What the command shows, and its exit code."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(sys.argv[2], sys.argv[2:], environment)
    shown = b""
    stopped = False
    while True:
        try:
            some = os.read(terminal, 4096)
        except OSError:  # how a terminal ends on Linux
            break
        if not some:
            break
        shown += some
        if b"codegen" in shown and not stopped:
            stop(child)
            stopped = True
    os.close(terminal)
    return shown, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# Where there shall be none, further tries would show no more.
for _ in range(8 if sys.argv[1] == "xterm" else 1):
    shown, code = run()
    if b"#" in shown or code != 0:
        break
print(shown.decode().replace("\x1b", "escape").replace("\r", "\n"))
sys.exit(code)
