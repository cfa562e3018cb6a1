# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Transport messages of one size at regular distances in memory, opened where they are.

Source: WireGuard whitepaper, section 5.4.6.
"""

from __future__ import annotations

import numpy as np
from cryptography.exceptions import InvalidTag

from cladnet.core.offload.coalescing_rows import PacketRows
from cladnet.core.wireguard.messages import TAG_SIZE_BYTES, TRANSPORT_HEADER_SIZE_BYTES
from cladnet.core.wireguard.suite import Aead

_INDEX_AT, _COUNTER_AT = 4, 8
# From the header of one message to that of a later one: the counter alone rises.
_STEPS = np.stack((np.zeros(1 << 11, np.uint64), np.arange(1 << 11, dtype=np.uint64)), axis=1)


class SealedRows:
    """Rows of memory with a message in each.

    Args:
        memory: all of it.
        start: of the first row.
        stride: from one row to the next.
        count: of rows.
        size: of each message, at least that of an empty one.

    Attributes:
        size: of each message.
        packets: what is in the messages.
    """

    def __init__(self, memory: memoryview, start: int, stride: int, count: int, size: int) -> None:
        self.start = start
        self.stride = stride
        self.size = size
        self.packets = PacketRows(memory, start + TRANSPORT_HEADER_SIZE_BYTES, stride, count)
        self._headers = np.ndarray((count, 2), "<u8", memory, start, (stride, _COUNTER_AT))
        self._indices = np.ndarray((count,), "<u4", memory, start + _INDEX_AT, (stride,))
        self._memory = memory
        self._messages: list[tuple[memoryview, memoryview, memoryview]] = []

    def at(self, row: int) -> int:
        """Where a message begins."""
        return self.start + row * self.stride

    def run_length(self, first: int, count: int) -> int:
        """How many of the rows have one type and receiver index and consecutive counters (modulo 2**64)."""
        headers = self._headers[first : first + count] - _STEPS[:count]
        octets = headers.tobytes()
        if octets == octets[:TRANSPORT_HEADER_SIZE_BYTES] * count:
            return count
        return int((headers == headers[0]).all(axis=1).argmin())

    def open(self, aead: Aead, first: int, count: int) -> int:
        """Decrypts rows; stops at the first that is not authentic. They cannot be opened again.

        Returns:
            How many rows were opened: `count` if all are authentic.
        """
        # Four zeros before the counter make it the nonce.
        self._indices[first : first + count] = 0
        decrypt_into = aead.decrypt_into
        if len(self._messages) < first + count:
            self._prepare(first + count)
        messages = iter(self._messages[first : first + count])
        try:
            for nonce, ciphertext, plaintext in messages:
                decrypt_into(nonce, ciphertext, None, plaintext)
        except InvalidTag:
            return count - 1 - len(list(messages))
        return count

    def _prepare(self, count: int) -> None:
        """Makes the parts of messages that were not needed before."""
        for row in range(len(self._messages), count):
            begin = self.at(row)
            self._messages.append(_parts(self._memory[begin : begin + self.size]))


def _parts(message: memoryview) -> tuple[memoryview, memoryview, memoryview]:
    """Nonce, ciphertext and plaintext of a message."""
    header = TRANSPORT_HEADER_SIZE_BYTES
    return message[_INDEX_AT:header], message[header:], message[header:-TAG_SIZE_BYTES]
