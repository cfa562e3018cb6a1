# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The read-only file system that all hosts share: Debian 12 as a cloud's VM image, made by mmdebstrap.

Images are kept by a digest of their recipe: a changed recipe makes a new one, a running lab keeps its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import apt_sources, folders
from lab.commands import run
from lab.errors import LabError
from lab.progress import Progress, silent

CODENAME = "bookworm"
USER = "cb-user"  # as CB-Tumblebug names it on its VMs
USER_ID = 1000
PACKAGES = (
    "ca-certificates",
    "curl",
    "dbus",
    "etcd-client",
    "etcd-server",
    "iproute2",
    "iputils-ping",
    "kmod",
    "libpam-systemd",
    "netcat-openbsd",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tcpdump",
    "udev",
)
OPTIONS = (
    "--mode=root",
    "--variant=minbase",
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=force-unsafe-io",
)
SETUP_SCRIPT = Path(__file__).parent / "setup-image.sh"
# The machine's way to the archive (proxy, certificates, clock rules) is the image's too, while it is made.
ARCHIVE_ACCESS = re.compile(
    r"Acquire::(https?::|Check-Valid-Until|Check-Date|Max-FutureTime|Retries|ForceIPv4)"
)


def ensure(progress: Progress = silent) -> Path:
    """The image's folder; makes it, and says so, if it is not there. Raises LabError."""
    cache = folders.rootfs_cache()
    image = cache / _digest()
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o700)  # the set-user-ID programs in there are for the hosts alone
    with _locked(cache):
        if not image.exists():
            progress("image of the hosts: Debian 12 by mmdebstrap, once, about half a minute")
            _build(image)
    return image


def _digest() -> str:
    recipe = "\n".join(
        [CODENAME, USER, str(USER_ID), *PACKAGES, *OPTIONS, SETUP_SCRIPT.read_text(encoding="utf-8")]
    )
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def _build(image: Path) -> None:
    draft = image.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)  # of a build that was cut short
    try:
        _mmdebstrap(draft)
        draft.rename(image)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _mmdebstrap(target: Path) -> None:
    done = subprocess.run(
        # With an own mount and process namespace nothing stays behind, however it ends.
        [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            *_command(target),
        ],
        input=_machine_sources(),
        env={**os.environ, "SETUP": str(SETUP_SCRIPT), "USER_NAME": USER, "USER_ID": str(USER_ID)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        last_lines = "\n".join(done.stdout.splitlines()[-20:])
        raise LabError(f"mmdebstrap could not make the image of the hosts:\n{last_lines}")


def _command(target: Path) -> list[str]:
    access = [line for line in run("apt-config", "dump").splitlines() if ARCHIVE_ACCESS.match(line)]
    return [
        "mmdebstrap",
        *OPTIONS,
        *(f"--aptopt={line}" for line in access),
        f"--include={','.join(PACKAGES)}",
        '--customize-hook=chroot "$1" /bin/sh <"$SETUP"',
        CODENAME,
        str(target),
        "-",
    ]


def _machine_sources() -> str:
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    readable = [file for file in files if file.suffix in (".list", ".sources") and file.is_file()]
    everything = [
        source for file in readable for source in apt_sources.parse(file.read_text(encoding="utf-8"))
    ]
    debian = apt_sources.debian_only(everything, CODENAME)
    if not any(CODENAME in source.suites for source in debian):
        raise LabError(
            f"no source of Debian {CODENAME} in /etc/apt/sources.list or /etc/apt/sources.list.d: "
            f"the hosts are made of it; add one for suite {CODENAME}, component main"
        )
    return apt_sources.render(debian)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One build at a time; a second ``up`` waits and finds the image made."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
