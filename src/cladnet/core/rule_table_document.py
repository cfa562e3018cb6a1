# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A rule table as a JSON document: the last-good state that a host starts from."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import CladnetError, InvalidInput
from cladnet.core.pair_suites import known_cipher, known_suites
from cladnet.core.rule_table import ControllerEntry, NetworkRule, PeerEntry, RuleTable, by_host

FORMAT = 1
KEY_BYTES = 32


def table_to_document(table: RuleTable) -> dict[str, Any]:
    """The table as JSON types; numbers stay exact (a cluster id has 64 bits)."""
    return {
        "format": FORMAT,
        "cluster_id": table.cluster_id,
        "revision": table.revision,
        "network": None if table.network is None else _network_to_document(table.network),
        "peers": [_peer_to_document(table.peers[host]) for host in sorted(table.peers)],
        "controllers": [{"name": c.name, "addresses": list(c.addresses)} for c in table.controllers],
    }


def table_from_document(document: object) -> RuleTable:
    """The table of a document.

    Raises:
        InvalidInput: the document is none of ours, or damaged.
    """
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise InvalidInput(f"not a rule table of format {FORMAT}")
    try:
        return _table(document)
    except (KeyError, TypeError, ValueError, CladnetError) as exc:
        raise InvalidInput(f"damaged rule table: {exc!r}") from exc


def _table(document: Mapping[str, Any]) -> RuleTable:
    network = document["network"]
    return RuleTable(
        cluster_id=int(document["cluster_id"]),
        revision=int(document["revision"]),
        network=None if network is None else _network(network),
        peers=by_host(_peer(peer) for peer in document["peers"]),
        controllers=tuple(
            ControllerEntry(c["name"], tuple(map(str, c["addresses"]))) for c in document["controllers"]
        ),
    )


def _network(document: Mapping[str, Any]) -> NetworkRule:
    return NetworkRule(
        name=document["name"],
        cidr=IPv4Network(document["cidr"]),
        mtu=int(document["mtu"]),
        rule_type=document["rule_type"],
        cipher=known_cipher(str(document.get("cipher", ""))),
    )


def _network_to_document(network: NetworkRule) -> dict[str, Any]:
    return {
        "name": network.name,
        "cidr": str(network.cidr),
        "mtu": network.mtu,
        "rule_type": network.rule_type,
        "cipher": network.cipher,
    }


def _peer(document: Mapping[str, Any]) -> PeerEntry:
    public_key = base64.b64decode(document["public_key"], validate=True)
    if len(public_key) != KEY_BYTES:
        raise InvalidInput(f"public key of {document['host']} has {len(public_key)} bytes, not {KEY_BYTES}")
    endpoint = document["endpoint"]
    return PeerEntry(
        host=document["host"],
        address=IPv4Address(document["address"]),
        public_key=public_key,
        endpoint=None if endpoint is None else Endpoint.parse(endpoint),
        revision=int(document["revision"]),
        suites=known_suites(document.get("suites", ())),
    )


def _peer_to_document(peer: PeerEntry) -> dict[str, Any]:
    return {
        "host": peer.host,
        "address": str(peer.address),
        "public_key": base64.b64encode(peer.public_key).decode("ascii"),
        "endpoint": None if peer.endpoint is None else str(peer.endpoint),
        "revision": peer.revision,
        "suites": [suite.name for suite in peer.suites],
    }
