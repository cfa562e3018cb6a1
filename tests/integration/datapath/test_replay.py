# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What was sent once arrives once: recorded datagrams that are sent again, in any order and at any time."""

from __future__ import annotations

import random
import socket
from functools import partial

from frame_switch import Frame
from inner_stream import inner_stream
from namespace_sockets import open_udp
from noise_initiator import INITIATION, RESPONSE
from switched_tunnels import SECOND, SwitchedTunnels, refusals
from tunnel_process import TunnelProcess

RECORDED_COUNT = 10_000


def test_recorded_datagrams(switched: SwitchedTunnels):
    with inner_stream(switched.first, switched.second) as stream:
        stream.pump(RECORDED_COUNT)
        recorded = switched.transport_frames()
        delivered = switched.them.packets_delivered()
        _all_replayed(switched, recorded)
        _all_replayed(switched, random.Random(1).sample(recorded, len(recorded)))  # noqa: S311 - any order
        assert switched.them.packets_delivered() == delivered
        stream.pump(RECORDED_COUNT)
        _all_replayed(switched, recorded)
        switched.forget_session()
        _all_replayed(switched, recorded)
        switched.forget_session()
        reasons = switched.refusals(switched.them, recorded)
        assert reasons == {"unknown_session": len(recorded)}
        assert stream.arrived == list(range(2 * RECORDED_COUNT))
    switched.check_up()


def test_to_a_third_peer(switched: SwitchedTunnels):
    third = switched.start_tunnel(switched.third, listen_port=switched.them.port)
    third.add_peer(switched.us.identity.public, ["10.77.0.1/32"])
    switched.third.set_up(third.device, "10.77.0.2/24")
    with inner_stream(switched.first, switched.second) as stream:
        stream.pump(RECORDED_COUNT)
    delivered = third.packets_delivered()
    recorded = [frame.datagram for frame in switched.transport_frames()]
    with open_udp(switched.first.name, switched.first.outer_ipv4) as sender:
        reasons = refusals(third, recorded, partial(_send, sender, (third.host.outer_ipv4, third.port)))
    assert reasons == {"unknown_session": len(recorded)}
    assert third.packets_delivered() == delivered
    switched.check_up()


def test_handshakes(switched: SwitchedTunnels):
    initiations = [frame for frame in switched.switch.seen if frame.datagram[0] == INITIATION]
    responses = [frame for frame in switched.switch.seen if frame.datagram[0] == RESPONSE]
    assert initiations
    assert responses
    assert _reasons(switched, switched.them, initiations * 20) == {"replayed_initiation"}
    assert _reasons(switched, switched.us, responses * 20) == {"unknown_session"}
    assert not [
        frame for frame in switched.switch.sent_by(SECOND) if frame not in responses and _answers(frame)
    ]
    switched.check_up()


def test_initiation_after_a_restart_moves_nobody(switched: SwitchedTunnels):
    """A restarted responder knows no time stamps, so it answers; to the attacker that is worth nothing."""
    initiation = next(frame for frame in switched.switch.seen if frame.datagram[0] == INITIATION)
    port, identity = switched.them.port, switched.them.identity
    switched.them.close()
    restarted = switched.start_tunnel(switched.second, listen_port=port, identity=identity)
    endpoint = f"{switched.first.outer_ipv4}:{switched.us.port}"
    restarted.add_peer(switched.us.identity.public, ["10.77.0.1/32"], endpoint=endpoint)
    switched.second.set_up(restarted.device, "10.77.0.2/24")
    switched.second.ping("10.77.0.1")
    switched.switch.deliver(initiation)
    assert restarted.endpoint_of(switched.us.identity.public) == endpoint
    switched.check_up()


def _all_replayed(switched: SwitchedTunnels, frames: list[Frame]) -> None:
    assert switched.refusals(switched.them, frames) == {"replayed": len(frames)}


def _reasons(switched: SwitchedTunnels, tunnel: TunnelProcess, frames: list[Frame]) -> set[str]:
    return set(switched.refusals(tunnel, frames))


def _answers(frame: Frame) -> bool:
    return frame.datagram[0] in (INITIATION, RESPONSE)


def _send(sender: socket.socket, to: tuple[str, int], datagram: bytes) -> None:
    sender.sendto(datagram, to)
