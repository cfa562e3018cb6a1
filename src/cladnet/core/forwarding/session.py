# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A session as the forwarding half knows it: two keys, a send counter and a replay window.

Source: WireGuard whitepaper, sections 5.4.6 and 6.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from cladnet.core.wireguard.messages import MessageType
from cladnet.core.wireguard.replay import ReplayWindow
from cladnet.core.wireguard.suite import Aead

if TYPE_CHECKING:
    from cladnet.core.forwarding.peer import ForwardingPeer

_NONCE = struct.Struct("<4xQ")


class ForwardingSession:
    """One session.

    Args:
        peer: whose it is.
        local_index: number in what we receive.
        remote_index: number in what we send.
        sending: AEAD of what we send.
        receiving: AEAD of what we receive.
        expires_s: when neither may be used any more.
        is_proven: whether the peer has shown that it has the keys; nothing is sent before.
        reserve: takes that many send counters out of use and gives the first one. Nobody ever gets one of
            them again, not even after a crash; the caller may or may not use them.

    Attributes:
        window: which counters came.
        message_prefix: type and receiver index of everything that we send, as one little-endian number of
            8 bytes.
    """

    __slots__ = (
        "expires_s",
        "is_proven",
        "local_index",
        "message_prefix",
        "peer",
        "receiving",
        "remote_index",
        "reserve",
        "sending",
        "window",
    )

    def __init__(
        self,
        peer: ForwardingPeer,
        *,
        local_index: int,
        remote_index: int,
        sending: Aead,
        receiving: Aead,
        expires_s: float,
        is_proven: bool,
        reserve: Callable[[int], int],
        window: ReplayWindow,
    ) -> None:
        self.peer = peer
        self.local_index = local_index
        self.remote_index = remote_index
        self.sending = sending
        self.receiving = receiving
        self.expires_s = expires_s
        self.is_proven = is_proven
        self.reserve = reserve
        self.window = window
        self.message_prefix = MessageType.TRANSPORT | remote_index << 32


def nonce(counter: int) -> bytes:
    """The AEAD's nonce of a counter: 12 bytes."""
    return _NONCE.pack(counter)
