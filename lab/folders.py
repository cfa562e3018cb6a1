# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Where a lab keeps what on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = Path("/run/cladnet-lab")
STATE_VARIABLE = "CLADNET_LAB_STATE"
ROOTFS_VARIABLE = "CLADNET_LAB_ROOTFS"


@dataclass(frozen=True, slots=True)
class Folders:
    """Of one lab.

    ``state``: topology, situation, disks of the hosts.
    ``runtime``: all that ssh needs. A short path without odd characters: a socket's takes at most 107 bytes,
    and ssh expands and splits the names of files.
    ``cgroup``: in the unified hierarchy, one cgroup per host below it.
    """

    state: Path
    runtime: Path
    cgroup: Path

    def host(self, host: str) -> Path:
        return self.state / "hosts" / host

    def host_cgroup(self, host: str) -> Path:
        return self.cgroup / host

    def console(self, host: str) -> Path:
        return self.host(host) / "console.log"

    def private_key(self, ssh_key_id: str) -> Path:
        return self.runtime / "keys" / ssh_key_id

    @property
    def topology(self) -> Path:
        """A copy of the topology file, as the lab was brought up."""
        return self.state / "topology.yml"

    @property
    def known_hosts(self) -> Path:
        return self.runtime / "known_hosts"

    @property
    def ssh_sockets(self) -> Path:
        return self.runtime / "ssh"


def of_lab(name: str) -> Folders:
    """The folders of a lab, whether they exist or not."""
    base = Path(os.environ.get(STATE_VARIABLE) or ROOT / "build" / "lab").absolute()
    return Folders(state=base / name, runtime=RUNTIME / name, cgroup=unified_cgroup() / f"cladnet-lab-{name}")


def rootfs_cache() -> Path:
    """Where images of hosts are kept between labs."""
    return Path(os.environ.get(ROOTFS_VARIABLE) or ROOT / "build" / "lab" / "rootfs").absolute()


def unified_cgroup() -> Path:
    """Mount point of the cgroup v2 hierarchy, be it the only one or beside v1; raises LabError."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    points = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]
    for wanted in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if wanted in points:
            return wanted
    raise LabError("no cgroup v2 hierarchy at /sys/fs/cgroup or /sys/fs/cgroup/unified: the lab needs one")
