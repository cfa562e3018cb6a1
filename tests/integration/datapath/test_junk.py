# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Noise and nearly right datagrams in great number: no answer, no harm to those who talk, no memory used."""

from __future__ import annotations

import random

import pytest
from junk_datagrams import GENERATORS, Mutator
from noise_initiator import COOKIE_REPLY, INITIATION, RESPONSE, TRANSPORT
from scripted_peer import ScriptedPeer
from switched_tunnels import SwitchedTunnels, refusals

NOISE_COUNT = 60_000
MUTATED_COUNT = 30_000
MAX_GROWTH_BYTES = 10 << 20


def corpus(switched: SwitchedTunnels, peer: ScriptedPeer) -> list[bytes]:
    """Real datagrams of every type, spent or of a stranger, so that none of them is worth an answer."""
    seen = [frame.datagram for frame in switched.switch.seen]
    by_type = [next(each for each in seen if each[0] == kind) for kind in (INITIATION, RESPONSE, TRANSPORT)]
    return [*by_type, peer.noise.initiation(), bytes([COOKIE_REPLY, 0, 0, 0]) + bytes(60)]


def noise(rng: random.Random) -> bytes:
    return rng.choice(GENERATORS)(rng)


@pytest.mark.parametrize("kind", ["noise", "mutated"])
def test_junk(switched: SwitchedTunnels, kind: str):
    with ScriptedPeer(switched.third, switched.them) as peer:
        make = noise if kind == "noise" else Mutator(corpus(switched, peer))
        rng = random.Random(5)  # noqa: S311 - has to be the same every time
        junk = [make(rng) for _unused in range(NOISE_COUNT if kind == "noise" else MUTATED_COUNT)]
        refusals(switched.them, junk[:5000], peer.send)
        before_bytes, delivered = switched.them.memory_bytes(), switched.them.packets_delivered()
        refusals(switched.them, junk[5000:], peer.send)
        assert switched.them.memory_bytes() - before_bytes < MAX_GROWTH_BYTES
        assert switched.them.packets_delivered() == delivered
        assert peer.receive(0) is None
    switched.check_up()
