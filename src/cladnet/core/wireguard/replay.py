# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The sliding window that accepts every counter of a session once, in almost any order.

Source: RFC 6479: a ring of words that is advanced by clearing words, never by shifting.
"""

from __future__ import annotations

from cladnet.core.wireguard.constants import REPLAY_WINDOW_SIZE

_WORD_BITS = 64


class ReplayWindow:
    """Remembers which of the last `REPLAY_WINDOW_SIZE` counters were accepted."""

    __slots__ = ("_greatest", "_words")

    # One word more than the window: the word of the greatest counter is only partly used.
    _WORD_COUNT = REPLAY_WINDOW_SIZE // _WORD_BITS + 1

    def __init__(self) -> None:
        self._greatest = -1
        self._words = [0] * self._WORD_COUNT

    def is_new(self, counter: int) -> bool:
        """Whether a counter is neither used nor too old. Changes nothing: the packet may still be forged."""
        if counter > self._greatest:
            return True
        if counter <= self._greatest - REPLAY_WINDOW_SIZE:
            return False
        word, bit = divmod(counter, _WORD_BITS)
        return not self._words[word % self._WORD_COUNT] >> bit & 1

    def mark_used(self, counter: int) -> None:
        """Notes a counter whose packet was authentic."""
        word, bit = divmod(counter, _WORD_BITS)
        if counter > self._greatest:
            self._clear_words_up_to(word)
            self._greatest = counter
        self._words[word % self._WORD_COUNT] |= 1 << bit

    def _clear_words_up_to(self, word: int) -> None:
        current = self._greatest // _WORD_BITS  # -1 before the first packet
        for stale in range(current + 1, min(word, current + self._WORD_COUNT) + 1):
            self._words[stale % self._WORD_COUNT] = 0
