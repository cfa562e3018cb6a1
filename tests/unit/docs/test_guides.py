# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the guides and the README tell people to write and to run exists, and is accepted."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cloud_barista.cladnet.plugins.inventory import tumblebug

from tests.unit.plugins.documented_tasks import actions, complaints, tasks_in

ROOT = Path(__file__).resolve().parents[3]
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
PAGES = [*GUIDES, ROOT / "README.md"]
RST_BLOCK = re.compile(r"^\.\. code-block:: (?P<kind>\S+)\n\n(?P<text>(?:(?:    .*)?\n)+)", re.MULTILINE)
MARKDOWN_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = ("sh", "shell", "console")
YAML = ("yaml", "yaml+jinja")


def blocks(page: Path, kinds: tuple[str, ...]) -> Iterator[str]:
    """The texts of the code blocks of a page that are of one of the kinds."""
    pattern = MARKDOWN_BLOCK if page.suffix == ".md" else RST_BLOCK
    for found in pattern.finditer(page.read_text(encoding="utf-8") + "\n"):
        if found["kind"] in kinds:
            yield textwrap.dedent(found["text"])


def documents(page: Path) -> Iterator[Any]:
    for text in blocks(page, YAML):
        yield from yaml.safe_load_all(text)


def inventory_options() -> set[str]:
    """Names of the inventory plugin's options, with those of the fragments that it extends."""
    own = yaml.safe_load(tumblebug.DOCUMENTATION)
    fragments = ROOT / "plugins" / "doc_fragments" / "_tumblebug.py"
    shared = re.findall(r"^  (\w+):$", fragments.read_text(encoding="utf-8"), re.MULTILINE)
    cache_and_constructed = {
        *("cache", "cache_plugin", "cache_connection", "cache_timeout", "cache_prefix"),
        *("compose", "groups", "keyed_groups", "strict", "leading_separator", "use_extra_vars"),
    }
    return {*own["options"], *shared, *cache_and_constructed}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_inventory_files_use_options_that_exist(page) -> None:
    for document in documents(page):
        if isinstance(document, dict) and "plugin" in document:
            assert set(document) <= inventory_options(), document


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tasks_are_accepted_by_their_modules(page, monkeypatch) -> None:
    for document in documents(page):
        for task in tasks_in(document) if isinstance(document, list) else ():
            if "hosts" in task or len(actions(task)) != 1 or "." not in actions(task)[0]:
                continue
            assert not complaints(task, monkeypatch), (page.name, task)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_name_playbooks_and_scripts_that_exist(page) -> None:
    text = page.read_text(encoding="utf-8")
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    for command in (line for block in blocks(page, SHELL) for line in block.splitlines()):
        for playbook in re.findall(r"ansible-playbook .*cloud_barista\.cladnet\.(\w+)", command):
            assert playbook in playbooks, command
        for script in re.findall(r"(?:^|\s)(scripts/\w+)", command):
            assert (ROOT / script).is_file(), command
    assert page.suffix == ".md" or "SPDX-License-Identifier" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_extra_variables_are_variables_of_playbooks_or_roles(page) -> None:
    sources = [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").glob("*/defaults/main.yml")]
    known = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for block in blocks(page, SHELL):
        for variable in re.findall(r"-e (\w+)=", block):
            assert re.search(rf"\b{variable}\b", known), variable


def test_every_guide_is_in_the_table_of_contents() -> None:
    listed = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))
    named = {name for section in listed["sections"] for name in section["toctree"]}
    assert {path.stem for path in GUIDES} <= named


def test_blocks_are_found() -> None:
    guide = ROOT / "docs" / "docsite" / "rst" / "guide_operations.rst"
    assert len(list(blocks(guide, YAML))) >= 6
    assert "scripts/demo" in "\n".join(blocks(ROOT / "README.md", SHELL))
