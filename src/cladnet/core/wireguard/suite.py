# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The cryptographic suites of sessions: a Noise construction name and its AEAD each.

The name goes into every hash and key, so two sides with different suites can never agree by mistake.

CHACHA20_POLY1305 is WireGuard. AES_256_GCM is our own, between cladnet hosts whose CPUs have instructions for
it: the same messages with another AEAD. Both put a message's counter into the nonce as WireGuard does (four
zeros, then 64 bits, little endian), so that there is one data path; Noise would have it big endian for AES-
GCM. Nobody else speaks this construction, and all that GCM asks of a nonce is that it never comes twice under
one key (NIST SP 800-38D, section 8.2.1). The handshake uses each key for the nonce 0 only, the same in either
order. A session ends after 180 s: at 100 Gbit/s that is 2^37 blocks under one key, far from where GCM wears
out.

Source: WireGuard whitepaper, section 5.4; Noise protocol framework, revision 34, sections 8 and 12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from cladnet.core.errors import InvalidInput
from cladnet.core.wireguard.primitives import blake2s_hash

_IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"


class Aead(Protocol):
    """Authenticated encryption under one key, with a tag of 16 bytes behind the ciphertext."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Encrypts; the nonce (12 bytes) must never come twice."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Decrypts or raises InvalidTag."""

    def encrypt_into(
        self,
        nonce: bytes | memoryview,
        data: bytes | memoryview,
        associated_data: bytes | None,
        buf: bytearray | memoryview,
    ) -> int:
        """Encrypts into `buf`, which is exactly 16 bytes longer than `data` and may begin where it does.

        Returns:
            The length of `buf`.
        """

    def decrypt_into(
        self,
        nonce: bytes | memoryview,
        data: bytes | memoryview,
        associated_data: bytes | None,
        buf: bytearray | memoryview,
    ) -> int:
        """Decrypts into `buf`, which is exactly 16 bytes shorter than `data`, or raises InvalidTag.

        Returns:
            The length of `buf`. After InvalidTag its content is of no meaning and must go nowhere.
        """


@dataclass(frozen=True, slots=True)
class Suite:
    """One cryptographic suite.

    Args:
        name: what people and configurations call it.
        construction: name of the Noise construction.
        aead: makes the AEAD of a 32-byte key.
        initial_chaining_key: where every handshake starts, derived from the construction.
        initial_hash: the same, of the transcript.
    """

    name: str
    construction: bytes
    aead: Callable[[bytes], Aead] = field(repr=False)
    initial_chaining_key: bytes = field(init=False, repr=False)
    initial_hash: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        chaining_key = blake2s_hash(self.construction)
        object.__setattr__(self, "initial_chaining_key", chaining_key)
        object.__setattr__(self, "initial_hash", blake2s_hash(chaining_key, _IDENTIFIER))


CHACHA20_POLY1305 = Suite("chacha20-poly1305", b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", ChaCha20Poly1305)
AES_256_GCM = Suite("aes-256-gcm", b"Noise_IKpsk2_25519_AESGCM_BLAKE2s", AESGCM)
SUITES = (CHACHA20_POLY1305, AES_256_GCM)


def suite_named(name: str) -> Suite:
    """The suite that people call so.

    Raises:
        InvalidInput: there is none.
    """
    for suite in SUITES:
        if suite.name == name:
            return suite
    known = " or ".join(suite.name for suite in SUITES)
    raise InvalidInput(f"There is no cryptographic suite {name!r}: give {known}.")
