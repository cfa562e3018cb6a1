# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.path_mtu import (
    BASE_BYTES,
    IPV4_OVERHEAD_BYTES,
    MAX_PROBES,
    SAFE_BYTES,
    PathMtu,
    PathMtuBounds,
    Phase,
)

JUMBO = PathMtuBounds(SAFE_BYTES, 8921)
ETHERNET = PathMtuBounds(SAFE_BYTES, 1420)
# What a path with jumbo frames at both ends and any MTU between costs at most, when nothing is lost.
MOST_ROUNDS = 6
LONG_TRIP_S, DEADLINE_S = 0.2, 10.0


def delivers(_size: int, _copy: int) -> bool:
    return True


@dataclass
class SimulatedPath:
    """A path without ICMP errors: what is too big is lost without a word, and so is what ``passes`` says.

    Args:
        mtu_bytes: of inner packets.
        passes: whether the n-th probe of a size that fits, and its answer, get through.
    """

    mtu_bytes: int
    passes: Callable[[int, int], bool] = delivers
    trip_s: float = 0.05
    now_s: float = 1000.0
    bursts: list[tuple[int, ...]] = field(default_factory=list)
    sent: Counter[int] = field(default_factory=Counter)

    def run(self, path: PathMtu) -> None:
        """Lets the machine do all that it wants to."""
        while path.next_s is not None:
            self.now_s = max(self.now_s, path.next_s)
            sizes = path.burst(self.now_s)
            if not sizes:
                assert path.next_s is None
                return
            self._carry(sizes, path)

    def _carry(self, sizes: tuple[int, ...], path: PathMtu) -> None:
        self.bursts.append(sizes)
        arrival_s = self.now_s + self.trip_s
        for size in sizes:
            self.sent[size] += 1
            if size <= self.mtu_bytes and self.passes(size, self.sent[size]):
                path.answered(size, arrival_s)


def searched(true_mtu: int, bounds: PathMtuBounds = JUMBO) -> tuple[PathMtu, SimulatedPath]:
    path, wire = PathMtu(bounds, IPV4_OVERHEAD_BYTES), SimulatedPath(true_mtu)
    path.search(wire.now_s)
    wire.run(path)
    return path, wire


@given(st.integers(BASE_BYTES, 9000), st.integers(1280, 9000))
def test_true_value_is_found(true_mtu: int, device_mtu: int) -> None:
    path, wire = (
        PathMtu(PathMtuBounds(SAFE_BYTES, device_mtu), 60),
        SimulatedPath(true_mtu, trip_s=LONG_TRIP_S),
    )
    path.search(wire.now_s)
    began_s = wire.now_s
    wire.run(path)
    assert wire.now_s - began_s <= DEADLINE_S
    assert (path.phase, path.mtu_bytes) == (Phase.FOUND, min(true_mtu, device_mtu))
    assert len(wire.bursts) <= MOST_ROUNDS * MAX_PROBES
    assert max(map(max, wire.bursts)) <= device_mtu


@pytest.mark.parametrize(
    ("true_mtu", "bounds", "bursts"),
    [(1440, ETHERNET, 1), (1340, ETHERNET, 2 * MAX_PROBES), (8941, JUMBO, 1), (1440, JUMBO, 2 * MAX_PROBES)],
)
def test_path_that_is_like_most_takes_few_bursts(true_mtu: int, bounds: PathMtuBounds, bursts: int) -> None:
    assert len(searched(true_mtu, bounds)[1].bursts) == bursts


def test_value_is_used_as_soon_as_it_is_proven() -> None:
    path, wire = PathMtu(JUMBO, IPV4_OVERHEAD_BYTES), SimulatedPath(1400)
    path.search(wire.now_s)
    values = []
    for _unused in range(3):
        wire._carry(path.burst(wire.now_s), path)
        values.append(path.mtu_bytes)
        wire.now_s += 1.0
    assert values == [SAFE_BYTES, 1400, 1400]


@given(st.integers(BASE_BYTES, 9000), st.randoms(use_true_random=False), st.floats(0.05, 0.5))
def test_loss_costs_time_but_not_the_value(true_mtu: int, random: object, share: float) -> None:
    in_a_row: Counter[int] = Counter()

    def passes(size: int, _copy: int) -> bool:
        lost = random.random() < share and in_a_row[size] < MAX_PROBES - 1  # type: ignore[attr-defined]
        in_a_row[size] = in_a_row[size] + 1 if lost else 0
        return not lost

    path, wire = PathMtu(JUMBO, IPV4_OVERHEAD_BYTES), SimulatedPath(true_mtu, passes)
    path.search(wire.now_s)
    wire.run(path)
    assert (path.phase, path.mtu_bytes) == (Phase.FOUND, min(true_mtu, 8921))


@given(st.integers(BASE_BYTES, 8921), st.integers(BASE_BYTES, 9000))
def test_path_that_got_narrower_is_noticed_and_measured_again(before: int, after: int) -> None:
    path, wire = searched(before)
    wire.mtu_bytes = after
    path.confirm(wire.now_s)
    wire.run(path)
    assert (path.phase, path.mtu_bytes) == (Phase.FOUND, min(before, after))


@given(st.integers(BASE_BYTES, 8921), st.integers(BASE_BYTES, 9000))
def test_new_search_finds_what_the_path_became(before: int, after: int) -> None:
    path, wire = searched(before)
    wire.mtu_bytes = after
    path.search(wire.now_s)
    wire.run(path)
    assert (path.phase, path.mtu_bytes) == (Phase.FOUND, min(after, 8921))


def test_black_hole_leads_to_the_safe_value_at_once() -> None:
    path, wire = searched(8921)
    wire.mtu_bytes = 1300
    path.confirm(wire.now_s)
    for _unused in range(MAX_PROBES):
        wire._carry(path.burst(wire.now_s), path)
        wire.now_s += 1.0
        assert path.mtu_bytes == 8921
    wire._carry(path.burst(wire.now_s), path)
    assert (path.mtu_bytes, path.phase) == (SAFE_BYTES, Phase.SEARCHING)


def test_safe_value_that_is_lost_leads_to_the_base() -> None:
    path, _unused = searched(1100)
    assert path.mtu_bytes == 1100
    path, wire = PathMtu(PathMtuBounds(1420, 1420), IPV4_OVERHEAD_BYTES), SimulatedPath(600)
    path.search(wire.now_s)
    wire.run(path)
    assert path.mtu_bytes == 600


@pytest.mark.parametrize("bounds", [ETHERNET, PathMtuBounds(1420, 1420)])
def test_silent_peer_keeps_the_initial_value(bounds: PathMtuBounds) -> None:
    path, wire = searched(0, bounds)
    assert (path.phase, path.mtu_bytes, len(wire.bursts)) == (
        Phase.UNANSWERED,
        bounds.initial_bytes,
        MAX_PROBES,
    )
    wire.mtu_bytes = 1400
    path.search(wire.now_s)
    wire.run(path)
    assert (path.phase, path.mtu_bytes) == (Phase.FOUND, min(1400, bounds.most_bytes))


@pytest.mark.parametrize("look", [PathMtu.search, PathMtu.confirm])
def test_peer_that_falls_silent_keeps_what_was_found(look: Callable[[PathMtu, float], None]) -> None:
    path, wire = searched(1400)
    wire.mtu_bytes = 0
    look(path, wire.now_s)
    wire.run(path)
    assert (path.phase, path.mtu_bytes) == (Phase.FOUND, 1400)


def test_confirmation_is_one_small_and_one_full_packet() -> None:
    path, wire = searched(1400)
    wire.bursts.clear()
    path.confirm(wire.now_s)
    wire.run(path)
    assert wire.bursts == [(1400, BASE_BYTES)]


def test_late_answer_corrects_what_seemed_too_big() -> None:
    path = PathMtu(ETHERNET, IPV4_OVERHEAD_BYTES)
    path.search(0.0)
    now_s = 0.0
    for _unused in range(MAX_PROBES + 1):
        path.burst(now_s)
        path.answered(BASE_BYTES, now_s + 0.1)
        now_s += 1.0
    path.answered(1420, now_s)
    assert (path.burst(now_s), path.mtu_bytes, path.phase) == ((), 1420, Phase.FOUND)


def test_answer_after_the_search_changes_nothing() -> None:
    path, _unused = searched(1400)
    path.answered(1420, 0.0)
    assert (path.mtu_bytes, path.next_s) == (1400, None)


@pytest.mark.parametrize("device_mtu", [BASE_BYTES, BASE_BYTES + 1, 700])
def test_device_with_the_smallest_mtu(device_mtu: int) -> None:
    path, _unused = searched(1400, PathMtuBounds(device_mtu, device_mtu))
    assert (path.phase, path.mtu_bytes) == (Phase.FOUND, device_mtu)
