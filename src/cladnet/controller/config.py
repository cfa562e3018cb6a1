# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The configuration of a controller: /etc/cladnet/controller.toml."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cladnet.controller.etcd.connections import TlsFiles
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.identity import check_host_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_FILE = Path("/etc/cladnet/controller.toml")
_EVERYWHERE = "0.0.0.0"  # noqa: S104  # hosts and operators come from everywhere
_API, _AGENTS, _STUN = (Endpoint(_EVERYWHERE, port) for port in (8053, 8056, 3478))
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
    etcd_endpoints: tuple[str, ...] = ("127.0.0.1:2379",)
    etcd_tls: TlsFiles | None = None
    state_dir: Path = Path("/var/lib/cladnet/controller")
    api_listen: Endpoint = _API
    agent_listen: Endpoint = _AGENTS
    stun_listen: Endpoint = _STUN


def load_config(path: Path) -> ControllerConfig:
    """Reads and checks a configuration file.

    Raises:
        InvalidInput: the file is missing, unreadable, no TOML, or a key is wrong; it names file and key.
    """
    try:
        return parse_config(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror}.") from exc
    except ValueError as exc:
        raise InvalidInput(f"{path} is no TOML file: {exc}.") from exc
    except InvalidInput as exc:
        raise InvalidInput(f"{path}: {exc.message}", hint=exc.hint) from exc


def parse_config(document: Mapping[str, Any]) -> ControllerConfig:
    """The configuration in a TOML document.

    Raises:
        InvalidInput: a key is missing, unknown, or has a value that cannot be right.
    """
    known = {*ControllerConfig.__dataclass_fields__, *_TLS_KEYS} - {"etcd_tls"}
    for key in document.keys() - known:
        raise InvalidInput(f"unknown key '{key}'.", hint=f"Known are: {', '.join(sorted(known))}.")
    given: dict[str, Any] = {
        "name": check_host_name(_text(document, "name")),
        "advertise": _advertise(document),
        "etcd_tls": _tls_files(document),
    }
    if "etcd_endpoints" in document:
        given["etcd_endpoints"] = _etcd_endpoints(document)
    if "state_dir" in document:
        given["state_dir"] = _path(document, "state_dir")
    for key in ("api_listen", "agent_listen", "stun_listen"):
        if key in document:
            given[key] = _endpoint(document, key)
    return ControllerConfig(**given)


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if value is None:
        raise InvalidInput(f"key '{key}' is missing.")
    if not isinstance(value, str):
        raise _wrong(key, value, "a text")
    return value


def _path(document: Mapping[str, Any], key: str) -> Path:
    value = _text(document, key)
    if not value.startswith("/"):
        raise _wrong(key, value, "an absolute path")
    return Path(value)


def _endpoint(document: Mapping[str, Any], key: str) -> Endpoint:
    value = _text(document, key)
    try:
        return Endpoint.parse(value)
    except InvalidInput as exc:
        raise _wrong(key, value, "an address and a port such as '0.0.0.0:8053' or '[::]:8053'") from exc


def _texts(document: Mapping[str, Any], key: str, expected: str) -> tuple[str, ...]:
    value = document.get(key)
    if value is None:
        raise InvalidInput(f"key '{key}' is missing.", hint=f"Expected is {expected}.")
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise _wrong(key, value, expected)
    return tuple(dict.fromkeys(value))


def _advertise(document: Mapping[str, Any]) -> tuple[str, ...]:
    expected = 'a list of addresses or names such as ["198.51.100.11"]'
    values = _texts(document, "advertise", expected)
    for value in values:
        if not _is_address(value) and not _DNS_NAME.fullmatch(value):
            raise _wrong("advertise", value, expected)
    return values


def _etcd_endpoints(document: Mapping[str, Any]) -> tuple[str, ...]:
    expected = 'a list such as ["127.0.0.1:2379"] or ["unix:/run/etcd.sock"], without http://'
    values = _texts(document, "etcd_endpoints", expected)
    for value in values:
        if not _ETCD_ENDPOINT.fullmatch(value):
            raise _wrong("etcd_endpoints", value, expected)
    return values


def _tls_files(document: Mapping[str, Any]) -> TlsFiles | None:
    given = [key for key in _TLS_KEYS if key in document]
    if not given:
        return None
    missing = [key for key in _TLS_KEYS if key not in given]
    if missing:
        raise InvalidInput(f"key '{missing[0]}' is missing.", hint=f"With {given[0]} all three are needed.")
    return TlsFiles(*(_path(document, key) for key in _TLS_KEYS))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _wrong(key: str, value: object, expected: str) -> InvalidInput:
    return InvalidInput(f"key '{key}': expected {expected}, found {value!r}.")
