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
from frame_switch import switched_hosts
from namespaces import Namespace, two_hosts
from switched_tunnels import SwitchedTunnels
from tunnel_process import TunnelProcess, WireguardGo


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; only runs with -m long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.markexpr:
        return
    long_items = [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in long_items]
    config.hook.pytest_deselected(items=long_items)


@pytest.fixture(scope="session")
def tun_driver() -> None:
    """What every test with a tunnel needs of the machine."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces and TUN devices need root")
    if not Path("/dev/net/tun").exists():
        pytest.skip("this machine has no /dev/net/tun")


@pytest.fixture
def hosts(tun_driver: None) -> Iterator[tuple[Namespace, Namespace]]:
    with two_hosts() as pair:
        yield pair


@pytest.fixture
def switched(tun_driver: None) -> Iterator[SwitchedTunnels]:
    """Three hosts on a switch; the first two have tunnels to each other, and a session."""
    with switched_hosts(3) as (switch, hosts), ExitStack() as stack:
        tunnels = SwitchedTunnels(switch, *hosts, stack)
        tunnels.join()
        yield tunnels


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
