# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Nebula with AES, a certificate authority of its own and no lighthouse to ask."""

from __future__ import annotations

import json
from pathlib import Path

from bench.datapath.hosts import Host, Pair, eventually, run
from bench.datapath.overlay import Overlay, inner_mtu
from bench.datapath.software import Software

_PORT = 4242
_ANY = [{"port": "any", "proto": "any", "host": "any"}]


def start_nebula(software: Software, pair: Pair, folder: Path) -> Overlay:
    """Starts both ends with certificates for their addresses."""
    _certify(software.path("nebula-cert"), pair, folder)
    pids = []
    for host, other in (pair.hosts, pair.hosts[::-1]):
        config = folder / f"{host.name}.yml"
        config.write_text(json.dumps(_config(host, other, folder, inner_mtu(pair))))  # JSON is YAML, too
        log = folder / f"{host.name}.log"
        pids.append((host.start(software.path("nebula"), "-config", str(config), log=log),))
        eventually("nebula makes its device", lambda host=host: host.has_device("inner"))  # type: ignore[misc]
    return Overlay(pair, pair.second.inner, (pids[0], pids[1]))


def _certify(program: str, pair: Pair, folder: Path) -> None:
    authority = ["-ca-crt", f"{folder}/ca.crt", "-ca-key", f"{folder}/ca.key"]
    run(program, "ca", "-name", "bench", "-out-crt", authority[1], "-out-key", authority[3])
    for host in pair.hosts:
        out = ["-out-crt", f"{folder}/{host.name}.crt", "-out-key", f"{folder}/{host.name}.key"]
        run(program, "sign", *authority, "-name", host.name, "-ip", f"{host.inner}/24", *out)


def _config(host: Host, other: Host, folder: Path, mtu: int) -> dict[str, object]:
    name = folder / host.name
    return {
        "pki": {"ca": f"{folder}/ca.crt", "cert": f"{name}.crt", "key": f"{name}.key"},
        "static_host_map": {other.inner: [f"{other.outer}:{_PORT}"]},
        "lighthouse": {"am_lighthouse": False, "hosts": []},
        "listen": {"host": "0.0.0.0", "port": _PORT, "batch": 64, **_BUFFERS},  # noqa: S104 - in a namespace
        "cipher": "aes",
        "tun": {"dev": "inner", "mtu": mtu, "tx_queue": 500},
        "logging": {"level": "warning", "format": "text"},
        "firewall": {"outbound": _ANY, "inbound": _ANY},
    }


_BUFFERS = {"read_buffer": 4_000_000, "write_buffer": 4_000_000}
