# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Keeps one host running: boots it, boots it again when it asks for a reboot, cleans up when it halts.

Started by lab.machine as ``python -m lab.supervisor LAB HOST READY_FD`` and lives as long as the host.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lab import folders
from lab.folders import Folders
from lab.network import NETNS_FOLDER, Network
from lab.store import Store
from lab.topology import load

BOOT_SCRIPT = Path(__file__).parent / "boot-host.sh"
REBOOT_REQUESTED = 133  # exit status of systemd-nspawn --keep-unit


def main() -> None:
    lab, host, ready_fd = sys.argv[1:]
    supervise(folders.of_lab(lab), host, int(ready_fd))


def supervise(paths: Folders, host: str, ready_fd: int) -> None:
    """Runs a host whose network is there already until it halts.

    Args:
        ready_fd: gets one byte when the host has booted for the first time, and is closed in any case.
    """
    network, store = Network(load(paths.topology, name=paths.state.name)), Store(paths.state)
    announce = _once(ready_fd)
    while _boot(paths, store.read().rootfs, network.namespace(host), host, announce) == REBOOT_REQUESTED:
        network.create_host(store.read(), host)
    network.remove_host(host)


def _boot(paths: Folders, rootfs: str, namespace: str, host: str, announce: Callable[[], None]) -> int:
    """Boots once and waits for the end; returns the exit status of systemd-nspawn."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifications:
        notifications.bind("")  # the kernel chooses a name in the abstract namespace
        address = "@" + notifications.getsockname()[1:].decode("ascii")
        machine = subprocess.Popen(
            _command(paths, rootfs, namespace, host), env={**os.environ, "NOTIFY_SOCKET": address}
        )
        _listen(notifications, machine.pid, announce)
        return machine.wait()


def _command(paths: Folders, rootfs: str, namespace: str, host: str) -> list[str]:
    own_cgroup = paths.host_cgroup(host) / "machine"
    arguments = (
        namespace,
        host,
        rootfs,
        paths.host(host),
        NETNS_FOLDER / namespace,
        own_cgroup,
        paths.cgroup.parent,
    )
    return ["unshare", "--mount", "--propagation", "slave", "sh", str(BOOT_SCRIPT), *map(str, arguments)]


def _listen(notifications: socket.socket, pid: int, announce: Callable[[], None]) -> None:
    """Announces when the host has booted, and returns when its systemd-nspawn has ended.

    Whatever the host says must be read to the end: its systemd waits for that, and would stand still.
    """
    ended = os.pidfd_open(pid)
    try:
        while True:
            readable, _unused, _unused = select.select([notifications.fileno(), ended], [], [])
            if notifications.fileno() not in readable:
                return
            if "READY=1" in notifications.recv(4096).decode("utf-8", "replace").splitlines():
                announce()
    finally:
        os.close(ended)


def _once(ready_fd: int) -> Callable[[], None]:
    pending = [ready_fd]

    def announce() -> None:
        while pending:
            descriptor = pending.pop()
            os.write(descriptor, b"+")
            os.close(descriptor)

    return announce


if __name__ == "__main__":
    main()
