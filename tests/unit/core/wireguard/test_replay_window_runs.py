# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The replay window with single counters and runs of them, at every boundary, against a set and a number."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cladnet.core.wireguard.constants import REJECT_AFTER_MESSAGES, REPLAY_WINDOW_SIZE
from cladnet.core.wireguard.replay import ReplayWindow

SIZE = REPLAY_WINDOW_SIZE
LAST = REJECT_AFTER_MESSAGES - 1  # the greatest counter that a session ever accepts


class Model:
    """Every counter that was used, and the greatest: what came before a known greatest counts as used."""

    def __init__(self, greatest: int) -> None:
        self.greatest = greatest
        self._forgotten = greatest
        self._used: set[int] = set()

    def is_new(self, counter: int) -> bool:
        within = counter > max(self.greatest - SIZE, self._forgotten)
        return within and counter not in self._used

    def mark(self, counters: range) -> None:
        self._used.update(counters[-SIZE:])
        self.greatest = max(self.greatest, counters[-1])


class Pair:
    """The window and its model, always told the same."""

    def __init__(self, greatest: int) -> None:
        self.window = ReplayWindow([greatest + 1])
        self.model = Model(greatest)

    def offer(self, counter: int) -> None:
        new = self.model.is_new(counter)
        assert self.window.is_new(counter) is new
        if new:
            self.window.mark_used(counter)
            self.model.mark(range(counter, counter + 1))
            assert not self.window.is_new(counter)

    def run(self, first: int, count: int) -> None:
        self.window.mark_run_used(first, count)
        self.model.mark(range(first, first + count))

    def compare(self, counters: range) -> None:
        wrong = [c for c in counters if c >= 0 and self.window.is_new(c) is not self.model.is_new(c)]
        assert (self.window.greatest, wrong) == (self.model.greatest, [])

    def compare_around_edges(self) -> None:
        for edge in (self.model.greatest, self.model.greatest - SIZE):
            self.compare(range(edge - 66, edge + 67))


NEAR_WORDS = st.sampled_from([0, 1, 63, 64, 65, 127, 128])
NEAR_WINDOW = st.integers(-66, 66).map(lambda step: SIZE + step)
SINGLE = st.tuples(
    st.just("single"), st.one_of(NEAR_WORDS, NEAR_WINDOW, st.integers(0, 3 * SIZE)), st.booleans()
)
RUN = st.tuples(
    st.just("run"),
    st.one_of(NEAR_WORDS, NEAR_WINDOW, st.integers(0, 3 * SIZE)),
    st.one_of(NEAR_WORDS, NEAR_WINDOW, st.integers(0, 200), st.just(2 * SIZE + 5)),
)
GREATEST = st.one_of(
    st.just(-1),
    NEAR_WORDS,
    NEAR_WINDOW,
    st.integers(0, 2**64 - 2**20),
    st.sampled_from([2**32 - 1, 2**32, 2**63 - 1, 2**63, REJECT_AFTER_MESSAGES - 4 * SIZE]),
    st.integers(REJECT_AFTER_MESSAGES - 2 * SIZE, LAST),
)
Step = tuple[str, int, int]


def apply(pair: Pair, step: Step) -> None:
    """A single counter before or after the greatest, or a run that begins some way behind it."""
    kind, distance, extra = step
    if kind == "single":
        pair.offer(min(LAST, max(0, pair.model.greatest + (distance if extra else -distance))))
        return
    first = pair.model.greatest + 1 + distance
    count = min(max(1, extra), LAST - first + 1)
    if count > 0:
        pair.run(first, count)


@settings(max_examples=250, deadline=None)
@given(GREATEST, st.lists(st.one_of(SINGLE, RUN), max_size=25))
@example(-1, [("run", 0, 2 * SIZE)])
@example(-1, [("run", SIZE, 64), ("single", SIZE - 1, False), ("single", SIZE, False)])
@example(SIZE, [("single", 1, True), ("run", SIZE - 1, 1), ("run", 63, 65)])
def test_decides_as_the_model(greatest: int, steps: list[Step]) -> None:
    pair = Pair(greatest)
    pair.compare_around_edges()
    for step in steps:
        apply(pair, step)
        pair.compare_around_edges()
    pair.compare(range(pair.model.greatest - SIZE - 1, pair.model.greatest + 2))


@pytest.mark.parametrize("first", [0, 1, 63, 64, SIZE - 1, 2**32 - 3, LAST - 2 * SIZE])
@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE])
def test_a_run_is_as_all_its_counters(first: int, count: int) -> None:
    one_by_one, at_once = ReplayWindow(), ReplayWindow()
    for counter in range(first, first + count):
        one_by_one.mark_used(counter)
    at_once.mark_run_used(first, count)
    last = first + count - 1
    probes = [c for c in range(last - SIZE - 65, last + 66) if c >= 0]
    assert [at_once.is_new(c) for c in probes] == [one_by_one.is_new(c) for c in probes]
    assert at_once.greatest == one_by_one.greatest == last


@pytest.mark.parametrize("greatest", [0, 1, 62, 63, 64, SIZE - 1, SIZE, SIZE + 1, 2**32, LAST - 1])
def test_after_a_restart_nothing_up_to_the_greatest_is_new(greatest: int) -> None:
    window = ReplayWindow([greatest + 1])
    assert not any(window.is_new(c) for c in range(max(0, greatest - SIZE - 65), greatest + 1))
    assert window.is_new(greatest + 1)


def test_holes_before_a_run_stay_open_until_they_leave_the_window() -> None:
    window = ReplayWindow()
    window.mark_run_used(10, SIZE - 9)  # up to SIZE: 1 is the oldest that is still in the window
    assert [window.is_new(c) for c in (0, 1, 9, 10, SIZE)] == [False, True, True, False, False]
    window.mark_run_used(SIZE + 1, 1)
    assert [window.is_new(c) for c in (1, 2)] == [False, True]


def test_the_last_counters_of_a_session() -> None:
    window = ReplayWindow([LAST - SIZE + 1])
    window.mark_run_used(LAST - 2, 3)
    assert [window.is_new(c) for c in (LAST, LAST - 2, LAST - 3, LAST - SIZE + 1, LAST - SIZE)] == [
        False,
        False,
        True,
        True,
        False,
    ]
