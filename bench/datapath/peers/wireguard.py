# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""WireGuard in user space: two ends of any make, ours or wireguard-go's."""

from __future__ import annotations

import base64
import itertools
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bench.datapath.hosts import BenchError, Host, Pair, eventually
from bench.datapath.overlay import Overlay, inner_mtu
from bench.datapath.software import ROOT, Software

PORT = 51820
_numbers = itertools.count()


@dataclass(frozen=True)
class Identity:
    """Keys of an end, in base64."""

    private: str
    public: str

    @classmethod
    def generate(cls) -> Identity:
        """New keys."""
        private = X25519PrivateKey.generate()
        keys = private.private_bytes_raw(), private.public_key().public_bytes_raw()
        return cls(*(base64.b64encode(key).decode() for key in keys))


@dataclass(frozen=True)
class Place:
    """What an end has to know.

    Args:
        host: where it runs.
        folder: for its files.
        identity: its keys.
        other: the host at the other end, with its public key.
        mtu: of the device, in bytes.
    """

    host: Host
    folder: Path
    identity: Identity
    other: Host
    other_public_key: str
    mtu: int


class End(Protocol):
    """An implementation of WireGuard."""

    def start(self, place: Place) -> int:
        """Starts it with its device up; gives its process id."""


@dataclass(frozen=True)
class WireguardGo:
    """wireguard-go, configured by wg."""

    software: Software
    program: str

    def start(self, place: Place) -> int:
        """Starts it in the foreground; its control socket stands where all namespaces see it."""
        device = f"bw{next(_numbers)}p{os.getpid()}"
        socket = Path("/var/run/wireguard") / f"{device}.sock"
        key = place.folder / f"{device}.key"
        key.touch(mode=0o600)
        key.write_text(place.identity.private)
        pid = place.host.start(
            self.software.path(self.program),
            "--foreground",
            device,
            log=place.folder / f"{device}.log",
            environment={"LOG_LEVEL": "error"},
        )
        eventually("wireguard-go answers", socket.exists)
        peer = ["peer", place.other_public_key, "endpoint", f"{place.other.outer}:{PORT}"]
        own = ["private-key", str(key), "listen-port", str(PORT)]
        place.host.run("wg", "set", device, *own, *peer, "allowed-ips", f"{place.other.inner}/32")
        place.host.set_up(device, place.host.inner, mtu=place.mtu)
        return pid


@dataclass(frozen=True)
class OurNode:
    """Our tunnel in a process of its own.

    Args:
        suite: what people call it.
        workers: processes that move packets.
        prefix: command that starts it, such as taskset; the same for both ends, with "END" as 0 or 1.
    """

    suite: str = "aes-256-gcm"
    workers: int = 1
    prefix: Sequence[str] = ()

    def start(self, place: Place) -> int:
        """Starts it and waits for its device, or says what it complained about."""
        peer = {
            "public_key": place.other_public_key,
            "allowed_ips": [f"{place.other.inner}/32"],
            "endpoint": f"{place.other.outer}:{PORT}",
            "suite": self.suite,
        }
        tunnel = {"device": "clad0", "private_key": place.identity.private, "listen_port": PORT}
        options: dict[str, object] = {"mtu": place.mtu}
        if self.workers > 1:
            options["workers"] = self.workers
        end = "0" if place.host.name.endswith("-a") else "1"
        prefix = [word.replace("END", end) for word in self.prefix]
        return start_our_node(place.host, place.folder, {**tunnel, **options, "peers": [peer]}, prefix)


def start_our_node(
    host: Host, folder: Path, config: dict[str, object], prefix: Sequence[str] = (), prefix_length: int = 24
) -> int:
    """Starts our tunnel as a configuration says, and switches its device on."""
    file, log = folder / f"{host.name}.json", folder / f"{host.name}.log"
    file.touch(mode=0o600)
    file.write_text(json.dumps(config))
    command = [*prefix, sys.executable, "-m", "bench.datapath.our_node", str(file)]
    pid = host.start(*command, log=log, environment={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"})
    try:
        eventually("our tunnel is open", lambda: "ready" in log.read_text() or host.ended())
    except BenchError as exc:
        raise BenchError(f"{exc}: {log.read_text()[-500:]}") from exc
    if host.ended():
        raise BenchError(f"our tunnel ended: {log.read_text()[-500:]}")
    host.set_up("clad0", host.inner, prefix_length=prefix_length)
    return pid


def start_wireguard(pair: Pair, folder: Path, first: End, second: End) -> Overlay:
    """Starts two ends that know each other."""
    identities = Identity.generate(), Identity.generate()
    mtu = inner_mtu(pair)
    places = (
        Place(pair.first, folder, identities[0], pair.second, identities[1].public, mtu),
        Place(pair.second, folder, identities[1], pair.first, identities[0].public, mtu),
    )
    pids = first.start(places[0]), second.start(places[1])
    return Overlay(pair, pair.second.inner, ((pids[0],), (pids[1],)))
