# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A real etcd of one member, in a temporary folder, that tests may kill, hold and start again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.request import urlopen

ETCD = shutil.which("etcd")
_START_S = 20.0


def free_port() -> int:
    """A TCP and UDP port that nobody used a moment ago."""
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        return int(tcp.getsockname()[1])


class EtcdServer:
    """One etcd process and its data directory."""

    def __init__(self, folder: Path) -> None:
        assert ETCD, "etcd is needed: apt-get install etcd-server"
        self.folder = folder
        self.endpoint = f"127.0.0.1:{free_port()}"
        self._peer = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it serves."""
        client = f"http://{self.endpoint}"
        command = [ETCD, "--name", "test", "--data-dir", self.folder / "data", "--log-level", "error"]
        command += ["--listen-client-urls", client, "--advertise-client-urls", client]
        command += ["--listen-peer-urls", self._peer, "--initial-advertise-peer-urls", self._peer]
        with (self.folder / "etcd.log").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder)
        self._wait_until_it_serves()

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wipe(self) -> None:
        """Forgets everything; the next start makes a new cluster."""
        shutil.rmtree(self.folder / "data")
        self._peer = (
            f"http://127.0.0.1:{free_port()}"  # the id of a cluster is made from its peers' addresses
        )

    def back_up(self) -> None:
        """Keeps a copy of everything; etcd must not run."""
        shutil.copytree(self.folder / "data", self.folder / "backup")

    def restore(self) -> None:
        """Goes back to the copy; etcd must not run."""
        shutil.rmtree(self.folder / "data")
        (self.folder / "backup").rename(self.folder / "data")

    def stop(self) -> None:
        """Holds it without ending it (SIGSTOP)."""
        os.kill(self._pid, signal.SIGSTOP)
        os.waitpid(self._pid, os.WUNTRACED)  # a signal is only a wish until then

    def resume(self) -> None:
        """Lets it go on (SIGCONT)."""
        os.kill(self._pid, signal.SIGCONT)

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _wait_until_it_serves(self) -> None:
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "etcd.log").read_text()[-2000:]
            with contextlib.suppress(OSError), urlopen(f"http://{self.endpoint}/health", timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError("etcd did not start in time")
