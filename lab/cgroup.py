# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Control groups (cgroup v2): which processes belong to a host, and ending them all at once."""

from __future__ import annotations

import contextlib
import os
import select
import time
from pathlib import Path


def create(cgroup: Path) -> None:
    cgroup.mkdir(parents=True, exist_ok=True)


def populated(cgroup: Path) -> bool:
    """Whether any process lives there or below."""
    try:
        return "populated 1" in (cgroup / "cgroup.events").read_text(encoding="ascii")
    except FileNotFoundError:
        return False


def processes(cgroup: Path) -> list[int]:
    """Process ids in exactly this cgroup; none if it does not exist."""
    try:
        return [int(pid) for pid in (cgroup / "cgroup.procs").read_text(encoding="ascii").split()]
    except OSError:  # gone, or on its way
        return []


def kill(cgroup: Path) -> None:
    """Ends every process there and below with SIGKILL."""
    with contextlib.suppress(FileNotFoundError):
        (cgroup / "cgroup.kill").write_text("1", encoding="ascii")


def wait_until_empty(cgroup: Path, timeout_s: float) -> bool:
    """Waits for the last process to end; False if it did not within ``timeout_s``."""
    end = time.monotonic() + timeout_s
    try:
        events = os.open(cgroup / "cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        changed = select.poll()
        changed.register(events, select.POLLPRI)
        while populated(cgroup):
            if time.monotonic() > end:
                return False
            changed.poll(max(0.0, end - time.monotonic()) * 1000)
            os.pread(events, 4096, 0)  # a change is announced until it has been read
        return True
    finally:
        os.close(events)


def remove(cgroup: Path) -> None:
    """Removes the emptied cgroup and those below."""
    below = sorted((path for path in cgroup.rglob("*") if path.is_dir()), reverse=True)
    for path in [*below, cgroup]:
        with contextlib.suppress(FileNotFoundError):
            path.rmdir()
