# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Makes the working tree importable as the collection that it is, as ansible-core does at run time."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLLECTIONS = ROOT / "build" / "collections"


def link_collection() -> None:
    """Puts a link to this tree where Ansible and Python look for ``cloud_barista.cladnet``."""
    link = COLLECTIONS / "ansible_collections" / "cloud_barista" / "cladnet"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.symlink_to(ROOT, target_is_directory=True)
    if str(COLLECTIONS) not in sys.path:
        sys.path.insert(0, str(COLLECTIONS))


if "ansible_collections" not in sys.modules:
    link_collection()
