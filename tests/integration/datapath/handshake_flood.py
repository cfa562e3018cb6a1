# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Many handshake messages from many sources, by somebody who knows the public key of the receiver."""

from __future__ import annotations

import base64
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from frame_switch import Frame, mac_address
from ip_packets import ethernet, ipv4, udp
from namespaces import Namespace
from noise_initiator import MACS_SIZE_BYTES, NoiseInitiator, with_macs
from switched_tunnels import THIRD, SwitchedTunnels
from tunnel_process import TunnelProcess

# RFC 2544: for benchmarks, so nobody's.
SOURCE_NETWORK = "198.18.0.0/15"
_FIRST_SOURCE = IPv4Address("198.18.0.1")
_BURST = 50
_PAUSE_S = 0.005


def flood_messages(public: bytes, count: int) -> list[bytes]:
    """Messages with a right mac1: initiations of an unknown key, and the same with garbage inside."""
    real = NoiseInitiator(X25519PrivateKey.generate(), public).initiation()[:-MACS_SIZE_BYTES]
    rng = random.Random(6)  # noqa: S311 - only has to look random
    garbage = real[:8] + rng.randbytes(len(real) - 8)
    return [
        with_macs(message[:4] + number.to_bytes(4, "little") + message[8:], public)
        for number, message in zip(range(count), [real, garbage] * count, strict=False)
    ]


def flood_frames(switched: SwitchedTunnels, count: int) -> list[Frame]:
    """The messages, each from an address of its own behind the third host."""
    them = switched.them
    messages = flood_messages(base64.b64decode(them.identity.public), count)
    packets = flood_packets(messages, (them.host.outer_ipv4, them.port))
    return [
        Frame(THIRD, _frame(switched.third, them, packet), message)
        for packet, message in zip(packets, messages, strict=True)
    ]


def flood_packets(messages: Sequence[bytes], to: tuple[str, int]) -> list[bytes]:
    """IP packets with the messages, each from another source."""
    address, port = to
    return [
        ipv4(str(_FIRST_SOURCE + number), address, 17, udp(4500, port, message))
        for number, message in enumerate(messages)
    ]


def _frame(through: Namespace, to: TunnelProcess, packet: bytes) -> bytes:
    ends = (bytes.fromhex(mac_address(host).replace(":", "")) for host in (through, to.host))
    return ethernet(*ends, packet)


@contextmanager
def flooding(switched: SwitchedTunnels, frames: Sequence[Frame]) -> Iterator[None]:
    """Sends the frames over and over while something else is done: some thousands a second."""
    ended = threading.Event()

    def flood() -> None:
        start = 0
        while not ended.wait(_PAUSE_S):
            switched.switch.deliver(*frames[start : start + _BURST])
            start = (start + _BURST) % len(frames)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
