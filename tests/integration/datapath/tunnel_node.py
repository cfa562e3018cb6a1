# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""One tunnel as a process of its own, so that it can live in a network namespace.

Takes JSON commands from standard input, one a line, and answers each with a line; see `tunnel_process.py`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections import deque
from ipaddress import ip_network
from typing import Any

import cladnet.core.wireguard.device
import cladnet.core.wireguard.session
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import CladnetError
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.core.wireguard.suite import CHACHA20_POLY1305, suite_named
from cladnet.datapath.tunnel import Tunnel

_FOREIGN_KEPT = 16


class Node:
    """A tunnel that does what commands say."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self._foreign: deque[list[str]] = deque(maxlen=_FOREIGN_KEPT)
        self._foreign_count = 0
        self._recreated = 0
        tunnel.on_foreign = self._foreign_received
        tunnel.on_device_recreated = self._device_recreated

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        verb = command.pop("do")
        try:
            result = getattr(self, f"_{verb}")(**command)
        except CladnetError as error:
            return {"error": error.code, "message": str(error)}
        return result or {}

    def _set_peer(self, public_key: str, allowed_ips: list[str], **options: Any) -> None:
        endpoint = options.get("endpoint")
        peer = PeerConfig(
            public_key=base64.b64decode(public_key),
            allowed_ips=tuple(ip_network(text) for text in allowed_ips),
            endpoint=Endpoint.parse(endpoint) if endpoint else None,
            preshared_key=base64.b64decode(options.get("preshared_key") or "") or bytes(32),
            persistent_keepalive_s=options.get("persistent_keepalive_s", 0),
            suites=tuple(suite_named(name) for name in options.get("suites", [CHACHA20_POLY1305.name])),
        )
        self._tunnel.set_peer(peer)

    def _remove_peer(self, public_key: str) -> None:
        self._tunnel.remove_peer(base64.b64decode(public_key))

    def _set_private_key(self, private_key: str) -> None:
        self._tunnel.set_private_key(base64.b64decode(private_key))

    def _connect(self, public_key: str) -> None:
        self._tunnel.connect(base64.b64decode(public_key))

    def _send_foreign(self, text: str, to: str) -> None:
        self._tunnel.send_foreign(text.encode(), Endpoint.parse(to))

    def _status(self) -> dict[str, Any]:
        status = self._tunnel.status()
        peers = {
            base64.b64encode(peer.public_key).decode(): {
                "endpoint": str(peer.endpoint) if peer.endpoint else None,
                "last_handshake_age_s": peer.last_handshake_age_s,
                "rx_bytes": peer.rx_bytes,
                "tx_bytes": peer.tx_bytes,
            }
            for peer in status.peers
        }
        return {
            "peers": peers,
            "drops": status.drops,
            "foreign": list(self._foreign),
            "foreign_count": self._foreign_count,
            "recreated": self._recreated,
        }

    def _foreign_received(self, datagram: bytes, source: Endpoint) -> None:
        self._foreign_count += 1
        self._foreign.append([datagram.decode(errors="backslashreplace"), str(source)])

    def _device_recreated(self) -> None:
        self._recreated += 1


def shorten_times(rekey_after_s: float | None) -> None:
    """A test cannot wait two minutes for a rekey."""
    if rekey_after_s is not None:
        cladnet.core.wireguard.session.REKEY_AFTER_TIME_S = rekey_after_s
        cladnet.core.wireguard.device.REKEY_TIMEOUT_S = rekey_after_s / 2


async def run(config: dict[str, Any]) -> None:
    shorten_times(config.pop("rekey_after_s", None))
    config["private_key"] = base64.b64decode(config["private_key"])
    tunnel = await Tunnel.open(**config)
    say({"ready": True, "listen_port": tunnel.listen_port})
    node = Node(tunnel)
    try:
        async for line in await standard_input():
            say(node.answer(json.loads(line)))
    finally:
        await tunnel.close()


async def standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(run(json.loads(sys.stdin.readline())))
    except CladnetError as error:
        say({"error": error.code, "message": str(error)})
