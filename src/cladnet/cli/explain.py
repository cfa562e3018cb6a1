# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``cladnet explain PEER``: which endpoint is used for a peer, and why."""

from __future__ import annotations

from typing import Any

from cladnet.agent.config import AgentConfig
from cladnet.cli.agent_client import ask_agent
from cladnet.cli.text import age
from cladnet.core.errors import NotFound

# A session that carries traffic makes a new handshake at least this often (WireGuard's reject-after-time).
SESSION_LIFE_S = 180


def explain(config: AgentConfig, name: str) -> dict[str, Any]:
    """What is known about one peer, by host name or overlay address.

    Raises:
        NotFound: there is no such peer.
        CladnetError: the agent cannot be asked.
    """
    status = ask_agent(config, "status")
    for peer in status["peers"]:
        if name in (peer["host"], peer["address"]):
            return {**peer, "path": _path(peer), "session": _session(peer)}
    known = ", ".join(peer["host"] for peer in status["peers"]) or "none"
    raise NotFound(f"{config.network} has no peer '{name}' that this host knows (it knows: {known}).")


def format_explanation(explanation: dict[str, Any]) -> str:
    """The explanation for people."""
    facts = [
        ("peer", f"{explanation['host']}  {explanation['address']}"),
        ("endpoint", explanation["endpoint"] or "none"),
        ("why", explanation["path"]),
        ("handshake", age(explanation["last_handshake_age_s"])),
        ("session", explanation["session"]),
    ]
    return "\n".join(f"{name:<10} {value}" for name, value in facts)


def _path(peer: dict[str, Any]) -> str:
    used, ruled = peer["endpoint"], peer["rule_endpoint"]
    if used is None:
        return "no endpoint is known: the peer has reported none, and nothing came from it"
    if ruled is None:
        return "learned from the peer's own authenticated packets; the rule has no endpoint for it"
    if used == ruled:
        return "public endpoint, by the network's rule 'basic'"
    return f"the peer's authenticated packets come from here now; the rule still says {ruled}"


def _session(peer: dict[str, Any]) -> str:
    handshake_age_s = peer["last_handshake_age_s"]
    if handshake_age_s is None:
        return "none yet: UDP to the endpoint may be blocked, or the peer is down"
    if handshake_age_s > SESSION_LIFE_S:
        return "idle: the next packet makes a new one"
    return "up"
