# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Two tunnels that know each other, and traffic through them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from namespaces import Namespace, kill
from tunnel_process import TunnelProcess, WireguardGo

OUR_ADDRESSES = ("10.77.0.1/24", "fd77::1/64")
THEIR_ADDRESSES = ("10.77.0.2/24", "fd77::2/64")
OURS = ["10.77.0.1/32", "fd77::1/128"]
THEIRS = ["10.77.0.2/32", "fd77::2/128"]
TRANSFER_SIZE_BYTES = 8 << 20
TRANSFER_DEADLINE_S = 240.0
"""TCP doubles its patience with every loss: of eight in a row one has waited two minutes."""

Start = Callable[..., TunnelProcess]
Device = TunnelProcess | WireguardGo


def introduce(us: TunnelProcess, them: Device, *, we_know: str, they_know: str, psk: str = "") -> None:
    """Makes two devices peers; an empty endpoint means that one waits for the other."""
    us.add_peer(them.identity.public, THEIRS, endpoint=we_know, preshared_key=psk)
    them.add_peer(us.identity.public, OURS, endpoint=they_know, preshared_key=psk)
    us.host.set_up(us.device, *OUR_ADDRESSES)
    them.host.set_up(them.device, *THEIR_ADDRESSES)


def transfer(
    server: Namespace, client: Namespace, address: str, port: int, size_bytes: int = TRANSFER_SIZE_BYTES
) -> None:
    """Moves some megabytes through TCP and compares their hashes."""
    script = str(Path(__file__).with_name("tcp_transfer.py"))
    sending = server.start(sys.executable, script, "serve", str(size_bytes), address, str(port))
    try:
        assert sending.stdout is not None
        assert sending.stdout.readline() == "listening\n"
        fetch = (sys.executable, script, "fetch", address, str(port))
        fetched = client.run(*fetch, timeout_s=TRANSFER_DEADLINE_S).stdout
        assert fetched == sending.stdout.readline()
    finally:
        kill(sending)


def count_handshakes(us: TunnelProcess, public_key: str, meanwhile: subprocess.Popen[str]) -> int:
    """How often the age of the last handshake went back while a process was running."""
    count, before_s = 0, 0.0
    while meanwhile.poll() is None:
        age_s = us.call("status")["peers"][public_key]["last_handshake_age_s"]
        count += age_s < before_s
        before_s = age_s
    return count
