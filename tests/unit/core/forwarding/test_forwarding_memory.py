# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The memory that both halves of a device share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cladnet.core.forwarding.memory import SLOTS_PER_PEER, DropCounts, Memory
from cladnet.core.forwarding.traffic import LAST_SENT
from cladnet.core.wireguard.drops import Drop

PEERS, WORKERS = 5, 3


def make() -> Memory:
    return Memory(memoryview(bytearray(Memory.size_bytes(WORKERS, PEERS))), workers=WORKERS, peers=PEERS)


def test_no_two_things_have_one_place():
    memory = make()
    for peer in range(PEERS):
        for worker in range(WORKERS):
            memory.traffic(peer, worker).data_sent(1 << worker, float(peer + 1))
            memory.traffic(peer, worker).received(1 << worker + 4, float(peer + 1), has_data=False)
    for slot in range(PEERS * SLOTS_PER_PEER):
        assert memory.reservation(slot)(slot + 1) == 0
        memory.greatest[slot] = 100 + slot
    for worker in range(WORKERS):
        memory.drops(worker)[Drop.REPLAYED] += worker + 1
    assert [memory.times(peer)[LAST_SENT] for peer in range(PEERS)] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert {(memory.tx_bytes(peer), memory.rx_bytes(peer)) for peer in range(PEERS)} == {(7, 112)}
    assert [memory.sent_count(slot) for slot in range(PEERS * SLOTS_PER_PEER)] == list(
        range(1, PEERS * SLOTS_PER_PEER + 1)
    )
    assert list(memory.greatest) == [100 + slot for slot in range(PEERS * SLOTS_PER_PEER)]
    assert memory.drop_counts() == {"replayed": 6}


def test_peer_that_gets_the_place_of_another_begins_anew():
    memory = make()
    memory.traffic(2, 1).data_sent(100, 7.0)
    memory.traffic(3, 1).data_sent(200, 8.0)
    memory.clear_peer(2)
    assert memory.tx_bytes(2) == 0
    assert list(memory.times(2)) == [0.0] * 8
    assert memory.tx_bytes(3) == 200


def test_send_counter_never_goes_back():
    """A worker that does not know yet that a session is over may still use its slot."""
    memory = make()
    stale = memory.reservation(4)
    assert stale(10) == 0
    memory.clear_session(4)
    assert memory.reservation(4)(5) == 10
    assert stale(1) == 15


def test_reserves_under_a_lock_if_there_are_several_workers():
    locked: list[int] = []

    @contextmanager
    def lock(offset: int) -> Iterator[None]:
        locked.append(offset)
        yield

    buffer = memoryview(bytearray(Memory.size_bytes(2, PEERS)))
    memory = Memory(buffer, workers=2, peers=PEERS, lock=lock)
    assert memory.reservation(3)(0x01020304) == 0
    assert buffer[locked[0] : locked[0] + 4].hex() == "04030201"


def test_counts_of_drops_by_name():
    counts = DropCounts.private()
    counts[Drop.NO_ROUTE] += 2
    assert counts.by_name() == {"no_route": 2}
    assert counts[Drop.REPLAYED] == 0
