# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What hosts and controllers said, brought into one shape. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]

_DOWN = "down"


@dataclass(frozen=True)
class Answer:
    """What one host said to Ansible.

    Args:
        host: its name in the network.
        error: why it said nothing; empty if it did.
        release: name of the release that is installed; empty if there is none.
        status: of ``cladnet status --json``.
        pings: the pairs of ``cladnet ping --json``.
    """

    host: str
    error: str = ""
    release: str = ""
    status: Document = field(default_factory=dict)
    pings: tuple[Document, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Answer:
        """Reads the fact that the playbook keeps for each host."""
        status, ping = _parsed(said.get("status")), _parsed(said.get("ping"))
        error = _line(said.get("error"))
        if said.get("unreachable"):
            error = error or "the host cannot be reached"
        return cls(
            host=str(status.get("host") or said["host"]),
            error=error,
            release=str(said.get("release") or ""),
            status=status,
            pings=tuple(ping.get("pairs") or ()),
        )

    @property
    def is_installed(self) -> bool:
        return bool(self.release)

    @property
    def has_answered(self) -> bool:
        return not self.error and bool(self.status)


@dataclass(frozen=True)
class Roll:
    """Who should reach whom.

    Args:
        inventory: names of all hosts of the inventory, also of those that this run is limited away from.
        peers: what the controllers know of each member, by name; None if no controller has told.
    """

    inventory: frozenset[str]
    peers: Mapping[str, Document] | None

    def expects(self, host: str) -> bool:
        """Whether the host should be reached: one of ours with an agent that nobody has taken down."""
        peer = (self.peers or {}).get(host, {})
        desired = (peer.get("control") or {}).get("desired")
        return host in self.inventory and peer.get("managed", True) and desired != _DOWN


def host_document(answer: Answer, roll: Roll) -> Document:
    """One host of the report."""
    status, peer = answer.status, (roll.peers or {}).get(answer.host, {})
    return {
        "host": answer.host,
        "address": status.get("address"),
        "state": status.get("state"),
        "reason": status.get("reason") or "",
        "agent_version": status.get("version"),
        "release": answer.release,
        "public_endpoint": status.get("public_endpoint"),
        "controller": status.get("controller"),
        "mtu": status.get("mtu") or 0,
        "cloud": peer.get("cloud") or {},
        "pairs": pair_documents(answer, roll),
    }


def pair_documents(answer: Answer, roll: Roll) -> list[Document]:
    """The ways from one host to its peers, also to those that it should know and does not."""
    known = {peer["host"]: peer for peer in answer.status.get("peers") or ()}
    pinged = {pair["host"]: pair for pair in answer.pings}
    members = {host for host in roll.peers or () if roll.expects(host)}
    others = sorted((known.keys() | pinged.keys() | members) - {answer.host})
    return [_pair(host, pinged.get(host, {}), known.get(host, {}), roll.expects(host)) for host in others]


def controller_document(result: Mapping[str, Any]) -> Document:
    """One controller of the report, from the answer to the question for its health."""
    health = result.get("json") or {}
    etcd = health.get("etcd") or {}
    return {
        "host": result["item"],
        "healthy": result.get("status") == 200,
        "version": health.get("version"),
        "etcd": {key: etcd.get(key) for key in ("reachable", "cluster_id", "revision")},
        "error": "" if health else _line(result.get("msg")) or "no answer",
    }


def peers_of(known: Mapping[str, Any]) -> dict[str, Document] | None:
    """The members by name, from the answer of a controller; None without one."""
    if "peers" not in known:
        return None
    return {peer["host"]: dict(peer) for peer in known["peers"]}


def _pair(host: str, ping: Document, peer: Document, expected: bool) -> Document:
    return {
        "host": host,
        "address": ping.get("address") or peer.get("address"),
        "reachable": bool(ping.get("reachable")),
        "rtt_ms": ping.get("rtt_ms"),
        "endpoint": peer.get("endpoint"),
        "rule_endpoint": peer.get("rule_endpoint"),
        "path": _path(peer),
        "handshake_age_s": peer.get("last_handshake_age_s"),
        "expected": expected,
    }


def _path(peer: Document) -> str:
    """Which way is taken: that of the rule, another one from which the peer was heard, or none."""
    if not peer:
        return "unknown"
    used, ruled = peer.get("endpoint"), peer.get("rule_endpoint")
    if used is None:
        return "none"
    return "rule" if used == ruled else "learned"


def _line(message: object) -> str:
    """A message of Ansible as one line, without what every such message begins with."""
    return " ".join(str(message or "").split()).removeprefix("Task failed: ")


def _parsed(text: object) -> Document:
    try:
        document = json.loads(str(text or "{}"))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def names(items: Iterable[str], most: int = 5) -> str:
    """Names in a sentence, not more than a person wants to read."""
    listed = sorted(items)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
