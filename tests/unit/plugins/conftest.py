# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the tests of modules share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.https_server import (
    HttpsServer,
    https_server,
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HttpsServer]:
    """An HTTPS server that answers what the test tells it to."""
    with https_server(tmp_path) as server:
        yield server
