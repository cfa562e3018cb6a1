# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What an agent says about itself on its socket. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cladnet import __version__
from cladnet.agent.config import AgentConfig
from cladnet.core.endpoint import Endpoint
from cladnet.core.endpoint_selection import PublicEndpoint
from cladnet.core.host_state import Assessment
from cladnet.core.orders import Orders
from cladnet.core.path_mtu import PathMtu, Phase
from cladnet.core.rule_table import PeerEntry, RuleTable
from cladnet.core.wireguard.status import PeerStatus, TunnelStatus
from cladnet.core.wireguard.suite import Suite


def status_without_tunnel(config: AgentConfig, *, state: str, reason: str) -> dict[str, Any]:
    """The status while no tunnel is open (yet): every key is there, most are empty."""
    return {
        "network": config.network,
        "host": config.host,
        "version": __version__,
        "state": state,
        "reason": reason,
        "address": None,
        "cidr": None,
        "controller": None,
        "controller_error": "",
        "revision": 0,
        "public_endpoint": None,
        "public_endpoint_source": None,
        "device": config.device,
        "mtu": 0,
        "cipher": None,
        "ciphers": [],
        "control": _control(Orders(), 0),
        "peers": [],
        "drops": {},
    }


def full_status(
    config: AgentConfig,
    *,
    assessment: Assessment,
    table: RuleTable,
    peers: Mapping[str, PeerEntry],
    tunnel: TunnelStatus,
    path_of: Callable[[bytes], PathMtu | None],
    public_endpoint: PublicEndpoint | None,
    mtu_bytes: int,
    controller: str | None,
    controller_error: str,
    orders: Orders,
    rekeys_done: int,
) -> dict[str, Any]:
    """The status of a running agent.

    Args:
        table: the rule that is followed.
        peers: what of it is programmed, by host.
        tunnel: what the tunnel says.
        path_of: gives what is known of the path to a peer, by public key.
        public_endpoint: how this host is seen from outside.
        mtu_bytes: of the device.
        controller: address of the connected one.
        controller_error: why the last session ended, while none is connected.
        orders: what administrators want of this host.
        rekeys_done: so many of the ordered new keys are made.
    """
    live = {peer.public_key: peer for peer in tunnel.peers}
    entries = [peers[host] for host in sorted(peers)]
    known = status_without_tunnel(config, state=assessment.state.value, reason=assessment.reason)
    return known | {
        "controller": controller,
        "controller_error": controller_error,
        "public_endpoint": None if public_endpoint is None else str(public_endpoint.endpoint),
        "public_endpoint_source": None if public_endpoint is None else public_endpoint.source.value,
        "mtu": mtu_bytes,
        **rule_status(table, config.host),
        "control": _control(orders, rekeys_done),
        "peers": [
            peer_status(peer, table, live.get(peer.public_key), path_of(peer.public_key)) for peer in entries
        ],
        "drops": tunnel.drops,
    }


def rule_status(table: RuleTable, host: str) -> dict[str, Any]:
    """What the rule says of the network and of this host itself."""
    own, network = table.peers.get(host), table.network
    return {
        "address": None if own is None else str(own.address),
        "cidr": None if network is None else str(network.cidr),
        "revision": table.revision,
        "cipher": None if network is None else network.cipher,
        "ciphers": [] if own is None else _names(own.suites),
    }


def peer_status(
    entry: PeerEntry, table: RuleTable, live: PeerStatus | None, path: PathMtu | None
) -> dict[str, Any]:
    """One peer.

    Args:
        entry: what this host makes of the rule.
        table: the rule itself.
        live: what the tunnel says; None without a tunnel.
        path: what is known of the path; None if nobody has looked.
    """
    spoken = table.peers.get(entry.host, entry).suites
    return {
        "host": entry.host,
        "address": str(entry.address),
        "public_key": base64.b64encode(entry.public_key).decode("ascii"),
        "rule_endpoint": _text(entry.endpoint),
        "endpoint": _text(live.endpoint) if live else None,
        "last_handshake_age_s": live.last_handshake_age_s if live else None,
        "rx_bytes": live.rx_bytes if live else 0,
        "tx_bytes": live.tx_bytes if live else 0,
        "path_mtu_bytes": path.mtu_bytes if path and path.phase is not Phase.UNKNOWN else None,
        "path_mtu_phase": (path.phase if path else Phase.UNKNOWN).value,
        "cipher": entry.suites[0].name,
        "session_cipher": live.suite if live else None,
        "ciphers": _names(spoken),
    }


def _control(orders: Orders, rekeys_done: int) -> dict[str, Any]:
    return {
        "desired": "down" if orders.is_down else "up",
        "rekeys_requested": orders.rekeys_requested,
        "rekeys_done": rekeys_done,
    }


def _names(suites: Iterable[Suite]) -> list[str]:
    return [suite.name for suite in suites]


def _text(endpoint: Endpoint | None) -> str | None:
    return None if endpoint is None else str(endpoint)
