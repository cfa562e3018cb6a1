# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""AEADs that remember what they encrypted, to see whether a nonce ever comes twice under a key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cladnet.core.wireguard.suite import SUITES, Aead

Used = Counter[tuple[bytes, bytes]]


class RecordedAead:
    """One AEAD whose encryptions are counted by key and nonce."""

    def __init__(self, key: bytes, aead: Aead, used: Used) -> None:
        self._key = key
        self._aead = aead
        self._used = used

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it was."""
        method = getattr(self._aead, name)
        return self._recorded(method) if name.startswith("encrypt") else method

    def _recorded(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def encrypt(nonce: bytes, *arguments: Any) -> Any:
            self._used[self._key, bytes(nonce)] += 1
            return method(nonce, *arguments)

        return encrypt


@contextmanager
def recorded_nonces() -> Iterator[Used]:
    """Has all suites of the process count what is encrypted under which key and nonce."""
    used: Used = Counter()
    originals = [(suite, suite.aead) for suite in SUITES]
    for suite, original in originals:
        object.__setattr__(suite, "aead", _recorded(original, used))
    try:
        yield used
    finally:
        for suite, original in originals:
            object.__setattr__(suite, "aead", original)


def _recorded(make: Callable[[bytes], Aead], used: Used) -> Callable[[bytes], RecordedAead]:
    return lambda key: RecordedAead(bytes(key), make(key), used)
