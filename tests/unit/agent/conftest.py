# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A controller that fails as it is told, and an agent that is impatient with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cladnet.agent import control as control_module
from tests.unit.agent.agent_without_tunnel import Host
from tests.unit.agent.fake_controller import Authority, FakeController


@pytest.fixture
async def controller(tmp_path: Path) -> AsyncIterator[FakeController]:
    directory = tmp_path / "controller"
    directory.mkdir()
    controller = FakeController(Authority())
    await controller.start(directory)
    yield controller
    await controller.stop()


@pytest.fixture
async def host(tmp_path: Path, controller: FakeController, impatient: None) -> AsyncIterator[Host]:
    host = Host(tmp_path, controller)
    yield host
    await host.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REFUSED_RETRY_S", "ENROLMENT_RETRY_S", "REPORT_RETRY_S", "BACKOFF_CEILING_S"):
        monkeypatch.setattr(control_module, name, 0.05)
