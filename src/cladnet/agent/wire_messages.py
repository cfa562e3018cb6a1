# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Between the messages of the agent stream and the core's own types.

A controller may be newer, or wrong: an entry that makes no sense is left out, with a log line.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.orders import Orders
from cladnet.core.pair_suites import known_cipher
from cladnet.core.rule_table import ControllerEntry, NetworkRule, PeerEntry, RuleDelta, RuleTable, by_host
from cladnet.core.rule_table_document import KEY_BYTES
from cladnet.wire import agent_pb2
from cladnet.wire.suites import read_suites

_log = logging.getLogger(__name__)


def read_snapshot(message: agent_pb2.Snapshot) -> RuleTable:
    """The table that a controller sent.

    Raises:
        InvalidInput: it names no network, or one without a usable address space.
    """
    network = _network(message.network)
    if network is None:
        raise InvalidInput("the controller sent a table without a network")
    return RuleTable(
        cluster_id=message.cluster_id,
        revision=message.revision,
        network=network,
        peers=by_host(_peers(message.peers)),
        controllers=tuple(_controllers(message.controllers)),
    )


def read_delta(message: agent_pb2.Delta) -> RuleDelta:
    """The changes that a controller sent.

    Raises:
        InvalidInput: the network's address space is not usable.
    """
    return RuleDelta(
        revision=message.revision,
        network=_network(message.network) if message.HasField("network") else None,
        peers=tuple(_peers(message.peers)),
        removed_hosts=frozenset(message.removed_hosts),
        controllers=tuple(_controllers(message.controllers)) if message.controllers_changed else None,
    )


def read_orders(message: agent_pb2.Orders) -> Orders:
    """What is wanted of this host."""
    return Orders(message.down, message.rekeys_requested)


def endpoint_message(endpoint: Endpoint) -> agent_pb2.Endpoint:
    """An endpoint as it goes over the wire."""
    return agent_pb2.Endpoint(address=endpoint.address, port=endpoint.port)


def _network(message: agent_pb2.Network) -> NetworkRule | None:
    if not message.cidr:
        return None
    try:
        cidr = IPv4Network(message.cidr)
    except ValueError as exc:
        raise InvalidInput(f"the controller sent '{message.cidr}' as the address space: {exc}") from exc
    return NetworkRule(
        name=message.name,
        cidr=cidr,
        mtu=message.mtu,
        rule_type=message.rule_type,
        cipher=_cipher(message.cipher),
    )


def _cipher(option: str) -> str:
    known = known_cipher(option)
    if option and option != known:
        _log.warning("this agent does not know the cipher %s that the network wants", option)
    return known


def _peers(messages: Iterable[agent_pb2.Peer]) -> Iterable[PeerEntry]:
    for message in messages:
        try:
            yield _peer(message)
        except (ValueError, InvalidInput) as exc:
            _log.warning("peer %s left out: %s", message.host, exc)


def _peer(message: agent_pb2.Peer) -> PeerEntry:
    if len(message.public_key) != KEY_BYTES:
        raise InvalidInput(f"its public key has {len(message.public_key)} bytes, not {KEY_BYTES}")
    return PeerEntry(
        host=message.host,
        address=IPv4Address(message.address),
        public_key=message.public_key,
        endpoint=_endpoint(message),
        revision=message.revision,
        suites=read_suites(message.suites),
    )


def _endpoint(message: agent_pb2.Peer) -> Endpoint | None:
    if not message.HasField("endpoint") or not message.endpoint.address:
        return None
    return Endpoint(message.endpoint.address, message.endpoint.port)


def _controllers(messages: Iterable[agent_pb2.Controller]) -> Iterable[ControllerEntry]:
    return (ControllerEntry(message.name, tuple(message.addresses)) for message in messages)
