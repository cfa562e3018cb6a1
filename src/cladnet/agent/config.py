# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The configuration of one agent: /etc/cladnet/agents/<network>.toml."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cladnet.core.endpoint import MAX_PORT
from cladnet.core.errors import InvalidInput
from cladnet.core.identity import check_host_name, check_network_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_DIRECTORY = Path("/etc/cladnet/agents")
DEVICE_NAME_MAX_BYTES = 15
MAX_MTU_BYTES = 65535
_MIN_MTU_BYTES = 576


@dataclass(frozen=True, slots=True)
class CloudDetails:
    """Where the host lies in its provider's network; empty where the inventory does not know."""

    provider: str = ""
    region: str = ""
    zone: str = ""
    vnet: str = ""
    subnet: str = ""


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
    public_address: str = ""
    cloud: CloudDetails = field(default_factory=CloudDetails)

    @property
    def socket_path(self) -> Path:
        """Where the agent answers questions about itself."""
        return self.runtime_dir / "agent.sock"


def load_config(path: Path) -> AgentConfig:
    """Reads and checks a configuration file.

    Raises:
        InvalidInput: the file is missing, unreadable, no TOML, or a key is wrong; it names file and key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise InvalidInput(f"{path} does not exist.", hint="Is this host a member of the network?") from exc
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror}.") from exc
    except ValueError as exc:
        raise InvalidInput(f"{path} is no TOML file: {exc}.") from exc
    try:
        return parse_config(document)
    except InvalidInput as exc:
        raise InvalidInput(f"{path}: {exc.message}", hint=exc.hint) from exc


def parse_config(document: Mapping[str, Any]) -> AgentConfig:
    """The configuration in a TOML document.

    Raises:
        InvalidInput: a key is missing, unknown, or has a value that cannot be right.
    """
    keys = _Keys(document)
    network = check_network_name(keys.text("network"))
    config = AgentConfig(
        network=network,
        host=check_host_name(keys.text("host")),
        controllers=keys.addresses("controllers"),
        ca_file=keys.path("ca_file", f"{DEFAULT_DIRECTORY}/{network}.ca.crt"),
        state_dir=keys.path("state_dir", f"/var/lib/cladnet/agents/{network}"),
        runtime_dir=keys.path("runtime_dir", f"/run/cladnet/agents/{network}"),
        api_port=keys.number("api_port", 8053, 1, MAX_PORT),
        agent_port=keys.number("agent_port", 8056, 1, MAX_PORT),
        stun_port=keys.number("stun_port", 3478, 1, MAX_PORT),
        device=keys.device("device", "cladnet0"),
        listen_port=keys.number("listen_port", 8055, 1, MAX_PORT),
        mtu=keys.mtu("mtu"),
        public_address=keys.optional_address("public_address"),
        cloud=_cloud(keys.section("cloud")),
    )
    keys.expect_no_more()
    return config


def _cloud(document: Mapping[str, Any]) -> CloudDetails:
    keys = _Keys(document, prefix="cloud.")
    names = ("provider", "region", "zone", "vnet", "subnet")
    cloud = CloudDetails(**{name: keys.text(name, "") for name in names})
    keys.expect_no_more()
    return cloud


class _Keys:
    """Takes values out of a table, each with its check."""

    def __init__(self, document: Mapping[str, Any], prefix: str = "") -> None:
        self._left = dict(document)
        self._prefix = prefix

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, value, "a text")
        return value

    def number(self, key: str, default: int, lowest: int, highest: int) -> int:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise self._wrong(key, value, f"a number from {lowest} to {highest}")
        return value

    def mtu(self, key: str) -> int:
        value = self.number(key, 0, 0, MAX_MTU_BYTES)
        if 0 < value < _MIN_MTU_BYTES:
            raise self._wrong(key, value, f"0 (automatic), or {_MIN_MTU_BYTES} to {MAX_MTU_BYTES}")
        return value

    def path(self, key: str, default: str) -> Path:
        value = self.text(key, default)
        if not value.startswith("/"):
            raise self._wrong(key, value, "an absolute path")
        return Path(value)

    def device(self, key: str, default: str) -> str:
        value = self.text(key, default)
        is_name = bool(value) and value.isascii() and value.isprintable() and not set(value) & set("/ %:")
        if not is_name or len(value) > DEVICE_NAME_MAX_BYTES or value in {".", ".."}:
            raise self._wrong(key, value, f"a device name of at most {DEVICE_NAME_MAX_BYTES} characters")
        return value

    def addresses(self, key: str) -> tuple[str, ...]:
        value = self._take(key, None)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
            raise self._wrong(key, value, 'a list of addresses such as ["198.51.100.11"]')
        return tuple(dict.fromkeys(value))

    def optional_address(self, key: str) -> str:
        value = self.text(key, "")
        try:
            return str(ip_address(value)) if value else ""
        except ValueError as exc:
            raise self._wrong(key, value, "an IP address, or nothing") from exc

    def section(self, key: str) -> Mapping[str, Any]:
        value = self._take(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, value, f"a table [{key}]")
        return value

    def expect_no_more(self) -> None:
        if self._left:
            raise InvalidInput(f"unknown key '{self._prefix}{next(iter(self._left))}'.")

    def _take(self, key: str, default: object) -> object:
        value = self._left.pop(key, default)
        if value is None:
            raise InvalidInput(f"key '{self._prefix}{key}' is missing.")
        return value

    def _wrong(self, key: str, value: object, expected: str) -> InvalidInput:
        return InvalidInput(f"key '{self._prefix}{key}': expected {expected}, found {value!r}.")
