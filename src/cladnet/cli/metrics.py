# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``cladnet metrics``: what the agents on this host count, for Prometheus.

Source: Prometheus, "Exposition formats", text format 0.0.4; the textfile collector of node_exporter reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cladnet.cli.status import STATE_DOWN

Labels = dict[str, str]
Sample = tuple[Labels, float]
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class _Family:
    """One metric: what it is, and its samples in the status of an agent."""

    name: str
    kind: str
    text: str
    samples: Callable[[dict[str, Any]], Iterable[Sample]]


def format_metrics(statuses: list[dict[str, Any]]) -> str:
    """The metrics of agents, one line per sample; the samples of one metric stand together."""
    return "".join(line + "\n" for family in _FAMILIES for line in _lines(family, statuses))


def _lines(family: _Family, statuses: list[dict[str, Any]]) -> Iterable[str]:
    lines = [
        f"{family.name}{_labels(status, labels)} {_number(value)}"
        for status in statuses
        for labels, value in family.samples(status)
    ]
    if not lines:
        return []
    return [f"# HELP {family.name} {family.text}", f"# TYPE {family.name} {family.kind}", *lines]


def _labels(status: dict[str, Any], labels: Labels) -> str:
    labels = {"network": status["network"], "host": status["host"], **labels}
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()) + "}"


def _number(value: float) -> str:
    """With all its digits: a counter must not jump."""
    return str(int(value)) if value == int(value) else repr(value)


def _up(status: dict[str, Any]) -> Iterable[Sample]:
    return [({}, status["state"] != STATE_DOWN)]


def _state(status: dict[str, Any]) -> Iterable[Sample]:
    return [({"state": status["state"], "version": status["version"]}, 1)]


def _connected(status: dict[str, Any]) -> Iterable[Sample]:
    return [({}, status["controller"] is not None)]


def _revision(status: dict[str, Any]) -> Iterable[Sample]:
    return [({}, status["revision"])]


def _drops(status: dict[str, Any]) -> Iterable[Sample]:
    return [({"reason": reason}, count) for reason, count in sorted(status["drops"].items())]


def _of_peers(key: str) -> Callable[[dict[str, Any]], Iterable[Sample]]:
    """The number that stands under a key, of each peer that has one."""

    def samples(status: dict[str, Any]) -> Iterable[Sample]:
        return [({"peer": p["host"]}, p[key]) for p in status["peers"] if p.get(key) is not None]

    return samples


def _ciphers(status: dict[str, Any]) -> Iterable[Sample]:
    peers = [peer for peer in status["peers"] if peer.get("session_cipher")]
    return [({"peer": peer["host"], "cipher": peer["session_cipher"]}, 1) for peer in peers]


_FAMILIES = (
    _Family("cladnet_agent_up", "gauge", "Whether the agent of the network runs.", _up),
    _Family("cladnet_agent_state", "gauge", "1 for the state that the host is in.", _state),
    _Family("cladnet_agent_controller_connected", "gauge", "Whether a controller is connected.", _connected),
    _Family("cladnet_rule_revision", "gauge", "Revision of the networking rule that is followed.", _revision),
    _Family(
        "cladnet_peer_receive_bytes_total",
        "counter",
        "Authenticated bytes from the peer, with WireGuard's overhead.",
        _of_peers("rx_bytes"),
    ),
    _Family(
        "cladnet_peer_transmit_bytes_total",
        "counter",
        "Bytes to the peer, with WireGuard's overhead.",
        _of_peers("tx_bytes"),
    ),
    _Family(
        "cladnet_peer_handshake_age_seconds",
        "gauge",
        "Time since the last handshake; missing before the first.",
        _of_peers("last_handshake_age_s"),
    ),
    _Family("cladnet_peer_session_cipher", "gauge", "1 for the cipher of the peer's session.", _ciphers),
    _Family(
        "cladnet_peer_path_mtu_bytes",
        "gauge",
        "Largest inner packet that reaches the peer; missing while not known.",
        _of_peers("path_mtu_bytes"),
    ),
    _Family(
        "cladnet_drops_total", "counter", "Datagrams and packets that went no further, by reason.", _drops
    ),
)
