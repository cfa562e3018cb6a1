# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Where things stand in etcd. The version of the format is in the prefix.

/clad/v1/net/<network>/cfg             the network
/clad/v1/net/<network>/host/<host>     a member: its identity and its last report
/clad/v1/net/<network>/peer/<host>     what every other member needs to know of it
/clad/v1/net/<network>/place/<host>    what an administrator decided about a host
/clad/v1/net/<network>/order/<host>    what an administrator wants a host to do
/clad/v1/net/<network>/seen/<host>     the controller that has the stream of a host (on that one's lease)
/clad/v1/net/<network>/addr/<address>  "A:<host>" held, "R:<host>" kept, "Q:<host>" quarantined (on a lease)
/clad/v1/net/<network>/key/<hex>       the host that has this WireGuard public key
/clad/v1/net/<network>/test/<id>       a connectivity test (on a lease)
/clad/v1/net/<network>/result/<id>.<host>  what came out of it at a host (on the same lease)
/clad/v1/enrol/<sha256 of the token>   an enrolment (on a lease)
/clad/v1/ctl/member/<name>             a controller that runs (on a lease)
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

PREFIX = b"/clad/v1/"


@dataclass(frozen=True, slots=True)
class NetworkKey:
    """A key that belongs to a network: its kind ("cfg", "host", ...) and what it is about."""

    network: str
    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class MemberKey:
    """The key of a controller that runs."""

    name: str


def parse(key: bytes) -> NetworkKey | MemberKey | None:
    """What a key stands for; None for what is of no interest, or of a later version."""
    match key.decode("utf-8", "replace").removeprefix(PREFIX.decode()).split("/"):
        case ["net", network, kind]:
            return NetworkKey(network, kind)
        case ["net", network, kind, name]:
            return NetworkKey(network, kind, name)
        case ["ctl", "member", name]:
            return MemberKey(name)
    return None


def network(name: str) -> bytes:
    """The prefix of everything that belongs to a network."""
    return PREFIX + f"net/{name}/".encode()


def config(name: str) -> bytes:
    """The network itself."""
    return network(name) + b"cfg"


def hosts(name: str) -> bytes:
    """The prefix of all members of a network."""
    return network(name) + b"host/"


def peers(name: str) -> bytes:
    """The prefix of all members of a network that have an address."""
    return network(name) + b"peer/"


def host(name: str, host_name: str) -> bytes:
    """A member."""
    return hosts(name) + host_name.encode()


def peer(name: str, host_name: str) -> bytes:
    """What others need to know of a member."""
    return peers(name) + host_name.encode()


def places(name: str) -> bytes:
    """The prefix of all places of a network."""
    return network(name) + b"place/"


def place(name: str, host_name: str) -> bytes:
    """What an administrator decided about a host."""
    return places(name) + host_name.encode()


def order(name: str, host_name: str) -> bytes:
    """What an administrator wants a host to do."""
    return network(name) + f"order/{host_name}".encode()


def seen(name: str, host_name: str) -> bytes:
    """Who has the stream of a host."""
    return network(name) + f"seen/{host_name}".encode()


def connectivity_tests(name: str) -> bytes:
    """The prefix of all connectivity tests of a network."""
    return network(name) + b"test/"


def connectivity_test(name: str, test_id: str) -> bytes:
    """A connectivity test."""
    return connectivity_tests(name) + test_id.encode()


def test_results(name: str, test_id: str) -> bytes:
    """The prefix of all results of a connectivity test; an id holds no dot."""
    return network(name) + f"result/{test_id}.".encode()


def test_result(name: str, test_id: str, host_name: str) -> bytes:
    """What came out of a connectivity test at a host."""
    return test_results(name, test_id) + host_name.encode()


def address(name: str, value: IPv4Address) -> bytes:
    """Who holds an address."""
    return network(name) + f"addr/{value}".encode()


def public_key(name: str, value: bytes) -> bytes:
    """Who has a public key."""
    return network(name) + f"key/{value.hex()}".encode()


def enrolment(token_sha256: str) -> bytes:
    """An enrolment, by the hash of its token."""
    return PREFIX + f"enrol/{token_sha256}".encode()


def member(name: str) -> bytes:
    """A controller that runs."""
    return PREFIX + f"ctl/member/{name}".encode()
