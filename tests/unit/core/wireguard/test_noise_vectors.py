# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Every byte of handshakes, packets and cookies against flynn/noise, wireguard-go and Go's AEADs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import count

import pytest
from noise_vectors import COOKIES, HANDSHAKES, CookieVector, HandshakeVector, PacketVector
from two_hosts import Host, Wire, make_host

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.cookie import CookieChecker, CookieJar
from cladnet.core.wireguard.handshake import (
    InitiatorState,
    KeyPair,
    RemoteIdentity,
    create_initiation,
    create_response,
    prove_claim,
    read_claim,
    read_response,
)
from cladnet.core.wireguard.messages import (
    MACS_SIZE_BYTES,
    Initiation,
    Transport,
    pack_transport,
    parse_cookie_reply,
    parse_initiation,
    parse_response,
    parse_transport,
)
from cladnet.core.wireguard.suite import SUITES

TAI_AHEAD_S = 2**62 + 10

each_handshake = pytest.mark.parametrize("vector", HANDSHAKES, ids=lambda vector: vector.name)
each_packet = pytest.mark.parametrize(
    ("vector", "packet"),
    [(vector, packet) for vector in HANDSHAKES for packet in vector.packets],
    ids=lambda value: value.name if isinstance(value, HandshakeVector) else str(value.counter),
)
each_cookie = pytest.mark.parametrize("vector", COOKIES, ids=lambda vector: vector.name)


def key_pair(private: bytes) -> KeyPair:
    return KeyPair.from_private_bytes(private)


def remote(of: bytes, seen_by: bytes, vector: HandshakeVector) -> RemoteIdentity:
    public = key_pair(of).public
    return RemoteIdentity(public, key_pair(seen_by).shared_secret(public), vector.preshared_key)


def initiate(vector: HandshakeVector) -> tuple[InitiatorState, Initiation]:
    return create_initiation(
        vector.suite,
        key_pair(vector.initiator_private),
        remote(vector.responder_private, vector.initiator_private, vector),
        local_index=vector.initiator_index,
        ephemeral=key_pair(vector.initiator_ephemeral_private),
        timestamp=vector.timestamp,
    )


def test_both_constructions_are_there_with_and_without_a_preshared_key():
    seen = {(vector.construction, any(vector.preshared_key)) for vector in HANDSHAKES}
    assert seen == {(suite.construction.decode(), psk) for suite in SUITES for psk in (False, True)}


@each_handshake
def test_initiation(vector: HandshakeVector):
    _unused, message = initiate(vector)
    assert message.pack() == vector.initiation[:-MACS_SIZE_BYTES]


@each_handshake
def test_responder_reads_the_initiation_and_answers(vector: HandshakeVector):
    identity = key_pair(vector.responder_private)
    claim = read_claim(SUITES, identity, parse_initiation(vector.initiation))
    assert claim.initiator_public == key_pair(vector.initiator_private).public
    proven = prove_claim(claim, remote(vector.initiator_private, vector.responder_private, vector))
    assert (proven.timestamp, proven.suite) == (vector.timestamp, vector.suite)
    response, keys = create_response(
        proven,
        local_index=vector.responder_index,
        ephemeral=key_pair(vector.responder_ephemeral_private),
    )
    assert response.pack() == vector.response[:-MACS_SIZE_BYTES]
    assert (keys.receiving, keys.sending) == (
        vector.initiator_to_responder_key,
        vector.responder_to_initiator_key,
    )


@each_handshake
def test_initiator_reads_the_response(vector: HandshakeVector):
    state, _unused = initiate(vector)
    keys = read_response(state, parse_response(vector.response))
    assert (keys.sending, keys.receiving) == (
        vector.initiator_to_responder_key,
        vector.responder_to_initiator_key,
    )


@each_handshake
@pytest.mark.parametrize("message", ["initiation", "response"])
def test_macs(vector: HandshakeVector, message: str):
    receiver = vector.responder_private if message == "initiation" else vector.initiator_private
    datagram = getattr(vector, message)
    public = key_pair(receiver).public
    assert CookieJar(public).add_macs(datagram[:-MACS_SIZE_BYTES], 0.0) == datagram
    assert CookieChecker(public, bytes).mac1_is_valid(datagram)


@each_packet
def test_packet(vector: HandshakeVector, packet: PacketVector):
    key, receiver = vector.responder_to_initiator_key, vector.initiator_index
    if packet.from_initiator:
        key, receiver = vector.initiator_to_responder_key, vector.responder_index
    nonce = struct.pack("<4xQ", packet.counter)
    ciphertext = vector.suite.aead(key).encrypt(nonce, packet.plaintext, None)
    assert pack_transport(Transport(receiver, packet.counter, ciphertext)) == packet.datagram
    message = parse_transport(packet.datagram)
    assert (message.receiver_index, message.counter) == (receiver, packet.counter)
    assert vector.suite.aead(key).decrypt(nonce, message.ciphertext, None) == packet.plaintext


def scripted(index: int, ephemeral: bytes) -> Callable[[int], bytes]:
    """The random source of a device that is to choose this index and this ephemeral key."""
    indices = count(index)
    by_size = {4: lambda: struct.pack("<I", next(indices)), 32: lambda: ephemeral}
    return lambda size_bytes: by_size.get(size_bytes, lambda: bytes(size_bytes))()


def wall_time_ns(timestamp: bytes) -> int:
    seconds, nanoseconds = struct.unpack(">QI", timestamp)
    return (seconds - TAI_AHEAD_S) * 10**9 + nanoseconds


def hosts_of(vector: HandshakeVector) -> tuple[Host, Host, Wire]:
    """Two whole hosts that draw what the vector's devices drew, and know each other."""
    initiator = make_host(
        1,
        private_key=vector.initiator_private,
        random_bytes=scripted(vector.initiator_index, vector.initiator_ephemeral_private),
        wall_time_ns=lambda: wall_time_ns(vector.timestamp),
    )
    responder = make_host(
        2,
        private_key=vector.responder_private,
        random_bytes=scripted(vector.responder_index, vector.responder_ephemeral_private),
    )
    wire = Wire(initiator, responder)
    options = {"preshared_key": vector.preshared_key, "suites": (vector.suite,)}
    initiator.device.set_peer(responder.config(**options), wire.now_s)
    responder.device.set_peer(initiator.config(**options), wire.now_s)
    return initiator, responder, wire


@pytest.mark.parametrize(
    "vector",
    [vector for vector in HANDSHAKES if vector.name.startswith("computed")],
    ids=lambda vector: vector.name,
)
def test_hosts_say_what_the_vector_says(vector: HandshakeVector):
    """From the initiation to the first packet both ways, as whole devices put it on the wire."""
    initiator, responder, wire = hosts_of(vector)
    initiator.device.connect(responder.key, wire.now_s)
    wire.settle()
    responder.device.connect(initiator.key, wire.now_s)
    wire.settle()
    assert [datagram for _unused, datagram, _unused in wire.sent] == [
        vector.initiation,
        vector.response,
        vector.packets[0].datagram,
        vector.packets[1].datagram,
    ]


@each_handshake
def test_host_understands_the_initiator_of_the_vector(vector: HandshakeVector):
    initiator, responder, wire = hosts_of(vector)
    for datagram in [vector.initiation, *(packet.datagram for packet in vector.packets[:1])]:
        responder.device.datagram_received(datagram, initiator.endpoint, wire.now_s)
    assert [datagram for _unused, datagram, _unused in wire.collect()] == [vector.response]
    [peer] = responder.device.status(wire.now_s).peers
    assert peer.last_handshake_age_s == 0.0


def cookie_random(vector: CookieVector) -> Callable[[int], bytes]:
    return {len(vector.secret): vector.secret, len(vector.nonce): vector.nonce}.__getitem__


@each_cookie
def test_cookie_reply(vector: CookieVector):
    public = key_pair(vector.receiver_private).public
    checker = CookieChecker(public, cookie_random(vector))
    source = Endpoint.parse(vector.source)
    assert checker.reply(vector.asking, source, 0.0).pack() == vector.reply
    assert checker.mac2_is_valid(vector.asked_again, source, 1.0)


@each_cookie
def test_message_with_a_cookie(vector: CookieVector):
    jar = CookieJar(key_pair(vector.receiver_private).public)
    assert jar.add_macs(vector.asking[:-MACS_SIZE_BYTES], 0.0) == vector.asking
    assert jar.accept(parse_cookie_reply(vector.reply), 0.0)
    assert jar.add_macs(vector.asking[:-MACS_SIZE_BYTES], 1.0) == vector.asked_again
