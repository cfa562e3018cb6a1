# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the documentation of a module says is what its code accepts and gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible_collections.cloud_barista.cladnet.plugins.doc_fragments import (
    _attributes,
    _connection,
    _tumblebug,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils import _controller_module
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug import module as _of_tumblebug
from ansible_collections.cloud_barista.cladnet.plugins.modules import network_info, peer, peer_info
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.documented_tasks import (
    MODULES,
    ROOT,
    imported,
)

TUMBLEBUG_MODULES = [name for name in MODULES if name.startswith("tumblebug_")]
CONTROLLER_MODULES = sorted({*MODULES} - {*TUMBLEBUG_MODULES} - {"host_cidrs_facts"})
TUMBLEBUG_OPTIONS = {**_of_tumblebug.CONNECTION_OPTIONS, **_of_tumblebug.COMMON_OPTIONS}
CONNECTIONS = [
    (_connection.ModuleDocFragment.DOCUMENTATION, _controller_module.CONNECTION_OPTIONS),
    (_tumblebug.ModuleDocFragment.DOCUMENTATION, _of_tumblebug.CONNECTION_OPTIONS),
    (_tumblebug.ModuleDocFragment.MODULES, _of_tumblebug.COMMON_OPTIONS),
]
DECLARED = ("type", "elements", "default", "required")

Options = Mapping[str, Any]


def options_in(text: str) -> Options:
    return yaml.safe_load(text).get("options", {})


def documented(options: Options) -> dict[str, Any]:
    return {name: said(option, option.get("suboptions")) for name, option in options.items()}


def declared(options: Options) -> dict[str, Any]:
    return {name: said(option, option.get("options")) for name, option in options.items()}


def said(option: Options, suboptions: Options | None) -> dict[str, Any]:
    found = {key: option[key] for key in DECLARED if key in option}
    if "choices" in option:
        found["choices"] = list(option["choices"])
    if suboptions:
        found["suboptions"] = {name: said(each, None) for name, each in suboptions.items()}
    return found


@pytest.mark.parametrize("name", MODULES)
def test_options_of_modules(name: str) -> None:
    module = imported(name)
    assert documented(options_in(module.DOCUMENTATION)) == declared(module.OPTIONS)


@pytest.mark.parametrize(("text", "options"), CONNECTIONS, ids=["controller", "tumblebug", "namespace"])
def test_options_of_connections(text: str, options: Options) -> None:
    assert documented(options_in(text)) == declared(options)


def test_environment_of_the_connection_to_a_controller() -> None:
    for name, option in options_in(_connection.ModuleDocFragment.DOCUMENTATION).items():
        _fallback, variables = _controller_module.CONNECTION_OPTIONS[name].get("fallback", (None, []))
        text = str(option["description"])
        assert text.count("E(") == len(variables), name
        assert all(f"E({variable})" in text for variable in variables), name


def test_environment_of_the_connection_to_tumblebug() -> None:
    variables = {variable for option in TUMBLEBUG_OPTIONS.values() for variable in option["fallback"][1]}
    assert set(re.findall(r"E\((\w+)\)", _tumblebug.ModuleDocFragment.MODULES)) == variables


@pytest.mark.parametrize(
    ("modules", "group", "shared"),
    [
        (CONTROLLER_MODULES, "cladnet", {"_connection", "_attributes.action_group"}),
        (TUMBLEBUG_MODULES, "tumblebug", {"_tumblebug", "_tumblebug.modules"}),
    ],
    ids=["controller", "tumblebug"],
)
def test_modules_share_connection_and_action_group(modules: list[str], group: str, shared: set[str]) -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert modules
    for name in modules:
        fragments = yaml.safe_load(imported(name).DOCUMENTATION)["extends_documentation_fragment"]
        assert {f"cloud_barista.cladnet.{each}" for each in shared} <= set(fragments), name
        assert name in groups[group]


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_check_mode_and_diff_mode_do(name: str) -> None:
    documentation = yaml.safe_load(imported(name).DOCUMENTATION)
    attributes = dict(documentation.get("attributes", {}))
    for fragment in documentation["extends_documentation_fragment"]:
        if fragment.startswith("cloud_barista.cladnet._attributes"):
            section = fragment.split(".")[3].upper() if fragment.count(".") == 3 else "DOCUMENTATION"
            for attribute, about in yaml.safe_load(getattr(_attributes.ModuleDocFragment, section))[
                "attributes"
            ].items():
                attributes[attribute] = {**about, **attributes.get(attribute, {})}
    assert {"check_mode", "diff_mode", "idempotent", "platform"} <= set(attributes)
    assert all("support" in about and "description" in about for about in attributes.values())


@pytest.mark.parametrize("name", MODULES)
def test_every_returned_value_has_a_sample(name: str) -> None:
    def check(values: Options, where: str) -> None:
        for key, value in values.items():
            assert value["description"]
            assert value["returned"]
            assert "sample" in value or "contains" in value, f"{where}.{key}"
            check(value.get("contains", {}), f"{where}.{key}")

    check(yaml.safe_load(imported(name).RETURN), name)


@pytest.mark.parametrize("name", TUMBLEBUG_MODULES)
def test_secrets_are_not_logged(name: str) -> None:
    options = {**TUMBLEBUG_OPTIONS, **imported(name).OPTIONS}
    assert {each for each, option in options.items() if option.get("no_log")} == {"password", "token"}


def test_a_peer_is_described_alike_wherever_it_is_returned() -> None:
    described = yaml.safe_load(peer.RETURN)["peer"]["contains"]
    assert yaml.safe_load(peer_info.RETURN)["peers"]["contains"] == described
    with_network = dict(yaml.safe_load(network_info.RETURN)["peers"]["contains"])
    del with_network["network"]
    assert with_network == described


def test_details_of_a_peer() -> None:
    details = options_in(peer.DOCUMENTATION)["details"]["suboptions"]
    assert documented(details) == declared(peer.DETAILS)
