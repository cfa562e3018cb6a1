# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The wake-up queue against the obvious model: the minimum over a dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.wireguard.wakeups import WakeUpQueue

ACTION = st.one_of(
    st.tuples(st.just("wake"), st.integers(0, 5), st.integers(0, 30)),
    st.tuples(st.just("forget"), st.integers(0, 5), st.just(0)),
    st.tuples(st.just("take"), st.just(0), st.integers(0, 30)),
)


@given(st.lists(ACTION, max_size=80))
def test_wakes_everybody_once_and_in_time(actions: list[tuple[str, int, int]]):
    queue: WakeUpQueue[int] = WakeUpQueue()
    model: dict[int, int] = {}
    for action, key, at_s in actions:
        if action == "wake":
            queue.wake(key, at_s)
            model[key] = min(at_s, model.get(key, at_s))
        elif action == "forget":
            queue.forget(key)
            model.pop(key, None)
        else:
            due = queue.take_due(at_s)
            assert sorted(due) == sorted(key for key, time_s in model.items() if time_s <= at_s)
            model = {key: time_s for key, time_s in model.items() if time_s > at_s}
        assert queue.next_s == (min(model.values()) if model else None)


def test_infinity_wakes_nobody():
    queue: WakeUpQueue[str] = WakeUpQueue()
    queue.wake("never", float("inf"))
    assert queue.next_s is None


def test_memory_is_bounded_by_the_number_of_keys():
    """A peer with an eternal short timer also has a long one: each round must not leave a long one behind."""
    queue: WakeUpQueue[str] = WakeUpQueue()
    for round_s in range(0, 50_000, 10):
        queue.wake("peer", round_s + 540.0)
        queue.wake("peer", round_s + 10.0)
        assert queue.take_due(round_s + 10.0) == ["peer"]
    assert len(queue._heap) < 50
