# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Every task of configure.yml, rendered, against the argument spec of the real module.

Run by the Python that has awx.awx. Prints a JSON list of {"module", "name", "errors"}. Loading and rendering
the playbook is Ansible's.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import context
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.playbook.helpers import load_list_of_tasks
from ansible.playbook.task import Task
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar
from ansible.vars.manager import VariableManager


class ArgumentSpec(Exception):  # noqa: N818 - carries what was asked for out of the module's main()
    """What a module tells AnsibleModule about its arguments."""

    def __init__(self, argument_spec: Mapping[str, Any], **rules: Any) -> None:
        self.argument_spec = argument_spec
        self.rules = rules


def validator(module_name: str) -> ArgumentSpecValidator:
    """A validator with the argument spec of a real awx.awx module."""
    module = importlib.import_module(f"ansible_collections.awx.awx.plugins.modules.{module_name}")
    authentication = module.ControllerAPIModule.AUTH_ARGSPEC
    module.ControllerAPIModule = _raise
    try:
        module.main()
    except ArgumentSpec as asked:
        return ArgumentSpecValidator({**authentication, **asked.argument_spec}, **asked.rules)
    raise AssertionError(f"{module_name} has no argument spec")


def _raise(argument_spec: Mapping[str, Any], **rules: Any) -> None:
    raise ArgumentSpec(argument_spec, **rules)


class Configuration:
    """The playbook and its variables, as ansible-playbook loads them."""

    def __init__(self, playbook: Path) -> None:
        self._loader = DataLoader()
        self._loader.set_basedir(str(playbook.parent))
        inventory = InventoryManager(self._loader, sources=["localhost,"])
        self._variables = VariableManager(self._loader, inventory)
        loaded = Playbook.load(str(playbook), variable_manager=self._variables, loader=self._loader)
        [self._play] = loaded.get_plays()
        self._host = inventory.get_host("localhost")

    def calls(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Module and rendered arguments of every task, for every item of its loop."""
        for block in self._play.compile():
            for task in block.block:
                yield from self._calls_of(task, {})

    def _calls_of(self, task: Task, outer: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        variables = {**self._variables.get_vars(self._play, self._host, task), **outer}
        if task.action.startswith("awx.awx."):
            for arguments in self._rendered(task, variables):
                yield task.action.removeprefix("awx.awx."), arguments
        if task.action == "ansible.builtin.include_tasks":
            included = self._included(task)
            for item in self._template(task.loop, variables):
                for inner in included:
                    yield from self._calls_of(inner, {task.loop_control.loop_var: item})

    def _rendered(self, task: Task, variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if task.loop is None:
            yield self._template(task.args, variables)
            return
        for item in self._template(task.loop, variables):
            yield self._template(task.args, {**variables, "item": item})

    def _included(self, task: Task) -> list[Task]:
        tasks = self._loader.load_from_file(task.args["_raw_params"], trusted_as_template=True)
        return load_list_of_tasks(tasks, self._play, variable_manager=self._variables, loader=self._loader)

    def _template(self, value: Any, variables: Mapping[str, Any]) -> Any:
        return Templar(loader=self._loader, variables=variables).template(value)


def main() -> None:
    """Checks the playbook that is named on the command line, with the extra variables after it."""
    context.CLIARGS = ImmutableDict(extra_vars=tuple(sys.argv[2:]))
    init_plugin_loader([])
    calls = list(Configuration(Path(sys.argv[1])).calls())
    validators = {module: validator(module) for module in {module for module, _arguments in calls}}
    checked = [
        {
            "module": module,
            "name": arguments.get("name") or arguments.get("identifier"),
            "errors": validators[module].validate(arguments).error_messages,
        }
        for module, arguments in calls
    ]
    print(json.dumps(checked))


if __name__ == "__main__":
    main()
