# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The two macs of handshake messages, and the cookies that prove an address to a loaded responder.

mac1 proves that the sender knows the receiver's public key, so strangers get silence. mac2 proves that the
sender can receive at the address from which it sends; it is asked for only under load.

Source: WireGuard whitepaper, sections 5.3, 5.4.4 and 5.4.7.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from math import inf

from cryptography.exceptions import InvalidTag

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.constants import COOKIE_LIFETIME_S, COOKIE_SECRET_LIFETIME_S
from cladnet.core.wireguard.messages import MACS_SIZE_BYTES, CookieReply, sender_index
from cladnet.core.wireguard.primitives import MAC_SIZE_BYTES, blake2s_hash, blake2s_mac
from cladnet.core.wireguard.xchacha import XNONCE_SIZE_BYTES, xchacha_open, xchacha_seal

_MAC1_LABEL = b"mac1----"
_COOKIE_LABEL = b"cookie--"
_NO_MAC = bytes(MAC_SIZE_BYTES)
_SECRET_SIZE_BYTES = 32


class CookieChecker:
    """The receiving side: checks macs and makes cookie replies.

    Args:
        public_key: our static public key, 32 bytes.
        random_bytes: gives that many random bytes.
    """

    def __init__(self, public_key: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._mac1_key = blake2s_hash(_MAC1_LABEL, public_key)
        self._reply_key = blake2s_hash(_COOKIE_LABEL, public_key)
        self._random_bytes = random_bytes
        self._secret = b""
        self._secret_made_s = -inf

    def mac1_is_valid(self, datagram: bytes) -> bool:
        """Whether the sender of a handshake message knows our public key."""
        expected = blake2s_mac(self._mac1_key, datagram[:-MACS_SIZE_BYTES])
        return hmac.compare_digest(expected, _mac1_of(datagram))

    def mac2_is_valid(self, datagram: bytes, source: Endpoint, now_s: float) -> bool:
        """Whether the sender of a handshake message got a cookie from us at that address a short time ago."""
        expected = blake2s_mac(self._cookie(source, now_s), datagram[:-MAC_SIZE_BYTES])
        return hmac.compare_digest(expected, datagram[-MAC_SIZE_BYTES:])

    def reply(self, datagram: bytes, source: Endpoint, now_s: float) -> CookieReply:
        """Answers a handshake message (whose mac1 is valid) with a cookie for its source."""
        nonce = self._random_bytes(XNONCE_SIZE_BYTES)
        cookie = self._cookie(source, now_s)
        encrypted = xchacha_seal(self._reply_key, nonce, cookie, _mac1_of(datagram))
        return CookieReply(sender_index(datagram), nonce, encrypted)

    def _cookie(self, source: Endpoint, now_s: float) -> bytes:
        if now_s - self._secret_made_s >= COOKIE_SECRET_LIFETIME_S:
            self._secret = self._random_bytes(_SECRET_SIZE_BYTES)
            self._secret_made_s = now_s
        return blake2s_mac(self._secret, str(source).encode())


class CookieJar:
    """The sending side: adds macs to what goes to one peer, and keeps the cookie that the peer gave.

    Args:
        public_key: the peer's static public key, 32 bytes.
    """

    __slots__ = ("_cookie", "_cookie_got_s", "_last_mac1", "_mac1_key", "_reply_key")

    def __init__(self, public_key: bytes) -> None:
        self._mac1_key = blake2s_hash(_MAC1_LABEL, public_key)
        self._reply_key = blake2s_hash(_COOKIE_LABEL, public_key)
        self._last_mac1 = b""
        self._cookie = b""
        self._cookie_got_s = -inf

    def add_macs(self, message: bytes, now_s: float) -> bytes:
        """Completes a packed initiation or response."""
        mac1 = blake2s_mac(self._mac1_key, message)
        self._last_mac1 = mac1
        if now_s - self._cookie_got_s >= COOKIE_LIFETIME_S:
            return message + mac1 + _NO_MAC
        return message + mac1 + blake2s_mac(self._cookie, message + mac1)

    def accept(self, reply: CookieReply, now_s: float) -> bool:
        """Keeps the cookie of a reply, if the reply answers the last message that we sent."""
        if not self._last_mac1:
            return False
        try:
            cookie = xchacha_open(self._reply_key, reply.nonce, reply.encrypted_cookie, self._last_mac1)
        except InvalidTag:
            return False
        self._cookie, self._cookie_got_s = cookie, now_s
        # One answer per message: a replay must not make an old cookie young.
        self._last_mac1 = b""
        return True


def _mac1_of(datagram: bytes) -> bytes:
    return datagram[-MACS_SIZE_BYTES:-MAC_SIZE_BYTES]
