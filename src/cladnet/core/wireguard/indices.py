# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The numbers under which others address our sessions and handshakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cladnet.core.wireguard.peer import Peer
from cladnet.core.wireguard.session import Session


class IndexTable:
    """Random 32-bit numbers, each for one session or one unanswered initiation.

    Args:
        random_bytes: gives that many random bytes. The numbers are random so that they tell nothing.
        on_added: told of every new session.
        on_freed: told of every session that is over.
    """

    def __init__(
        self,
        random_bytes: Callable[[int], bytes],
        on_added: Callable[[Session, Peer], None],
        on_freed: Callable[[Session], None],
    ) -> None:
        self._random_bytes = random_bytes
        self._on_added = on_added
        self._on_freed = on_freed
        self._entries: dict[int, tuple[Peer, Session | None]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def unused(self) -> int:
        """A number that means nothing yet."""
        while True:
            index = int.from_bytes(self._random_bytes(4), "little")
            if index not in self._entries:
                return index

    def add_handshake(self, index: int, peer: Peer) -> None:
        """The number stands for the peer's unanswered initiation."""
        self._entries[index] = (peer, None)

    def add_session(self, session: Session, peer: Peer) -> None:
        """The session's number stands for it, instead of the handshake that led to it."""
        self._entries[session.local_index] = (peer, session)
        self._on_added(session, peer)

    def find(self, index: int) -> tuple[Peer, Session | None] | None:
        """Who and what a number stands for; no session means an unanswered initiation."""
        return self._entries.get(index)

    def free(self, index: int) -> None:
        """The number means nothing any more."""
        self._entries.pop(index, None)

    def free_sessions(self, sessions: Iterable[Session]) -> None:
        """The same for the numbers of sessions."""
        for session in sessions:
            self.free(session.local_index)
            self._on_freed(session)
