# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which of the addresses a host is seen at is its public endpoint, and where its controllers may be found."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

from cladnet.core.endpoint import Endpoint
from cladnet.core.rule_table import RuleTable

# RFC 1918, RFC 6598, RFC 3927, RFC 4193 and RFC 4291: not reachable from another cloud.
_LOCAL_NETWORKS = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)


class EndpointSource(Enum):
    """How a host came to know its public endpoint."""

    STUN = "stun"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class PublicEndpoint:
    """Where others reach this host, and how that is known."""

    endpoint: Endpoint
    source: EndpointSource


def select_public_endpoint(
    answers: Sequence[Endpoint],
    *,
    hint: Endpoint | None,
    current: Endpoint | None,
    overlay: IPv4Network | None,
) -> PublicEndpoint | None:
    """The endpoint to announce.

    A public address seen by a controller is best, then the hint, then a private address seen by a controller
    (a network without NAT). Among several the one seen most often wins; a tie keeps what is announced now.

    Args:
        answers: how each controller that answered sees this host.
        hint: what the configuration says, with the tunnel's port.
        current: what is announced now.
        overlay: the CLADNet's own space, which is never an outer address.
    """
    usable = [answer for answer in answers if _is_usable(answer, overlay)]
    public = [answer for answer in usable if not is_local(answer.address)]
    if public:
        return PublicEndpoint(_most_seen(public, current), EndpointSource.STUN)
    if hint is not None:
        return PublicEndpoint(hint, EndpointSource.HINT)
    return PublicEndpoint(_most_seen(usable, current), EndpointSource.STUN) if usable else None


def is_local(address: str) -> bool:
    """Whether the address means something inside one cloud network only."""
    parsed = ip_address(address)
    return any(parsed in network for network in _LOCAL_NETWORKS if network.version == parsed.version)


def stun_servers(configured: Iterable[str], table: RuleTable) -> tuple[str, ...]:
    """Addresses of the controllers to ask, never through the overlay: it would show the overlay address."""
    known = dict.fromkeys((*configured, *_advertised(table)))
    return tuple(address for address in known if not _is_inside(address, table))


def control_candidates(configured: Iterable[str], table: RuleTable, rng: random.Random) -> tuple[str, ...]:
    """Addresses of the controllers to try, in order: the outer ones shuffled, then those inside the overlay.

    The overlay addresses find a controller again whose host came back with another public address.
    """
    outer = list(dict.fromkeys((*configured, *_advertised(table))))
    inner = [str(table.peers[c.name].address) for c in table.controllers if c.name in table.peers]
    rng.shuffle(outer)
    rng.shuffle(inner)
    return tuple(dict.fromkeys((*outer, *inner)))


def _advertised(table: RuleTable) -> Iterable[str]:
    return (address for controller in table.controllers for address in controller.addresses)


def _is_inside(address: str, table: RuleTable) -> bool:
    if table.network is None:
        return False
    try:
        return ip_address(address) in table.network.cidr
    except ValueError:  # a name
        return False


def _is_usable(endpoint: Endpoint, overlay: IPv4Network | None) -> bool:
    address = ip_address(endpoint.address)
    is_host = not (address.is_loopback or address.is_unspecified or address.is_multicast)
    return is_host and (overlay is None or address not in overlay)


def _most_seen(answers: Sequence[Endpoint], current: Endpoint | None) -> Endpoint:
    votes = Counter(answers)
    return max(votes, key=lambda endpoint: (votes[endpoint], endpoint == current, _preference(endpoint)))


def _preference(endpoint: Endpoint) -> tuple[int, int, int]:
    """IPv4 before IPv6 (every cloud has it), then anything that all controllers order alike."""
    address: IPv4Address | IPv6Address = ip_address(endpoint.address)
    return (-address.version, -int(address), -endpoint.port)
