# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The configuration of one agent: /etc/cladnet/agents/<network>.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cladnet import config_document
from cladnet.config_document import Keys
from cladnet.core.endpoint import MAX_PORT
from cladnet.core.host_report import Cloud
from cladnet.core.identity import check_host_name, check_network_name

DEFAULT_DIRECTORY = Path("/etc/cladnet/agents")
DEVICE_NAME_MAX_BYTES = 15
MAX_MTU_BYTES = 65535
MAX_WORKERS = 64
_MAX_AUTOMATIC_WORKERS = 8
_MIN_MTU_BYTES = 576


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """What an agent is told by its configuration file."""

    network: str
    host: str
    controllers: tuple[str, ...]
    ca_file: Path
    state_dir: Path
    runtime_dir: Path
    api_port: int = 8053
    agent_port: int = 8056
    stun_port: int = 3478
    device: str = "cladnet0"
    listen_port: int = 8055
    mtu: int = 0  # bytes; 0: from the underlay
    copy_dscp: bool = False
    workers: int = 0  # processes that move packets; 0: by the number of CPUs
    public_address: str = ""
    cloud: Cloud = field(default_factory=Cloud)

    def workers_for(self, cpus: int) -> int:
        """How many workers to start on a host with so many CPUs: others need some, too."""
        return self.workers or max(1, min(cpus // 2, _MAX_AUTOMATIC_WORKERS))

    @property
    def socket_path(self) -> Path:
        """Where the agent answers questions about itself."""
        return self.runtime_dir / "agent.sock"


def load_config(path: Path) -> AgentConfig:
    """Reads and checks a configuration file; raises InvalidInput naming file and key."""
    return config_document.load(path, parse_config, missing="Is this host a member of the network?")


def parse_config(document: Mapping[str, Any]) -> AgentConfig:
    """The configuration in a TOML document.

    Raises:
        InvalidInput: a key is missing, unknown, or has a value that cannot be right.
    """
    keys = Keys(document)
    network = check_network_name(keys.text("network"))
    config = AgentConfig(
        network=network,
        host=check_host_name(keys.text("host")),
        controllers=keys.texts("controllers", 'a list of addresses such as ["198.51.100.11"]'),
        ca_file=keys.path("ca_file", f"{DEFAULT_DIRECTORY}/{network}.ca.crt"),
        state_dir=keys.path("state_dir", f"/var/lib/cladnet/agents/{network}"),
        runtime_dir=keys.path("runtime_dir", f"/run/cladnet/agents/{network}"),
        api_port=keys.number("api_port", 8053, 1, MAX_PORT),
        agent_port=keys.number("agent_port", 8056, 1, MAX_PORT),
        stun_port=keys.number("stun_port", 3478, 1, MAX_PORT),
        device=_device(keys),
        listen_port=keys.number("listen_port", 8055, 1, MAX_PORT),
        mtu=_mtu(keys),
        copy_dscp=keys.flag("copy_dscp", default=False),
        workers=keys.number("workers", 0, 0, MAX_WORKERS),
        public_address=keys.optional_address("public_address"),
        cloud=_cloud(keys.section("cloud")),
    )
    keys.expect_no_more()
    return config


def _cloud(document: Mapping[str, Any]) -> Cloud:
    keys = Keys(document, prefix="cloud.")
    names = ("provider", "region", "zone", "vnet", "subnet")
    cloud = Cloud(**{name: keys.text(name, "") for name in names})
    keys.expect_no_more()
    return cloud


def _mtu(keys: Keys) -> int:
    value = keys.number("mtu", 0, 0, MAX_MTU_BYTES)
    if 0 < value < _MIN_MTU_BYTES:
        raise keys.wrong("mtu", value, f"0 (automatic), or {_MIN_MTU_BYTES} to {MAX_MTU_BYTES}")
    return value


def _device(keys: Keys) -> str:
    value = keys.text("device", "cladnet0")
    is_name = bool(value) and value.isascii() and value.isprintable() and not set(value) & set("/ %:")
    if not is_name or len(value) > DEVICE_NAME_MAX_BYTES or value in {".", ".."}:
        raise keys.wrong("device", value, f"a device name of at most {DEVICE_NAME_MAX_BYTES} characters")
    return value
