# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The disk of a host before its first boot: what a cloud writes into a VM, laid over the read-only image."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from lab.image import USER, USER_ID

HOST_KEY = Path("etc/ssh/ssh_host_ed25519_key")


def create(disk: Path, host: str, authorized_key: str) -> None:
    """Makes the folders of a host's overlay, with its name, identity and the key that may log in."""
    for name in ("upper", "work", "run"):
        (disk / name).mkdir(parents=True)
    upper = disk / "upper"
    upper.chmod(0o755)
    _write(upper / "etc/hostname", f"{host}\n")
    _write(upper / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {host}\n")
    _write(upper / "etc/machine-id", f"{uuid.uuid4().hex}\n", mode=0o444)
    (upper / HOST_KEY).parent.mkdir(mode=0o755)
    _write_home(upper / "home" / USER, authorized_key)


def host_key(disk: Path) -> Path:
    """Where the private ssh host key belongs; its public half has .pub appended."""
    return disk / "upper" / HOST_KEY


def _write_home(home: Path, authorized_key: str) -> None:
    ssh = home / ".ssh"
    _write(ssh / "authorized_keys", authorized_key, mode=0o600)
    ssh.chmod(0o700)
    for path in (home, ssh, ssh / "authorized_keys"):
        os.chown(path, USER_ID, USER_ID)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
