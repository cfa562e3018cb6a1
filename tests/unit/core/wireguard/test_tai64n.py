# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Time stamps that only go forward."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.wireguard.tai64n import NO_TIMESTAMP, Tai64nClock

SECOND_NS = 10**9
WALL_NS = 1_735_689_600 * SECOND_NS


def seconds(stamp: bytes) -> int:
    return int.from_bytes(stamp[:8], "big") - (2**62 + 10)


def test_tells_the_wall_clock():
    stamp = Tai64nClock().stamp(WALL_NS + SECOND_NS // 2)
    assert seconds(stamp) == WALL_NS // SECOND_NS
    assert 480_000_000 < int.from_bytes(stamp[8:], "big") <= 500_000_000


def test_hides_the_fine_clock():
    assert Tai64nClock().stamp(WALL_NS) == Tai64nClock().stamp(WALL_NS + 10_000)


def test_never_goes_back_with_the_wall_clock():
    clock = Tai64nClock()
    before = clock.stamp(WALL_NS)
    assert clock.stamp(WALL_NS - 3600 * SECOND_NS) == before
    assert clock.stamp(0, after=before) > before


def test_many_receivers_do_not_drive_it_ahead():
    clock = Tai64nClock()
    stamps = [clock.stamp(WALL_NS, after=NO_TIMESTAMP) for _unused in range(10_000)]
    assert set(stamps) == {Tai64nClock().stamp(WALL_NS)}


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=50))
def test_one_receiver_sees_only_greater_ones(wall_times_ns: list[int]):
    clock = Tai64nClock()
    latest = NO_TIMESTAMP
    for wall_time_ns in wall_times_ns:
        stamp = clock.stamp(wall_time_ns, after=latest)
        assert stamp > latest
        latest = stamp
