# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation says what the code does, and the files' names decide."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from ansible_collections.cloud_barista.cladnet.plugins.doc_fragments._tumblebug import ModuleDocFragment
from ansible_collections.cloud_barista.cladnet.plugins.inventory.tumblebug import (
    DOCUMENTATION,
    EXAMPLES,
    InventoryModule,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import ERAS
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug import fetch, routes
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.naming import (
    KINDS,
    host_variables,
)

ROOT = Path(__file__).resolve().parents[4]
OPTIONS = yaml.safe_load(DOCUMENTATION)["options"]
CONNECTION = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
OF_ANSIBLE = {"compose", "groups", "keyed_groups", "strict"} | {
    f"cache{suffix}" for suffix in ("", "_plugin", "_connection", "_timeout")
}
EXAMPLE = ROOT / "examples" / "inventory.tumblebug.yml"


def test_choices_are_those_of_the_code() -> None:
    assert OPTIONS["era"]["choices"] == ["auto", *ERAS]
    assert OPTIONS["group_by"]["choices"] == OPTIONS["group_by"]["default"] == list(KINDS)
    assert set(OPTIONS["connect_with"]["choices"]) == {routes.PUBLIC, routes.PRIVATE, routes.OVERLAY}
    assert set(OPTIONS["fetch"]["choices"]) == {fetch.AUTO, fetch.LIVE, fetch.STORED}
    assert f"more than {fetch.MANY_INFRAS} infras" in OPTIONS["fetch"]["choices"][fetch.AUTO]
    assert OPTIONS["plugin"]["choices"] == [InventoryModule.NAME]


def test_every_variable_is_documented() -> None:
    notes = yaml.safe_load(DOCUMENTATION)["notes"]
    note = next(note for note in notes if note.startswith("Variables of each host"))
    documented = set(re.findall(r"C\((\w+[a-z])\)", note))

    assert documented == set(host_variables(Vm("n", "i", "g-1"), ""))
    assert documented | {"key_file"} == {field.name for field in fields(Vm)}


def test_every_option_of_the_connection_has_a_variable_of_the_environment() -> None:
    environment = yaml.safe_load(ModuleDocFragment.PLUGINS)["options"]

    assert set(environment) == set(CONNECTION)
    for name, entry in environment.items():
        assert entry["env"] == [{"name": f"TUMBLEBUG_{name.upper()}"}]


@pytest.mark.parametrize("text", [*EXAMPLES.split("---\n"), EXAMPLE.read_text()])
def test_examples_use_options_that_exist(text: str) -> None:
    example = yaml.safe_load(text)

    assert example["plugin"] == InventoryModule.NAME
    assert set(example) <= set(OPTIONS) | set(CONNECTION) | OF_ANSIBLE


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tumblebug.yml", True),
        ("tumblebug.yaml", True),
        ("prod.tumblebug.yml", True),
        ("prod.tumblebug.yaml", True),
        ("prodtumblebug.yml", False),
        ("tumblebug.json", False),
        ("hosts.yml", False),
    ],
)
def test_file_names(tmp_path: Path, name: str, expected: bool) -> None:
    file = tmp_path / name
    file.write_text("")

    assert InventoryModule().verify_file(str(file)) is expected
    assert InventoryModule().verify_file(str(tmp_path / "missing.tumblebug.yml")) is False
