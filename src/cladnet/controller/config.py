# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The configuration of a controller: /etc/cladnet/controller.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cladnet import config_document
from cladnet.config_document import Keys
from cladnet.controller.etcd.connections import TlsFiles
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.identity import check_host_name

DEFAULT_FILE = Path("/etc/cladnet/controller.toml")
_EVERYWHERE = "0.0.0.0"  # noqa: S104  # hosts and operators come from everywhere
_API, _AGENTS, _STUN = (Endpoint(_EVERYWHERE, port) for port in (8053, 8056, 3478))
_LOCAL_ETCD = ("127.0.0.1:2379",)
_TLS_KEYS = ("etcd_ca_file", "etcd_cert_file", "etcd_key_file")
_ETCD_ENDPOINT = re.compile(r"(unix:/\S+|\[[0-9a-fA-F:.]+\]:\d{1,5}|[a-zA-Z0-9._-]+:\d{1,5})")
_DNS_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?")


@dataclass(frozen=True, slots=True)
class ControllerConfig:
    """What a controller is told by its configuration file.

    Args:
        name: of this controller; that of the host whose agent runs on the same machine, if there is one.
        advertise: addresses where agents reach this controller from outside.
        etcd_endpoints: "address:port" or "unix:/path" of each member.
        etcd_tls: files for TLS with a client certificate; None for plain text.
        state_dir: where it keeps its keys.
        api_listen: TCP, REST over TLS.
        agent_listen: TCP, gRPC over mutual TLS.
        stun_listen: UDP.
    """

    name: str
    advertise: tuple[str, ...]
    etcd_endpoints: tuple[str, ...] = _LOCAL_ETCD
    etcd_tls: TlsFiles | None = None
    state_dir: Path = Path("/var/lib/cladnet/controller")
    api_listen: Endpoint = _API
    agent_listen: Endpoint = _AGENTS
    stun_listen: Endpoint = _STUN


def load_config(path: Path) -> ControllerConfig:
    """Reads and checks a configuration file; raises InvalidInput naming file and key."""
    return config_document.load(path, parse_config, missing="Was the controller installed by its role?")


def parse_config(document: Mapping[str, Any]) -> ControllerConfig:
    """The configuration in a TOML document.

    Raises:
        InvalidInput: a key is missing, unknown, or has a value that cannot be right.
    """
    keys = Keys(document)
    config = ControllerConfig(
        name=check_host_name(keys.text("name")),
        advertise=_advertise(keys),
        etcd_endpoints=_etcd_endpoints(keys) if "etcd_endpoints" in document else _LOCAL_ETCD,
        etcd_tls=_tls_files(keys),
        state_dir=keys.path("state_dir", "/var/lib/cladnet/controller"),
        api_listen=keys.endpoint("api_listen", str(_API)),
        agent_listen=keys.endpoint("agent_listen", str(_AGENTS)),
        stun_listen=keys.endpoint("stun_listen", str(_STUN)),
    )
    keys.expect_no_more()
    return config


def _advertise(keys: Keys) -> tuple[str, ...]:
    expected = 'a list of addresses or names such as ["198.51.100.11"]'
    values = keys.texts("advertise", expected)
    for value in values:
        if not _is_address(value) and not _DNS_NAME.fullmatch(value):
            raise keys.wrong("advertise", value, expected)
    return values


def _etcd_endpoints(keys: Keys) -> tuple[str, ...]:
    expected = 'a list such as ["127.0.0.1:2379"] or ["unix:/run/etcd.sock"], without http://'
    values = keys.texts("etcd_endpoints", expected)
    for value in values:
        if not _ETCD_ENDPOINT.fullmatch(value):
            raise keys.wrong("etcd_endpoints", value, expected)
    return values


def _tls_files(keys: Keys) -> TlsFiles | None:
    files = {key: keys.optional_path(key) for key in _TLS_KEYS}
    given = [path for path in files.values() if path is not None]
    if not given:
        return None
    missing = [key for key, path in files.items() if path is None]
    if missing:
        raise InvalidInput(
            f"key '{missing[0]}' is missing.", hint=f"All of {', '.join(_TLS_KEYS)} are needed."
        )
    return TlsFiles(*given)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
