# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The arguments of a worker."""

from __future__ import annotations

import pytest

from cladnet.datapath.worker_config import WorkerConfig


@pytest.mark.parametrize(("has_uso", "copy_dscp"), [(True, False), (False, True)])
def test_arrive_as_they_were_given(has_uso: bool, copy_dscp: bool):
    config = WorkerConfig(
        number=1,
        workers=2,
        mtu_bytes=1420,
        has_uso=has_uso,
        copy_dscp=copy_dscp,
        channel=5,
        memory=6,
        tun=7,
        udp=8,
    )
    assert WorkerConfig.parse(config.arguments()) == config
