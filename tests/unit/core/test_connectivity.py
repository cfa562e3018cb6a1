# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from cladnet.core.connectivity import MOST_PAIRS, ConnectivityTest, HostResult, Ping, check_size
from cladnet.core.errors import InvalidInput


@pytest.mark.parametrize(
    ("test", "answered", "is_done"),
    [
        (ConnectivityTest(("a", "b")), set(), False),
        (ConnectivityTest(("a", "b")), {"a"}, False),
        (ConnectivityTest(("a", "b")), {"a", "b", "c"}, True),
        (ConnectivityTest(("a", "b"), is_closed=True), {"a"}, True),
        (ConnectivityTest(()), set(), True),
    ],
)
def test_a_test_is_done_when_nothing_more_is_to_come(
    test: ConnectivityTest, answered: set[str], is_done: bool
) -> None:
    assert test.is_done(answered) is is_done


@pytest.mark.parametrize("numbers", [{"count": 0}, {"count": 21}, {"timeout_s": 0}, {"timeout_s": 61}])
def test_numbers_out_of_range_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="out of range"):
        ConnectivityTest(("a",), **numbers)


@pytest.mark.parametrize("rtt_ms", [float("nan"), float("inf"), -1.0])
def test_round_trips_that_cannot_be_are_refused(rtt_ms: float) -> None:
    with pytest.raises(InvalidInput, match="cannot be"):
        Ping("a", "10.99.0.1", rtt_ms)


def test_what_would_fill_etcd_is_refused_with_what_would_not() -> None:
    check_size(316, 315)
    check_size(0, 0)
    with pytest.raises(InvalidInput, match="at most 100 hosts"):
        check_size(1000, 999)
    with pytest.raises(InvalidInput, match="too large"):
        HostResult("10.99.0.1", (Ping("a", "10.99.0.2"),) * (MOST_PAIRS + 1))
    with pytest.raises(InvalidInput, match="too large"):
        HostResult("10.99.0.1", error="x" * 501)
