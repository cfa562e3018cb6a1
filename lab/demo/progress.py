# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Says what is being done now, as step i of n, and how long each step took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Prints one line per step; details of the step in hand overwrite each other on a terminal."""

    def __init__(self, steps: int, *, done: int = 0, out: TextIO = sys.stderr) -> None:
        self._steps = steps
        self._step = done
        self._out = out

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Frames one step; its time is printed if it ends well."""
        self._step += 1
        started_s = time.monotonic()
        self._print(f"[{self._step}/{self._steps}] {title} ...")
        yield
        self.detail("")
        self._print(f"[{self._step}/{self._steps}] {title}: {time.monotonic() - started_s:.1f} s")

    def detail(self, text: str) -> None:
        """What the step is at; shown on a terminal only, where it can be overwritten."""
        if self._out.isatty():
            self._out.write(f"\r\033[K      {text[:100]}" if text else "\r\033[K")
            self._out.flush()

    def _print(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()
