# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The replay window against the obvious model: a set of all counters that were used."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cladnet.core.wireguard.constants import REJECT_AFTER_MESSAGES, REPLAY_WINDOW_SIZE
from cladnet.core.wireguard.replay import ReplayWindow


class SetModel:
    """Remembers everything for ever."""

    def __init__(self) -> None:
        self.used: set[int] = set()

    def is_new(self, counter: int) -> bool:
        return counter > max(self.used, default=-1) - REPLAY_WINDOW_SIZE and counter not in self.used


def accept(window: ReplayWindow, counter: int) -> bool:
    if not window.is_new(counter):
        return False
    window.mark_used(counter)
    return True


STEP = st.one_of(
    st.integers(-200, 200),
    st.integers(-REPLAY_WINDOW_SIZE - 70, REPLAY_WINDOW_SIZE + 70),
    st.integers(0, 3 * REPLAY_WINDOW_SIZE),
)


@settings(max_examples=200)
@given(st.integers(0, 2**63), st.lists(STEP, max_size=60))
def test_decides_as_the_model(start: int, steps: list[int]):
    window, model = ReplayWindow(), SetModel()
    counter = start
    for step in steps:
        counter = max(0, counter + step)
        expected = model.is_new(counter)
        assert accept(window, counter) is expected
        if expected:
            model.used.add(counter)


@pytest.mark.parametrize(
    "greatest", [REPLAY_WINDOW_SIZE - 1, REPLAY_WINDOW_SIZE, 10**6, REJECT_AFTER_MESSAGES - 1]
)
def test_edge_of_the_window(greatest: int):
    window = ReplayWindow()
    assert accept(window, greatest)
    oldest = greatest - REPLAY_WINDOW_SIZE + 1
    assert accept(window, oldest)
    assert not accept(window, oldest)
    assert not accept(window, oldest - 1) or oldest == 0


def test_every_counter_once_in_order_and_reversed():
    window = ReplayWindow()
    counters = list(range(3 * REPLAY_WINDOW_SIZE))
    assert all(accept(window, counter) for counter in counters)
    assert not any(accept(window, counter) for counter in reversed(counters))


@pytest.mark.parametrize("block", [2, 64, 100])
def test_every_counter_once_when_blocks_come_reversed(block: int):
    """Words of the ring are used again and again: nothing of the last round may be left in them."""
    window = ReplayWindow()
    for start in range(0, 4 * REPLAY_WINDOW_SIZE, block):
        assert all(accept(window, counter) for counter in reversed(range(start, start + block)))


def test_checking_changes_nothing():
    window = ReplayWindow()
    assert window.is_new(10**9)
    assert accept(window, 0)
