# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Documentation, schemas, rulebooks and credential types say the same as the event sources do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.event_source import (
    cladnet_events,
    tumblebug_vms,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils import (
    fleet_view,
    network_view,
)
from ansible_rulebook.condition_parser import parse_condition
from ansible_rulebook.validators import Validate
from jinja2 import StrictUndefined
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[3]
EDA = ROOT / "extensions" / "eda"
SOURCES = {"cladnet_events": cladnet_events, "tumblebug_vms": tumblebug_vms}
RULEBOOKS = [*sorted((EDA / "rulebooks").glob("*.yml")), ROOT / "examples" / "eda" / "job_templates.yml"]
CREDENTIALS = sorted((EDA / "plugins" / "event_source" / "credential_types").iterdir())
TYPES = {"str": "string", "float": "number", "bool": "boolean", "list": ["array", "string"]}
OF_ANSIBLE_RULEBOOK = {"feedback"}
EXAMPLE_VARIABLES = yaml.safe_load((ROOT / "examples" / "eda" / "variables.yml").read_text())


def schema_of(source: str) -> dict[str, Any]:
    return json.loads((EDA / "plugins" / "event_source" / "schemas" / f"{source}.json").read_text())


def options_of(module: ModuleType) -> dict[str, Any]:
    return yaml.safe_load(module.DOCUMENTATION)["options"]


def sources_of(rulebook: Path) -> list[tuple[str, dict[str, Any]]]:
    """Name and arguments of every source of a rulebook."""
    return [
        (name.rpartition(".")[2], args)
        for rule_set in yaml.safe_load(rulebook.read_text())
        for source in rule_set["sources"]
        for name, args in source.items()
        if name != "name"
    ]


def rendered(value: Any, variables: dict[str, Any]) -> Any:
    """As ansible-rulebook does it."""
    if isinstance(value, str) and "{{" in value:
        return NativeEnvironment(undefined=StrictUndefined).from_string(value).render(variables)
    return value


@pytest.mark.parametrize("source", SOURCES)
def test_documentation_names_every_argument_and_no_other(source: str) -> None:
    module = SOURCES[source]
    assert set(options_of(module)) == {*module.ARGUMENTS, *OF_ANSIBLE_RULEBOOK}


@pytest.mark.parametrize("source", SOURCES)
def test_schema_says_what_the_documentation_says(source: str) -> None:
    schema, options = schema_of(source), options_of(SOURCES[source])
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == set(options)
    assert schema["required"] == [name for name, option in options.items() if option.get("required")]
    for name, option in options.items():
        in_schema = schema["properties"][name]
        assert in_schema["type"] == TYPES[option["type"]], name
        assert in_schema.get("default") == option.get("default"), name
        choices = in_schema.get("enum") or in_schema.get("items", {}).get("enum")
        assert choices == option.get("choices"), name
        words = re.sub(r"[CVOE]\(([^()]*)\)", r"\1", " ".join(option["description"]))
        assert in_schema["description"] == words, name


def test_documentation_names_every_type_of_event() -> None:
    assert options_of(tumblebug_vms)["types"]["choices"] == list(fleet_view.TYPES)
    for kind in network_view.TYPES:
        assert f"C({kind})" in cladnet_events.DOCUMENTATION


@pytest.mark.parametrize("source", SOURCES)
def test_example_of_a_source_is_valid(source: str) -> None:
    (example,) = yaml.safe_load(SOURCES[source].EXAMPLES)
    jsonschema.validate(example[f"cloud_barista.cladnet.{source}"], schema_of(source))


@pytest.mark.parametrize("rulebook", RULEBOOKS, ids=lambda path: path.stem)
def test_rulebook_is_valid_with_the_variables_of_the_example(rulebook: Path) -> None:
    data = yaml.safe_load(rulebook.read_text())
    Validate.rulebook(data)
    for rule in (rule for rule_set in data for rule in rule_set["rules"]):
        parse_condition(rule["condition"])
    variables = EXAMPLE_VARIABLES | {"cladnet_api_token": "from a credential"}
    for source, args in sources_of(rulebook):
        values = {name: rendered(value, variables) for name, value in args.items()}
        given = {name: value for name, value in values.items() if value != ""}
        jsonschema.validate(given, schema_of(source))


@pytest.mark.parametrize("rulebook", RULEBOOKS, ids=lambda path: path.stem)
def test_rules_of_a_rulebook_are_throttled(rulebook: Path) -> None:
    rules = [rule for rule_set in yaml.safe_load(rulebook.read_text()) for rule in rule_set["rules"]]
    costly = [rule for rule in rules if "debug" not in rule["action"]]
    assert costly
    assert all("throttle" in rule for rule in costly)


@pytest.mark.parametrize("folder", CREDENTIALS, ids=lambda path: path.name)
def test_credential_type_injects_what_the_rulebooks_use(folder: Path) -> None:
    fields = yaml.safe_load((folder / "input.yml").read_text())
    injectors = yaml.safe_load((folder / "injectors.yml").read_text())
    secret = {field["id"] for field in fields["fields"] if field.get("secret")}
    assert secret == {"cladnet": {"api_token"}, "tumblebug": {"password", "token"}}[folder.name]
    given = {name: f"<{name}>" for name in fields["required"]}
    given |= {"eda": {"filename": {"ca": "/tmp/ca"}}}  # noqa: S108 - never opened
    injected = {name: rendered(value, given) for name, value in injectors["extra_vars"].items()}
    text = "".join(path.read_text() for path in RULEBOOKS)
    assert [name for name in injected if name not in text] == []
    assert [name for name, value in injected.items() if value is None] == []


@pytest.mark.parametrize("rulebook", RULEBOOKS, ids=lambda path: path.stem)
def test_rulebook_runs_with_nothing_but_the_credentials(rulebook: Path) -> None:
    given = {"eda": {"filename": {"ca": "/tmp/ca"}}, "ca": "x", "password": "p", "token": "t"}  # noqa: S108
    given |= {"urls": "https://c1:8053", "url": "http://t:1323", "api_token": "a", "username": "u"}
    given |= {"server_name": "cladnet-controller"}
    injected: dict[str, Any] = {}
    for folder in CREDENTIALS:
        extra = yaml.safe_load((folder / "injectors.yml").read_text())["extra_vars"]
        injected |= {name: rendered(value, given) for name, value in extra.items()}
    for _source, args in sources_of(rulebook):
        for value in args.values():
            rendered(value, injected)


def test_extensions_are_declared() -> None:
    declared = yaml.safe_load((ROOT / "meta" / "extensions.yml").read_text())["extensions"]
    assert declared == [{"args": {"ext_dir": "eda/plugins/event_source"}}]
