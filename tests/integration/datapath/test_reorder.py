# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Datagrams that overtake one another: none is lost within the replay window, none arrives beyond."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from frame_switch import Frame, forward
from inner_stream import inner_stream
from namespaces import eventually
from switched_tunnels import FIRST, SwitchedTunnels

WINDOW_SIZE = 8192
# What the queue of a TUN device takes at once.
_BURST = 128


class Shuffler:
    """Collects datagrams of the first host and lets each full batch go in a random order."""

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._random = random.Random(seed)  # noqa: S311 - any order
        self.held: list[Frame] = []

    def __call__(self, frame: Frame) -> Iterable[Frame]:
        if frame.port != FIRST:
            return (frame,)
        self.held.append(frame)
        if len(self.held) < self._size:
            return ()
        batch, self.held = self.held, []
        self._random.shuffle(batch)
        return batch


@pytest.mark.parametrize(("size", "rounds"), [(64, 40), (1024, 4), (WINDOW_SIZE - 2 * _BURST, 1)])
def test_within_the_window(switched: SwitchedTunnels, size: int, rounds: int):
    with inner_stream(switched.first, switched.second) as stream:
        shuffler = switched.switch.policy = Shuffler(size, seed=size)
        for _unused in range(size * rounds // _BURST):
            on_the_wire = len(switched.transport_frames())
            stream.send(_BURST)
            _wait_for_frames(switched, on_the_wire + _BURST)
        assert not shuffler.held
        stream.wait_for(stream.sent)
        assert sorted(stream.arrived) == list(range(stream.sent))
        assert stream.arrived != sorted(stream.arrived)
    assert not switched.them.drops()["replayed"]


def test_beyond_the_window(switched: SwitchedTunnels):
    with inner_stream(switched.first, switched.second) as stream:
        late = [switched.hold_one(stream) for _unused in range(3)]
        stream.pump(WINDOW_SIZE // 2)
        switched.switch.deliver(late[2])
        eventually("the one in the window has arrived", lambda: 2 in stream.arrived)
        stream.pump(WINDOW_SIZE // 2)
        assert switched.refusals(switched.them, late[:2]) == {"replayed": 2}
        assert not {0, 1} & set(stream.arrived)
    switched.check_up()


def test_a_lost_datagram_costs_one_packet(switched: SwitchedTunnels):
    """Every tenth datagram is lost; all others arrive, in order."""
    with inner_stream(switched.first, switched.second) as stream:
        switched.switch.policy = _without_every_tenth()
        stream.send(_BURST)
        stream.wait_for(_BURST - _BURST // 10)
        switched.switch.policy = forward
        stream.send(1)
        eventually("the last has arrived", lambda: _BURST in stream.arrived)
        assert len(stream.arrived) == _BURST - _BURST // 10 + 1
        assert stream.arrived == sorted(stream.arrived)


def _without_every_tenth():
    count = 0

    def policy(frame: Frame) -> Iterable[Frame]:
        nonlocal count
        count += frame.port == FIRST
        return () if frame.port == FIRST and count % 10 == 0 else (frame,)

    return policy


def _wait_for_frames(switched: SwitchedTunnels, count: int) -> None:
    eventually(f"{count} are on the wire", lambda: len(switched.transport_frames()) >= count)
