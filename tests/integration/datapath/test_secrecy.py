# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What somebody on the path can read: nothing, now or after the static keys are lost."""

from __future__ import annotations

import base64
from itertools import product

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from frame_switch import Frame
from inner_stream import InnerStream, inner_stream
from namespaces import eventually
from noise_initiator import (
    CHACHA20_POLY1305,
    INITIATION,
    RESPONSE,
    TRANSPORT,
    Transcript,
    derive,
    exchange,
    nonce,
)
from scripted_peer import ScriptedPeer
from switched_tunnels import FIRST, SECOND, SwitchedTunnels
from tunnel_process import Identity

MARKER = b"nobody on the path may ever read this"
ROUNDS = 10
BURST = 20


class Eavesdropper:
    """Has recorded a handshake, and was then given both static keys."""

    def __init__(self, initiation: bytes, response: bytes, initiator: bytes, responder: bytes) -> None:
        self._initiation = initiation
        self._response = response
        self._initiator = X25519PrivateKey.from_private_bytes(initiator)
        self._responder = X25519PrivateKey.from_private_bytes(responder)

    def initiator_static(self) -> bytes:
        """The initiator's public key, which static keys do reveal."""
        return self._read_initiation()[1]

    def secrets(self) -> list[bytes]:
        """All that can be computed from both static keys and what was on the wire."""
        ephemerals = self._initiation[8:40], self._response[12:44]
        publics = (
            *ephemerals,
            self._initiator.public_key().public_bytes_raw(),
            self._responder.public_key().public_bytes_raw(),
        )
        return [
            exchange(private, public)
            for private, public in product((self._initiator, self._responder), publics)
        ]

    def read(self, datagrams: list[bytes], ephemeral_secret: bytes) -> list[bytes]:
        """The plaintexts of transport messages, if the secret of both ephemeral keys is this one."""
        transcript, _unused = self._read_initiation()
        ephemeral = self._response[12:44]
        transcript.mix_ephemeral(ephemeral)
        transcript.mix_secret(ephemeral_secret)
        transcript.mix_secret(exchange(self._initiator, ephemeral))
        transcript.mix_preshared_key(bytes(32))
        transcript.mix_hash(self._response[44:60])
        keys = derive(transcript.chaining_key, b"", 2)
        return [plain for datagram, key in product(datagrams, keys) if (plain := _open(key, datagram))]

    def _read_initiation(self) -> tuple[Transcript, bytes]:
        message = self._initiation
        transcript = Transcript(CHACHA20_POLY1305, self._responder.public_key().public_bytes_raw())
        transcript.mix_ephemeral(message[8:40])
        static = transcript.unseal(
            transcript.mix_to_key(exchange(self._responder, message[8:40])), message[40:88]
        )
        transcript.unseal(transcript.mix_to_key(exchange(self._responder, static)), message[88:116])
        return transcript, static


def test_static_keys_do_not_open_recorded_sessions(switched: SwitchedTunnels):
    with inner_stream(switched.first, switched.second, filler=MARKER) as stream:
        stream.pump(5)
    initiation = _last(switched, FIRST, INITIATION)
    response = _last(switched, SECOND, RESPONSE)
    keys = (base64.b64decode(tunnel.identity.private) for tunnel in (switched.us, switched.them))
    eavesdropper = Eavesdropper(initiation, response, *keys)
    assert eavesdropper.initiator_static() == base64.b64decode(switched.us.identity.public)
    recorded = [frame.datagram for frame in switched.transport_frames()]
    for secret in eavesdropper.secrets():
        assert eavesdropper.read(recorded, secret) == []


def test_ephemeral_keys_would(switched: SwitchedTunnels):
    """The same tool opens a session whose ephemeral key it is given, so it is not the tool that fails."""
    with ScriptedPeer(switched.third, switched.them) as peer:
        peer.let_in()
        initiation = peer.noise.initiation()
        peer.send(initiation)
        response = peer.receive()
        assert response is not None
        secret = exchange(peer.noise.ephemeral, response[12:44])
        keys = peer.noise.private.private_bytes_raw(), base64.b64decode(switched.them.identity.private)
        recorded = [peer.noise.session(response).seal(MARKER)]
        assert Eavesdropper(initiation, response, *keys).read(recorded, secret) == [MARKER]


def test_no_plaintext_on_the_wire(switched: SwitchedTunnels):
    """While packets flow, peers come and go, keys change, devices go down and up, and one end is away."""
    recorded = switched.switch.everything = []
    with inner_stream(switched.first, switched.second, filler=MARKER) as stream:
        for disturb in (_remove_and_add, _change_key, _set_down_and_up):
            stream.send(BURST)
            disturb(switched)
            stream.send(BURST)
            _wait_until_it_flows(stream)
        switched.them.close()
        stream.send(BURST)
        switched.us.close()
        switched.first.run("ip", "route", "add", "10.77.0.0/24", "via", "192.0.2.2", check=False)
    assert len(recorded) > BURST
    assert not [frame for frame in recorded if MARKER in frame]


@pytest.mark.parametrize("count", [1000])
def test_nothing_is_repeated_on_the_wire(switched: SwitchedTunnels, count: int):
    """The same packet looks different each time; no counter of a session comes twice."""
    with inner_stream(switched.first, switched.second, filler=MARKER) as stream:
        stream.pump(count)
        switched.forget_session()
        stream.pump(count)
    frames = switched.transport_frames()
    assert len({frame.datagram[4:16] for frame in frames}) == len(frames)
    assert len({frame.datagram[16:32] for frame in frames}) == len(frames)


def _remove_and_add(switched: SwitchedTunnels) -> None:
    switched.forget_session()


def _change_key(switched: SwitchedTunnels) -> None:
    switched.them.remove_peer(switched.us.identity.public)
    switched.us.use_identity(Identity.generate())
    endpoint = f"{switched.first.outer_ipv4}:{switched.us.port}"
    switched.them.add_peer(switched.us.identity.public, ["10.77.0.1/32"], endpoint=endpoint)
    assert switched.second.ping("10.77.0.1")


def _set_down_and_up(switched: SwitchedTunnels) -> None:
    switched.first.run("ip", "link", "set", switched.us.device, "down")
    switched.first.run("ip", "link", "set", switched.us.device, "up")


def _wait_until_it_flows(stream: InnerStream) -> None:
    first = stream.sent

    def flows() -> bool:
        stream.send(1)
        return any(number >= first for number in stream.arrived)

    eventually("packets flow again", flows)


def _last(switched: SwitchedTunnels, port: int, kind: int) -> bytes:
    sent: list[Frame] = [frame for frame in switched.switch.sent_by(port) if frame.datagram[0] == kind]
    return sent[-1].datagram


def _open(key: bytes, datagram: bytes) -> bytes:
    if datagram[0] != TRANSPORT:
        return b""
    counter = int.from_bytes(datagram[8:16], "little")
    try:
        return CHACHA20_POLY1305.aead(key).decrypt(nonce(counter), datagram[16:], None)
    except InvalidTag:
        return b""
