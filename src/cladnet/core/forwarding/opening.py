# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Opens transport messages where they are in memory, one by one or in rows.

The counter of a message is noted before what was in it goes anywhere, and only if it is authentic.

Source: WireGuard whitepaper, section 5.4.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag

from cladnet.core.forwarding.envelope import Envelope
from cladnet.core.forwarding.events import Foreign
from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.inner_packets import InnerPackets
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.forwarding.sealed_rows import SealedRows
from cladnet.core.forwarding.session import ForwardingSession, nonce
from cladnet.core.offload.coalescing import MIN_ROWS
from cladnet.core.wireguard.constants import REJECT_AFTER_MESSAGES
from cladnet.core.wireguard.drops import Drop
from cladnet.core.wireguard.messages import (
    MIN_TRANSPORT_SIZE_BYTES,
    TAG_SIZE_BYTES,
    TRANSPORT_HEADER_SIZE_BYTES,
    MessageType,
)

_TRANSPORT = int(MessageType.TRANSPORT)
_TRANSPORT_TYPE = bytes((_TRANSPORT, 0, 0, 0))
_NO_HEADER = (0, 0, 0)
_HEADER = struct.Struct("<IIQ")
# After so many runs that are not worth an array, the rest is taken one by one.
_PATIENCE_RUNS = 3
_OVERHEAD_BYTES = TRANSPORT_HEADER_SIZE_BYTES + TAG_SIZE_BYTES


class Opening:
    """Takes datagrams, all of them at one time.

    Args:
        memory: has all datagrams.
        forwarder: has the sessions; gets what is to be told and counted.
        packets: gets what was in the messages.

    Attributes:
        now_s: time; to be set.
    """

    def __init__(self, memory: memoryview, forwarder: Forwarder, packets: InnerPackets) -> None:
        self.now_s = 0.0
        self._memory = memory
        self._forwarder = forwarder
        self._packets = packets
        # Of the last authentic messages, which are not yet told of.
        self._session: ForwardingSession | None = None
        self._envelope: Envelope | None = None
        self._size_bytes = 0
        self._has_data = False

    def take(self, messages: Iterable[tuple[int, int]], envelope: Envelope) -> None:
        """Takes datagrams of any sizes that came from one place.

        Args:
            messages: where each begins, and how many bytes it has.
            envelope: their outside.
        """
        session: ForwardingSession | None = None
        plaintexts: list[tuple[int, int]] = []
        for start, size in messages:
            found = self._open(start, size, envelope)
            if found is None:
                continue
            if found is not session:
                self._hand_on(session, plaintexts, envelope)
                session, plaintexts = found, []
            plaintexts.append((start + TRANSPORT_HEADER_SIZE_BYTES, size - _OVERHEAD_BYTES))
        self._hand_on(session, plaintexts, envelope)

    def take_one(self, start: int, size: int, envelope: Envelope) -> None:
        """Takes one datagram, at once: nobody waits for others where there is little."""
        session = self._open(start, size, envelope)
        if session is None:
            return
        room_bytes = size - _OVERHEAD_BYTES
        self._note(session, envelope, size, has_data=room_bytes > 0)
        if room_bytes:
            self._packets.add_one(session.peer, start + TRANSPORT_HEADER_SIZE_BYTES, room_bytes, envelope.ecn)

    def take_rows(self, rows: SealedRows, first: int, count: int, envelope: Envelope) -> None:
        """Takes rows of datagrams.

        Args:
            rows: in the same memory.
            first: row of the first datagram.
            count: how many rows.
            envelope: their outside.
        """
        end, misses = first + count, 0
        while end - first >= MIN_ROWS and misses < _PATIENCE_RUNS:
            length = rows.run_length(first, end - first)
            session = self._session_of_run(rows, first, length) if length >= MIN_ROWS else None
            if session is None:
                misses += 1
                self._take_each(rows, first, first + length, envelope)
            else:
                self._take_run(session, rows, first, first + length, envelope)
            first += length
        self._take_each(rows, first, end, envelope)

    def _take_each(self, rows: SealedRows, first: int, end: int, envelope: Envelope) -> None:
        self.take([(rows.at(row), rows.size) for row in range(first, end)], envelope)

    def _take_run(
        self, session: ForwardingSession, rows: SealedRows, first: int, end: int, envelope: Envelope
    ) -> None:
        """Takes rows of one session with consecutive counters, all of them new."""
        counter = _HEADER.unpack_from(self._memory, rows.at(first))[2]
        while first < end:
            opened = rows.open(session.receiving, first, end - first)
            if opened:
                session.window.mark_run_used(counter, opened)
                self._note(session, envelope, opened * rows.size, has_data=rows.size > _OVERHEAD_BYTES)
                self._add_packets(session.peer, rows, first, opened, envelope.ecn)
            first += opened
            counter += opened
            if first < end:
                self._forwarder.drops[Drop.NOT_AUTHENTIC] += 1
                first += 1
                counter += 1

    def finish(self) -> None:
        """Tells of the authentic messages so far. To be called after everything was taken."""
        session, envelope = self._session, self._envelope
        if session is None or envelope is None:
            return
        self._session = None
        peer = session.peer
        source = envelope.source
        if peer.origin == envelope.raw_source and peer.endpoint is not None:
            source = peer.endpoint  # the same object, so there is nothing to compare
        self._forwarder.authentic(session, source, self._size_bytes, self.now_s, has_data=self._has_data)
        peer.origin = envelope.raw_source

    def _open(self, start: int, size: int, envelope: Envelope) -> ForwardingSession | None:
        """Opens a message in place; None, and counted, if it is not good."""
        memory, is_long_enough = self._memory, size >= MIN_TRANSPORT_SIZE_BYTES
        kind, index, counter = _HEADER.unpack_from(memory, start) if is_long_enough else _NO_HEADER
        if kind != _TRANSPORT:
            self._take_other(start, size, envelope)
            return None
        session = self._session_of(index, counter)
        if session is None:
            return None
        begin, end = start + TRANSPORT_HEADER_SIZE_BYTES, start + size
        ciphertext, plaintext = memory[begin:end], memory[begin : end - TAG_SIZE_BYTES]
        try:
            session.receiving.decrypt_into(nonce(counter), ciphertext, None, plaintext)
        except InvalidTag:
            self._forwarder.drops[Drop.NOT_AUTHENTIC] += 1
            return None
        session.window.mark_used(counter)
        return session

    def _session_of(self, index: int, counter: int) -> ForwardingSession | None:
        """The session of a message that is worth to be opened; counted if there is none."""
        session = self._forwarder.sessions.get(index) or self._forwarder.session_of(index)
        if session is None:
            return None
        if session.window.greatest < counter < REJECT_AFTER_MESSAGES and self.now_s < session.expires_s:
            return session  # in order, as nearly always
        refusal = self._forwarder.refusal(session, counter, self.now_s)
        if refusal is None:
            return session
        self._forwarder.drops[refusal] += 1
        return None

    def _session_of_run(self, rows: SealedRows, first: int, count: int) -> ForwardingSession | None:
        """The session of a run of rows that may be opened together, since all of them are new."""
        kind, index, counter = _HEADER.unpack_from(self._memory, rows.at(first))
        session = self._forwarder.sessions.get(index)
        if kind != _TRANSPORT or session is None:
            return None
        is_new = session.window.greatest < counter and counter + count <= REJECT_AFTER_MESSAGES
        return session if is_new and self.now_s < session.expires_s else None

    def _hand_on(
        self, session: ForwardingSession | None, plaintexts: list[tuple[int, int]], envelope: Envelope
    ) -> None:
        """Tells of messages that were opened, and gives away what was in them."""
        if session is None or not plaintexts:
            return
        packets = [plaintext for plaintext in plaintexts if plaintext[1]]
        size = sum(size for _start, size in packets) + len(plaintexts) * _OVERHEAD_BYTES
        self._note(session, envelope, size, has_data=bool(packets))
        if packets:
            self._packets.add(session.peer, packets, envelope.ecn)

    def _add_packets(
        self, peer: ForwardingPeer, rows: SealedRows, first: int, count: int, outer_ecn: int
    ) -> None:
        if rows.size > _OVERHEAD_BYTES:
            self._packets.add_rows(peer, rows.packets, first, count, rows.size - _OVERHEAD_BYTES, outer_ecn)

    def _note(self, session: ForwardingSession, envelope: Envelope, size: int, *, has_data: bool) -> None:
        """Puts authentic messages of one session and source together, so that they are told of at once."""
        if session is not self._session or envelope is not self._envelope:
            self.finish()
            self._session, self._envelope = session, envelope
            self._size_bytes, self._has_data = 0, False
        self._size_bytes += size
        if has_data:
            self._has_data = True

    def _take_other(self, start: int, size: int, envelope: Envelope) -> None:
        """What is no transport message may be behind some, glued to them by the kernel."""
        datagram = bytes(self._memory[start : start + size])
        if datagram[:4] == _TRANSPORT_TYPE or not datagram:
            self._forwarder.drops[Drop.MALFORMED_DATAGRAM] += 1
        else:
            self._forwarder.events[Foreign(datagram, envelope.source)] = None
