# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``cladnet explain PEER``: which endpoint is used for a peer, and why."""

from __future__ import annotations

from typing import Any

from cladnet.agent.config import AgentConfig
from cladnet.cli.agent_client import ask_agent
from cladnet.cli.text import age
from cladnet.core.errors import NotFound
from cladnet.core.network import AUTO_CIPHER
from cladnet.core.path_mtu import Phase
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305

# A session that carries traffic makes a new handshake at least this often (WireGuard's reject-after-time).
SESSION_LIFE_S = 180
_WHY_MTU = {
    Phase.UNKNOWN: "not found out yet, since hardly anything was sent to the peer",
    Phase.SEARCHING: "being found out",
    Phase.FOUND: "found out with probes that were answered",
    Phase.UNANSWERED: "assumed, since the peer answers no ping (is ICMP echo let in there?)",
}


def explain(config: AgentConfig, name: str) -> dict[str, Any]:
    """What is known about one peer, by host name or overlay address.

    Raises:
        NotFound: there is no such peer.
        CladnetError: the agent cannot be asked.
    """
    status = ask_agent(config, "status")
    for peer in status["peers"]:
        if name in (peer["host"], peer["address"]):
            choice = _cipher_choice(status, peer)
            return {**peer, "path": _path(peer), "cipher_choice": choice, "session": _session(peer)}
    known = ", ".join(peer["host"] for peer in status["peers"]) or "none"
    raise NotFound(f"{config.network} has no peer '{name}' that this host knows (it knows: {known}).")


def format_explanation(explanation: dict[str, Any]) -> str:
    """The explanation for people."""
    facts = [
        ("peer", f"{explanation['host']}  {explanation['address']}"),
        ("endpoint", explanation["endpoint"] or "none"),
        ("why", explanation["path"]),
        ("cipher", _cipher(explanation)),
        ("mtu", _path_mtu(explanation)),
        ("handshake", age(explanation["last_handshake_age_s"])),
        ("session", explanation["session"]),
    ]
    return "\n".join(f"{name:<10} {value}" for name, value in facts if value)


def _path(peer: dict[str, Any]) -> str:
    used, ruled = peer["endpoint"], peer["rule_endpoint"]
    if used is None:
        return "no endpoint is known: the peer has reported none, and nothing came from it"
    if ruled is None:
        return "learned from the peer's own authenticated packets; the rule has no endpoint for it"
    if used == ruled:
        return "public endpoint, by the network's rule 'basic'"
    return f"the peer's authenticated packets come from here now; the rule still says {ruled}"


def _cipher_choice(status: dict[str, Any], peer: dict[str, Any]) -> str:
    """Why the pair has its cipher."""
    cipher, spoken = status.get("cipher"), peer.get("ciphers", [])
    if cipher is None or not spoken:
        return "this agent is of release 0.2, which speaks nothing else"
    if cipher != AUTO_CIPHER:
        return "the network's cipher"
    if AES_256_GCM.name not in spoken:
        return f"{peer['host']} is a WireGuard peer without an agent, or has one of release 0.2"
    slow = [
        name
        for name, ciphers in (("this host", status["ciphers"]), (peer["host"], spoken))
        if _is_slow(ciphers)
    ]
    if slow:
        return f"no AES instructions in the CPU of {' and '.join(slow)}"
    return "both CPUs have AES instructions"


def _is_slow(ciphers: list[str]) -> bool:
    """Whether AES is not what the host's CPU does best."""
    return ciphers[:1] != [AES_256_GCM.name]


def _cipher(explanation: dict[str, Any]) -> str:
    wanted = explanation.get("cipher", CHACHA20_POLY1305.name)
    now = explanation.get("session_cipher") or wanted
    text = f"{wanted}: {explanation['cipher_choice']}"
    return text if now == wanted else f"{text} (the session still has {now})"


def _path_mtu(peer: dict[str, Any]) -> str:
    """Empty for an older agent, which does not know it."""
    if "path_mtu_phase" not in peer:
        return ""
    why, mtu_bytes = _WHY_MTU[Phase(peer["path_mtu_phase"])], peer["path_mtu_bytes"]
    return why if mtu_bytes is None else f"{mtu_bytes}: {why}"


def _session(peer: dict[str, Any]) -> str:
    handshake_age_s = peer["last_handshake_age_s"]
    if handshake_age_s is None:
        return "none yet: UDP to the endpoint may be blocked, or the peer is down"
    if handshake_age_s > SESSION_LIFE_S:
        return "idle: the next packet makes a new one"
    return "up"
