# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the documentation of the modules for CB-Tumblebug says is what their code accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from ansible_collections.cloud_barista.cladnet.plugins.doc_fragments._tumblebug import ModuleDocFragment
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.module import (
    COMMON_OPTIONS,
    CONNECTION_OPTIONS,
)
from ansible_collections.cloud_barista.cladnet.plugins.modules import (
    tumblebug_command,
    tumblebug_image_info,
    tumblebug_infra,
    tumblebug_infra_info,
    tumblebug_spec_info,
)

ROOT = Path(__file__).resolve().parents[4]
MODULES = [
    tumblebug_command,
    tumblebug_image_info,
    tumblebug_infra,
    tumblebug_infra_info,
    tumblebug_spec_info,
]
DECLARED = ("type", "elements", "default", "required")


def name_of(module) -> str:
    return module.__name__.rpartition(".")[2]


def documented(options: Mapping) -> dict:
    return {name: said(option, option.get("suboptions")) for name, option in options.items()}


def declared(options: Mapping) -> dict:
    return {name: said(option, option.get("options")) for name, option in options.items()}


def said(option: Mapping, suboptions: Mapping | None) -> dict:
    found = {key: option[key] for key in DECLARED if key in option}
    if "choices" in option:
        found["choices"] = list(option["choices"])
    if suboptions:
        found["suboptions"] = {name: said(each, None) for name, each in suboptions.items()}
    return found


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_options_of_modules(module) -> None:
    options = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert documented(options) == declared(module.OPTIONS)


def test_options_of_the_connection() -> None:
    options = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert documented(options) == declared(CONNECTION_OPTIONS)
    common = yaml.safe_load(ModuleDocFragment.MODULES)["options"]
    assert documented(common) == declared(COMMON_OPTIONS)


def test_environment_of_the_connection() -> None:
    variables = {
        variable
        for option in {**CONNECTION_OPTIONS, **COMMON_OPTIONS}.values()
        for variable in option["fallback"][1]
    }
    assert set(re.findall(r"E\((\w+)\)", ModuleDocFragment.MODULES)) == variables


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_modules_share_connection_and_action_group(module) -> None:
    fragments = yaml.safe_load(module.DOCUMENTATION)["extends_documentation_fragment"]
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert {"cloud_barista.cladnet._tumblebug", "cloud_barista.cladnet._tumblebug.modules"} <= set(fragments)
    assert name_of(module) in groups["tumblebug"]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_returned_value_has_a_sample(module) -> None:
    def check(values: Mapping, where: str) -> None:
        for name, value in values.items():
            assert value["description"]
            assert value["returned"]
            assert "sample" in value or "contains" in value, f"{where}.{name}"
            check(value.get("contains", {}), f"{where}.{name}")

    check(yaml.safe_load(module.RETURN), name_of(module))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_examples_use_known_options(module) -> None:
    known = {f"cloud_barista.cladnet.{name_of(each)}": set(each.OPTIONS) for each in MODULES}
    tasks = yaml.safe_load(module.EXAMPLES)
    assert any(f"cloud_barista.cladnet.{name_of(module)}" in task for task in tasks)
    for task in tasks:
        for name in known.keys() & task.keys():
            assert set(task[name]) <= known[name] | set(CONNECTION_OPTIONS) | set(COMMON_OPTIONS)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_secrets_are_not_logged(module) -> None:
    options = {**CONNECTION_OPTIONS, **COMMON_OPTIONS, **module.OPTIONS}
    assert {name for name, option in options.items() if option.get("no_log")} == {"password", "token"}
