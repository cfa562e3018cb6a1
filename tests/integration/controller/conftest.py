# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the controller share: an etcd, clients of it, and waiting for a condition."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from cladnet.controller.etcd.client import EtcdClient
from tests.integration.controller.etcd_server import EtcdServer


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    """A fresh etcd that the test may kill, hold and start again."""
    folder = tmp_path / "etcd"
    folder.mkdir()
    server = EtcdServer(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder)  # 128 MiB of preallocated log


@pytest_asyncio.fixture
async def client(etcd: EtcdServer) -> AsyncIterator[EtcdClient]:
    """A client of that etcd."""
    client = EtcdClient([etcd.endpoint], attempt_s=1.0, budget_s=2.0)
    yield client
    await client.close()
