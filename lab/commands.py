# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Runs the machine's own tools: ip, nft, conntrack and the like."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence

from lab.errors import LabError

PACKAGES = {
    "bridge": "iproute2",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nc": "netcat-openbsd",
    "nft": "nftables",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "setsid": "util-linux",
    "ssh-keygen": "openssh-client",
    "sysctl": "procps",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}


def require_root_and_tools() -> None:
    """Raises LabError naming what is missing and how to get it."""
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and boots hosts: run it as root")
    missing = sorted({package for tool, package in PACKAGES.items() if not shutil.which(tool)})
    if missing:
        raise LabError(f"tools are missing; install them with: apt-get install {' '.join(missing)}")


def run(*argv: str, stdin: str = "") -> str:
    """Runs a command and returns its output; raises LabError with the command and what it said."""
    done = subprocess.run(argv, input=stdin, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise LabError(f"{shlex.join(argv)} ended with status {done.returncode}: {said}")
    return done.stdout


def succeeds(*argv: str) -> bool:
    """Whether a command ends with status 0."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def ip_batch(namespace: str, lines: Iterable[str]) -> None:
    """Runs many ip(8) commands in one process inside a network namespace."""
    run("ip", "-netns", namespace, "-batch", "-", stdin="".join(f"{line}\n" for line in lines))


def nft(namespace: str, ruleset: str) -> None:
    """Loads an nft script inside a network namespace, all of it or nothing."""
    run("ip", "netns", "exec", namespace, "nft", "-f", "-", stdin=ruleset)


def set_sysctls(namespace: str, assignments: Sequence[str]) -> None:
    """Sets network sysctls such as ``net.ipv4.ip_forward=1`` inside a network namespace."""
    run("ip", "netns", "exec", namespace, "sysctl", "--quiet", "--write", *assignments)
