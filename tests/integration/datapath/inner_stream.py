# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Numbered UDP packets from one host to another through their tunnel: what arrives, and in which order."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from namespace_sockets import open_udp, receive_all
from namespaces import Namespace, eventually

_NUMBER = struct.Struct("!Q")
_BURST = 128


class InnerStream:
    """See `inner_stream`."""

    def __init__(self, sender: Namespace, receiver: Namespace, ends: tuple[str, str], filler: bytes) -> None:
        self._sending = open_udp(sender.name, ends[0])
        self._receiving = open_udp(receiver.name, ends[1])
        self._filler = filler
        self._arrived: list[int] = []
        self.sent = 0

    @property
    def arrived(self) -> list[int]:
        """The numbers that have arrived so far, in order, doubles included."""
        self._arrived += [_NUMBER.unpack_from(data)[0] for data in receive_all(self._receiving)]
        return self._arrived

    def send(self, count: int) -> None:
        """Sends the next numbers at once; the queue of a TUN device holds some hundreds."""
        for number in range(self.sent, self.sent + count):
            self._sending.sendto(_NUMBER.pack(number) + self._filler, self._receiving.getsockname())
        self.sent += count

    def pump(self, count: int) -> None:
        """Sends the next numbers in bursts, each after the one before has arrived."""
        missing, end = self.sent - len(self.arrived), self.sent + count
        while self.sent < end:
            self.send(min(_BURST, end - self.sent))
            self.wait_for(self.sent - missing)

    def wait_for(self, count: int) -> None:
        eventually(f"{count} packets have arrived", lambda: len(self.arrived) >= count)

    def close(self) -> None:
        self._sending.close()
        self._receiving.close()


@contextmanager
def inner_stream(
    sender: Namespace,
    receiver: Namespace,
    ends: tuple[str, str] = ("10.77.0.1", "10.77.0.2"),
    *,
    filler: bytes = b"",
) -> Iterator[InnerStream]:
    """A stream between two inner addresses; every packet carries the filler."""
    stream = InnerStream(sender, receiver, ends, filler or bytes(range(92)))
    try:
        yield stream
    finally:
        stream.close()
