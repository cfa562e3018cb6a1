# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Reads the peers of a network, and selects some of them."""

from __future__ import annotations

import typing as t

from ._declarative import Document
from ._errors import NotFound
from ._wireguard_config import wireguard_config

if t.TYPE_CHECKING:
    from ._controller_api import ControllerApi

PEER_STATES = ["configuring", "tunneling", "degraded", "closing", "released", "failed", "unmanaged"]


def read_peers(api: ControllerApi, network: str, host: str | None) -> list[Document]:
    """Returns the peer of a host if it is in the network, or all peers without one, sorted.

    :raises NotFound: there is no such network.
    """
    if host is None:
        return sorted(api.peers(network), key=lambda peer: str(peer["host"]))
    peer = api.peer(network, host)
    if peer is None:
        read_network(api, network)
        return []
    return [peer]


def read_network(api: ControllerApi, name: str) -> Document:
    """Returns a network.

    :raises NotFound: there is none of that name.
    """
    network = api.network(name)
    if network is None:
        raise NotFound(f"There is no network {name}.", hint="Make it with cloud_barista.cladnet.network.")
    return network


def select_peers(peers: t.Iterable[Document], wanted: t.Mapping[str, t.Any]) -> list[Document]:
    """Returns the peers that pass all filters.

    :param wanted: ``states`` and ``providers`` (lists), ``connected`` and ``managed`` (booleans); None lets
        everybody pass.
    """
    return [peer for peer in peers if _passes(peer, wanted)]


def read_wireguard_config(api: ControllerApi, network: str, peer: Document) -> str:
    """Returns the configuration of a peer without agent, see ``wireguard_config``.

    :raises NotFound: there is no such network.
    :raises Conflict: the peer has an agent.
    """
    return wireguard_config(read_network(api, network), peer, api.peers(network))


def _passes(peer: Document, wanted: t.Mapping[str, t.Any]) -> bool:
    facts = {
        "states": peer["state"],
        "providers": peer["cloud"]["provider"],
        "connected": peer["connected"],
        "managed": peer["managed"],
    }
    return all(_matches(facts[name], wanted[name]) for name in facts)


def _matches(fact: object, wanted: object) -> bool:
    if wanted is None:
        return True
    return fact in wanted if isinstance(wanted, list) else fact == wanted
