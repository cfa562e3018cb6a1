# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Looks again and again at something that takes its time, with a deadline."""

from __future__ import annotations

import random
import time
import typing as t

from ._backoff import Backoff
from ._errors import Unavailable

T = t.TypeVar("T")

FIRST_DELAY_S, CEILING_S = 0.25, 4.0


def poll(
    read: t.Callable[[], T],
    is_done: t.Callable[[T], bool],
    *,
    timeout_s: float,
    clock: t.Callable[[], float] = time.monotonic,
    sleep: t.Callable[[float], None] = time.sleep,
) -> T:
    """Reads until what it reads is done or the time is over, and returns what it read last, done or not.

    A server that does not answer meanwhile, as while it is restarted, is asked again.

    :param timeout_s: how long, in seconds; it is read at least once, and once more when the time is over.
    :raises Unavailable: nobody answered when the time was over.
    """
    backoff = Backoff(first_s=FIRST_DELAY_S, ceiling_s=CEILING_S, rng=random.SystemRandom())
    deadline_s = clock() + timeout_s
    while True:
        left_s = deadline_s - clock()
        try:
            last = read()
            if left_s <= 0 or is_done(last):
                return last
        except Unavailable:
            if left_s <= 0:
                raise
        sleep(max(0.0, min(backoff.next_s(), deadline_s - clock())))
