# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A mesh of three real agents for the tests of a file, each of which leaves it whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agent.internet import JOIN_DEADLINE_S, Host, Internet, internet
from tests.integration.datapath.namespaces import eventually


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        pytest.skip("network namespaces and TUN devices need root and /dev/net/tun")
    folder = tmp_path_factory.mktemp("internet")
    with internet(folder) as world:
        for number, name in enumerate(("a1", "b1", "c1"), start=11):
            world.join(name, number)
        for host in world.hosts.values():
            eventually(f"{host.name} tunnels", lambda host=host: host.state == "tunneling", JOIN_DEADLINE_S)
        yield world
    shutil.rmtree(folder / "etcd", ignore_errors=True)  # 128 MiB of preallocated log


@pytest.fixture
def a1(world: Internet) -> Host:
    return world.hosts["a1"]


@pytest.fixture
def b1(world: Internet) -> Host:
    return world.hosts["b1"]


@pytest.fixture
def c1(world: Internet) -> Host:
    return world.hosts["c1"]


@pytest.fixture(autouse=True)
def all_is_well(world: Internet) -> Iterator[None]:
    """Each test leaves the mesh as whole as it found it: every state leads back to working."""
    yield
    for host in world.hosts.values():
        eventually(f"{host.name} tunnels", lambda host=host: host.state == "tunneling", JOIN_DEADLINE_S)
    for host in world.hosts.values():
        assert host.cladnet("ping", "--timeout", "10")[0] == 0, host.cladnet("ping")


@pytest.fixture
def controllers_down(world: Internet) -> Iterator[None]:
    world.kill_controllers()
    yield
    world.start_controllers()
