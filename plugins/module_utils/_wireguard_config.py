# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a standard WireGuard client needs to be in a network: the file of wg-quick(8). Pure."""

from __future__ import annotations

import typing as t

from ._declarative import Document
from ._endpoint import Endpoint
from ._errors import Conflict

MOST_MTU_BYTES = 1420  # what WireGuard assumes, too
KEEPALIVE_S = 25  # most NAT forgets a mapping of UDP after 30 s


def wireguard_config(network: Document, peer: Document, peers: t.Sequence[Document]) -> str:
    """Returns the configuration of a peer without agent, complete but for its private key.

    :param peers: all of the network; those with an agent are those that it can talk to.
    :raises Conflict: the peer has an agent, which configures itself.
    """
    if peer["managed"]:
        raise Conflict(
            f"Host {peer['host']} of network {network['name']} has an agent, which needs no configuration.",
            hint="Ask for the configuration of a peer that was made with a public_key.",
        )
    hosts = sorted((host for host in peers if _is_reachable(host)), key=lambda host: str(host["host"]))
    sections = [_interface(network, peer, hosts), *(_peer(host, peer) for host in hosts)]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _is_reachable(host: Document) -> bool:
    return bool(host["managed"] and host["address"] and host["public_key"])


def _interface(network: Document, peer: Document, hosts: t.Sequence[Document]) -> list[str]:
    mtus = [host["mtu"] for host in hosts if host["mtu"]]
    # A client is outside of the clouds and does not find out what its paths carry: no jumbo frames for it.
    mtu = network["mtu"] or (min(MOST_MTU_BYTES, *mtus) if mtus else 0)
    return [
        "[Interface]",
        f"# {peer['host']} in network {network['name']}",
        f"# PrivateKey = the one that belongs to {peer['public_key']}",
        f"Address = {peer['address']}/32",
        *([f"ListenPort = {Endpoint.parse(peer['endpoint']).port}"] if peer["endpoint"] else []),
        *([f"MTU = {mtu}"] if mtu else []),
    ]


def _peer(host: Document, peer: Document) -> list[str]:
    return [
        "[Peer]",
        f"# {host['host']}",
        f"PublicKey = {host['public_key']}",
        f"AllowedIPs = {host['address']}/32",
        *([f"Endpoint = {host['endpoint']}"] if host["endpoint"] else []),
        # without an endpoint of its own it is where its router lets it be
        *([] if peer["endpoint"] else [f"PersistentKeepalive = {KEEPALIVE_S}"]),
    ]
