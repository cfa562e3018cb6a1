# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The Noise_IKpsk2 handshake, both roles, as functions from one immutable state to the next.

Nothing here knows peers, timers or sockets, and nothing that holds a secret has a repr. A function that reads
what came from outside raises HandshakeError if that is not authentic, and leaves nothing behind.

Source: WireGuard whitepaper, sections 5.4.2 to 5.4.5; Noise protocol framework, revision 34.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from cladnet.core.wireguard.messages import Initiation, Response
from cladnet.core.wireguard.primitives import blake2s_hash, derive_keys
from cladnet.core.wireguard.suite import Suite

_FIRST_NONCE = bytes(12)  # every key of the handshake encrypts exactly once


class HandshakeError(Exception):
    """The message is not authentic, or no secret can be agreed with its key. Nobody is told: silence."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyPair:
    """An X25519 key pair; used for the static identity and for ephemeral keys."""

    private: X25519PrivateKey
    public: bytes

    @classmethod
    def from_private_bytes(cls, private: bytes) -> KeyPair:
        """Makes the pair of a private key of 32 bytes."""
        key = X25519PrivateKey.from_private_bytes(private)
        return cls(key, key.public_key().public_bytes_raw())

    def shared_secret(self, public: bytes) -> bytes:
        """X25519 of our private key and a public key of 32 bytes.

        Raises:
            HandshakeError: the public key is of low order, so the secret would be no secret.
        """
        try:
            return self.private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as exc:
            raise HandshakeError("low-order public key") from exc


@dataclass(frozen=True, slots=True, repr=False)
class RemoteIdentity:
    """What we know of a peer before a handshake.

    Args:
        public: the peer's static public key, 32 bytes.
        static_secret: X25519 of both static keys, computed once per peer.
        preshared_key: 32 bytes; zeros mean none.
    """

    public: bytes
    static_secret: bytes
    preshared_key: bytes


@dataclass(frozen=True, slots=True, repr=False)
class TransportKeys:
    """What a handshake is for: the two keys of a session, 32 bytes each."""

    sending: bytes
    receiving: bytes


@dataclass(frozen=True, slots=True, repr=False)
class _Transcript:
    """Noise's symmetric state: what was agreed (chaining key) and what was said (hash) so far."""

    suite: Suite
    chaining_key: bytes
    hash: bytes

    @classmethod
    def start(cls, suite: Suite, responder_public: bytes) -> _Transcript:
        transcript = cls(suite, suite.initial_chaining_key, suite.initial_hash)
        return transcript.mix_hash(responder_public)

    def mix_hash(self, data: bytes) -> _Transcript:
        return replace(self, hash=blake2s_hash(self.hash, data))

    def mix_secret(self, secret: bytes) -> _Transcript:
        return replace(self, chaining_key=derive_keys(self.chaining_key, secret, 1)[0])

    def mix_ephemeral(self, public: bytes) -> _Transcript:
        return self.mix_hash(public).mix_secret(public)

    def mix_secret_to_key(self, secret: bytes) -> tuple[_Transcript, bytes]:
        chaining_key, key = derive_keys(self.chaining_key, secret, 2)
        return replace(self, chaining_key=chaining_key), key

    def mix_preshared_key(self, preshared_key: bytes) -> tuple[_Transcript, bytes]:
        chaining_key, mixed, key = derive_keys(self.chaining_key, preshared_key, 3)
        return replace(self, chaining_key=chaining_key).mix_hash(mixed), key

    def seal(self, key: bytes, plaintext: bytes) -> tuple[_Transcript, bytes]:
        ciphertext = self.suite.aead(key).encrypt(_FIRST_NONCE, plaintext, self.hash)
        return self.mix_hash(ciphertext), ciphertext

    def unseal(self, key: bytes, ciphertext: bytes) -> tuple[_Transcript, bytes]:
        try:
            plaintext = self.suite.aead(key).decrypt(_FIRST_NONCE, ciphertext, self.hash)
        except InvalidTag as exc:
            raise HandshakeError("not authentic") from exc
        return self.mix_hash(ciphertext), plaintext

    def split(self) -> list[bytes]:
        return derive_keys(self.chaining_key, b"", 2)


@dataclass(frozen=True, slots=True, repr=False)
class InitiatorState:
    """What an initiator remembers between its initiation and the response to it."""

    local_index: int
    identity: KeyPair
    remote: RemoteIdentity
    ephemeral: KeyPair
    transcript: _Transcript

    @property
    def suite(self) -> Suite:
        """What the initiation was made with."""
        return self.transcript.suite


@dataclass(frozen=True, slots=True, repr=False)
class ClaimedInitiation:
    """An initiation whose sender is known by name, but not yet proven.

    Args:
        initiator_public: the static public key that the sender claims, 32 bytes.
    """

    initiator_public: bytes
    message: Initiation
    transcript: _Transcript


@dataclass(frozen=True, slots=True, repr=False)
class ProvenInitiation:
    """An initiation that only the owner of the static key can have made, at some time.

    Args:
        timestamp: 12 bytes; the caller refuses one that is not greater than the last of this peer.
    """

    timestamp: bytes
    remote: RemoteIdentity
    message: Initiation
    transcript: _Transcript

    @property
    def suite(self) -> Suite:
        """What the initiation was made with."""
        return self.transcript.suite


def create_initiation(
    suite: Suite,
    identity: KeyPair,
    remote: RemoteIdentity,
    *,
    local_index: int,
    ephemeral: KeyPair,
    timestamp: bytes,
) -> tuple[InitiatorState, Initiation]:
    """Starts a handshake.

    Args:
        suite: cryptographic suite.
        identity: our static key pair.
        remote: the responder.
        local_index: our number for the session, 32 bits.
        ephemeral: a fresh key pair, used for nothing else.
        timestamp: TAI64N, 12 bytes, greater than in any earlier initiation to this peer.

    Raises:
        HandshakeError: no secret can be agreed with the remote key.
    """
    transcript = _Transcript.start(suite, remote.public).mix_ephemeral(ephemeral.public)
    transcript, key = transcript.mix_secret_to_key(ephemeral.shared_secret(remote.public))
    transcript, encrypted_static = transcript.seal(key, identity.public)
    transcript, key = transcript.mix_secret_to_key(remote.static_secret)
    transcript, encrypted_timestamp = transcript.seal(key, timestamp)
    message = Initiation(local_index, ephemeral.public, encrypted_static, encrypted_timestamp)
    return InitiatorState(local_index, identity, remote, ephemeral, transcript), message


def read_claim(suites: Iterable[Suite], identity: KeyPair, message: Initiation) -> ClaimedInitiation:
    """Finds out who says to have sent an initiation, and with which suite.

    The message does not say the suite: it opens under the one that it was made with and under no other. The
    Diffie-Hellman secret, which costs more than all the rest, is the same for all.

    Args:
        suites: what it may have been made with.
        identity: our static key pair.
        message: what came.

    Raises:
        HandshakeError: it is not for us, was changed, or was made with another suite.
    """
    secret = identity.shared_secret(message.ephemeral)
    for suite in suites:
        claim = _claim_under(suite, identity, secret, message)
        if claim is not None:
            return claim
    raise HandshakeError("not authentic under any suite")


def _claim_under(
    suite: Suite, identity: KeyPair, secret: bytes, message: Initiation
) -> ClaimedInitiation | None:
    transcript = _Transcript.start(suite, identity.public).mix_ephemeral(message.ephemeral)
    transcript, key = transcript.mix_secret_to_key(secret)
    try:
        transcript, initiator_public = transcript.unseal(key, message.encrypted_static)
    except HandshakeError:
        return None
    return ClaimedInitiation(initiator_public, message, transcript)


def prove_claim(claim: ClaimedInitiation, remote: RemoteIdentity) -> ProvenInitiation:
    """Checks that the sender owns the static key that it claims.

    Args:
        claim: what was read.
        remote: the peer with the claimed public key.

    Raises:
        HandshakeError: the sender does not.
    """
    transcript, key = claim.transcript.mix_secret_to_key(remote.static_secret)
    transcript, timestamp = transcript.unseal(key, claim.message.encrypted_timestamp)
    return ProvenInitiation(timestamp, remote, claim.message, transcript)


def create_response(
    initiation: ProvenInitiation, *, local_index: int, ephemeral: KeyPair
) -> tuple[Response, TransportKeys]:
    """Answers an initiation and ends the handshake for the responder.

    Args:
        initiation: proven, with a new timestamp.
        local_index: our number for the session, 32 bits.
        ephemeral: a fresh key pair, used for nothing else.

    Returns:
        The response, and the keys. They may not be used to send before the initiator used them: until then
        the initiation may be a replay from before a restart.

    Raises:
        HandshakeError: the initiator's ephemeral key is of low order.
    """
    transcript = initiation.transcript.mix_ephemeral(ephemeral.public)
    transcript = transcript.mix_secret(ephemeral.shared_secret(initiation.message.ephemeral))
    transcript = transcript.mix_secret(ephemeral.shared_secret(initiation.remote.public))
    transcript, key = transcript.mix_preshared_key(initiation.remote.preshared_key)
    transcript, encrypted_nothing = transcript.seal(key, b"")
    response = Response(local_index, initiation.message.sender_index, ephemeral.public, encrypted_nothing)
    receiving, sending = transcript.split()
    return response, TransportKeys(sending=sending, receiving=receiving)


def read_response(state: InitiatorState, message: Response) -> TransportKeys:
    """Ends the handshake for the initiator.

    Raises:
        HandshakeError: the response is not the responder's answer to this very initiation.
    """
    transcript = state.transcript.mix_ephemeral(message.ephemeral)
    transcript = transcript.mix_secret(state.ephemeral.shared_secret(message.ephemeral))
    transcript = transcript.mix_secret(state.identity.shared_secret(message.ephemeral))
    transcript, key = transcript.mix_preshared_key(state.remote.preshared_key)
    transcript, _unused = transcript.unseal(key, message.encrypted_nothing)
    sending, receiving = transcript.split()
    return TransportKeys(sending=sending, receiving=receiving)
