# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Hosts on a network that may lose, double, delay, replay and misdeliver datagrams; they restart, move and
change their keys and clocks."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from troubled_mesh import BOTH_SUITES, HOST_COUNT, NOWHERE, TroubledMesh

from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305

HOSTS = st.integers(0, HOST_COUNT - 1)
OTHERS = st.integers(1, HOST_COUNT - 1)
FATES = st.sampled_from(["deliver", "deliver", "deliver", "lose", "double", "flip"])
POSITIONS = st.integers(0, 10_000)
CLOCK_STEPS_S = st.sampled_from([-(10**8), -3600, -1, 1, 3600, 10**8])
DELAYS_S = st.sampled_from([0.001, 0.04, 0.06, 0.5, 1.0, 5.0, 5.4, 10.0, 15.4, 60.0, 121.0, 181.0, 600.0])
SUITE_CHOICES = st.sampled_from(
    [BOTH_SUITES, BOTH_SUITES[::-1], (CHACHA20_POLY1305,), (AES_256_GCM,)],
)


class TroubledHosts(RuleBasedStateMachine):
    """Any order of any troubles; at the end the network is good again."""

    def __init__(self) -> None:
        super().__init__()
        self.mesh = TroubledMesh()

    @rule(sender=HOSTS, step=OTHERS, count=st.integers(1, 5))
    def send(self, sender: int, step: int, count: int) -> None:
        for _unused in range(count):
            self.mesh.send(sender, (sender + step) % HOST_COUNT)

    @rule(sender=HOSTS, step=OTHERS)
    def lie(self, sender: int, step: int) -> None:
        self.mesh.lie(sender, (sender + step) % HOST_COUNT)

    @rule(moves=st.lists(st.tuples(FATES, POSITIONS), min_size=1, max_size=12))
    def move(self, moves: list[tuple[str, int]]) -> None:
        for fate, position in moves:
            self.mesh.move(fate, position)

    @rule(first=HOSTS, step=OTHERS, seconds=st.integers(1, 8))
    def talk(self, first: int, step: int, seconds: int) -> None:
        """Question and answer on a good network."""
        second = (first + step) % HOST_COUNT
        for _unused in range(seconds):
            for sender, receiver in ((first, second), (second, first)):
                self.mesh.send(sender, receiver)
                self.mesh.deliver_all()
            self.mesh.advance(1.0, deliver=True)

    @rule()
    def deliver_all(self) -> None:
        self.mesh.deliver_all()

    @rule(positions=st.lists(POSITIONS, min_size=1, max_size=8), victim=HOSTS)
    def replay(self, positions: list[int], victim: int) -> None:
        for position in positions:
            self.mesh.replay(position, victim, NOWHERE)

    @rule(seconds=DELAYS_S, deliver=st.booleans())
    def advance(self, seconds: float, deliver: bool) -> None:
        self.mesh.advance(seconds, deliver=deliver)

    @rule(host=HOSTS, seconds=CLOCK_STEPS_S)
    def step_wall_clock(self, host: int, seconds: int) -> None:
        self.mesh.step_wall_clock(host, seconds)

    @rule(host=HOSTS)
    def restart(self, host: int) -> None:
        self.mesh.restart(host)

    @rule(host=HOSTS)
    def restart_data_path(self, host: int) -> None:
        self.mesh.restart_data_path(host)

    @rule(host=HOSTS)
    def change_key(self, host: int) -> None:
        self.mesh.change_key(host)

    @rule(host=HOSTS)
    def roam(self, host: int) -> None:
        self.mesh.roam(host)

    @rule(host=HOSTS, step=OTHERS)
    def forget(self, host: int, step: int) -> None:
        self.mesh.forget(host, (host + step) % HOST_COUNT)

    @rule(host=HOSTS)
    def change_preshared_key(self, host: int) -> None:
        self.mesh.change_preshared_key(host)

    @rule(host=HOSTS, suites=SUITE_CHOICES)
    def use_suites(self, host: int, suites: tuple) -> None:
        self.mesh.use_suites(host, suites)

    @rule(host=HOSTS)
    def learn_of_changes(self, host: int) -> None:
        self.mesh.introduce_others(self.mesh.nodes[host])

    @invariant()
    def holds(self) -> None:
        self.mesh.check()

    def teardown(self) -> None:
        try:
            self.mesh.heal()
            self.mesh.check_traffic_flows_again()
            self.mesh.check_falls_asleep()
        finally:
            self.mesh.close()


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        TroubledHosts,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_trouble_breaks_a_promise() -> None:
    run(examples=60, steps=50)


@pytest.mark.long
def test_no_trouble_breaks_a_promise_in_the_long_run() -> None:
    for _unused in range(20):  # one long run would remember all its examples
        run(examples=100, steps=120)
