# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A lab of its own with the network on it, made by the playbook that users run."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lab import image
from lab.demo.job import Job
from lab.lab import Lab
from tests.e2e.footprint import footprint
from tests.e2e.mesh import Mesh


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    image.ensure()
    lab = Lab.load("e2e")
    lab.down()
    lab.up()
    job = Job(lab, tmp_path_factory.mktemp("job"), free_port())
    try:
        footprints = {host: footprint(lab, host) for host in lab.hosts}
        job.prepare()
        job.install_collection()
        job.play("site", tell=print)
        yield Mesh(lab, job, footprints)
    finally:
        job.simulator.stop()
        lab.down()
