# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The cryptographic suite of a session: its Noise construction name and its AEAD.

The name goes into every hash and key, so two devices with different suites can never agree by mistake.
Source: WireGuard whitepaper, section 5.4; Noise protocol framework, revision 34, section 8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from cladnet.core.wireguard.primitives import blake2s_hash

_IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"


class Aead(Protocol):
    """Authenticated encryption under one key."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Encrypts; the nonce (12 bytes) must never come twice."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Decrypts or raises InvalidTag."""


@dataclass(frozen=True, slots=True)
class Suite:
    """One cryptographic suite.

    Args:
        construction: name of the Noise construction.
        aead: makes the AEAD of a 32-byte key.
        initial_chaining_key: where every handshake starts, derived from the name.
        initial_hash: the same, of the transcript.
    """

    construction: bytes
    aead: Callable[[bytes], Aead]
    initial_chaining_key: bytes = field(init=False)
    initial_hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        chaining_key = blake2s_hash(self.construction)
        object.__setattr__(self, "initial_chaining_key", chaining_key)
        object.__setattr__(self, "initial_hash", blake2s_hash(chaining_key, _IDENTIFIER))


CHACHA20_POLY1305 = Suite(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", ChaCha20Poly1305)
