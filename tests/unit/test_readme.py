# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The table of contents in the README is what the collection holds."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "event source": "extensions/eda/plugins/event_source",
    "filter": "plugins/filter",
    "inventory": "plugins/inventory",
    "lookup": "plugins/lookup",
    "module": "plugins/modules",
}


def held() -> set[tuple[str, str]]:
    plugins = {
        (path.stem, kind) for kind, folder in FOLDERS.items() for path in (ROOT / folder).glob("[a-z]*.py")
    }
    roles = {(path.name, "role") for path in (ROOT / "roles").iterdir()}
    playbooks = {(path.stem, "playbook") for path in (ROOT / "playbooks").glob("*.yml")}
    rulebooks = {(path.stem, "rulebook") for path in (ROOT / "extensions/eda/rulebooks").glob("*.yml")}
    return plugins | roles | playbooks | rulebooks


def test_the_readme_lists_what_is_there() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("<!-- contents:")[1].split("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", table, flags=re.MULTILINE))
    assert listed == held()
