# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The four messages of WireGuard as they are on the wire.

Source: WireGuard whitepaper, section 5.4. Numbers are little endian; three zeros follow the type.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

INITIATION_SIZE_BYTES = 148
RESPONSE_SIZE_BYTES = 92
COOKIE_REPLY_SIZE_BYTES = 64
TRANSPORT_HEADER_SIZE_BYTES = 16
TAG_SIZE_BYTES = 16
MIN_TRANSPORT_SIZE_BYTES = TRANSPORT_HEADER_SIZE_BYTES + TAG_SIZE_BYTES
MACS_SIZE_BYTES = 32

_INITIATION = struct.Struct("<II32s48s28s")
_RESPONSE = struct.Struct("<III32s16s")
_COOKIE_REPLY = struct.Struct("<II24s32s")
_TRANSPORT_HEADER = struct.Struct("<IIQ")


class MessageType(IntEnum):
    """The first four bytes of a message, as a little-endian number."""

    INITIATION = 1
    RESPONSE = 2
    COOKIE_REPLY = 3
    TRANSPORT = 4


@dataclass(frozen=True, slots=True)
class Initiation:
    """First message of a handshake, without its two macs.

    Args:
        sender_index: number by which the initiator will know the session.
        ephemeral: 32 bytes, public.
        encrypted_static: 48 bytes.
        encrypted_timestamp: 28 bytes.
    """

    sender_index: int
    ephemeral: bytes
    encrypted_static: bytes
    encrypted_timestamp: bytes

    def pack(self) -> bytes:
        """116 bytes, to which the macs are still to be added."""
        return _INITIATION.pack(
            MessageType.INITIATION,
            self.sender_index,
            self.ephemeral,
            self.encrypted_static,
            self.encrypted_timestamp,
        )


@dataclass(frozen=True, slots=True)
class Response:
    """Second message of a handshake, without its two macs.

    Args:
        sender_index: number by which the responder will know the session.
        receiver_index: the initiator's number.
        ephemeral: 32 bytes, public.
        encrypted_nothing: 16 bytes, a tag only.
    """

    sender_index: int
    receiver_index: int
    ephemeral: bytes
    encrypted_nothing: bytes

    def pack(self) -> bytes:
        """60 bytes, to which the macs are still to be added."""
        return _RESPONSE.pack(
            MessageType.RESPONSE,
            self.sender_index,
            self.receiver_index,
            self.ephemeral,
            self.encrypted_nothing,
        )


@dataclass(frozen=True, slots=True)
class CookieReply:
    """What a loaded responder answers instead of a handshake message.

    Args:
        receiver_index: the sender index of the message that it answers.
        nonce: 24 bytes.
        encrypted_cookie: 32 bytes.
    """

    receiver_index: int
    nonce: bytes
    encrypted_cookie: bytes

    def pack(self) -> bytes:
        """64 bytes, complete."""
        return _COOKIE_REPLY.pack(
            MessageType.COOKIE_REPLY, self.receiver_index, self.nonce, self.encrypted_cookie
        )


class Transport(NamedTuple):
    """One encrypted packet. A tuple, because there is one for every packet.

    Args:
        receiver_index: the receiver's number of the session.
        counter: number of the packet in the session, its nonce.
        ciphertext: encrypted packet and tag.
    """

    receiver_index: int
    counter: int
    ciphertext: bytes


def message_type(datagram: bytes) -> MessageType | None:
    """The type of a WireGuard datagram; None for all others, and for all that have a wrong size."""
    if len(datagram) < TRANSPORT_HEADER_SIZE_BYTES or datagram[1:4] != b"\0\0\0":
        return None
    kind, size = datagram[0], len(datagram)
    if kind == MessageType.TRANSPORT:
        return MessageType.TRANSPORT if size >= MIN_TRANSPORT_SIZE_BYTES else None
    return _TYPE_BY_NUMBER_AND_SIZE.get((kind, size))


_TYPE_BY_NUMBER_AND_SIZE: dict[tuple[int, int], MessageType] = {
    (MessageType.INITIATION, INITIATION_SIZE_BYTES): MessageType.INITIATION,
    (MessageType.RESPONSE, RESPONSE_SIZE_BYTES): MessageType.RESPONSE,
    (MessageType.COOKIE_REPLY, COOKIE_REPLY_SIZE_BYTES): MessageType.COOKIE_REPLY,
}


def looks_like_wireguard(datagram: bytes) -> bool:
    """Whether the datagram begins as WireGuard's messages do, so that it is nobody else's (STUN's, say)."""
    return len(datagram) >= 4 and 1 <= datagram[0] <= 4 and datagram[1:4] == b"\0\0\0"


def parse_initiation(datagram: bytes) -> Initiation:
    """Reads a datagram whose `message_type` is INITIATION."""
    return Initiation(*_INITIATION.unpack_from(datagram)[1:])


def parse_response(datagram: bytes) -> Response:
    """Reads a datagram whose `message_type` is RESPONSE."""
    return Response(*_RESPONSE.unpack_from(datagram)[1:])


def parse_cookie_reply(datagram: bytes) -> CookieReply:
    """Reads a datagram whose `message_type` is COOKIE_REPLY."""
    return CookieReply(*_COOKIE_REPLY.unpack(datagram)[1:])


def parse_transport(datagram: bytes) -> Transport:
    """Reads a datagram whose `message_type` is TRANSPORT."""
    _unused, receiver_index, counter = _TRANSPORT_HEADER.unpack_from(datagram)
    return Transport(receiver_index, counter, datagram[TRANSPORT_HEADER_SIZE_BYTES:])


def pack_transport(message: Transport) -> bytes:
    """The datagram of a transport message."""
    header = _TRANSPORT_HEADER.pack(MessageType.TRANSPORT, message.receiver_index, message.counter)
    return header + message.ciphertext


def sender_index(datagram: bytes) -> int:
    """The sender index of an initiation or a response."""
    return int.from_bytes(datagram[4:8], "little")
