# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the controller share: an etcd, clients of it, and waiting for a condition."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from tests.integration.controller.controller_process import ControllerProcess
from tests.integration.controller.etcd_server import EtcdServer
from tests.integration.controller.waiting import wait_for


def _running_etcd(folder: Path) -> Iterator[EtcdServer]:
    folder.mkdir()
    server = EtcdServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder)  # 128 MiB of preallocated log


def _running_controller(folder: Path, etcd: EtcdServer) -> Iterator[ControllerProcess]:
    controller = ControllerProcess(folder, etcd.endpoint)
    controller.start()
    wait_for(controller.is_healthy, "the controller to be healthy")
    yield controller
    controller.kill()
    controller.notified.close()


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    """A fresh etcd that the test may kill, hold and start again."""
    yield from _running_etcd(tmp_path / "etcd")


@pytest.fixture
def controller(tmp_path: Path, etcd: EtcdServer) -> Iterator[ControllerProcess]:
    """A fresh controller on that etcd, which the test may kill and start again."""
    yield from _running_controller(tmp_path / "controller", etcd)


@pytest.fixture(scope="module")
def shared_etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    """An etcd for all tests of a file: they leave it running."""
    yield from _running_etcd(tmp_path_factory.mktemp("shared") / "etcd")


@pytest.fixture(scope="module")
def shared_controller(
    tmp_path_factory: pytest.TempPathFactory, shared_etcd: EtcdServer
) -> Iterator[ControllerProcess]:
    """A controller for all tests of a file: they leave it running."""
    yield from _running_controller(tmp_path_factory.mktemp("shared") / "controller", shared_etcd)


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
