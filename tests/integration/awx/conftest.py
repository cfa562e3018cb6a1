# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What AWX runs, run as AWX runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.awx.private_data import PrivateData


@pytest.fixture
def private_data(tmp_path: Path) -> PrivateData:
    return PrivateData(tmp_path / "private_data")
