# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""OpenVPN between two hosts over UDP, each knowing the other's certificate."""

from __future__ import annotations

from pathlib import Path

from bench.datapath.hosts import Host, Pair, run
from bench.datapath.overlay import Overlay, inner_mtu

_BUFFER_BYTES = "4000000"


def start_openvpn(cipher: str, pair: Pair, folder: Path) -> Overlay:
    """Starts a TLS server and a TLS client; data goes as datagrams with a cipher."""
    fingerprints = {host.name: _certify(host, folder) for host in pair.hosts}
    pids = []
    for host, other, role in (
        (pair.second, pair.first, ["--tls-server", "--dh", "none"]),
        (pair.first, pair.second, ["--tls-client"]),
    ):
        trust = ["--peer-fingerprint", fingerprints[other.name]]
        words = [*_ends(host, other, folder), *_data(cipher, inner_mtu(pair)), *role, *trust]
        pids.append((host.start("openvpn", *words, log=folder / f"{host.name}.log"),))
    return Overlay(pair, pair.second.inner, (pids[1], pids[0]))


def _ends(host: Host, other: Host, folder: Path) -> list[str]:
    device = ["--dev", "inner", "--dev-type", "tun", "--ifconfig", host.inner, other.inner]
    addresses = ["--proto", "udp", "--local", host.outer, "--port", "1194", "--remote", other.outer, "1194"]
    identity = ["--cert", f"{folder}/{host.name}.crt", "--key", f"{folder}/{host.name}.key"]
    return [*device, *addresses, *identity]


def _data(cipher: str, mtu: int) -> list[str]:
    """How data is carried: in user space, with the settings that its users take for speed."""
    buffers = ["--fast-io", "--sndbuf", _BUFFER_BYTES, "--rcvbuf", _BUFFER_BYTES, "--txqueuelen", "1000"]
    size = ["--tun-mtu", str(mtu), "--mssfix", "0"]
    return ["--data-ciphers", cipher, "--cipher", cipher, "--disable-dco", "--verb", "1", *buffers, *size]


def _certify(host: Host, folder: Path) -> str:
    """Makes a key and a certificate; gives its fingerprint."""
    key, certificate = f"{folder}/{host.name}.key", f"{folder}/{host.name}.crt"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key]
    run("openssl", "req", "-x509", *curve, "-out", certificate, "-days", "2", "-subj", f"/CN={host.name}")
    text = run("openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256")
    return text.strip().partition("=")[2]
