# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Real ansible-inventory against the simulator of CB-Tumblebug."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.modules.simulated_tumblebug import simulators_with_marked_key
from tests.integration.tumblebug_inventory.ansible_inventory import Ansible


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    return Ansible(tmp_path)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Starts the simulator of an era on the demo topology, in memory; gives its URL."""
    with simulators_with_marked_key(tmp_path) as start:
        yield start
