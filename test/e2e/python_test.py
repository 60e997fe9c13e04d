#!/usr/bin/env python3
# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of the Python package, with the compiler of a build.

    python_test.py --tq-compile build/dev/bin/tq-compile

Those of torch are skipped where there is no torch. Needs numpy and pytest.
"""

import argparse
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Counts:
    """A plugin that counts tests; a module that is skipped is one."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, report):
        """What came of a test, or of a module's import."""
        if report.failed:
            self.failed += 1
        elif report.skipped:
            self.skipped += 1
        elif getattr(report, "when", None) == "call":
            self.passed += 1

    pytest_runtest_logreport = pytest_collectreport = (
        lambda self, report: self.add(report))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tq-compile", type=pathlib.Path, required=True)
    args = parser.parse_args()
    try:
        import pytest
    except ImportError:
        print("pytest is not installed")
        return 77
    os.environ["TQ_COMPILE"] = str(args.tq_compile.resolve())
    package = ROOT / "python"
    # For the processes that tests start, too.
    os.environ["PYTHONPATH"] = str(package)
    sys.path.insert(0, str(package))
    counts = Counts()
    status = pytest.main(["-q", "--no-header", "-p", "no:cacheprovider",
                          "--rootdir", str(package), str(package / "tests")],
                         plugins=[counts])
    print(f"{counts.passed} passed, {counts.failed} failed, "
          f"{counts.skipped} skipped")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
