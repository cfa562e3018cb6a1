# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Sends junk from a process of its own: `ADDRESS PORT KIND COUNT RATE SEED`; a rate of 0 is no limit.

Each datagram comes from one of 16 ports. With KIND `mutated`, standard input has real datagrams in hex, one a
line.
"""

from __future__ import annotations

import random
import socket
import sys
import time
from collections.abc import Callable

from junk_datagrams import GENERATORS, Mutator

SOURCE_COUNT = 16
_BATCH = 100
# Fresh noise for each datagram would cost more than sending it.
_PREPARED = 20_000


def generator(kind: str) -> Callable[[random.Random], bytes]:
    if kind == "mutated":
        return Mutator([bytes.fromhex(line) for line in sys.stdin])
    return lambda rng: rng.choice(GENERATORS)(rng)


def send(
    to: tuple[str, int], make: Callable[[random.Random], bytes], count: int, rate: int, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - has to be the same every time
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _unused in range(SOURCE_COUNT)]
    started_s = time.monotonic()
    prepared: list[bytes] = []
    for number in range(count):
        if number % _PREPARED == 0:
            prepared = [make(rng) for _unused in range(min(_PREPARED, count - number))]
        sockets[number % SOURCE_COUNT].sendto(prepared[number % _PREPARED], to)
        if rate and number % _BATCH == 0:
            time.sleep(max(0.0, started_s + number / rate - time.monotonic()))
    for each in sockets:
        each.close()


if __name__ == "__main__":
    address, port, kind, count, rate, seed = sys.argv[1:]
    send((address, int(port)), generator(kind), int(count), int(rate), int(seed))
    print("sent")
