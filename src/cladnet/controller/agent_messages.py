# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Between the messages of the agent stream and the core's own types, as the controller needs them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from cladnet.core.connectivity import ConnectivityTest, HostResult, Ping
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.host_report import Cloud, HostReport
from cladnet.core.host_state import HostState
from cladnet.core.orders import Orders
from cladnet.core.rule_table import ControllerEntry, NetworkRule, PeerEntry, RuleDelta, RuleTable
from cladnet.wire import agent_pb2 as pb
from cladnet.wire.suites import read_suites, suite_values

_STATES = {pb.HostState.Value(f"HOST_STATE_{state.name}"): state for state in HostState}


def read_report(message: pb.ReportRequest) -> HostReport:
    """What a host says of itself.

    Raises:
        InvalidInput: a value that no agent would send.
    """
    cloud = message.cloud
    return HostReport(
        public_key=message.public_key,
        public_endpoint=_endpoint(message.public_endpoint) if message.HasField("public_endpoint") else None,
        private_endpoints=tuple(map(_endpoint, message.private_endpoints)),
        occupied_networks=tuple(map(_network, message.occupied_networks)),
        mtu=message.mtu,
        cloud=Cloud(cloud.provider, cloud.region, cloud.zone, cloud.vnet, cloud.subnet),
        state=_STATES.get(message.state, HostState.CONFIGURING),
        reason=message.reason,
        agent_version=message.agent_version,
        is_down=message.is_down,
        rekeys_done=message.rekeys_done,
        suites=read_suites(message.suites),
    )


def read_orders(message: pb.Orders) -> Orders:
    """The orders that a host follows."""
    return Orders(message.down, message.rekeys_requested)


def orders_message(orders: Orders) -> bytes:
    """Orders as a message of the stream."""
    message = pb.Orders(down=orders.is_down, rekeys_requested=orders.rekeys_requested)
    return pb.WatchReply(orders=message).SerializeToString()


def test_message(test_id: str, test: ConnectivityTest, remaining_s: float) -> bytes:
    """A connectivity test as a message of the stream, with the time that is left."""
    message = pb.ConnectivityTest(id=test_id, count=test.count, timeout_ms=int(remaining_s * 1000))
    return pb.WatchReply(test=message).SerializeToString()


def read_test_result(address: str, message: pb.FinishTestRequest) -> HostResult:
    """What a host with that overlay address found.

    Raises:
        InvalidInput: a value that no agent would send.
    """
    pings = (
        Ping(ping.host, ping.address, round(ping.rtt_ms, 3) if ping.reachable else None)
        for ping in message.pings
    )
    return HostResult(address, tuple(pings), message.error)


def snapshot_message(table: RuleTable) -> bytes:
    """A whole table as a message of the stream."""
    snapshot = pb.Snapshot(
        cluster_id=table.cluster_id,
        revision=table.revision,
        network=None if table.network is None else _network_message(table.network),
        peers=map(_peer_message, table.peers.values()),
        controllers=_controller_messages(table.controllers),
    )
    return pb.WatchReply(snapshot=snapshot).SerializeToString()


def delta_message(delta: RuleDelta) -> bytes:
    """The changes of a table as a message of the stream."""
    message = pb.Delta(
        revision=delta.revision,
        network=None if delta.network is None else _network_message(delta.network),
        peers=map(_peer_message, delta.peers),
        removed_hosts=delta.removed_hosts,
        controllers=_controller_messages(delta.controllers or ()),
        controllers_changed=delta.controllers is not None,
    )
    return pb.WatchReply(delta=message).SerializeToString()


def _endpoint(message: pb.Endpoint) -> Endpoint:
    return Endpoint(message.address, message.port)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as exc:
        raise InvalidInput(f"occupied network {text[:80]!r}: {exc}.") from exc


def _network_message(rule: NetworkRule) -> pb.Network:
    return pb.Network(
        name=rule.name, cidr=str(rule.cidr), mtu=rule.mtu, rule_type=rule.rule_type, cipher=rule.cipher
    )


def _peer_message(peer: PeerEntry) -> pb.Peer:
    endpoint = peer.endpoint
    return pb.Peer(
        host=peer.host,
        address=str(peer.address),
        public_key=peer.public_key,
        endpoint=None if endpoint is None else pb.Endpoint(address=endpoint.address, port=endpoint.port),
        revision=peer.revision,
        suites=suite_values(peer.suites),
    )


def _controller_messages(controllers: Iterable[ControllerEntry]) -> Iterable[pb.Controller]:
    return (pb.Controller(name=each.name, addresses=each.addresses) for each in controllers)
