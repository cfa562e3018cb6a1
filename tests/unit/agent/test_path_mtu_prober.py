# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The prober over a network that a test makes up, and its socket over the loopback device."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

import pytest

from cladnet.agent import path_mtu as path_mtu_module
from cladnet.agent.path_mtu import PROBE_BURST_BYTES, PROBE_BYTES_PER_S, PathMtuProber
from cladnet.agent.path_mtu_socket import ProbeAnswer, ProbeSocket
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import NotFound, Unauthorized
from cladnet.core.path_mtu import SAFE_BYTES, PathMtuBounds, Phase
from cladnet.core.rule_table import PeerEntry
from cladnet.core.wireguard.status import PeerStatus, TunnelStatus
from tests.unit.agent.agent_without_tunnel import eventually

BOUNDS = PathMtuBounds(SAFE_BYTES, 1420)
JUMBO = PathMtuBounds(SAFE_BYTES, 8921)
TRAFFIC_BYTES = 10_000


class SimulatedNetwork:
    """Takes the place of the socket: answers what fits a path, at once."""

    def __init__(self) -> None:
        self.mtus: dict[str, int] = {}
        self.sent: list[tuple[str, int]] = []
        self.answers: list[ProbeAnswer] = []
        self.lies = False
        self._mine, self._theirs = socket.socketpair()

    def fileno(self) -> int:
        return self._mine.fileno()

    def send(self, address: str, size_bytes: int) -> int:
        self.sent.append((address, size_bytes))
        number = len(self.sent)
        if size_bytes <= self.mtus.get(address, 0):
            self.answers.append(ProbeAnswer(address, number, size_bytes))
        elif self.lies:
            self.answers += [ProbeAnswer("10.77.9.9", number, size_bytes), ProbeAnswer(address, number, 600)]
        if self.answers:
            self._theirs.send(b".")
        return number

    def receive(self) -> Iterator[ProbeAnswer]:
        self._mine.recv(65536)
        answers, self.answers = self.answers, []
        yield from answers

    def close(self) -> None:
        self._mine.close()
        self._theirs.close()


@dataclass
class FakeTunnel:
    """Peers with counters; remembers what it was told, as the real one does."""

    peers: dict[bytes, PeerStatus] = field(default_factory=dict)
    told: list[tuple[bytes, int]] = field(default_factory=list)
    data_sent_s: dict[bytes, float] = field(default_factory=dict)

    def send(self, key: bytes) -> None:
        """The host sends data to the peer."""
        self.peers[key] = replace(self.peers[key], tx_bytes=self.peers[key].tx_bytes + TRAFFIC_BYTES)
        self.data_sent_s[key] = time.monotonic()

    def status(self) -> TunnelStatus:
        return TunnelStatus([self._status(key) for key in self.peers], {})

    def _status(self, key: bytes) -> PeerStatus:
        sent_s = self.data_sent_s.get(key)
        age_s = None if sent_s is None else time.monotonic() - sent_s
        return replace(self.peers[key], last_data_sent_age_s=age_s)

    def set_path_mtu(self, public_key: bytes, mtu_bytes: int) -> None:
        if public_key not in self.peers:
            raise NotFound("gone")
        self.told.append((public_key, mtu_bytes))
        self.peers[public_key] = replace(self.peers[public_key], path_mtu_bytes=mtu_bytes)


class World:
    """A prober with all that it talks to."""

    def __init__(self) -> None:
        self.network = SimulatedNetwork()
        self.tunnel = FakeTunnel()
        self.entries: dict[str, PeerEntry] = {}
        self.bounds = BOUNDS
        self.changes = 0
        self.prober = PathMtuProber(
            tunnel=self.tunnel,
            peers=lambda: self.entries,
            bounds=lambda: self.bounds,
            on_change=self._changed,
        )

    def add_peer(self, number: int, mtu_bytes: int, is_used: bool = True) -> bytes:
        key = number.to_bytes(32, "big")
        address = IPv4Address("10.77.0.0") + number
        self.entries = {**self.entries, f"h{number}": PeerEntry(f"h{number}", address, key)}
        self.network.mtus[str(address)] = mtu_bytes
        self.tunnel.peers[key] = PeerStatus(key, Endpoint("192.0.2.1", number), 1.0, 0, 0)
        if is_used:
            self.tunnel.send(key)
        return key

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    world = World()
    monkeypatch.setattr(path_mtu_module, "ProbeSocket", lambda: world.network)
    monkeypatch.setattr(path_mtu_module, "LOOK_S", 0.02)
    task = asyncio.ensure_future(world.prober.run())
    yield world
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_is_found_is_told_to_tunnel_and_routes(world: World) -> None:
    first, second = world.add_peer(2, 1340), world.add_peer(3, 1500)
    idle = world.add_peer(4, 1500, is_used=False)
    wanted = {IPv4Address("10.77.0.2"): 1340, IPv4Address("10.77.0.3"): 1420}
    await eventually(lambda: world.prober.path_mtus == wanted, "both are found")
    await eventually(lambda: world.prober.path_of(first).phase is Phase.FOUND, "the first is sure")  # type: ignore[union-attr]
    assert {(first, 1340), (second, 1420)} <= set(world.tunnel.told)
    assert world.changes >= 2
    assert world.prober.path_of(idle).phase is Phase.UNKNOWN  # type: ignore[union-attr]
    assert not [size for address, size in world.network.sent if address == "10.77.0.4"]
    assert world.prober.path_of(b"nobody") is None


async def test_answers_of_others_and_of_other_sizes_prove_nothing(world: World) -> None:
    world.network.lies = True
    world.add_peer(2, 1340)
    await eventually(lambda: world.prober.path_mtus == {IPv4Address("10.77.0.2"): 1340}, "it is found")


async def test_removed_peer_is_forgotten(world: World) -> None:
    key = world.add_peer(2, 1340)
    await eventually(lambda: world.prober.path_mtus, "it is found")
    world.entries = {}
    assert not world.prober.path_mtus
    changes = world.changes
    await eventually(lambda: world.prober.path_of(key) is None, "it is forgotten")
    assert world.changes == changes + 1


async def test_peer_that_was_added_again_is_told_again(world: World) -> None:
    key = world.add_peer(2, 1420)
    await eventually(lambda: world.prober.path_mtus, "it is found")
    world.tunnel.told.clear()
    world.tunnel.peers[key] = replace(world.tunnel.peers[key], path_mtu_bytes=None)
    await eventually(lambda: world.tunnel.told == [(key, 1420)], "it is told")


async def test_peer_that_goes_while_it_is_probed_does_no_harm(world: World) -> None:
    key = world.add_peer(2, 0)
    await eventually(lambda: world.network.sent, "it is probed")
    world.network.mtus["10.77.0.2"] = 1400
    del world.tunnel.peers[key]
    await eventually(lambda: world.prober.path_of(key) is None, "it is forgotten")
    world.add_peer(3, 1400)
    await eventually(lambda: world.prober.path_mtus, "another one is found")


async def test_host_with_another_way_out_begins_again(world: World) -> None:
    key = world.add_peer(2, 1420)
    await eventually(lambda: world.prober.path_mtus == {IPv4Address("10.77.0.2"): 1420}, "it is found")
    world.network.mtus["10.77.0.2"] = 1300
    world.prober.restart()
    await eventually(
        lambda: world.prober.path_mtus == {IPv4Address("10.77.0.2"): SAFE_BYTES}, "it is unknown"
    )
    world.tunnel.send(key)
    await eventually(lambda: world.prober.path_mtus == {IPv4Address("10.77.0.2"): 1300}, "it is found again")


async def test_many_peers_are_probed_at_a_bounded_rate(world: World) -> None:
    world.bounds = JUMBO
    for number in range(2, 52):
        world.add_peer(number, 0)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await asyncio.sleep(0.3)
    sent_bytes = sum(size for _unused, size in world.network.sent)
    largest_burst_bytes = 100_000
    allowed = PROBE_BURST_BYTES + PROBE_BYTES_PER_S * (loop.time() - began_s) + largest_burst_bytes
    assert PROBE_BURST_BYTES <= sent_bytes <= allowed


async def test_without_the_right_to_ping_nothing_is_found_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> ProbeSocket:
        raise Unauthorized("This user may not send pings.")

    monkeypatch.setattr(path_mtu_module, "ProbeSocket", refuse)
    world = World()
    world.network.close()
    with caplog.at_level(logging.WARNING), pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(world.prober.run(), 0.05)
    assert "may not send pings" in caplog.text


@pytest.fixture
def probes() -> Iterator[ProbeSocket]:
    if os.geteuid() != 0:
        pytest.skip("pings need root, or net.ipv4.ping_group_range")
    opened = ProbeSocket()
    yield opened
    opened.close()


async def test_socket_sends_packets_of_the_size_and_reads_their_answers(probes: ProbeSocket) -> None:
    sizes = {probes.send("127.0.0.1", size): size for size in (576, 1341, 9001, 60000)}
    answers: dict[int, ProbeAnswer] = {}

    def all_are_there() -> bool:
        answers.update((answer.sequence, answer) for answer in probes.receive())
        return len(answers) == len(sizes)

    await eventually(all_are_there, "all answers")
    assert {answer.sequence: answer.size_bytes for answer in answers.values()} == sizes
    assert {answer.address for answer in answers.values()} == {"127.0.0.1"}


async def test_socket_loses_what_the_kernel_does_not_take(probes: ProbeSocket) -> None:
    lost = probes.send("255.255.255.255", 1000), probes.send("127.0.0.1", 65536)
    sequence = probes.send("127.0.0.1", 576)
    answers: list[ProbeAnswer] = []
    await eventually(lambda: answers.extend(probes.receive()) or answers, "an answer")
    assert [answer.sequence for answer in answers] == [sequence]
    assert sequence not in lost
