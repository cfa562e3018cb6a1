# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A lab as an Ansible inventory, for those who test roles and want no simulator of CB-Tumblebug beside it."""

from __future__ import annotations

from typing import Any

from lab.image import USER
from lab.lab import HostStatus, Lab

CONTROLLER_LABEL = "cladnet-role"


def inventory(lab: Lab) -> dict[str, Any]:
    """The hosts with the groups of cladnet and one group per cloud; to be written as YAML or JSON."""
    hosts = {name: _variables(lab, status) for name, status in lab.hosts.items()}
    controllers = [name for name, host in lab.topology.hosts.items() if CONTROLLER_LABEL in host.labels]
    clouds = {
        f"cloud_{cloud}": [name for name, host in lab.topology.hosts.items() if host.cloud == cloud]
        for cloud in lab.topology.clouds
    }
    groups = {"cladnet_agents": list(hosts), "cladnet_controllers": controllers, **clouds}
    children = {name: {"hosts": dict.fromkeys(members)} for name, members in groups.items()}
    shared = {"ansible_user": USER, "ansible_ssh_common_args": lab.ssh_args()}
    return {"all": {"hosts": hosts, "children": children, "vars": shared}}


def _variables(lab: Lab, status: HostStatus) -> dict[str, str]:
    return {
        "ansible_host": str(status.public_ip),
        "ansible_ssh_private_key_file": str(lab.private_key(status.cloud)),
    }
