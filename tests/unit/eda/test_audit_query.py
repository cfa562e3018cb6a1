# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The audit queries find the objects in what the modules return, by their own documentation."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
QUERIES = yaml.safe_load((ROOT / "extensions" / "audit" / "event_query.yml").read_text())
PREFIX = "cloud_barista.cladnet."
COUNTED = {"network": 1, "network_info": 1, "peer": 1, "peer_info": 1, "tumblebug_infra": 1}
COUNTED |= {"tumblebug_infra_info": 1}

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


def returned_by(module: str) -> dict[str, Any]:
    """A result of a module, made of the samples of its documentation."""
    found = importlib.import_module(f"ansible_collections.cloud_barista.cladnet.plugins.modules.{module}")
    return {name: _sample(field) for name, field in yaml.safe_load(found.RETURN).items()}


def _sample(field: dict[str, Any]) -> Any:
    if "contains" not in field:
        return field.get("sample")
    content = {name: _sample(inner) for name, inner in field["contains"].items()}
    return [content] if field["type"] == "list" else content


def found_in(result: dict[str, Any], module: str) -> list[dict[str, Any]]:
    command = ["jq", "--compact-output", QUERIES[PREFIX + module]["query"]]
    done = subprocess.run(
        command, input=json.dumps(result), capture_output=True, text=True, timeout=10, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_query_is_tested() -> None:
    assert set(QUERIES) == {PREFIX + module for module in COUNTED}


@pytest.mark.parametrize("module", COUNTED)
def test_objects_are_found(module: str) -> None:
    found = found_in(returned_by(module), module)
    assert len(found) == COUNTED[module]
    for each in found:
        assert each["name"]
        assert all(each["canonical_facts"].values())
        assert set(each["facts"]) == {"infra_type", "infra_bucket", "device_type"}


@pytest.mark.parametrize("module", COUNTED)
def test_result_without_objects_has_none(module: str) -> None:
    assert found_in({"changed": False}, module) == []
