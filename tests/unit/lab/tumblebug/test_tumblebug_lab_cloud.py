# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the simulator makes of a lab's hosts; a real lab is brought up by the tests of the lab."""

from __future__ import annotations

import threading
import time
from ipaddress import IPv4Address, IPv4Interface
from types import SimpleNamespace

import pytest

from lab.errors import LabError, WrongStateError
from lab.lab import HostState, HostStatus
from lab.tumblebug.cloud import Action, CloudError, Instance, Order
from lab.tumblebug.estate import Image, Spec
from lab.tumblebug.lab_cloud import LabCloud
from tests.unit.lab.tumblebug.tumblebug_bench import SEOUL, network


class StandInLab:
    """One host; operations wait until the test lets them go on."""

    topology = SimpleNamespace(cloud_of=lambda _host: SimpleNamespace(connection=SEOUL.connection))

    def __init__(self, state: HostState = HostState.RUNNING) -> None:
        self.state = state
        self.broken = ""
        self.may_go_on = threading.Event()
        self.done: list[str] = []

    @property
    def hosts(self) -> dict[str, HostStatus]:
        public_ip = None if self.state is HostState.SUSPENDED else IPv4Address("198.51.100.7")
        return {"a1": HostStatus("a1", "a", self.state, IPv4Interface("10.0.0.7/24"), public_ip)}

    def terminate(self, host: str) -> None:
        self._do("terminate", HostState.SUSPENDED)

    def suspend(self, host: str) -> None:
        self._do("suspend", HostState.SUSPENDED)

    def resume(self, host: str) -> None:
        self._do("resume", HostState.RUNNING)

    def start(self, host: str) -> None:
        self._do("start", HostState.RUNNING)

    def restart(self, host: str) -> None:
        self._do("restart", HostState.RUNNING)

    def _do(self, name: str, state: HostState) -> None:
        assert self.may_go_on.wait(5)
        if self.broken:
            raise LabError(self.broken)
        self.done.append(name)
        self.state = state


def order(name: str = "x") -> Order:
    spec = Spec(SEOUL, "t3.small", 2, 2, 0.02)
    image = Image(SEOUL, "ami-1", "debian12", "Debian 12", "debian")
    return Order(name, network(SEOUL, "a"), spec, image, "cb-user")


def wait_for(cloud: LabCloud, status: str, resource: str = "a1") -> None:
    deadline_s = time.monotonic() + 5
    while cloud.instance(resource).status != status:
        assert time.monotonic() < deadline_s, f"not {status} in time"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (HostState.RUNNING, Instance("Running", "198.51.100.7", "10.0.0.7")),
        (HostState.STOPPED, Instance("Suspended", "198.51.100.7", "10.0.0.7")),
        (HostState.SUSPENDED, Instance("Suspended", "", "10.0.0.7")),
    ],
)
def test_instance(state: HostState, expected: Instance) -> None:
    assert LabCloud(StandInLab(state)).instance("a1") == expected


@pytest.mark.parametrize(
    ("state", "action", "operation", "passing", "final"),
    [
        (HostState.RUNNING, Action.SUSPEND, "suspend", "Suspending", "Suspended"),
        (HostState.SUSPENDED, Action.RESUME, "resume", "Resuming", "Running"),
        (HostState.STOPPED, Action.RESUME, "start", "Resuming", "Running"),
        (HostState.RUNNING, Action.REBOOT, "restart", "Rebooting", "Running"),
        (HostState.RUNNING, Action.TERMINATE, "terminate", "Terminating", "Terminated"),
    ],
)
def test_action(state: HostState, action: Action, operation: str, passing: str, final: str) -> None:
    lab = StandInLab(state)
    cloud = LabCloud(lab)

    cloud.act("a1", action)
    assert cloud.instance("a1").status == passing
    with pytest.raises(CloudError, match=passing):
        cloud.act("a1", action)
    lab.may_go_on.set()
    wait_for(cloud, final)
    assert lab.done == [operation]


def test_lab_that_is_down() -> None:
    class LabDown(StandInLab):
        @property
        def hosts(self) -> dict[str, HostStatus]:
            raise WrongStateError("lab demo is not up")

    with pytest.raises(CloudError, match="lab demo is not up"):
        LabCloud(LabDown()).instance("a1")


def test_free_host_is_bought_and_given_back() -> None:
    lab = StandInLab(HostState.SUSPENDED)
    lab.may_go_on.set()
    cloud = LabCloud(lab, free=["a1"])

    first = cloud.create(order("one"))
    with pytest.raises(CloudError, match="no host of the lab is free in aws-ap-northeast-2"):
        cloud.create(order("two"))
    wait_for(cloud, "Running", first)
    cloud.act(first, Action.TERMINATE)
    wait_for(cloud, "Terminated", first)
    second = cloud.create(order("two"))
    wait_for(cloud, "Running", second)
    assert cloud.instance(first).status == "Terminated"  # though its host runs again, for somebody else
    assert lab.done == ["resume", "terminate", "resume"]


def test_host_that_does_not_boot() -> None:
    lab = StandInLab(HostState.SUSPENDED)
    lab.may_go_on.set()
    lab.broken = "a1 did not boot"
    cloud = LabCloud(lab, free=["a1"])

    resource = cloud.create(order())
    wait_for(cloud, "Failed", resource)
    assert cloud.instance(resource).message == "a1 did not boot"
    lab.broken = ""
    wait_for(cloud, "Running", cloud.create(order("again")))


def test_free_hosts_are_wiped_at_the_start() -> None:
    lab = StandInLab()
    lab.may_go_on.set()
    LabCloud(lab, free=["a1"]).empty_free_hosts()

    assert lab.done == ["terminate"]
