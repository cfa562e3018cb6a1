# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a role documents, what it checks and what it defaults to are the same thing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
NAMES = sorted(folder.name for folder in ROLES.iterdir())


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", NAMES)
def test_every_default_is_documented_and_the_same(role: str) -> None:
    defaults = load(ROLES / role / "defaults/main.yml")
    options = load(ROLES / role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == defaults


@pytest.mark.parametrize("role", NAMES)
def test_every_variable_carries_the_name_of_its_role(role: str) -> None:
    assert all(name.startswith(f"{role}_") for name in load(ROLES / role / "defaults/main.yml"))
    internal = ROLES / role / "vars/main.yml"
    assert all(name.startswith(f"__{role}_") for name in load(internal))


@pytest.mark.parametrize("role", NAMES)
def test_every_option_has_a_purpose(role: str) -> None:
    options = load(ROLES / role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert [name for name, option in options.items() if not option.get("description")] == []


@pytest.mark.parametrize("role", NAMES)
def test_every_role_shows_how_it_is_used(role: str) -> None:
    examples = load(ROLES / role / "meta/argument_specs.yml")["argument_specs"]["main"]["examples"]
    plays = yaml.safe_load(examples)
    options = load(ROLES / role / "defaults/main.yml")
    for play in plays:
        (used,) = play["roles"]
        assert used.pop("role") == f"cloud_barista.cladnet.{role}"
        assert used.keys() <= options.keys()
