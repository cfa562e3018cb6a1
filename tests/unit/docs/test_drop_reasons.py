# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Whoever sees a drop counter grow finds in the guide what is behind it."""

from __future__ import annotations

import re
from pathlib import Path

from cladnet.core.wireguard.drops import Drop

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"


def test_the_guide_explains_every_reason_and_no_other() -> None:
    section = GUIDE.read_text(encoding="utf-8").partition("What the drop counters mean")[2]
    rows = re.findall(r"^   \* - (``.*)$", section, re.MULTILINE)
    explained = [reason for row in rows for reason in re.findall(r"``(\w+)``", row)]
    assert sorted(explained) == sorted(reason.value for reason in Drop)
