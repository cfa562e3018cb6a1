# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.token_bucket import TokenBucket


def test_burst_passes_and_then_the_rate() -> None:
    bucket = TokenBucket(rate_per_s=100, size=50)
    assert bucket.wait_s(10.0) == 0
    bucket.spend(150)
    assert bucket.wait_s(10.0) == 1.0
    assert bucket.wait_s(10.5) == 0.5
    assert bucket.wait_s(11.0) == 0
    bucket.spend(50)
    assert bucket.wait_s(11.0) == 0.5
    assert bucket.wait_s(1000.0) == 0


def test_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(rate_per_s=100, size=50)
    bucket.wait_s(10.0)
    bucket.spend(100)
    assert bucket.wait_s(9.0) == bucket.wait_s(10.0) == 0.5


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 200)), max_size=50))
def test_no_more_than_rate_and_burst(steps: list[tuple[float, int]]) -> None:
    bucket, now_s, spent = TokenBucket(rate_per_s=100, size=50), 0.0, 0
    for pause_s, tokens in steps:
        now_s += pause_s
        if bucket.wait_s(now_s) == 0:
            bucket.spend(tokens)
            spent += tokens
    assert spent <= 50 + 100 * now_s + 200 + 1e-6
