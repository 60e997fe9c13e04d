"""terminal.py TERM COMMAND...: runs the command on a terminal, stops it for longer than
what is shown without a bar, and prints what it shows; TERM may be 'unset'."""

import os
import pty
import signal
import sys
import time

environment = {name: value for name, value in os.environ.items() if name != "TERM"}
if sys.argv[1] != "unset":
    environment["TERM"] = sys.argv[1]


def stop(child):
    """Stops it for a while; False: it had ended before."""
    os.kill(child, signal.SIGSTOP)
    state = os.waitid(os.P_PID, child, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    if state.si_code != os.CLD_STOPPED:
        return False
    time.sleep(2.5)
    os.kill(child, signal.SIGCONT)
    return True


def run():
    """What the command shows and its status; None: it ended before it was stopped."""
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
            stopped = stop(child)
            if not stopped:
                break
    os.close(terminal)
    status = os.waitpid(child, 0)[1]
    return None if b"codegen" in shown and not stopped else (shown, status)


result = None
while result is None:  # on a busy machine the end may be near already
    result = run()
shown, status = result
print(shown.decode().replace("\x1b", "escape").replace("\r", "\n"))
sys.exit(os.waitstatus_to_exitcode(status))
