# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""tinc 1.0 as a router."""

from __future__ import annotations

from pathlib import Path

from bench.datapath.hosts import Host, Pair, run
from bench.datapath.overlay import Overlay, inner_mtu

_KEY_BITS = "2048"
_CONFIG = """\
Name = {name}
ConnectTo = {other}
DeviceType = tun
Mode = router
Interface = inner
AddressFamily = ipv4
"""
_HOST = """\
Address = {host.outer}
Subnet = {host.inner}/32
Cipher = aes-256-cbc
Digest = sha256
PMTU = {outer_mtu}
"""
_UP = """\
#!/bin/sh
ip address add {host.inner}/24 dev inner
ip link set inner mtu {mtu} up
"""


def start_tinc(pair: Pair, folder: Path) -> Overlay:
    """Starts both ends with AES-256 and SHA-256, each knowing the other's key."""
    for host, other in (pair.hosts, pair.hosts[::-1]):
        _configure(host, other, pair, folder)
    for host, other in (pair.hosts, pair.hosts[::-1]):
        own = folder / host.name / "hosts" / _name(host)
        (folder / other.name / "hosts" / _name(host)).write_text(own.read_text())
    pids = []
    for host in pair.hosts:
        words = ["-c", str(folder / host.name), "-D", f"--pidfile={folder}/{host.name}.pid"]
        pids.append((host.start("tincd", *words, log=folder / f"{host.name}.log"),))
    return Overlay(pair, pair.second.inner, (pids[0], pids[1]))


def _configure(host: Host, other: Host, pair: Pair, folder: Path) -> None:
    own = folder / host.name
    (own / "hosts").mkdir(parents=True)
    (own / "tinc.conf").write_text(_CONFIG.format(name=_name(host), other=_name(other)))
    (own / "hosts" / _name(host)).write_text(_HOST.format(host=host, outer_mtu=pair.setup.mtu))
    script = own / "tinc-up"
    script.write_text(_UP.format(host=host, mtu=inner_mtu(pair)))
    script.chmod(0o700)
    run("tincd", "-c", str(own), "-K", _KEY_BITS, text="\n\n")


def _name(host: Host) -> str:
    return "first" if host.name.endswith("-a") else "second"
