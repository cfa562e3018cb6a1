# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What is checked before the kernel is asked for a device."""

from __future__ import annotations

import pytest

from cladnet.core.errors import InvalidInput
from cladnet.datapath.tun import MAX_MTU_BYTES, MIN_MTU_BYTES, TunDevice


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a" * 16, "a/b", "clad%d", "clad 0", "clad:0", "clad\n", "çlad0"]
)
def test_name(name: str):
    with pytest.raises(InvalidInput, match="no name for a network device"):
        TunDevice.open(name, 1420)


@pytest.mark.parametrize("mtu", [-1, 0, MIN_MTU_BYTES - 1, MAX_MTU_BYTES + 1])
def test_mtu(mtu: int):
    with pytest.raises(InvalidInput, match=f"MTU of {mtu} bytes"):
        TunDevice.open("clad0", mtu)
