# Part of the tq project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A progress bar on work that takes over two seconds, where tqdm is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

_DELAY = 2.0


@contextlib.contextmanager
def progress(total: int | None, unit: str, show: bool | None = None,
             ) -> Iterator[Callable[[int], object]]:
    """A function to call with how much has been done since.

    Args:
        total: how much there is, None: not known.
        unit: what is counted.
        show: None: where stderr is a terminal.
    """
    if show is None:
        show = sys.stderr.isatty()
    if show:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            show = False
    if not show:
        yield lambda done: None
        return
    with tqdm(total=total, unit=f" {unit}", delay=_DELAY) as bar:
        yield bar.update
