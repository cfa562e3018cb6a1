# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Where the machines of the static backend, which are none, run their commands.

Texts of the table are answered as the table says. Everything else really runs on this machine: /bin/sh as
nobody, without network, capabilities and sight of other processes, within limits of time, memory, processes
and output, in a folder that each simulated machine has for itself. It can read what everybody on this machine
can read. Only root can start it so; others get the table alone.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from lab.tumblebug.cloud import CloudError, Ran

NOBODY = 65534
TIME_LIMIT_S = 60.0
OUTPUT_LIMIT_BYTES = 4_000_000
_ALONE = ("unshare", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
_POWERLESS = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"),
    *("--inh-caps=-all", "--bounding-set=-all"),
)
_LIMITED = (
    *("prlimit", "--nproc=256", "--nofile=256", "--as=1000000000", "--cpu=60", "--core=0"),
    f"--fsize={OUTPUT_LIMIT_BYTES}",
)


class Sandbox:
    """Runs commands for simulated machines; ``close`` removes their folders.

    Args:
        table: command -> what it is answered with, instead of being run.
    """

    def __init__(self, table: Mapping[str, Ran] | None = None) -> None:
        self._table = dict(table or {})
        self._root: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Removes everything that commands have left."""
        if self._root:
            self._root.cleanup()

    def run(self, machine: str, command: str, timeout_s: float) -> Ran:
        """Runs a command line for a machine; raises CloudError if it takes too long or cannot be run here."""
        if command in self._table:
            return self._table[command]
        if os.geteuid() != 0:
            raise CloudError("the static backend runs commands as nobody, which takes root to start")
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            status = self._run(self._folder(machine), command, stdout, stderr, min(timeout_s, TIME_LIMIT_S))
            return Ran(status, _text(stdout), _text(stderr))

    def _run(self, folder: Path, command: str, stdout: IO[bytes], stderr: IO[bytes], timeout_s: float) -> int:
        home = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
        try:
            done = subprocess.run(
                [*_ALONE, *_POWERLESS, *_LIMITED, "/bin/sh", "-c", command],
                cwd=folder,
                env=home,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise CloudError("command execution cancelled: context deadline exceeded") from exc
        return done.returncode if done.returncode >= 0 else 128 - done.returncode

    def _folder(self, machine: str) -> Path:
        with self._lock:
            if self._root is None:
                self._root = tempfile.TemporaryDirectory(prefix="cladnet-machines-")
                Path(self._root.name).chmod(0o711)
            folder = Path(self._root.name) / machine.replace("/", "_")
            if not folder.exists():
                folder.mkdir(mode=0o700)
                os.chown(folder, NOBODY, NOBODY)
        return folder


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(OUTPUT_LIMIT_BYTES).decode("utf-8", "replace")
