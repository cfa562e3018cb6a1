# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Macs and cookies: who gets an answer from a loaded responder."""

from __future__ import annotations

import random

import pytest

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.cookie import CookieChecker, CookieJar
from cladnet.core.wireguard.messages import CookieReply, Initiation, parse_cookie_reply

PUBLIC_KEY = b"\7" * 32
SOURCE = Endpoint("198.51.100.1", 8055)
MESSAGE = Initiation(5, b"e" * 32, b"s" * 48, b"t" * 28).pack()


def make_checker() -> CookieChecker:
    return CookieChecker(PUBLIC_KEY, random.Random(1).randbytes)  # noqa: S311


def with_cookie(checker: CookieChecker, jar: CookieJar, now_s: float) -> bytes:
    """A message with the mac2 of a cookie that its sender just got."""
    reply = checker.reply(jar.add_macs(MESSAGE, now_s), SOURCE, now_s)
    assert jar.accept(parse_cookie_reply(reply.pack()), now_s)
    return jar.add_macs(MESSAGE, now_s)


def test_mac1_proves_that_the_sender_knows_our_key():
    datagram = CookieJar(PUBLIC_KEY).add_macs(MESSAGE, 0.0)
    assert make_checker().mac1_is_valid(datagram)
    assert not make_checker().mac1_is_valid(CookieJar(b"\1" * 32).add_macs(MESSAGE, 0.0))


@pytest.mark.parametrize("position", [0, 4, 115, 116, 131])
def test_mac1_covers_everything_before_it(position: int):
    datagram = bytearray(CookieJar(PUBLIC_KEY).add_macs(MESSAGE, 0.0))
    datagram[position] ^= 1
    assert not make_checker().mac1_is_valid(bytes(datagram))


def test_without_a_cookie_there_is_no_mac2():
    datagram = CookieJar(PUBLIC_KEY).add_macs(MESSAGE, 0.0)
    assert datagram[-16:] == bytes(16)
    assert not make_checker().mac2_is_valid(datagram, SOURCE, 0.0)


def test_cookie_makes_mac2_valid():
    checker, jar = make_checker(), CookieJar(PUBLIC_KEY)
    assert checker.mac2_is_valid(with_cookie(checker, jar, 0.0), SOURCE, 1.0)


def test_cookie_is_for_one_source():
    checker, jar = make_checker(), CookieJar(PUBLIC_KEY)
    datagram = with_cookie(checker, jar, 0.0)
    assert not checker.mac2_is_valid(datagram, Endpoint(SOURCE.address, SOURCE.port + 1), 1.0)
    assert not checker.mac2_is_valid(datagram, Endpoint("198.51.100.2", SOURCE.port), 1.0)


def test_secret_of_cookies_changes_every_two_minutes():
    checker, jar = make_checker(), CookieJar(PUBLIC_KEY)
    datagram = with_cookie(checker, jar, 0.0)
    assert checker.mac2_is_valid(datagram, SOURCE, 119.9)
    assert not checker.mac2_is_valid(datagram, SOURCE, 120.0)


def test_sender_forgets_a_cookie_after_two_minutes():
    checker, jar = make_checker(), CookieJar(PUBLIC_KEY)
    with_cookie(checker, jar, 0.0)
    assert jar.add_macs(MESSAGE, 119.9)[-16:] != bytes(16)
    assert jar.add_macs(MESSAGE, 120.0)[-16:] == bytes(16)


def test_reply_is_accepted_once_and_only_for_the_last_message():
    checker, jar = make_checker(), CookieJar(PUBLIC_KEY)
    reply = checker.reply(jar.add_macs(MESSAGE, 0.0), SOURCE, 0.0)
    jar.add_macs(MESSAGE[:-1] + b"x", 0.0)
    assert not jar.accept(reply, 0.0)
    reply = checker.reply(jar.add_macs(MESSAGE, 0.0), SOURCE, 0.0)
    assert jar.accept(reply, 0.0)
    assert not jar.accept(reply, 100.0)


def test_unasked_or_forged_reply_is_refused():
    checker, jar = make_checker(), CookieJar(PUBLIC_KEY)
    assert not jar.accept(CookieReply(5, bytes(24), bytes(32)), 0.0)
    reply = checker.reply(jar.add_macs(MESSAGE, 0.0), SOURCE, 0.0)
    assert not jar.accept(CookieReply(reply.receiver_index, reply.nonce, bytes(32)), 0.0)
    assert jar.accept(reply, 0.0)


def test_replies_never_share_a_nonce():
    checker, jar = make_checker(), CookieJar(PUBLIC_KEY)
    datagram = jar.add_macs(MESSAGE, 0.0)
    assert len({checker.reply(datagram, SOURCE, 0.0).nonce for _unused in range(100)}) == 100


def test_reply_names_the_message_that_it_answers():
    reply = make_checker().reply(CookieJar(PUBLIC_KEY).add_macs(MESSAGE, 0.0), SOURCE, 0.0)
    assert reply.receiver_index == 5
