# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The systems that are compared: how each is told where its cloud is, and what is in its inventory file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Options = dict[str, Any]


@dataclass(frozen=True)
class System:
    """An inventory plugin: a name for people, its file's name, its options and three groups by key."""

    name: str
    file_name: str
    options: Options
    keys: tuple[str, str, str]

    def inventory(self, url: str, cache_folder: str, *, keyed_groups: bool) -> Options:
        """The content of its inventory file; without a folder it has no cache."""
        content: Options = json.loads(json.dumps(self.options).replace("URL", url))
        if keyed_groups:
            content["keyed_groups"] = [{"key": key, "prefix": f"k{n}"} for n, key in enumerate(self.keys)]
        return content | (_cache(cache_folder) if cache_folder else {})


def _cache(folder: str) -> Options:
    return {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": folder,
        "cache_timeout": 86400,
    }


OURS = System(
    "cladnet tumblebug",
    "bench.tumblebug.yml",
    {"plugin": "cloud_barista.cladnet.tumblebug", "url": "URL", "password": "default"},
    ("tumblebug_region", "tumblebug_provider", "tumblebug_labels.stage"),
)
EC2 = System(
    "amazon.aws aws_ec2",
    "bench.aws_ec2.yml",
    {
        "plugin": "amazon.aws.aws_ec2",
        "regions": ["us-east-1"],
        "endpoint_url": "URL",
        "access_key": "bench",
        "secret_key": "bench",
    },
    ("placement.region", "instance_type", "tags.stage"),
)
HCLOUD = System(
    "hetzner.hcloud hcloud",
    "bench.hcloud.yml",
    {"plugin": "hetzner.hcloud.hcloud", "api_token": "bench", "api_endpoint": "URL/v1"},
    ("hcloud_location", "hcloud_type", "hcloud_labels.stage"),
)
PLUGINS = (OURS, EC2, HCLOUD)

STATIC = "Ansible alone, static file"
"""The same hosts, groups and variables in a file of Ansible's own format."""

IN_MEMORY = "Ansible alone, in memory"
"""The same hosts, groups and variables handed over by a plugin that does nothing else."""


def static_inventory(listed: Options) -> Options:
    """What ``ansible-inventory --list`` printed, as an inventory file of Ansible's yaml plugin."""
    groups = {name: _static_group(group) for name, group in listed.items() if name != "_meta"}
    groups["all"]["hosts"] = listed["_meta"]["hostvars"]
    return groups


def _static_group(group: Options) -> Options:
    return {part: {name: {} for name in group[part]} for part in ("hosts", "children") if part in group}
