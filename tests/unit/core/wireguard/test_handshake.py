# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The Noise handshake against vectors that another implementation computed.

The vectors are from the Python package `noiseprotocol` 0.3.1 (Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, with
WireGuard's identifier as prologue) and the keys below.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from cladnet.core.wireguard.handshake import (
    HandshakeError,
    InitiatorState,
    KeyPair,
    ProvenInitiation,
    RemoteIdentity,
    TransportKeys,
    create_initiation,
    create_response,
    prove_claim,
    read_claim,
    read_response,
)
from cladnet.core.wireguard.messages import Initiation, Response
from cladnet.core.wireguard.suite import CHACHA20_POLY1305, Suite

INITIATOR = KeyPair.from_private_bytes(b"\1" * 32)
RESPONDER = KeyPair.from_private_bytes(b"\2" * 32)
INITIATOR_EPHEMERAL = KeyPair.from_private_bytes(b"\3" * 32)
RESPONDER_EPHEMERAL = KeyPair.from_private_bytes(b"\4" * 32)
PRESHARED_KEY = b"\5" * 32
NO_PRESHARED_KEY = bytes(32)
TIMESTAMP = bytes.fromhex("400000006774850a00000000")

FIRST_MESSAGE = bytes.fromhex(
    "5dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef22"
    "0a26599fb2188bb723276fc173af67616c817fc32fd04d686d87ec152fac10ee"
    "d2bda3bb3b6f1eded6977684082284d817fb46b3abbc1fe3bd273ed6e46da186"
    "dcb57ac36eb158fe9ecb8a67"
)
RESPONDER_EPHEMERAL_PUBLIC = "ac01b2209e86354fb853237b5de0f4fab13c7fcbf433a61c019369617fecf10b"

# Small-order points of Curve25519, in all encodings that are smaller than 2^255 (https://cr.yp.to/ecdh.html).
LOW_ORDER_POINTS = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@dataclass(frozen=True)
class Vector:
    """What depends on the preshared key: the tag of the second message, and the initiator's keys."""

    preshared_key: bytes
    second_tag: str
    sending: str
    receiving: str
    first_packet: str


VECTORS = [
    Vector(
        preshared_key=NO_PRESHARED_KEY,
        second_tag="4be476a7c5a8a240b4b578c7b3514f77",
        sending="b30c71d520eb54edcf0ad32b6c2e5bdff747e6e2bf8a126ae52eb1c7140b4398",
        receiving="bc8d9cb5d3c1654d26eef4fab1426ff05fff238c2ddac280941197772e21c21c",
        first_packet="331acfb8be868d860073602d577e3564340da3909374b3bf",
    ),
    Vector(
        preshared_key=PRESHARED_KEY,
        second_tag="e1fac3687eacec916698858841e02aaa",
        sending="a18cc809fd05b6b5f99644cf506f89dce368c2f54a9dbeb9a384f36c274317ef",
        receiving="b1aa1b797d3a45da97552b8084ade493aa767f15af95854bc86557f6dacd851d",
        first_packet="ffcbf5cf1521c3e372aeed7373bb9071df645c22e282b3fe",
    ),
]


def remote(of: KeyPair, seen_by: KeyPair, preshared_key: bytes = NO_PRESHARED_KEY) -> RemoteIdentity:
    return RemoteIdentity(of.public, seen_by.shared_secret(of.public), preshared_key)


def initiate(
    preshared_key: bytes = NO_PRESHARED_KEY, suite: Suite = CHACHA20_POLY1305
) -> tuple[InitiatorState, Initiation]:
    return create_initiation(
        suite,
        INITIATOR,
        remote(RESPONDER, INITIATOR, preshared_key),
        local_index=7,
        ephemeral=INITIATOR_EPHEMERAL,
        timestamp=TIMESTAMP,
    )


def prove(message: Initiation, preshared_key: bytes = NO_PRESHARED_KEY) -> ProvenInitiation:
    claim = read_claim((CHACHA20_POLY1305,), RESPONDER, message)
    assert claim.initiator_public == INITIATOR.public
    return prove_claim(claim, remote(INITIATOR, RESPONDER, preshared_key))


def respond(message: Initiation, preshared_key: bytes = NO_PRESHARED_KEY) -> tuple[Response, TransportKeys]:
    return create_response(prove(message, preshared_key), local_index=9, ephemeral=RESPONDER_EPHEMERAL)


def test_initiation_is_the_vector():
    _unused, message = initiate()
    assert message.ephemeral + message.encrypted_static + message.encrypted_timestamp == FIRST_MESSAGE


def test_responder_reads_the_vector():
    message = Initiation(7, FIRST_MESSAGE[:32], FIRST_MESSAGE[32:80], FIRST_MESSAGE[80:])
    assert prove(message).timestamp == TIMESTAMP


@pytest.mark.parametrize("vector", VECTORS, ids=["no-psk", "psk"])
def test_response_and_keys_are_the_vector(vector: Vector):
    state, initiation = initiate(vector.preshared_key)
    response, keys = respond(initiation, vector.preshared_key)
    assert (response.ephemeral + response.encrypted_nothing).hex() == (
        RESPONDER_EPHEMERAL_PUBLIC + vector.second_tag
    )
    assert (keys.receiving.hex(), keys.sending.hex()) == (vector.sending, vector.receiving)
    initiator_keys = read_response(state, response)
    assert (initiator_keys.sending.hex(), initiator_keys.receiving.hex()) == (
        vector.sending,
        vector.receiving,
    )
    first = CHACHA20_POLY1305.aead(initiator_keys.sending).encrypt(bytes(12), b"packet 0", None)
    assert first.hex() == vector.first_packet


def test_indices_name_the_session_on_both_sides():
    _unused, initiation = initiate()
    response, _unused = respond(initiation)
    assert (response.sender_index, response.receiver_index) == (9, 7)


@pytest.mark.parametrize("field", ["ephemeral", "encrypted_static", "encrypted_timestamp"])
def test_changed_initiation_is_refused(field: str):
    _unused, message = initiate()
    value = getattr(message, field)
    changed = replace(message, **{field: value[:-1] + bytes([value[-1] ^ 1])})
    with pytest.raises(HandshakeError):
        prove(changed)


@pytest.mark.parametrize("field", ["ephemeral", "encrypted_nothing"])
def test_changed_response_is_refused(field: str):
    state, initiation = initiate()
    response, _unused = respond(initiation)
    value = getattr(response, field)
    with pytest.raises(HandshakeError):
        read_response(state, replace(response, **{field: value[:-1] + bytes([value[-1] ^ 1])}))


def test_other_preshared_key_is_refused():
    state, initiation = initiate(PRESHARED_KEY)
    response, _unused = respond(initiation, NO_PRESHARED_KEY)
    with pytest.raises(HandshakeError):
        read_response(state, response)


def test_other_construction_is_refused():
    """Two suites can never agree by mistake, whatever their AEAD."""
    other = Suite("other", b"Noise_IKpsk2_25519_AESGCM_BLAKE2s", CHACHA20_POLY1305.aead)
    _unused, message = initiate(suite=other)
    with pytest.raises(HandshakeError):
        prove(message)


def test_claim_without_the_static_key_is_refused():
    """Anybody can name the initiator's public key; only its owner can prove it."""
    thief = KeyPair.from_private_bytes(b"\6" * 32)
    impostor = KeyPair(thief.private, INITIATOR.public)
    _unused, message = create_initiation(
        CHACHA20_POLY1305,
        impostor,
        remote(RESPONDER, thief),
        local_index=7,
        ephemeral=INITIATOR_EPHEMERAL,
        timestamp=TIMESTAMP,
    )
    with pytest.raises(HandshakeError):
        prove(message)


@pytest.mark.parametrize("point", LOW_ORDER_POINTS)
def test_low_order_points_give_no_secret(point: str):
    with pytest.raises(HandshakeError):
        INITIATOR.shared_secret(bytes.fromhex(point))


@pytest.mark.parametrize("point", LOW_ORDER_POINTS)
def test_low_order_ephemeral_gets_no_answer(point: str):
    _unused, message = initiate()
    with pytest.raises(HandshakeError):
        prove(replace(message, ephemeral=bytes.fromhex(point)))


def test_secrets_have_no_repr():
    state, _unused = initiate(PRESHARED_KEY)
    for secret in (state, state.remote, state.transcript, INITIATOR):
        assert "b'" not in repr(secret)
