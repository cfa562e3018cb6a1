# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from cladnet.core.endpoint import Endpoint
from cladnet.core.path_mtu import SAFE_BYTES, PathMtuBounds, Phase
from cladnet.core.path_watch import CONFIRMATION_S, RAISE_S, RAISE_TRAFFIC_BYTES, PathWatch
from cladnet.core.wireguard.status import PeerStatus

BOUNDS = PathMtuBounds(SAFE_BYTES, 1420)
JUMBO = PathMtuBounds(SAFE_BYTES, 8921)
PEER = PeerStatus(b"k" * 32, Endpoint("192.0.2.2", 8055), 1.0, rx_bytes=0, tx_bytes=0)
MUCH = 100_000
KEEPALIVE_BYTES = 32


@dataclass
class Host:
    """One end: a watch, the counters of its tunnel, and the bursts that it sent."""

    true_mtu: int = 1340
    bounds: PathMtuBounds = BOUNDS
    peer: PeerStatus = PEER
    now_s: float = 1000.0
    data_sent_s: float | None = None
    bursts: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = PathWatch(self.bounds)

    def send(self, size_bytes: int) -> None:
        """Data."""
        self.send_no_data(size_bytes)
        self.data_sent_s = self.now_s

    def send_no_data(self, size_bytes: int) -> None:
        """Handshakes and keepalives."""
        self.peer = replace(self.peer, tx_bytes=self.peer.tx_bytes + size_bytes)

    def look(self, after_s: float = 1.0) -> list[tuple[int, ...]]:
        """What is probed at a look after some time, with the answers of the peer."""
        self.now_s += after_s
        before = len(self.bursts)
        age_s = None if self.data_sent_s is None else self.now_s - self.data_sent_s
        self.watch.observe(replace(self.peer, last_data_sent_age_s=age_s), self.bounds, self.now_s)
        while self.watch.path.next_s is not None:
            self.now_s = max(self.now_s, self.watch.path.next_s)
            self._burst()
        return self.bursts[before:]

    def _burst(self) -> None:
        sizes = self.watch.path.burst(self.now_s)
        if sizes:
            self.bursts.append(sizes)
            self.watch.probes_sent(sizes)
            self.send(sum(size + 32 for size in sizes))
        for size in sizes:
            if size <= self.true_mtu:
                self.watch.path.answered(size, self.now_s + 0.001)


def host_with_found_path(**options: object) -> Host:
    host = Host(**options)  # type: ignore[arg-type]
    host.send(MUCH)
    assert host.look()
    assert host.watch.path.phase is Phase.FOUND
    return host


def test_first_traffic_begins_the_search() -> None:
    host = Host()
    assert not host.look()
    host.send_no_data(MUCH)
    assert not host.look()
    host.send(1)
    assert host.look()
    assert (host.watch.path.phase, host.watch.path.mtu_bytes) == (Phase.FOUND, 1340)


@pytest.mark.parametrize("unknown", [{"endpoint": None}, {"last_handshake_age_s": None}])
def test_peer_without_session_is_not_probed(unknown: dict[str, None]) -> None:
    host = Host(peer=replace(PEER, **unknown))  # type: ignore[arg-type]
    host.send(MUCH)
    assert not host.look()


def test_overhead_is_that_of_the_outer_version() -> None:
    host = Host(peer=replace(PEER, endpoint=Endpoint("2001:db8::2", 8055)))
    host.send(MUCH)
    assert set(host.look()[0]) >= {1280 - 80, 1400 - 80, 1460 - 80}
    host = Host()
    host.send(MUCH)
    assert set(host.look()[0]) >= {1280 - 60, 1400 - 60, 1460 - 60}


def test_idle_path_is_left_alone_for_ever() -> None:
    host = host_with_found_path()
    for _unused in range(100):
        host.send_no_data(KEEPALIVE_BYTES)
        assert not host.look(after_s=CONFIRMATION_S)


def test_path_in_use_is_confirmed_from_time_to_time() -> None:
    host = host_with_found_path()
    bursts = []
    for _unused in range(int(3 * CONFIRMATION_S)):
        host.send(MUCH // 10)
        bursts += host.look()
    assert bursts == [(1340, 576)] * 3


@pytest.mark.parametrize("sent_bytes", [RAISE_TRAFFIC_BYTES - 1, RAISE_TRAFFIC_BYTES])
@pytest.mark.parametrize("after_s", [RAISE_S - 30, RAISE_S])
def test_more_is_tried_seldom_and_only_where_it_pays(sent_bytes: int, after_s: float) -> None:
    host = host_with_found_path()
    host.true_mtu = 1420
    host.send(sent_bytes)
    pays = sent_bytes >= RAISE_TRAFFIC_BYTES and after_s >= RAISE_S
    assert bool(set(host.look(after_s)[0]) - {1340, 576}) is pays
    assert host.watch.path.mtu_bytes == (1420 if pays else 1340)


def test_nothing_more_is_tried_where_nothing_more_is_possible() -> None:
    host = host_with_found_path(true_mtu=1440)
    host.send(RAISE_TRAFFIC_BYTES)
    assert host.look(RAISE_S) == [(1420, 576)]


def test_peer_at_another_address_is_another_path() -> None:
    host = host_with_found_path()
    host.peer = replace(host.peer, endpoint=Endpoint("192.0.2.3", 8055))
    assert not host.look()
    assert (host.watch.path.phase, host.watch.path.mtu_bytes) == (Phase.UNKNOWN, SAFE_BYTES)
    host.true_mtu = 1300
    host.send(1)
    assert host.look()
    assert host.watch.path.mtu_bytes == 1300


def test_another_port_is_a_reason_to_confirm() -> None:
    host = host_with_found_path()
    host.peer = replace(host.peer, endpoint=Endpoint("192.0.2.2", 9999))
    host.send(MUCH)
    assert host.look() == [(1340, 576)]


@pytest.mark.parametrize("change", ["way out", "device"])
def test_host_with_another_way_out_begins_again(change: str) -> None:
    host = host_with_found_path()
    if change == "device":
        host.bounds = PathMtuBounds(SAFE_BYTES, 1300)
    else:
        host.watch.restart()
    assert not host.look()
    assert host.watch.path.phase is Phase.UNKNOWN
    host.send(1)
    host.look()
    assert host.watch.path.mtu_bytes == min(1340, host.bounds.most_bytes)


def test_silent_peer_is_asked_again_less_and_less_often() -> None:
    host = Host(true_mtu=0)
    asked_s = []
    for _unused in range(3000):
        host.send(MUCH)
        if host.look():
            asked_s.append(host.now_s)
    pauses_s = [later - earlier for earlier, later in pairwise(asked_s)]
    assert pauses_s == sorted(pauses_s)
    assert pauses_s[0] == pytest.approx(CONFIRMATION_S, rel=0.2)
    assert RAISE_S <= pauses_s[-1] <= RAISE_S + 10
    assert host.watch.path.phase is Phase.UNANSWERED


def test_counter_of_a_peer_that_was_added_again_begins_again() -> None:
    host = host_with_found_path()
    host.peer = replace(host.peer, tx_bytes=5 * 1420)
    assert host.look(CONFIRMATION_S) == [(1340, 576)]


@pytest.mark.parametrize(
    ("mtus", "bounds"),
    [((1340, 1340), BOUNDS), ((8921, 1340), JUMBO), ((1340, 8921), JUMBO), ((8921, 8921), JUMBO)],
)
def test_two_idle_hosts_do_not_keep_each_other_probing(mtus: tuple[int, int], bounds: PathMtuBounds) -> None:
    hosts = [host_with_found_path(true_mtu=mtu, bounds=bounds) for mtu in mtus]
    for host in hosts:
        host.send(MUCH)
    rounds = []
    for _unused in range(200):
        bursts = [host.look(CONFIRMATION_S) for host in hosts]
        for host, heard, mtu in zip(hosts, reversed(bursts), reversed(mtus), strict=True):
            answered = [size for sizes in heard for size in sizes if size <= mtu]
            host.send(sum(size + 60 for size in answered) + KEEPALIVE_BYTES)
        rounds.append(sum(map(len, bursts)))
    assert rounds[0] == 2
    assert sum(rounds[1:]) <= 8
