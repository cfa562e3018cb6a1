# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A flood of handshakes from thousands of sources: strangers get cookies at most, members do not notice."""

from __future__ import annotations

import pytest
from handshake_flood import SOURCE_NETWORK, flood_frames, flooding
from inner_stream import inner_stream
from namespaces import eventually, run_ip
from noise_initiator import COOKIE_REPLY, COOKIE_REPLY_SIZE_BYTES, INITIATION_SIZE_BYTES
from switched_tunnels import SECOND, SwitchedTunnels

SOURCE_COUNT = 10_000
# The initiator repeats itself with the cookie after 5 s, as the protocol says, and up to a third of a second.
NEW_PEER_DEADLINE_S = 5.0


@pytest.fixture
def flooded(switched: SwitchedTunnels) -> SwitchedTunnels:
    """The sources of the flood are behind the third host."""
    words = ["route", "add", SOURCE_NETWORK, "via", switched.third.outer_ipv4]
    run_ip("-n", switched.second.name, *words)
    return switched


def test_strangers_get_cookies_at_most(flooded: SwitchedTunnels):
    frames = flood_frames(flooded, SOURCE_COUNT)
    memory_bytes = flooded.them.memory_bytes()
    reasons = flooded.refusals(flooded.them, frames)
    assert set(reasons) <= {"unknown_peer", "not_authentic", "cookie_asked"}
    assert reasons["cookie_asked"] > SOURCE_COUNT / 2
    eventually("all are answered", lambda: len(_cookies(flooded)) >= reasons["cookie_asked"])
    cookies = _cookies(flooded)
    assert len(cookies) == reasons["cookie_asked"]
    assert {len(cookie) for cookie in cookies} == {COOKIE_REPLY_SIZE_BYTES}
    assert COOKIE_REPLY_SIZE_BYTES < INITIATION_SIZE_BYTES  # nobody is flooded through us
    assert flooded.them.memory_bytes() - memory_bytes < 4 << 20


def _cookies(flooded: SwitchedTunnels) -> list[bytes]:
    """The answers that are on the wire by now."""
    sent = (frame.datagram for frame in flooded.switch.sent_by(SECOND))
    return [datagram for datagram in sent if datagram[0] == COOKIE_REPLY]


def test_members_do_not_notice(flooded: SwitchedTunnels):
    frames = flood_frames(flooded, SOURCE_COUNT)
    with inner_stream(flooded.first, flooded.second) as stream, flooding(flooded, frames):
        eventually("cookies are asked for", lambda: flooded.them.drops()["cookie_asked"])
        stream.pump(10_000)
        assert stream.arrived == list(range(10_000))
        assert flooded.first.ping("10.77.0.2")


def test_new_peer_gets_in(flooded: SwitchedTunnels):
    newcomer = flooded.start_tunnel(flooded.third)
    flooded.third.set_up(newcomer.device, "10.77.0.3/24")
    frames = flood_frames(flooded, SOURCE_COUNT)
    with flooding(flooded, frames):
        eventually("cookies are asked for", lambda: flooded.them.drops()["cookie_asked"])
        flooded.them.add_peer(newcomer.identity.public, ["10.77.0.3/32"])
        endpoint = f"{flooded.second.outer_ipv4}:{flooded.them.port}"
        newcomer.add_peer(flooded.them.identity.public, ["10.77.0.2/32"], endpoint=endpoint)
        newcomer.call("connect", public_key=flooded.them.identity.public)
        eventually("it has a session", lambda: _has_session(newcomer, flooded), NEW_PEER_DEADLINE_S)
        assert flooded.third.ping("10.77.0.2")


def _has_session(newcomer, flooded: SwitchedTunnels) -> bool:
    peers = newcomer.call("status")["peers"]
    return peers[flooded.them.identity.public]["last_handshake_age_s"] is not None
