# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Waiting by a clock that only moves when somebody sleeps."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import NotFound, Unavailable
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._polling import CEILING_S, poll

TIMEOUT_S = 10.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept_s: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        self.slept_s.append(duration_s)
        self.now_s += duration_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def polled(clock: Clock, read, *, timeout_s: float = TIMEOUT_S):
    return poll(read, lambda value: value == "done", timeout_s=timeout_s, clock=clock, sleep=clock.sleep)


def raising(error):
    raise error


def test_what_is_done_at_once_is_not_waited_for(clock) -> None:
    assert polled(clock, lambda: "done") == "done"
    assert clock.slept_s == []


def test_it_ends_as_soon_as_it_is_done_and_never_asks_in_a_rush(clock) -> None:
    assert polled(clock, lambda: "done" if clock.now_s > 5 else "not yet") == "done"
    assert 5 < clock.now_s <= 5 + CEILING_S
    assert min(clock.slept_s) > 0.1


@pytest.mark.parametrize("timeout_s", [0.0, 0.3, TIMEOUT_S])
def test_it_ends_when_the_time_is_over_with_what_was_read_then(clock, timeout_s) -> None:
    assert polled(clock, lambda: f"at {clock.now_s}", timeout_s=timeout_s) == f"at {timeout_s}"


def test_a_server_that_is_away_for_a_while_is_asked_again(clock) -> None:
    assert polled(clock, lambda: "done" if clock.now_s > 5 else raising(Unavailable("Away."))) == "done"


def test_a_server_that_stays_away_is_told(clock) -> None:
    with pytest.raises(Unavailable, match="Away"):
        polled(clock, lambda: raising(Unavailable("Away.")))
    assert clock.now_s == TIMEOUT_S


def test_what_waiting_cannot_heal_is_told_at_once(clock) -> None:
    with pytest.raises(NotFound):
        polled(clock, lambda: raising(NotFound("No such test.")))
    assert clock.slept_s == []
