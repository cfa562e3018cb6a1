# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the controller share: an etcd, clients of it, and waiting for a condition."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from tests.integration.controller.controller_process import (
    NET,
    ControllerProcess,
    Operator,
    running_controller,
)
from tests.integration.controller.etcd_server import EtcdServer


def _running_etcd(folder: Path) -> Iterator[EtcdServer]:
    folder.mkdir()
    server = EtcdServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder)  # 128 MiB of preallocated log


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    """A fresh etcd that the test may kill, hold and start again."""
    yield from _running_etcd(tmp_path / "etcd")


@pytest.fixture(scope="module")
def shared_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    """An etcd for all tests of a file: they leave it running."""
    yield from _running_etcd(tmp_path_factory.mktemp("shared") / "etcd")


@pytest.fixture(scope="module")
def shared_controller(
    tmp_path_factory: pytest.TempPathFactory, shared_etcd: EtcdServer
) -> Iterator[ControllerProcess]:
    """A controller for all tests of a file: they leave it running."""
    yield from running_controller(tmp_path_factory.mktemp("shared") / "controller", shared_etcd.endpoint)


@pytest.fixture
def network_spec() -> dict[str, Any]:
    """What the network demo of each test is like; files that need another one say so."""
    return {"name": NET, "cidr": "10.99.0.0/24"}


@pytest.fixture
def controller(
    shared_controller: ControllerProcess, network_spec: dict[str, Any]
) -> Iterator[ControllerProcess]:
    """The shared controller with an empty network demo."""
    with shared_controller.api() as api:
        assert api.post("/networks", json=network_spec).status_code == 201
        yield shared_controller
        api.delete(f"/networks/{NET}?force=true")


@pytest.fixture
def api(controller: ControllerProcess) -> Iterator[Operator]:
    """The API of the controller for an administrator."""
    with controller.api() as api:
        yield api


@pytest_asyncio.fixture
async def client(etcd: EtcdServer) -> AsyncIterator[EtcdClient]:
    """A client of the test's own etcd."""
    client = EtcdClient([etcd.endpoint], attempt_s=1.0, budget_s=2.0)
    yield client
    await client.close()


@pytest_asyncio.fixture
async def shared_client(shared_etcd: EtcdServer) -> AsyncIterator[EtcdClient]:
    """A client of the shared etcd; what a test leaves there is deleted."""
    client = EtcdClient([shared_etcd.endpoint], attempt_s=1.0, budget_s=2.0)
    yield client
    await client.txn([], [txn.delete_under(b"/")])
    await client.close()
