# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What stands in etcd, as JSON that a person can read with etcdctl.

Every reader raises InvalidInput for a value that none of our writers wrote.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, ip_network
from typing import Any, TypeVar

from cladnet.core.connectivity import ConnectivityTest, HostResult, Ping
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import CladnetError, InvalidInput
from cladnet.core.host_report import Cloud, HostReport
from cladnet.core.host_state import HostState
from cladnet.core.network import AUTO_CIPHER, NetworkSpec, parse_cidr
from cladnet.core.orders import Orders
from cladnet.core.pair_suites import known_suites
from cladnet.core.place import Place
from cladnet.core.rule_table import ControllerEntry, PeerEntry
from cladnet.core.wireguard.suite import Suite

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HostRecord:
    """A member of a network.

    Args:
        identity: SHA-256 (hex) of the public key in its certificate; another key needs another enrolment.
        report: the last one; None until the agent has sent one.
    """

    identity: str
    report: HostReport | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The right to become a member, once.

    Args:
        network: the network.
        network_created: revision at which the network came into being: one of the same name is another one.
        host: the host.
        used_by: identity of who used it; the same one may ask again, because an answer can be lost.
    """

    network: str
    network_created: int
    host: str
    used_by: str = ""


def _reader(read: Callable[[Mapping[str, Any]], T]) -> Callable[[bytes], T]:
    @functools.wraps(read)
    def checked(value: bytes) -> T:
        try:
            return read(json.loads(value))
        except (ValueError, KeyError, TypeError, AttributeError, CladnetError) as exc:
            raise InvalidInput(f"etcd holds a value that is not ours ({exc!r}): {value[:200]!r}.") from exc

    return checked


def _write(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def write_network(spec: NetworkSpec) -> bytes:
    """A network, without its name, which is in the key."""
    document = asdict(spec) | {"cidr": str(spec.cidr)}
    del document["name"]
    if spec.cipher == AUTO_CIPHER:
        del document["cipher"]  # which controllers of the release before do not know
    return _write(document)


def read_network(name: str, value: bytes) -> NetworkSpec:
    """The network of that name."""

    def read(document: Mapping[str, Any]) -> NetworkSpec:
        return NetworkSpec(name, **{**document, "cidr": parse_cidr(str(document["cidr"]))})

    return _reader(read)(value)


def write_peer(peer: PeerEntry) -> bytes:
    """What others need to know of a member, without its name and revision, which come with the key."""
    return _write(
        {
            "address": str(peer.address),
            "public_key": base64.b64encode(peer.public_key).decode(),
            "endpoint": None if peer.endpoint is None else str(peer.endpoint),
            "suites": _names(peer.suites),
        }
    )


def read_peer(host: str, revision: int, value: bytes) -> PeerEntry:
    """The entry of that host, written at that revision."""

    def read(document: Mapping[str, Any]) -> PeerEntry:
        return PeerEntry(
            host=host,
            address=IPv4Address(str(document["address"])),
            public_key=base64.b64decode(document["public_key"]),
            endpoint=None if document["endpoint"] is None else Endpoint.parse(document["endpoint"]),
            revision=revision,
            suites=known_suites(document.get("suites", ())),
        )

    return _reader(read)(value)


def write_host(record: HostRecord) -> bytes:
    """A member."""
    report = record.report
    document: dict[str, object] = {
        "identity": record.identity,
        "report": None if report is None else _report_document(report),
    }
    # Beside the report, where controllers of the releases before do not look.
    if report is not None and (report.is_down or report.rekeys_done):
        document["done"] = {"is_down": report.is_down, "rekeys_done": report.rekeys_done}
    if report is not None:
        document["suites"] = _names(report.suites)
    return _write(document)


@_reader
def read_host(document: Mapping[str, Any]) -> HostRecord:
    """A member."""
    report = document["report"]
    if report is None:
        return HostRecord(str(document["identity"]))
    beside = {**document.get("done", {}), "suites": known_suites(document.get("suites", ()))}
    return HostRecord(str(document["identity"]), _report({**report, **beside}))


def write_test(test: ConnectivityTest) -> bytes:
    """A connectivity test."""
    return _write(asdict(test))


@_reader
def read_test(document: Mapping[str, Any]) -> ConnectivityTest:
    """A connectivity test."""
    return ConnectivityTest(
        hosts=tuple(map(str, document["hosts"])),
        count=int(document["count"]),
        timeout_s=int(document["timeout_s"]),
        is_closed=bool(document["is_closed"]),
    )


def write_result(result: HostResult) -> bytes:
    """What a host found in a connectivity test; compact, for there may be many pairs."""
    pings = [[ping.host, ping.address, ping.rtt_ms] for ping in result.pings]
    return _write({"address": result.address, "error": result.error, "pings": pings})


@_reader
def read_result(document: Mapping[str, Any]) -> HostResult:
    """What a host found in a connectivity test."""
    return HostResult(
        address=str(document["address"]),
        pings=tuple(
            Ping(str(host), str(address), None if rtt_ms is None else float(rtt_ms))
            for host, address, rtt_ms in document["pings"]
        ),
        error=str(document["error"]),
    )


def write_seen(controller: str) -> bytes:
    """That a host has a stream to the controller of that name."""
    return _write({"controller": controller})


@_reader
def read_seen(document: Mapping[str, Any]) -> str:
    """The name of the controller that has the stream of a host."""
    return str(document["controller"])


def write_orders(orders: Orders) -> bytes:
    """What an administrator wants a host to do."""
    return _write(asdict(orders))


@_reader
def read_orders(document: Mapping[str, Any]) -> Orders:
    """What an administrator wants a host to do."""
    return Orders(is_down=bool(document["is_down"]), rekeys_requested=int(document["rekeys_requested"]))


def write_place(place: Place) -> bytes:
    """What an administrator decided about a host."""
    address = None if place.address is None else str(place.address)
    return _write(asdict(place) | {"address": address})


@_reader
def read_place(document: Mapping[str, Any]) -> Place:
    """What an administrator decided about a host."""
    address = document["address"]
    return Place(
        address=None if address is None else IPv4Address(str(address)),
        is_static=bool(document["is_static"]),
        description=str(document["description"]),
        details=Cloud(**document["details"]),
        is_managed=bool(document["is_managed"]),
    )


def write_enrolment(enrolment: Enrolment) -> bytes:
    """An enrolment."""
    return _write(asdict(enrolment))


@_reader
def read_enrolment(document: Mapping[str, Any]) -> Enrolment:
    """An enrolment."""
    return Enrolment(**document)


def write_controller(controller: ControllerEntry, version: str) -> bytes:
    """A controller that runs."""
    return _write({"addresses": list(controller.addresses), "version": version})


def read_controller(name: str, value: bytes) -> ControllerEntry:
    """The controller of that name."""
    return _reader(lambda document: ControllerEntry(name, tuple(map(str, document["addresses"]))))(value)


def _names(suites: Iterable[Suite]) -> list[str]:
    return [suite.name for suite in suites]


def _report_document(report: HostReport) -> dict[str, object]:
    document = asdict(report)
    del document["is_down"], document["rekeys_done"], document["suites"]
    return document | {
        "public_key": base64.b64encode(report.public_key).decode(),
        "public_endpoint": None if report.public_endpoint is None else str(report.public_endpoint),
        "private_endpoints": list(map(str, report.private_endpoints)),
        "occupied_networks": list(map(str, report.occupied_networks)),
        "state": report.state.value,
    }


def _report(document: Mapping[str, Any]) -> HostReport:
    public = document["public_endpoint"]
    changed = {
        "public_key": base64.b64decode(document["public_key"]),
        "public_endpoint": None if public is None else Endpoint.parse(public),
        "private_endpoints": tuple(map(Endpoint.parse, document["private_endpoints"])),
        "occupied_networks": tuple(map(ip_network, document["occupied_networks"])),
        "cloud": Cloud(**document["cloud"]),
        "state": HostState(document["state"]),
    }
    return HostReport(**{**document, **changed})
