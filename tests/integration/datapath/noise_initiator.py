# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The initiator of WireGuard's handshake, written for tests from the whitepaper alone.

It shares no line with the product, so it finds mistakes that both ends of the product would make together;
and it says what no honest peer says.

Source: WireGuard whitepaper, section 5.4; Noise protocol framework, revision 34.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

INITIATION, RESPONSE, COOKIE_REPLY, TRANSPORT = 1, 2, 3, 4
INITIATION_SIZE_BYTES, RESPONSE_SIZE_BYTES, COOKIE_REPLY_SIZE_BYTES = 148, 92, 64
TRANSPORT_OVERHEAD_BYTES = 32

_IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
_FIRST_NONCE = bytes(12)
_TAI64_EPOCH = 2**62 + 10
MACS_SIZE_BYTES = 32
_MAC_SIZE_BYTES = 16


@dataclass(frozen=True)
class Suite:
    """What a handshake is made with."""

    construction: bytes
    aead: Callable[[bytes], ChaCha20Poly1305 | AESGCM]


CHACHA20_POLY1305 = Suite(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", ChaCha20Poly1305)
AES_256_GCM = Suite(b"Noise_IKpsk2_25519_AESGCM_BLAKE2s", AESGCM)


def blake2s(*parts: bytes) -> bytes:
    return hashlib.blake2s(b"".join(parts)).digest()


def derive(chaining_key: bytes, secret: bytes, count: int) -> list[bytes]:
    """HKDF with HMAC-BLAKE2s, as Noise has it."""
    key, last, keys = hmac.digest(chaining_key, secret, "blake2s"), b"", []
    for number in range(1, count + 1):
        last = hmac.digest(key, last + bytes([number]), "blake2s")
        keys.append(last)
    return keys


def exchange(private: X25519PrivateKey, public: bytes) -> bytes:
    return private.exchange(X25519PublicKey.from_public_bytes(public))


def public_of(private: X25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def with_macs(message: bytes, receiver_public: bytes) -> bytes:
    """Adds a right mac1 and an empty mac2."""
    key = blake2s(b"mac1----", receiver_public)
    return message + hashlib.blake2s(message, digest_size=_MAC_SIZE_BYTES, key=key).digest() + bytes(16)


def timestamp(now_ns: int) -> bytes:
    """TAI64N."""
    return struct.pack(">QI", _TAI64_EPOCH + now_ns // 10**9, now_ns % 10**9)


@dataclass
class Transcript:
    """Noise's symmetric state."""

    suite: Suite
    responder_public: bytes
    chaining_key: bytes = field(init=False)
    hash: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.chaining_key = blake2s(self.suite.construction)
        self.hash = blake2s(blake2s(self.chaining_key, _IDENTIFIER), self.responder_public)

    def mix_hash(self, data: bytes) -> None:
        self.hash = blake2s(self.hash, data)

    def mix_ephemeral(self, public: bytes) -> None:
        self.mix_hash(public)
        self.mix_secret(public)

    def mix_secret(self, secret: bytes) -> None:
        (self.chaining_key,) = derive(self.chaining_key, secret, 1)

    def mix_to_key(self, secret: bytes) -> bytes:
        self.chaining_key, key = derive(self.chaining_key, secret, 2)
        return key

    def mix_preshared_key(self, preshared_key: bytes) -> bytes:
        self.chaining_key, mixed, key = derive(self.chaining_key, preshared_key, 3)
        self.mix_hash(mixed)
        return key

    def seal(self, key: bytes, plaintext: bytes) -> bytes:
        sealed = self.suite.aead(key).encrypt(_FIRST_NONCE, plaintext, self.hash)
        self.mix_hash(sealed)
        return sealed

    def unseal(self, key: bytes, sealed: bytes) -> bytes:
        plaintext = self.suite.aead(key).decrypt(_FIRST_NONCE, sealed, self.hash)
        self.mix_hash(sealed)
        return plaintext


@dataclass
class Session:
    """The keys of a handshake, and the numbers of both sides."""

    suite: Suite
    sending: bytes
    receiving: bytes
    remote_index: int
    next_counter: int = 0

    def seal(self, plaintext: bytes, counter: int | None = None) -> bytes:
        """A transport message; with a counter of its own, or the next."""
        if counter is None:
            counter, self.next_counter = self.next_counter, self.next_counter + 1
        sealed = self.suite.aead(self.sending).encrypt(nonce(counter), plaintext, None)
        return struct.pack("<IIQ", TRANSPORT, self.remote_index, counter) + sealed

    def open(self, datagram: bytes) -> bytes:
        """The plaintext of a transport message."""
        counter = struct.unpack_from("<Q", datagram, 8)[0]
        return self.suite.aead(self.receiving).decrypt(nonce(counter), datagram[16:], None)


def nonce(counter: int) -> bytes:
    """As WireGuard has it, for both suites."""
    return struct.pack("<4xQ", counter)


class NoiseInitiator:
    """Handshakes with one responder.

    Args:
        private: our static key.
        responder_public: whom to talk to.
        preshared_key: zeros mean none.
    """

    def __init__(
        self,
        private: X25519PrivateKey,
        responder_public: bytes,
        preshared_key: bytes = bytes(32),
        suite: Suite = CHACHA20_POLY1305,
    ) -> None:
        self.private = private
        self.responder_public = responder_public
        self.preshared_key = preshared_key
        self.suite = suite

    def initiation(self, stamp: bytes | None = None) -> bytes:
        """A new initiation, which `session` continues."""
        self.ephemeral = X25519PrivateKey.generate()
        self.transcript = Transcript(self.suite, self.responder_public)
        message = struct.pack("<I4s32s", INITIATION, secrets.token_bytes(4), public_of(self.ephemeral))
        self.transcript.mix_ephemeral(public_of(self.ephemeral))
        key = self.transcript.mix_to_key(exchange(self.ephemeral, self.responder_public))
        message += self.transcript.seal(key, public_of(self.private))
        key = self.transcript.mix_to_key(exchange(self.private, self.responder_public))
        message += self.transcript.seal(key, stamp or timestamp(time.time_ns()))
        return with_macs(message, self.responder_public)

    def session(self, response: bytes) -> Session:
        """Ends the handshake with the answer to the last initiation."""
        remote_index, _unused, ephemeral, empty = struct.unpack_from("<4xII32s16s", response)
        self.transcript.mix_ephemeral(ephemeral)
        self.transcript.mix_secret(exchange(self.ephemeral, ephemeral))
        self.transcript.mix_secret(exchange(self.private, ephemeral))
        key = self.transcript.mix_preshared_key(self.preshared_key)
        self.transcript.unseal(key, empty)
        sending, receiving = derive(self.transcript.chaining_key, b"", 2)
        return Session(self.suite, sending, receiving, remote_index)
