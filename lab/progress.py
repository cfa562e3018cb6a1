# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Telling somebody what is done now."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]  # gets one line of text at each step


def silent(_line: str) -> None:
    """Progress that nobody reads."""
