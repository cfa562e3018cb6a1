# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A mesh of three real agents for the tests of a file, each of which leaves it whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.agent.internet import Host, Internet, mesh


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    yield from mesh(tmp_path_factory.mktemp("internet"), ("a1", "b1", "c1"))


@pytest.fixture
def c1(world: Internet) -> Host:
    return world.hosts["c1"]


@pytest.fixture(autouse=True)
def all_is_well(world: Internet) -> Iterator[None]:
    """Each test leaves the mesh as whole as it found it: every state leads back to working."""
    yield
    for host in world.hosts.values():
        host.until_it_tunnels()
    for host in world.hosts.values():
        assert host.cladnet("ping", "--timeout", "10")[0] == 0, host.cladnet("ping")


@pytest.fixture
def controllers_down(world: Internet) -> Iterator[None]:
    world.kill_controllers()
    yield
    world.start_controllers()
