# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Needs the real thing: root, TUN devices, network namespaces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.path_mtu.narrow_path import NarrowPath, narrow_path


@pytest.fixture
def path(tmp_path: Path) -> Iterator[NarrowPath]:
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        pytest.skip("network namespaces and TUN devices need root and /dev/net/tun")
    with narrow_path(tmp_path) as built:
        yield built
