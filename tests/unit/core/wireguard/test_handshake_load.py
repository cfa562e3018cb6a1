# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Limits under a flood of handshakes."""

from __future__ import annotations

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard import load
from cladnet.core.wireguard.load import HandshakeLoad, SourceLimiter, TokenBucket


def test_bucket_gives_its_burst_and_then_its_rate():
    bucket = TokenBucket(20.0, 5.0, 0.0)
    assert [bucket.take(0.0) for _unused in range(6)] == [True] * 5 + [False]
    assert [bucket.take(0.05), bucket.take(0.05)] == [True, False]
    assert [bucket.take(100.0) for _unused in range(6)] == [True] * 5 + [False]


def test_bucket_does_not_mind_a_clock_that_stands_still_or_goes_back():
    bucket = TokenBucket(20.0, 1.0, 10.0)
    assert bucket.take(10.0)
    assert not bucket.take(5.0)


def test_sources_are_limited_one_by_one():
    limiter = SourceLimiter()
    greedy, modest = Endpoint("198.51.100.1", 1000), Endpoint("198.51.100.2", 1000)
    assert [limiter.allows(greedy, 0.0) for _unused in range(7)] == [True] * 5 + [False] * 2
    assert limiter.allows(modest, 0.0)


def test_another_port_is_the_same_source():
    limiter = SourceLimiter()
    answers = [limiter.allows(Endpoint("198.51.100.1", port), 0.0) for port in range(1, 8)]
    assert answers.count(True) == 5


def test_an_ipv6_source_is_a_whole_64():
    limiter = SourceLimiter()
    answers = [limiter.allows(Endpoint(f"2001:db8::{host:x}", 1), 0.0) for host in range(1, 8)]
    assert answers.count(True) == 5
    assert limiter.allows(Endpoint("2001:db8:0:1::1", 1), 0.0)


def test_table_of_sources_is_bounded():
    limiter = SourceLimiter()
    for number in range(load.MAX_SOURCES):
        assert limiter.allows(Endpoint(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1), 0.0)
    newcomer = Endpoint("198.51.100.1", 1)
    assert not limiter.allows(newcomer, 0.0)
    assert len(limiter._buckets) == load.MAX_SOURCES
    assert limiter.allows(newcomer, 10.0), "sources that were quiet must make room"


def test_load_begins_with_a_flood_and_ends_a_second_after_it():
    handshakes = HandshakeLoad()
    assert not any(handshakes.handshake_arrived(0.0) for _unused in range(int(load.HANDSHAKE_BURST)))
    assert handshakes.handshake_arrived(0.0)
    assert handshakes.handshake_arrived(0.9)
    assert not handshakes.handshake_arrived(1.1)
