# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Checks tasks that documentation shows against the argument specs of the modules that they use."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))
COLLECTION = "cloud_barista.cladnet"
KEYWORDS = {  # of tasks; a module of any other collection than ours has dots in its name
    *("name", "vars", "when", "register", "loop", "loop_control", "until", "retries", "delay", "no_log"),
    *("delegate_to", "run_once", "become", "check_mode", "diff", "changed_when", "failed_when"),
    *("ignore_errors", "environment", "module_defaults", "tags", "notify", "async", "poll"),
}
LISTS_OF_TASKS = ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always", "handlers")
RULES = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
SAMPLES = {"int": 1, "float": 1.0, "bool": True, "list": [], "dict": {}}
ENVIRONMENT = {  # connections are told once for all tasks, and not in every example
    "CLADNET_API_TOKEN": "token",
    "TUMBLEBUG_URL": "http://tumblebug.example:1323",
    "TUMBLEBUG_NAMESPACE": "default",
}

Options = dict[str, Any]


class AskedForArguments(BaseException):
    """Ends a module where it would read its arguments."""

    def __init__(self, _module: AnsibleModule, argument_spec: Options, **rules: Any) -> None:
        super().__init__()
        self.argument_spec = argument_spec
        self.rules = {rule: rules.get(rule) for rule in RULES}


def imported(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")


def validator(name: str, monkeypatch: pytest.MonkeyPatch) -> ArgumentSpecValidator:
    """The argument spec and the rules with which the module starts."""

    def interrupt(module: AnsibleModule, *args: Any, **kwargs: Any) -> None:
        raise AskedForArguments(module, *args, **kwargs)

    monkeypatch.setattr(AnsibleModule, "__init__", interrupt)
    with pytest.raises(AskedForArguments) as caught:
        imported(name).main()
    return ArgumentSpecValidator(caught.value.argument_spec, **caught.value.rules)


def tasks_in(entries: list[Options]) -> Iterator[Options]:
    """All tasks, also those in plays and blocks."""
    for entry in entries:
        inner = [entry[key] for key in LISTS_OF_TASKS if key in entry]
        if not inner:
            yield entry
        for tasks in inner:
            yield from tasks_in(tasks)


def actions(task: Options) -> list[str]:
    return [key for key in task if key not in KEYWORDS]


def is_template(value: object) -> bool:
    return isinstance(value, str) and "{{" in value


def filled_in(value: Any, option: Options) -> Any:
    """The value, with something of the right type in place of a template."""
    if is_template(value):
        return option["choices"][0] if "choices" in option else SAMPLES.get(option.get("type", "str"), value)
    if isinstance(value, dict) and "options" in option:
        return all_filled_in(value, option["options"])
    if isinstance(value, list) and "options" in option:
        return [filled_in(entry, {**option, "type": "dict"}) for entry in value]
    return value


def all_filled_in(values: Options, options: Options) -> Options:
    return {name: filled_in(value, options.get(name, {})) for name, value in values.items()}


def complaints(task: Options, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the module says against the arguments of a task; nothing about modules of other collections."""
    (action,) = actions(task)
    collection, _dot, module = action.rpartition(".")
    if collection != COLLECTION:
        return []
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    spec = validator(module, monkeypatch)
    return list(spec.validate(all_filled_in(task[action] or {}, spec.argument_spec)).error_messages)
