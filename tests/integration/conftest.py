# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The hosts that every mesh has, for the tests that have a mesh as ``world``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.agent.internet import Host, Internet


@pytest.fixture
def a1(world: Internet) -> Host:
    return world.hosts["a1"]


@pytest.fixture
def b1(world: Internet) -> Host:
    return world.hosts["b1"]
