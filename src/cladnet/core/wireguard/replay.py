# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The sliding window that accepts every counter of a session once, in almost any order.

Source: RFC 6479: a ring of words that is advanced by clearing words, never by shifting.
"""

from __future__ import annotations

from collections.abc import MutableSequence

from cladnet.core.wireguard.constants import REPLAY_WINDOW_SIZE

_WORD_BITS = 64
_FULL_WORD = (1 << _WORD_BITS) - 1


class ReplayWindow:
    """Remembers which of the last `REPLAY_WINDOW_SIZE` counters were accepted.

    Args:
        kept: a place outside for the greatest accepted counter plus one. If there is one already, of somebody
            who remembered nothing else, it and all before it count as used.

    Attributes:
        greatest: accepted counter; -1 before the first.
    """

    __slots__ = ("_kept", "_words", "greatest")

    # One word more than the window: the word of the greatest counter is only partly used.
    _WORD_COUNT = REPLAY_WINDOW_SIZE // _WORD_BITS + 1

    def __init__(self, kept: MutableSequence[int] | memoryview[int] | None = None) -> None:
        self._kept = [0] if kept is None else kept
        self.greatest = self._kept[0] - 1
        self._words = [_FULL_WORD if self._kept[0] else 0] * self._WORD_COUNT
        if self._kept[0]:
            word, bit = divmod(self.greatest, _WORD_BITS)
            self._words[word % self._WORD_COUNT] = (2 << bit) - 1

    def is_new(self, counter: int) -> bool:
        """Whether a counter is neither used nor too old. Changes nothing: the packet may still be forged."""
        if counter > self.greatest:
            return True
        if counter <= self.greatest - REPLAY_WINDOW_SIZE:
            return False
        word, bit = divmod(counter, _WORD_BITS)
        return not self._words[word % self._WORD_COUNT] >> bit & 1

    def mark_used(self, counter: int) -> None:
        """Notes a counter whose packet was authentic."""
        word, bit = counter // _WORD_BITS, counter % _WORD_BITS
        if counter > self.greatest:
            if word > self.greatest // _WORD_BITS:
                self._clear_words_up_to(word)
            self.greatest = counter
            self._kept[0] = counter + 1
        self._words[word % self._WORD_COUNT] |= 1 << bit

    def mark_run_used(self, first: int, count: int) -> None:
        """The same for consecutive counters, all of them greater than the greatest so far.

        Args:
            first: the least of them, greater than `greatest`.
            count: how many, at least one.
        """
        last = first + count - 1
        self._clear_words_up_to(last // _WORD_BITS)
        self.greatest = last
        self._kept[0] = last + 1
        first = max(first, last - REPLAY_WINDOW_SIZE + 1)
        while first <= last:
            word, bit = divmod(first, _WORD_BITS)
            run = min(_WORD_BITS - bit, last - first + 1)
            self._words[word % self._WORD_COUNT] |= ((1 << run) - 1) << bit
            first += run

    def _clear_words_up_to(self, word: int) -> None:
        current = self.greatest // _WORD_BITS  # -1 before the first packet
        for stale in range(current + 1, min(word, current + self._WORD_COUNT) + 1):
            self._words[stale % self._WORD_COUNT] = 0
