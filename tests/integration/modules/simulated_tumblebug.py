# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The simulator of CB-Tumblebug as a process, on the demo topology in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).resolve().parents[3]
CREDENTIALS = {"username": "default", "password": "default"}
STOP_DEADLINE_S = 10.0
MARKED_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nTOPSECRET\n-----END OPENSSH PRIVATE KEY-----\n"
"""No key, but easily found where it should not be."""


@contextmanager
def simulators_with_marked_key(
    folder: Path, *, password: str = CREDENTIALS["password"]
) -> Iterator[Callable[[str], str]]:
    """Gives what serves an era, called with its name, and returns the URL."""
    _private_key(folder).write_text(MARKED_KEY)
    with ExitStack() as running:
        yield lambda era: running.enter_context(simulated_tumblebug(era, folder, password=password))


@contextmanager
def simulated_tumblebug(
    era: str,
    folder: Path,
    *,
    namespace: str = "default",
    transition_s: float = 0.0,
    password: str = CREDENTIALS["password"],
) -> Iterator[str]:
    """Serves an era until the caller is done; gives the URL.

    :param folder: for the key pair of the simulated VMs; one that is there stays.
    :param namespace: the id of the only namespace.
    :param transition_s: how long a VM takes to get from one status to another, in seconds.
    :param password: of the user ``default``.
    """
    login = {**CREDENTIALS, "password": password}
    command = [sys.executable, "-m", "lab.tumblebug", "--backend", "static", "--era", era]
    command += ["--listen", "127.0.0.1:0", "--namespace", namespace, "--transition", str(transition_s)]
    process = subprocess.Popen(
        [*command, "--ssh-key", str(_key_pair(folder))],
        cwd=ROOT,
        env={**os.environ, **{f"TB_API_{name.upper()}": value for name, value in login.items()}},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _announced_url(process)
    finally:
        process.terminate()
        process.communicate(timeout=STOP_DEADLINE_S)


def _announced_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    announcement = process.stdout.readline()
    assert announcement, f"the simulator ended with status {process.wait()}"
    return announcement.split()[-1]


def _private_key(folder: Path) -> Path:
    return folder / "id_ed25519"


def _key_pair(folder: Path) -> Path:
    private = _private_key(folder)
    if not private.exists():
        key = Ed25519PrivateKey.generate()
        formats = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
        private.write_bytes(key.private_bytes(*formats, serialization.NoEncryption()))
        encodings = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        private.with_name("id_ed25519.pub").write_bytes(key.public_key().public_bytes(*encodings))
    return private
