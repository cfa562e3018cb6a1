# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``python -m bench SUBJECT``: runs one subject's measurements; each subject is a folder with a ``main``."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = FOLDER.parent / "src"


def subjects() -> list[str]:
    """Names of what can be measured."""
    return sorted(path.parent.name for path in FOLDER.glob("*/main.py"))


def main(argv: list[str]) -> int:
    """Runs the subject that is named first, with the options after it."""
    if not argv or argv[0] not in subjects():
        print(f"bench: name one of: {', '.join(subjects())}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # leave no server behind
    sys.path.insert(0, str(SOURCES))  # what is measured is the tree beside us, whatever is installed
    status: int = import_module(f"bench.{argv[0]}.main").main(argv[1:])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
