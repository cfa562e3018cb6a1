# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which hosts have a stream to this controller now: kept in memory only, so a lost etcd loses no host."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator


class Presence:
    """Counts the open streams of each host: a new one may open before the old one is known to be dead."""

    def __init__(self) -> None:
        self._streams: Counter[tuple[str, str]] = Counter()

    @contextlib.contextmanager
    def of(self, network: str, host: str) -> Iterator[None]:
        """The host is present for as long as the block lasts."""
        self._streams[network, host] += 1
        try:
            yield
        finally:
            self._streams[network, host] -= 1
            if not self._streams[network, host]:
                del self._streams[network, host]

    def connected(self, network: str, host: str) -> bool:
        """Whether the host has a stream to this controller."""
        return (network, host) in self._streams
