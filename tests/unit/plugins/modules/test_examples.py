# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The examples of every module are tasks that its own argument spec accepts."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.documented_tasks import (
    COLLECTION,
    MODULES,
    Options,
    actions,
    all_filled_in,
    complaints,
    imported,
    tasks_in,
    validator,
)


def examples(name: str) -> list[Options]:
    return list(tasks_in(yaml.safe_load(imported(name).EXAMPLES)))


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_named_tasks_of_modules_by_their_full_names(name) -> None:
    tasks = examples(name)
    assert any(f"{COLLECTION}.{name}" in task for task in tasks)
    for task in tasks:
        assert task.get("name"), task
        assert [action.count(".") for action in actions(task)] == [2], task


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_accepted_by_the_argument_specs(name, monkeypatch) -> None:
    for task in examples(name):
        assert not complaints(task, monkeypatch), task["name"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "a1"}, "missing required arguments: network"),
        ({"network": "demo", "host": "a1", "stat": "absent"}, "stat. Supported parameters"),
        ({"network": "demo", "host": "a1", "details": {"town": "x"}}, "details.town. Supported"),
        ({"network": "demo", "host": "a1", "state": "gone"}, "value of state must be one of"),
    ],
)
def test_wrong_examples_would_be_found(options, said, monkeypatch) -> None:
    result = validator("peer", monkeypatch).validate({**options, "api_token": "token"})
    assert any(said in message for message in result.error_messages), result.error_messages


def test_values_in_place_of_templates() -> None:
    options = {
        "count": {"type": "int"},
        "state": {"choices": ["a"]},
        "in": {"options": {"n": {"type": "int"}}},
    }
    values = {"count": "{{ n }}", "state": "{{ s }}", "in": [{"n": "{{ n }}"}, {"n": 2}], "x": "{{ x }}"}
    assert all_filled_in(values, options) == {
        "count": 1,
        "state": "a",
        "in": [{"n": 1}, {"n": 2}],
        "x": "{{ x }}",
    }
