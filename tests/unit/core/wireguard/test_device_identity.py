# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A device that gets another private key."""

from __future__ import annotations

import pytest
from two_hosts import connected, introduce, make_host

from cladnet.core.errors import InvalidInput


def test_a_new_identity_is_one_round_trip_for_a_peer_that_learns_of_it() -> None:
    alice, bob = make_host(1), make_host(2)
    wire = connected(alice, bob)
    old = alice.key
    alice.device.set_private_key(bytes(range(32)))
    assert alice.key != old
    wire.send(alice, bob)
    wire.send(bob, alice)
    wire.settle()
    assert (len(alice.received), len(bob.received)) == (1, 1), "the sessions go on until the peer knows"
    wire.sent.clear()
    bob.device.remove_peer(old)
    bob.device.set_peer(alice.config(), wire.now_s)
    bob.device.connect(alice.key, wire.now_s)
    wire.settle()
    wire.send(alice, bob)
    wire.send(bob, alice)
    wire.settle()
    assert (len(alice.received), len(bob.received)) == (2, 2)


def test_a_peer_that_does_not_know_the_new_identity_makes_no_new_session() -> None:
    alice, bob = make_host(1), make_host(2)
    wire = introduce(alice, bob)
    alice.device.set_private_key(bytes(range(32)))
    alice.device.connect(bob.key, wire.now_s)
    bob.device.connect(make_host(1).key, wire.now_s)
    wire.settle()
    drops = alice.device.status(wire.now_s).drops
    assert drops["wrong_mac"] == 1
    assert bob.device.status(wire.now_s).drops["unknown_peer"] == 1


def test_an_identity_has_32_bytes() -> None:
    with pytest.raises(InvalidInput, match="32 bytes"):
        make_host(1).device.set_private_key(b"short")
