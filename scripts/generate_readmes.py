# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Writes roles/*/README.md from the argument specifications of the roles; needs PyYAML.

python3 scripts/generate_readmes.py            writes them
python3 scripts/generate_readmes.py --check    writes nothing; exit status 1 if one is not current
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parents[1] / "roles"
MARKUP = re.compile(r"\b[OVCMPELI]\(([^()]*(?:\([^()]*\))?[^()]*)\)")
NOTE = "<!-- Made from meta/argument_specs.yml by scripts/generate_readmes.py. Change it there. -->"


def main(arguments: list[str]) -> int:
    """Writes or checks all; returns the exit status."""
    check, stale = arguments == ["--check"], []
    for folder in sorted(ROLES.iterdir()):
        path, text = folder / "README.md", readme(folder)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROLES.parent)))
        if not check:
            path.write_text(text, encoding="utf-8")
    print("\n".join(stale) or "all are current")
    return 1 if check and stale else 0


def readme(folder: Path) -> str:
    """The README of the role in a folder."""
    specification = yaml.safe_load((folder / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    about = yaml.safe_load((folder / "meta/main.yml").read_text(encoding="utf-8"))["galaxy_info"]
    main_entry = specification["argument_specs"]["main"]
    paragraphs = [
        NOTE,
        f"# cloud_barista.cladnet.{folder.name}",
        f"{main_entry['short_description']}.",
        *(plain(text) for text in lines(main_entry["description"])),
        "## Example",
        f"```yaml\n{main_entry['examples'].rstrip()}\n```",
        "## Variables",
        "\n".join(table(main_entry["options"])),
        *nested(main_entry["options"]),
        "## Tested on",
        ", ".join(f"{each['name']} {'/'.join(each['versions'])}" for each in about["platforms"])
        + f"; ansible-core {about['min_ansible_version']} or newer on the control node.",
        f"Licence: {about['license']}.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def table(options: dict[str, Any]) -> Iterator[str]:
    """One row for each variable."""
    yield "| Variable | Type | Default | Meaning |"
    yield "|---|---|---|---|"
    for name, option in options.items():
        yield f"| `{name}` | {kind(option)} | {default(option)} | {meaning(option)} |"


def nested(options: dict[str, Any]) -> Iterator[str]:
    """What the keys of dictionaries mean."""
    for name, option in options.items():
        if "options" in option:
            yield f"### Keys of `{name}`"
            yield "\n".join(table(option["options"]))


def kind(option: dict[str, Any]) -> str:
    """The type of a variable for people."""
    return f"list of {option['elements']}" if "elements" in option else str(option["type"])


def default(option: dict[str, Any]) -> str:
    """The default as it stands in YAML; a template on one line."""
    if option.get("required"):
        return "**required**"
    if "default" not in option:
        return ""
    if isinstance(option["default"], dict):
        return "see below"
    text = option["default"]
    shown = (
        text if isinstance(text, str) else yaml.safe_dump(text, default_flow_style=True).removesuffix("...\n")
    )
    return code(" ".join(shown.split())) if shown else "empty"


def meaning(option: dict[str, Any]) -> str:
    """The description in one cell, with the values that can be chosen."""
    text = " ".join(plain(line) for line in lines(option["description"]))
    choices = ", ".join(code(str(choice)) for choice in option.get("choices", ()))
    return (text + (f" One of {choices}." if choices else "")).replace("|", "\\|")


def code(text: str) -> str:
    """Code in a cell of a table."""
    return f"`{text}`".replace("|", "\\|")


def lines(description: str | list[str]) -> list[str]:
    """A description is one paragraph or several."""
    return [description] if isinstance(description, str) else description


def plain(text: str) -> str:
    """Ansible's markup as Markdown."""
    return MARKUP.sub(lambda found: f"`{found[1].partition('#')[0]}`", " ".join(text.split()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
