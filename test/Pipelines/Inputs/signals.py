"""signals.py TQ_COMPILE INPUT DIRECTORY [OPTION...]: ends the compiler at many moments,
while its children run, too, and counts the files and processes that stay. With options,
which make it take longer, only as Ctrl-C does."""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

compiler, source, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
options = sys.argv[4:]
LINE = "error: the compiler crashed in the phase emit, which is an error of tq; "
TGKILL = {"x86_64": 234, "aarch64": 131}


class Run:
    """A compiler that makes a library, whose two files appear together."""

    def __init__(self, name, **process_options):
        self.out, self.tmp = root / name / "out", root / name / "tmp"
        self.out.mkdir(parents=True)
        self.tmp.mkdir()
        self.process = subprocess.Popen(
            [compiler, source, "-o", self.out / "lib.so", "--emit=so", *options],
            env={**os.environ, "TMPDIR": str(self.tmp)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **process_options,
        )

    def left(self):
        """Files that should not be there, and processes."""
        made = sorted(os.listdir(self.out))
        left = os.listdir(self.tmp)
        if made not in ([], ["lib.h", "lib.so"]):
            left += made
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if str(self.tmp).encode() in (process / "environ").read_bytes():
                    if (process / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                        left.append(str(process))
            except OSError:
                pass  # it has just ended
        return left


def whole_run():
    """Seconds that a run takes."""
    start = time.monotonic()
    run = Run("whole")
    run.process.communicate()
    if run.process.returncode != 0 or run.left():
        sys.exit("the compiler failed")
    return time.monotonic() - start


def spread(number, runs, seconds):
    """Sends the signal at moments spread over the run."""
    ended, left = 0, []
    for i in range(runs):
        run = Run(f"{number}-{i}")
        time.sleep(seconds * (i + 0.5) / runs)
        run.process.send_signal(number)
        _, errors = run.process.communicate()
        ended += run.process.returncode == -number
        if run.process.returncode not in (-number, 0) or errors:
            sys.exit(f"{run.process.returncode}: {errors}")
        left += run.left()
    print(f"{signal.Signals(number).name}: {ended} ended, {len(left)} left", *left)


def close_stdout():
    """SIGPIPE: nobody reads what the compiler prints."""
    run = Run("pipe")
    run.process.stdout.close()
    errors = run.process.stderr.read()
    ended = run.process.wait() == -signal.SIGPIPE
    left = run.left()
    print(f"SIGPIPE: {ended:d} ended, {len(left)} left", *left, errors)


def crash_threads(number):
    """Sends the signal of a crash to one thread after the other, in the last phase."""
    left = []
    send = ctypes.CDLL(None, use_errno=True).syscall
    thread, threads = 0, 1
    while thread < threads:
        run = Run(f"crash-{number}-{thread}")
        while not run.process.stdout.readline().startswith("lower"):
            pass
        run.process.stdout.readline()  # codegen
        time.sleep(0.01)
        ids = sorted(int(name) for name in os.listdir(f"/proc/{run.process.pid}/task"))
        threads = min(len(ids), 6)
        send(TGKILL[os.uname().machine], run.process.pid, ids[min(thread, len(ids) - 1)], number)
        _, errors = run.process.communicate()
        if run.process.returncode != 4 or errors.count("\n") != 1 or LINE not in errors:
            sys.exit(f"thread {thread}: {run.process.returncode}: {errors}")
        left += run.left()
        thread += 1
    print(f"{signal.Signals(number).name} in every thread: {len(left)} left", *left)


# A runner of tests may ignore them, which its children would, too.
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
seconds = whole_run()
if options:
    spread(signal.SIGINT, 16, seconds)
    sys.exit()
spread(signal.SIGTERM, 40, seconds)
spread(signal.SIGINT, 6, seconds)
spread(signal.SIGHUP, 6, seconds)
close_stdout()
crash_threads(signal.SIGSEGV)
crash_threads(signal.SIGABRT)
