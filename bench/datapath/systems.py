# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The systems that are compared, in the order in which they are measured."""

from __future__ import annotations

from functools import partial

from bench.datapath.overlay import Kind, System
from bench.datapath.peers.fastd import start_fastd
from bench.datapath.peers.kernel import start_nothing, start_vxlan
from bench.datapath.peers.nebula import start_nebula
from bench.datapath.peers.openvpn import start_openvpn
from bench.datapath.peers.tinc import start_tinc
from bench.datapath.peers.wireguard import End, OurNode, WireguardGo, start_wireguard
from bench.datapath.software import (
    FASTD,
    NEBULA,
    NEBULA_NEWEST,
    OPENVPN,
    TINC,
    WIREGUARD_GO,
    WIREGUARD_GO_NEWEST,
    WIREGUARD_TOOLS,
    Software,
)

VETH = "veth"
OURS = "ours-aes"
OURS_CHACHA = "ours-chacha"
OURS_PINNED = "ours-aes-pinned"
OURS_FOUR_WORKERS = "ours-aes-4-workers"
DEBIAN_PEERS = ("wireguard-go", "nebula", "openvpn", "fastd", "tinc")
NEWEST_PEERS = ("wireguard-go-newest", "nebula-newest")
PEERS = DEBIAN_PEERS + NEWEST_PEERS
WIREGUARD_GOES = ("wireguard-go", "wireguard-go-newest")

_AES = OurNode("aes-256-gcm")
_CHACHA = OurNode("chacha20-poly1305")
_DEBIAN = WireguardGo(WIREGUARD_GO, "wireguard-go")
_NEWEST = WireguardGo(WIREGUARD_GO_NEWEST, "wireguard")


def _wireguard(name: str, kind: Kind, first: End, second: End, *needs: Software) -> System:
    return System(name, kind, partial(start_wireguard, first=first, second=second), needs)


def _ours(name: str, kind: Kind, end: End) -> System:
    return _wireguard(name, kind, end, end)


def _wireguard_go(name: str, end: WireguardGo) -> tuple[System, ...]:
    """A make of wireguard-go: to itself, from ours and to ours."""
    needs = (end.software, WIREGUARD_TOOLS)
    return (
        _wireguard(name, Kind.PEER, end, end, *needs),
        _wireguard(f"ours-to-{name}", Kind.MIXED, _CHACHA, end, *needs),
        _wireguard(f"{name}-to-ours", Kind.MIXED, end, _CHACHA, *needs),
    )


SYSTEMS = (
    System(VETH, Kind.LIMIT, start_nothing),
    System("vxlan", Kind.LIMIT, start_vxlan),
    _ours(OURS, Kind.OURS, _AES),
    _ours(OURS_CHACHA, Kind.OURS, _CHACHA),
    _ours(OURS_PINNED, Kind.INFORMATION, OurNode("aes-256-gcm", prefix=("taskset", "-c", "END"))),
    _ours("ours-aes-2-workers", Kind.INFORMATION, OurNode("aes-256-gcm", workers=2)),
    _ours(OURS_FOUR_WORKERS, Kind.CORES, OurNode("aes-256-gcm", workers=4)),
    *_wireguard_go(WIREGUARD_GOES[0], _DEBIAN),
    *_wireguard_go(WIREGUARD_GOES[1], _NEWEST),
    System("nebula", Kind.PEER, partial(start_nebula, NEBULA), (NEBULA,)),
    System("nebula-newest", Kind.PEER, partial(start_nebula, NEBULA_NEWEST), (NEBULA_NEWEST,)),
    System("openvpn", Kind.PEER, partial(start_openvpn, "AES-256-GCM"), (OPENVPN,)),
    System("openvpn-chacha", Kind.INFORMATION, partial(start_openvpn, "CHACHA20-POLY1305"), (OPENVPN,)),
    System("fastd", Kind.PEER, start_fastd, (FASTD,)),
    System("tinc", Kind.PEER, start_tinc, (TINC,)),
)
