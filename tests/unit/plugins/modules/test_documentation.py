# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the documentation of a module says about its options is what its code accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.cloud_barista.cladnet.plugins.doc_fragments import _attributes, _connection
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._controller_module import (
    CONNECTION_OPTIONS,
)
from ansible_collections.cloud_barista.cladnet.plugins.modules import (
    enrolment_token,
    host_cidrs_facts,
    network,
    network_info,
)

ROOT = Path(__file__).resolve().parents[4]
CONTROLLER_MODULES = [enrolment_token, network, network_info]
MODULES = [*CONTROLLER_MODULES, host_cidrs_facts]
DECLARED = ("type", "elements", "default", "choices", "required")


def documented(text: str) -> dict:
    return yaml.safe_load(text).get("options", {})


def declared(options: dict) -> dict:
    return {name: {key: option[key] for key in DECLARED if key in option} for name, option in options.items()}


def module_name(module) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", MODULES, ids=module_name)
def test_options_of_modules(module) -> None:
    assert declared(documented(module.DOCUMENTATION)) == declared(module.OPTIONS)


def test_options_of_the_connection() -> None:
    assert declared(documented(_connection.ModuleDocFragment.DOCUMENTATION)) == declared(CONNECTION_OPTIONS)


def test_environment_of_the_connection() -> None:
    for name, option in documented(_connection.ModuleDocFragment.DOCUMENTATION).items():
        _fallback, variables = CONNECTION_OPTIONS[name].get("fallback", (None, []))
        text = str(option["description"])
        assert text.count("E(") == len(variables), name
        assert all(f"E({variable})" in text for variable in variables), name


@pytest.mark.parametrize("module", CONTROLLER_MODULES, ids=module_name)
def test_modules_of_a_controller_share_connection_and_action_group(module) -> None:
    fragments = yaml.safe_load(module.DOCUMENTATION)["extends_documentation_fragment"]
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert "cloud_barista.cladnet._connection" in fragments
    assert "cloud_barista.cladnet._attributes.action_group" in fragments
    assert module_name(module) in groups["cladnet"]


@pytest.mark.parametrize("module", MODULES, ids=module_name)
def test_every_module_says_what_check_mode_and_diff_mode_do(module) -> None:
    documentation = yaml.safe_load(module.DOCUMENTATION)
    attributes = dict(documentation.get("attributes", {}))
    for fragment in documentation["extends_documentation_fragment"]:
        if fragment.startswith("cloud_barista.cladnet._attributes"):
            section = fragment.split(".")[3].upper() if fragment.count(".") == 3 else "DOCUMENTATION"
            for name, said in yaml.safe_load(getattr(_attributes.ModuleDocFragment, section))[
                "attributes"
            ].items():
                attributes[name] = {**said, **attributes.get(name, {})}
    assert {"check_mode", "diff_mode", "idempotent", "platform"} <= set(attributes)
    assert all("support" in said and "description" in said for said in attributes.values())


@pytest.mark.parametrize("module", MODULES, ids=module_name)
def test_examples_are_tasks_of_this_module_by_its_full_name(module) -> None:
    full_name = f"cloud_barista.cladnet.{module_name(module)}"
    tasks = yaml.safe_load(module.EXAMPLES)
    assert any(full_name in task for task in tasks)
    for task in tasks:
        used = set(task.get(full_name) or {})
        assert used <= set(module.OPTIONS) | set(CONNECTION_OPTIONS)
