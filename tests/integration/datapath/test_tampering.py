# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Datagrams that were changed on the way: not one is accepted, and the unchanged one still is afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator

from frame_switch import Frame
from inner_stream import InnerStream, inner_stream
from namespace_sockets import open_udp
from namespaces import eventually
from noise_initiator import COOKIE_REPLY, INITIATION, RESPONSE, TRANSPORT
from scripted_peer import ScriptedPeer
from switched_tunnels import SECOND, SwitchedTunnels, changed, refusals

HEADER_SIZE_BYTES = 16
MAC2_SIZE_BYTES = 16
LONGEST_OVER_ETHERNET = 1500 - 28
LONGEST_DATAGRAM = 65_507
RECORDED_COUNT = 20
FULL_PACKET_FILLER = bytes(1420 - 28 - 8)


def bit_flips(datagram: bytes, size_bytes: int) -> Iterator[bytes]:
    """The datagram with one bit changed, for every bit of its first bytes."""
    for position in range(size_bytes):
        for bit in range(8):
            yield datagram[:position] + bytes([datagram[position] ^ 1 << bit]) + datagram[position + 1 :]


def test_every_bit_of_a_datagram(switched: SwitchedTunnels):
    with inner_stream(switched.first, switched.second) as stream:
        frame = switched.hold_one(stream)
        _none_accepted(switched, frame, bit_flips(frame.datagram, len(frame.datagram)), stream)


def test_every_bit_of_many_headers(switched: SwitchedTunnels):
    with inner_stream(switched.first, switched.second) as stream:
        for _unused in range(RECORDED_COUNT):
            frame = switched.hold_one(stream)
            _none_accepted(switched, frame, bit_flips(frame.datagram, HEADER_SIZE_BYTES), stream)


def test_a_bit_of_every_byte_of_a_full_packet(switched: SwitchedTunnels):
    with inner_stream(switched.first, switched.second, filler=FULL_PACKET_FILLER) as stream:
        frame = switched.hold_one(stream)
        flips = list(bit_flips(frame.datagram, len(frame.datagram)))
        picked = [flips[8 * position + position % 8] for position in range(len(frame.datagram))]
        _none_accepted(switched, frame, picked, stream)


def test_every_bit_of_an_initiation(switched: SwitchedTunnels):
    with ScriptedPeer(switched.third, switched.them) as peer:
        peer.let_in()
        initiation = peer.noise.initiation()
        flips = list(bit_flips(initiation, len(initiation) - MAC2_SIZE_BYTES))
        refusals(switched.them, flips, peer.send)
        assert peer.receive(0) is None
        peer.send(initiation)
        response = peer.receive()
        assert response is not None
        assert response[0] == RESPONSE
        assert peer.noise.session(response)


def test_every_bit_of_a_response(switched: SwitchedTunnels):
    with switched.held_back(SECOND) as held:
        switched.us.call("remove_peer", public_key=switched.them.identity.public)
        endpoint = f"{switched.second.outer_ipv4}:{switched.them.port}"
        switched.us.add_peer(switched.them.identity.public, ["10.77.0.2/32"], endpoint=endpoint)
        switched.us.call("connect", public_key=switched.them.identity.public)
        eventually("there is a response", lambda: [frame for frame in held if frame.datagram[0] == RESPONSE])
        response = next(frame for frame in held if frame.datagram[0] == RESPONSE)
        flips = bit_flips(response.datagram, len(response.datagram) - MAC2_SIZE_BYTES)
        switched.refusals(switched.us, [changed(response, flip) for flip in flips])
    assert _handshake_age_s(switched) is None
    switched.switch.deliver(response)
    eventually("the session is made", lambda: _handshake_age_s(switched) is not None)
    switched.check_up()


def test_every_other_length(switched: SwitchedTunnels):
    rng = random.Random(4)  # noqa: S311 - only has to look random
    with inner_stream(switched.first, switched.second) as stream:
        frame = switched.hold_one(stream)
        noise = rng.randbytes(LONGEST_OVER_ETHERNET)
        lengths = [length for length in range(LONGEST_OVER_ETHERNET + 1) if length != len(frame.datagram)]
        memory_bytes = switched.them.memory_bytes()
        _none_accepted(switched, frame, [(frame.datagram + noise)[:length] for length in lengths], stream)
        assert switched.them.memory_bytes() - memory_bytes < 1 << 20


def test_the_longest_datagrams(switched: SwitchedTunnels):
    kinds, lengths = (0, INITIATION, RESPONSE, COOKIE_REPLY, TRANSPORT), (9001, 65_000, LONGEST_DATAGRAM)
    datagrams = [bytes([kind]) + bytes(length - 1) for kind in kinds for length in lengths]
    to = (switched.second.outer_ipv4, switched.them.port)
    assert switched.third.pings(
        switched.second.outer_ipv4
    )  # no fragment waits for the resolution of the address
    with open_udp(switched.third.name, switched.third.outer_ipv4) as sender:
        delivered = switched.them.packets_delivered()
        refusals(switched.them, datagrams, lambda datagram: sender.sendto(datagram, to))
    assert switched.them.packets_delivered() == delivered
    switched.check_up()


def _none_accepted(switched: SwitchedTunnels, frame: Frame, datagrams, stream: InnerStream) -> None:
    """Delivers changed datagrams, all in vain, and then the right one, which arrives."""
    delivered, answers = switched.them.packets_delivered(), len(switched.switch.sent_by(SECOND))
    switched.refusals(switched.them, [changed(frame, datagram) for datagram in datagrams])
    assert switched.them.packets_delivered() == delivered
    assert len(switched.switch.sent_by(SECOND)) == answers
    switched.switch.deliver(frame)
    eventually("the unchanged datagram arrives", lambda: stream.arrived == list(range(stream.sent)))


def _handshake_age_s(switched: SwitchedTunnels) -> float | None:
    status = switched.us.call("status")
    return status["peers"][switched.them.identity.public]["last_handshake_age_s"]
