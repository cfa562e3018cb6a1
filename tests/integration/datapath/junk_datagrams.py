# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Datagrams that nobody should send: pure noise, and messages that are nearly right."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

_MAX_SIZE_BYTES = 1472
_EDGES = (0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 2**13 - 1, 2**64 - 1)
_MESSAGE_SIZES = (0, 1, 4, 15, 16, 31, 32, 33, 63, 64, 65, 91, 92, 93, 116, 147, 148, 149, 1452, 1472)


def noise(rng: random.Random) -> bytes:
    """Any bytes, of any length that Ethernet carries."""
    return rng.randbytes(rng.randrange(_MAX_SIZE_BYTES + 1))


def message_like(rng: random.Random) -> bytes:
    """A right type, then noise, of a length where a parser decides something."""
    return struct.pack("<I", rng.randrange(1, 5)) + rng.randbytes(rng.choice(_MESSAGE_SIZES))


def transport_like(rng: random.Random) -> bytes:
    """A transport message with numbers at their edges."""
    index, counter = rng.choice(_EDGES[:4]), rng.choice(_EDGES)
    return struct.pack("<IIQ", 4, index, counter) + rng.randbytes(16 * rng.randrange(92))


class Mutator:
    """Changes real datagrams the way a grammar-aware fuzzer does.

    Args:
        corpus: real ones, of all types.
    """

    def __init__(self, corpus: Sequence[bytes]) -> None:
        self._corpus = corpus

    def __call__(self, rng: random.Random) -> bytes:
        datagram = rng.choice(self._corpus)
        for _unused in range(rng.randrange(1, 4)):
            datagram = rng.choice(_MUTATIONS)(rng, datagram or b"\0")
        return datagram[:_MAX_SIZE_BYTES]


def _flip(rng: random.Random, datagram: bytes) -> bytes:
    changed = bytearray(datagram)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(rng: random.Random, datagram: bytes) -> bytes:
    return datagram[: rng.randrange(len(datagram))]


def _extend(rng: random.Random, datagram: bytes) -> bytes:
    return datagram + rng.randbytes(rng.randrange(64))


def _renumber(rng: random.Random, datagram: bytes) -> bytes:
    return datagram[:8] + struct.pack("<Q", rng.choice(_EDGES)) + datagram[16:]


def _retype(rng: random.Random, datagram: bytes) -> bytes:
    return bytes([rng.randrange(6)]) + datagram[1:]


def _repeat(rng: random.Random, datagram: bytes) -> bytes:
    start = rng.randrange(len(datagram))
    return datagram + datagram[start:]


_MUTATIONS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flip,
    _cut,
    _extend,
    _renumber,
    _retype,
    _repeat,
)
GENERATORS: tuple[Callable[[random.Random], bytes], ...] = (noise, message_like, transport_like)
