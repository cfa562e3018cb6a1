# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What leaves a host behind the tunnel is, byte for byte, what two routers with a cable would send."""

from __future__ import annotations

import socket
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import zip_longest

import pytest
from forwarding_chain import END_ADDRESSES, LEFT, RIGHT, Chain, forwarding_chain
from ip_packets import IpPacket, address_bytes, checksum, udp
from namespaces import eventually
from offloaded_packets import super_packets
from packet_kinds import Maker, random_runs, singles

Send = Callable[[Chain, int, bytes], None]

_BURST = 100
_RANDOM_COUNT = 2000
_LAST_PORT = 31_337
_ENDS = [address_bytes(address) for address in END_ADDRESSES]
_DONT_FRAGMENT_BIT = 0x40


@pytest.fixture(scope="module")
def tunnelled(tun_driver: None) -> Iterator[Chain]:
    with forwarding_chain(tunnelled=True) as chain:
        yield chain


@pytest.fixture(scope="module")
def plain(tun_driver: None) -> Iterator[Chain]:
    with forwarding_chain(tunnelled=False) as chain:
        yield chain


@pytest.mark.parametrize("sender", [LEFT, RIGHT], ids=["left", "right"])
def test_every_kind_of_packet(plain: Chain, tunnelled: Chain, sender: int):
    _compare(plain, tunnelled, sender, singles(Maker(sender)))


@pytest.mark.parametrize("sender", [LEFT, RIGHT], ids=["left", "right"])
@pytest.mark.parametrize("seed", range(3))
def test_runs_of_packets(plain: Chain, tunnelled: Chain, sender: int, seed: int):
    _compare(plain, tunnelled, sender, random_runs(Maker(sender), seed, _RANDOM_COUNT))


@pytest.mark.parametrize("sender", [LEFT, RIGHT], ids=["left", "right"])
def test_packets_of_many_segments(plain: Chain, tunnelled: Chain, sender: int):
    for packet in super_packets(Maker(sender), seed=sender):
        _compare_crossings(plain, tunnelled, sender, Chain.send_super_packet, [packet])


class Crossing:
    """Packets that go through a chain, and what comes out at both ends."""

    def __init__(self, chain: Chain, sender: int) -> None:
        self._chain = chain
        self._sender = sender
        self.across: list[IpPacket] = []
        self.back: list[IpPacket] = []

    @property
    def counts(self) -> tuple[int, int]:
        """How many have come out across and back."""
        self.across += self._chain.receive(1 - self._sender)
        self.back += self._chain.receive(self._sender)
        return len(self.across), len(self.back)

    def has_ended(self) -> bool:
        """Whether the last packet has come out, which no other of a cable overtakes."""
        return self.counts[0] > 0 and self.across[-1].ports == (_LAST_PORT, _LAST_PORT)


def _compare(plain: Chain, tunnelled: Chain, sender: int, packets: Sequence[bytes]) -> None:
    for start in range(0, len(packets), _BURST):
        _compare_crossings(plain, tunnelled, sender, Chain.send, packets[start : start + _BURST])


def _compare_crossings(
    plain: Chain, tunnelled: Chain, sender: int, send: Send, packets: Sequence[bytes]
) -> None:
    wanted, got = Crossing(plain, sender), Crossing(tunnelled, sender)
    last = Maker(sender).summed4(socket.IPPROTO_UDP, udp(_LAST_PORT, _LAST_PORT, b"last"))
    for chain in (plain, tunnelled):
        for packet in packets:
            send(chain, sender, packet)
        chain.send(sender, last)
    eventually("all have gone through the cable", wanted.has_ended)
    _wait_for(got, wanted)
    assert _differences(got.across, wanted.across) == []
    assert _differences(got.back, wanted.back) == []


def _wait_for(got: Crossing, wanted: Crossing) -> None:
    """Waits, but not in vain: what is missing is said better by the comparison."""
    try:
        eventually("as many have gone through the tunnel", lambda: got.counts >= wanted.counts)
    except AssertionError:
        return


def _differences(got: Sequence[IpPacket], wanted: Sequence[IpPacket]) -> list[str]:
    """Where a flow is not the same in both: the first packets that differ."""
    flows, wanted_flows = _flows(got), _flows(wanted)
    return [
        f"{_at(flows[key], index)} instead of {_at(wanted_flows[key], index)} ({index} of {key})"
        for key in {**flows, **wanted_flows}
        if (index := _first_difference(flows[key], wanted_flows[key])) is not None
    ]


def _first_difference(got: Sequence[bytes], wanted: Sequence[bytes]) -> int | None:
    pairs = zip_longest(got, wanted)
    return next((index for index, (one, other) in enumerate(pairs) if one != other), None)


def _at(packets: Sequence[bytes], index: int) -> str:
    return packets[index].hex() if index < len(packets) else "nothing"


def _flows(packets: Sequence[IpPacket]) -> dict[Hashable, list[bytes]]:
    """The packets of each flow in their order, which is all the order that a network promises."""
    flows: dict[Hashable, list[bytes]] = defaultdict(list)
    for packet in packets:
        key = packet.source, packet.destination, packet.protocol, packet.is_fragment or packet.transport[:4]
        flows[key].append(_comparable(packet))
    return flows


def _comparable(packet: IpPacket) -> bytes:
    """The packet without the identification where it identifies no fragments, or a router chose it."""
    whole = packet.whole
    if whole[0] >> 4 == 6:
        return whole
    header_size_bytes = len(whole) - len(packet.transport)
    assert checksum(whole[:header_size_bytes]) == 0
    if whole[6] & _DONT_FRAGMENT_BIT or packet.source not in _ENDS:
        whole = whole[:4] + bytes(2) + whole[6:]
    return whole[:10] + bytes(2) + whole[12:]
