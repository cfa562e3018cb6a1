# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A lab with a network on it, as the tests ask it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab.demo.job import Job
from lab.lab import HostState, Lab

CLADNET = "/usr/local/bin/cladnet"


@dataclass(frozen=True)
class Mesh:
    """The lab, the job that made its network, and how the hosts looked before."""

    lab: Lab
    job: Job
    footprints: dict[str, dict[str, list[str]]]

    @property
    def controller(self) -> str:
        """The host that runs the controller."""
        hosts = self.lab.topology.hosts.values()
        return next(host.name for host in hosts if host.labels.get("cladnet-role") == "controller")

    @property
    def running(self) -> list[str]:
        return [name for name, status in self.lab.hosts.items() if status.state is HostState.RUNNING]

    def ping(self, host: str, timeout_s: float) -> dict:
        """What ``cladnet ping`` finds on a host; it waits for all peers until the deadline."""
        argv = [
            CLADNET,
            "ping",
            "--json",
            "--timeout",
            f"{timeout_s:.1f}",
            "--peers",
            str(len(self.running) - 1),
        ]
        done = self.lab.exec(host, argv, timeout_s=timeout_s + 10)
        assert done.returncode in (0, 1), f"{host}: {done.stderr}"
        return json.loads(done.stdout)

    def unreached(self, within_s: float, since: float | None = None) -> list[str]:
        """The pairs of running hosts that do not reach each other by the deadline.

        Args:
            within_s: how long all pairs may take, in seconds.
            since: when that time began (``time.monotonic``); now, if None.
        """
        left_s = max(0.5, within_s - (time.monotonic() - since if since else 0))
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda host: self.ping(host, left_s), self.running))
        return [
            f"{result['host']} -> {pair['host']}"
            for result in found
            for pair in result["pairs"]
            if pair["host"] in self.running and not pair["reachable"]
        ]

    def shell(self, host: str, command: str) -> str:
        """Runs a command as root on a host; it must succeed."""
        done = self.lab.exec(host, ["sh", "-c", command], timeout_s=60)
        assert done.returncode == 0, f"{host}: {command}: {done.stderr}"
        return done.stdout.strip()
