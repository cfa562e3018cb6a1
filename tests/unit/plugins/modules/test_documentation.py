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
    connectivity_test,
    enrolment_token,
    host_cidrs_facts,
    network,
    network_control,
    network_info,
    peer,
    peer_info,
)

ROOT = Path(__file__).resolve().parents[4]
CONTROLLER_MODULES = [
    connectivity_test,
    enrolment_token,
    network,
    network_control,
    network_info,
    peer,
    peer_info,
]
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


def test_a_peer_is_described_alike_wherever_it_is_returned() -> None:
    described = yaml.safe_load(peer.RETURN)["peer"]["contains"]
    assert yaml.safe_load(peer_info.RETURN)["peers"]["contains"] == described
    with_network = dict(yaml.safe_load(network_info.RETURN)["peers"]["contains"])
    del with_network["network"]
    assert with_network == described


def test_details_of_a_peer() -> None:
    details = documented(peer.DOCUMENTATION)["details"]["suboptions"]
    assert declared(details) == declared(peer.DETAILS)
