# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random

from cladnet.core.backoff import Backoff


def test_backoff_grows_to_its_ceiling_with_jitter_and_starts_over() -> None:
    backoff = Backoff(first_s=0.2, ceiling_s=3.0, rng=random.Random(1))  # noqa: S311  (repeatable)
    delays_s = [backoff.next_s() for _unused in range(8)]
    for delay_s, upper_s in zip(delays_s, [0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0, 3.0], strict=True):
        assert upper_s / 2 <= delay_s <= upper_s
    assert len(set(delays_s[4:])) > 1
    backoff.reset()
    assert backoff.next_s() <= 0.2
