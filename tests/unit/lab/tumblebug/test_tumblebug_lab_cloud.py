# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the simulator makes of a lab's hosts; a real lab is brought up by the tests of the lab."""

from __future__ import annotations

import threading
import time
from ipaddress import IPv4Address, IPv4Interface

import pytest

from lab.errors import WrongStateError
from lab.lab import HostState, HostStatus
from lab.tumblebug.cloud import Action, CloudError, Instance
from lab.tumblebug.lab_cloud import LabCloud


class StandInLab:
    """One host; operations wait until the test lets them go on."""

    def __init__(self, state: HostState = HostState.RUNNING) -> None:
        self.state = state
        self.may_go_on = threading.Event()
        self.done: list[str] = []

    @property
    def hosts(self) -> dict[str, HostStatus]:
        public_ip = None if self.state is HostState.SUSPENDED else IPv4Address("198.51.100.7")
        return {"a1": HostStatus("a1", "a", self.state, IPv4Interface("10.0.0.7/24"), public_ip)}

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
        self.done.append(name)
        self.state = state


def wait_for(cloud: LabCloud, status: str) -> None:
    deadline_s = time.monotonic() + 5
    while cloud.instance("a1").status != status:
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
