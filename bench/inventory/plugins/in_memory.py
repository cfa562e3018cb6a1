# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that any inventory plugin must do: hands hosts that it already has to Ansible.

That includes the tag without which Ansible prints every text as an object that AWX cannot read.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from ansible.inventory.data import InventoryData  # type: ignore[import-untyped]
from ansible.parsing.dataloader import DataLoader  # type: ignore[import-untyped]
from ansible.plugins.inventory import BaseInventoryPlugin  # type: ignore[import-untyped]
from ansible.template import trust_as_template  # type: ignore[import-untyped]

DOCUMENTATION = r"""
name: in_memory
short_description: Hosts, groups and variables as they are in a file of ansible-inventory --list
description:
  - Computes nothing and asks nobody.
options:
  plugin:
    description: Marks the file.
    required: true
  listed:
    description: What C(ansible-inventory --list) printed.
    type: path
    required: true
"""


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """Adds what it reads."""

    NAME = "in_memory"

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fills the inventory."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        listed = json.loads(Path(self.get_option("listed")).read_text())
        self._add_hosts(listed.pop("_meta")["hostvars"])
        self._add_groups(listed)

    def _add_hosts(self, hostvars: dict[str, dict[str, Any]]) -> None:
        for host, variables in hostvars.items():
            self.inventory.add_host(host)
            self.inventory.hosts[host].vars.update(_tagged(variables))  # set_variable() takes longer

    def _add_groups(self, groups: dict[str, dict[str, list[str]]]) -> None:
        for group in groups:
            self.inventory.add_group(group)
        for group, members in groups.items():
            for child in [*members.get("children", []), *members.get("hosts", [])]:
                self.inventory.add_child(group, child)


def _tagged(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, dict):
        return {name: _tagged(content) for name, content in value.items()}
    if isinstance(value, list):
        return [_tagged(each) for each in value]
    return _tagged_text(value) if isinstance(value, str) else value


_tagged_text = cache(trust_as_template)
