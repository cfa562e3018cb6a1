# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``cladnet status``: what the agent knows and does; and what is known when it is down."""

from __future__ import annotations

from typing import Any

from cladnet.agent.config import AgentConfig
from cladnet.agent.status_document import peer_status, rule_status, status_without_tunnel
from cladnet.cli.agent_client import AgentNotRunning, ask_agent, last_good_table
from cladnet.cli.text import age, columns, size
from cladnet.core.agent_plan import in_pair
from cladnet.core.path_mtu import Phase

STATE_DOWN = "down"


def read_status(config: AgentConfig) -> dict[str, Any]:
    """The agent's own word, or if it does not run the state ``down`` with the last-good rule.

    Raises:
        CladnetError: the agent may not be asked, or does not answer.
    """
    try:
        return ask_agent(config, "status")
    except AgentNotRunning as exc:
        return _status_of_stopped_agent(config, str(exc))


def format_status(status: dict[str, Any]) -> str:
    """The status for people."""
    facts = [
        ("network", f"{status['network']}  {status['cidr'] or ''}".rstrip()),
        ("host", status["host"]),
        ("address", status["address"] or "none yet"),
        ("state", status["state"]),
        ("reason", status["reason"]),
        ("ordered", _ordered(status.get("control"))),
        ("controller", _controller(status)),
        ("revision", str(status["revision"])),
        ("endpoint", _public_endpoint(status)),
        ("device", f"{status['device']}  mtu {status['mtu']}"),
        ("cipher", status.get("cipher")),
        ("dropped", ", ".join(f"{name} {count}" for name, count in status["drops"].items() if count)),
    ]
    lines = [f"{name:<11} {value}" for name, value in facts if value]
    return "\n".join([*lines, "", _peers(status["peers"])])


def _status_of_stopped_agent(config: AgentConfig, reason: str) -> dict[str, Any]:
    table = last_good_table(config)
    others = (table.peers[host] for host in sorted(table.peers) if host != config.host)
    return {
        **status_without_tunnel(config, state=STATE_DOWN, reason=reason),
        **rule_status(table, config.host),
        "peers": [peer_status(in_pair(peer, table, config.host), table, None, None) for peer in others],
    }


def _ordered(control: dict[str, Any] | None) -> str:
    """Only what is out of the ordinary."""
    if control is None:  # an agent of the release before, not restarted yet
        return ""
    down = "down" if control["desired"] == "down" else ""
    waiting = control["rekeys_requested"] != control["rekeys_done"]
    rekeys = f"{control['rekeys_done']} of {control['rekeys_requested']} new keys made" if waiting else ""
    return ", ".join(filter(None, (down, rekeys)))


def _controller(status: dict[str, Any]) -> str:
    if status["controller"]:
        return str(status["controller"])
    return f"none connected  {status['controller_error']}".rstrip()


def _public_endpoint(status: dict[str, Any]) -> str:
    if not status["public_endpoint"]:
        return "unknown"
    return f"{status['public_endpoint']}  (from {status['public_endpoint_source']})"


def _cipher(peer: dict[str, Any]) -> str:
    """That of the session, or without one the one that it will have; an older agent says neither."""
    return peer.get("session_cipher") or peer.get("cipher") or "-"


def _path_mtu(peer: dict[str, Any]) -> str:
    """Only one that is proven; an older agent does not know it."""
    return str(peer["path_mtu_bytes"]) if peer.get("path_mtu_phase") == Phase.FOUND.value else "-"


def _peers(peers: list[dict[str, Any]]) -> str:
    if not peers:
        return "no peers"
    rows = [
        (
            peer["host"],
            peer["address"],
            peer["endpoint"] or peer["rule_endpoint"] or "-",
            _cipher(peer),
            _path_mtu(peer),
            age(peer["last_handshake_age_s"]),
            size(peer["rx_bytes"]),
            size(peer["tx_bytes"]),
        )
        for peer in peers
    ]
    return columns(("PEER", "ADDRESS", "ENDPOINT", "CIPHER", "MTU", "HANDSHAKE", "RECEIVED", "SENT"), rows)
