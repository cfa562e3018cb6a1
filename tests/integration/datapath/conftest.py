# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Needs the real thing: root, TUN devices, network namespaces."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from namespaces import Namespace, two_hosts
from tunnel_process import TunnelProcess, WireguardGo


@pytest.fixture
def hosts() -> Iterator[tuple[Namespace, Namespace]]:
    if os.geteuid() != 0:
        pytest.skip("network namespaces and TUN devices need root")
    if not Path("/dev/net/tun").exists():
        pytest.skip("this machine has no /dev/net/tun")
    with two_hosts() as pair:
        yield pair


@pytest.fixture
def start_tunnel(hosts: tuple[Namespace, Namespace]) -> Iterator[Callable[..., TunnelProcess]]:
    with ExitStack() as stack:

        def start(host: Namespace, **options: Any) -> TunnelProcess:
            tunnel = TunnelProcess(host, **options)
            stack.callback(tunnel.stop)
            return tunnel

        yield start


@pytest.fixture
def wireguard_go(hosts: tuple[Namespace, Namespace], tmp_path: Path) -> Iterator[WireguardGo]:
    for program in ("wireguard-go", "wg"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (apt install wireguard-go wireguard-tools)")
    device = WireguardGo(hosts[1], tmp_path)
    try:
        yield device
    finally:
        device.stop()
