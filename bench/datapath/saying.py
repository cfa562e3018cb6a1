# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the person who waits is told meanwhile."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Says a line."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
