# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The four messages: layout, sizes, and what is none of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.wireguard.messages import (
    CookieReply,
    Initiation,
    MessageType,
    Response,
    Transport,
    looks_like_wireguard,
    message_type,
    pack_transport,
    parse_cookie_reply,
    parse_initiation,
    parse_response,
    parse_transport,
)

INDEX = st.integers(0, 2**32 - 1)


def sized(size_bytes: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size_bytes, max_size=size_bytes)


def test_initiation_layout():
    message = Initiation(0x01020304, b"e" * 32, b"s" * 48, b"t" * 28)
    packed = message.pack()
    assert packed == b"\1\0\0\0" + b"\4\3\2\1" + b"e" * 32 + b"s" * 48 + b"t" * 28
    assert message_type(packed + bytes(32)) is MessageType.INITIATION


def test_response_layout():
    packed = Response(0x01020304, 0x0A0B0C0D, b"e" * 32, b"n" * 16).pack()
    assert packed == b"\2\0\0\0" + b"\4\3\2\1" + b"\x0d\x0c\x0b\x0a" + b"e" * 32 + b"n" * 16
    assert message_type(packed + bytes(32)) is MessageType.RESPONSE


def test_cookie_reply_layout():
    packed = CookieReply(0x01020304, b"n" * 24, b"c" * 32).pack()
    assert packed == b"\3\0\0\0" + b"\4\3\2\1" + b"n" * 24 + b"c" * 32
    assert message_type(packed) is MessageType.COOKIE_REPLY


def test_transport_layout():
    packed = pack_transport(Transport(0x01020304, 0x0506, b"c" * 16))
    assert packed == b"\4\0\0\0" + b"\4\3\2\1" + b"\6\5\0\0\0\0\0\0" + b"c" * 16
    assert message_type(packed) is MessageType.TRANSPORT


@given(INDEX, sized(32), sized(48), sized(28))
def test_initiation_and_back(index: int, ephemeral: bytes, static: bytes, timestamp: bytes):
    message = Initiation(index, ephemeral, static, timestamp)
    assert parse_initiation(message.pack() + bytes(32)) == message


@given(INDEX, INDEX, sized(32), sized(16))
def test_response_and_back(sender: int, receiver: int, ephemeral: bytes, nothing: bytes):
    message = Response(sender, receiver, ephemeral, nothing)
    assert parse_response(message.pack() + bytes(32)) == message


@given(INDEX, sized(24), sized(32))
def test_cookie_reply_and_back(receiver: int, nonce: bytes, cookie: bytes):
    message = CookieReply(receiver, nonce, cookie)
    assert parse_cookie_reply(message.pack()) == message


@given(INDEX, st.integers(0, 2**64 - 1), st.binary(min_size=16, max_size=64))
def test_transport_and_back(receiver: int, counter: int, ciphertext: bytes):
    message = Transport(receiver, counter, ciphertext)
    assert parse_transport(pack_transport(message)) == message


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\4",
        b"\4\0\0\0",
        b"\4\0\0\0" + bytes(27),
        b"\4\0\0\1" + bytes(28),
        b"\1\0\0\0" + bytes(143),
        b"\1\0\0\0" + bytes(145),
        b"\2\0\0\0" + bytes(87),
        b"\3\0\0\0" + bytes(61),
        b"\0\0\0\0" + bytes(144),
        b"\5\0\0\0" + bytes(144),
    ],
)
def test_wrong_size_or_type(datagram: bytes):
    assert message_type(datagram) is None


@pytest.mark.parametrize(
    ("start", "is_ours"),
    [
        (b"\1\0\0\0", True),
        (b"\4\0\0\0", True),
        (b"\0\1\0\0", False),  # STUN binding request
        (b"\1\1\0\0", False),  # STUN binding response
        (b"\5\0\0\0", False),
        (b"\1\0\0", False),
    ],
)
def test_tells_others_from_ours(start: bytes, is_ours: bool):
    assert looks_like_wireguard(start + bytes(16) if len(start) == 4 else start) is is_ours
