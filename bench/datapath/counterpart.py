# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Many WireGuard peers in one process, without devices: they answer handshakes, count, and send.

``python -m bench.datapath.counterpart FILE``: the file says in JSON who they are, and who the hub is, which
they all know. On standard input: ``send PACKETS_PER_S SECONDS`` sends to the hub, from all in turn; ``count``
tells how many packets came from it, and how many peers have a session.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import selectors
import socket
import struct
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

from bench.datapath import flows
from cladnet.core.wireguard.cookie import CookieJar
from cladnet.core.wireguard.handshake import KeyPair, RemoteIdentity, create_response, prove_claim, read_claim
from cladnet.core.wireguard.messages import (
    INITIATION_SIZE_BYTES,
    Transport,
    pack_transport,
    parse_initiation,
)
from cladnet.core.wireguard.suite import SUITES, Aead

FLOWS = 100
RUN_PACKETS = 16
_PADDING_BYTES = 16
_NAP_S = 0.0005
_KEY_SIZE_BYTES = 32
_RECEIVE_BYTES = 2048
_BUFFER_BYTES = 1 << 20
_SO_RCVBUFFORCE = 33


class Peer:
    """One of the many.

    Args:
        private_key: 32 bytes.
        hub_public_key: of the one that it talks to, 32 bytes.
        address: outer address and port to be at.
        inner: its address in the overlay.
    """

    def __init__(
        self, private_key: bytes, hub_public_key: bytes, address: tuple[str, int], inner: str
    ) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self.socket.bind(address)
        self.socket.setblocking(False)
        self.received = 0
        self.aead: Aead | None = None
        self._identity = KeyPair.from_private_bytes(private_key)
        secret = self._identity.shared_secret(hub_public_key)
        self._hub = RemoteIdentity(hub_public_key, secret, bytes(_KEY_SIZE_BYTES))
        self._macs = CookieJar(hub_public_key)
        self.inner = inner
        self._index = self._counter = 0
        self._hub_address = ("", 0)

    def read(self) -> None:
        """Takes what has come."""
        while True:
            try:
                datagram, source = self.socket.recvfrom(_RECEIVE_BYTES)
            except BlockingIOError:
                return
            if len(datagram) == INITIATION_SIZE_BYTES and datagram[0] == 1:
                self._answer(datagram, source)
            else:
                self.received += 1

    def _answer(self, datagram: bytes, source: tuple[str, int]) -> None:
        claim = read_claim(SUITES, self._identity, parse_initiation(datagram))
        proven = prove_claim(claim, self._hub)
        ephemeral = KeyPair.from_private_bytes(os.urandom(_KEY_SIZE_BYTES))
        response, keys = create_response(proven, local_index=secrets.randbits(32), ephemeral=ephemeral)
        self.socket.sendto(self._macs.add_macs(response.pack(), time.monotonic()), source)
        self.aead = proven.suite.aead(keys.sending)
        self._index, self._counter, self._hub_address = proven.message.sender_index, 0, source

    def send(self, packet: bytes) -> None:
        """Sends a packet through the session, if there is one."""
        if self.aead is not None:
            nonce = struct.pack("<4xQ", self._counter)
            sealed = self.aead.encrypt(nonce, packet, None)
            message = pack_transport(Transport(self._index, self._counter, sealed))
            self.socket.sendto(message, self._hub_address)
            self._counter += 1


def _packet(source: str, target: str, port: int, payload_bytes: int) -> bytes:
    """An IPv4 packet with UDP from a port, padded as WireGuard wants it."""
    length = 28 + payload_bytes
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    header = struct.pack("!BBHHHBBH8s", 0x45, 0, length, 0, 0x4000, 64, socket.IPPROTO_UDP, 0, addresses)
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    header = header[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + header[12:]
    udp = struct.pack("!4H", port, flows.PORT, 8 + payload_bytes, 0)  # without checksum
    return header + udp + bytes(payload_bytes) + bytes(-length % _PADDING_BYTES)


class Counterpart:
    """All peers, and the loop that serves them."""

    def __init__(self, config: dict[str, Any]) -> None:
        hub_public_key = base64.b64decode(config["hub_public_key"])
        self._peers = [
            Peer(
                base64.b64decode(peer["private_key"]),
                hub_public_key,
                (config["outer"], peer["port"]),
                peer["inner"],
            )
            for peer in config["peers"]
        ]
        senders = [(self._peers[number % len(self._peers)], flows.PORT + number) for number in range(FLOWS)]
        self._flows = [
            (peer, {size: _packet(peer.inner, config["hub_inner"], port, size) for size in flows.SIZES_BYTES})
            for peer, port in senders
        ]
        self._selector = selectors.DefaultSelector()
        for peer in self._peers:
            self._selector.register(peer.socket, selectors.EVENT_READ, peer)
        self._selector.register(sys.stdin, selectors.EVENT_READ)

    def run(self) -> None:
        """Serves until standard input ends."""
        print("ready", flush=True)
        while True:
            for key, _events in self._selector.select():
                if key.data is not None:
                    key.data.read()
                elif not self._obey(sys.stdin.readline().split()):
                    return

    def _obey(self, words: list[str]) -> bool:
        if words[:1] == ["send"]:
            print(self._send(float(words[1]), float(words[2])), flush=True)
        elif words[:1] == ["count"]:
            sessions = sum(peer.aead is not None for peer in self._peers)
            print(sum(peer.received for peer in self._peers), sessions, flush=True)
        return bool(words)

    def _send(self, packets_per_s: float, seconds: float) -> int:
        packets = flows.schedule(FLOWS, RUN_PACKETS)
        started_s, sent, now_s = time.perf_counter(), 0, 0.0
        while now_s < seconds:
            if sent > now_s * packets_per_s:
                time.sleep(_NAP_S)
            else:
                for number, size_bytes in islice(packets, RUN_PACKETS):
                    peer, by_size = self._flows[number]
                    peer.send(by_size[size_bytes])
                sent += RUN_PACKETS
            now_s = time.perf_counter() - started_s
        return sent


if __name__ == "__main__":
    Counterpart(json.loads(Path(sys.argv[1]).read_text())).run()
