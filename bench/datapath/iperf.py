# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Traffic by iperf3 from the first host to the second."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.datapath.hosts import BenchError, Host, eventually
from bench.datapath.overlay import Overlay

_PORT = 5201
_LISTENING = f":{_PORT:04X} "
_GRACE_S = 15.0


@dataclass(frozen=True)
class Streams:
    """What TCP moved: bytes that arrived, and how fast."""

    received_bytes: float
    bits_per_s: float


@dataclass(frozen=True)
class Datagrams:
    """What UDP moved."""

    sent: float
    received: float
    seconds: float

    @property
    def loss(self) -> float:
        """Part that did not arrive before the end, 0 to 1."""
        return 1 - self.received / self.sent if self.sent else 1.0

    @property
    def received_per_s(self) -> float:
        return self.received / self.seconds

    @property
    def sent_per_s(self) -> float:
        return self.sent / self.seconds


def tcp(overlay: Overlay, seconds: float, streams: int = 1, congestion: str = "cubic") -> Streams:
    """Sends as fast as TCP can."""
    return parse_tcp(_measured(overlay, seconds, "-P", str(streams), "-C", congestion))


def udp(overlay: Overlay, seconds: float, packets_per_s: float, size_bytes: int = 64) -> Datagrams:
    """Sends datagrams of one size at a rate."""
    rate = str(round(packets_per_s * size_bytes * 8))
    return parse_udp(_measured(overlay, seconds, "-u", "-l", str(size_bytes), "-w", "2M", "-b", rate))


def parse_tcp(text: str) -> Streams:
    """Reads what the client says as JSON."""
    received = _end_of(text)["sum_received"]
    return Streams(received["bytes"], received["bits_per_second"])


def parse_udp(text: str) -> Datagrams:
    """Reads what the client says as JSON. Bytes that arrived count: packets are numbered, also lost ones."""
    end = _end_of(text)
    sent, received = end["sum_sent"], end["sum_received"]
    size_bytes = sent["bytes"] / sent["packets"] if sent["packets"] else 1
    return Datagrams(sent["packets"], received["bytes"] / size_bytes, sent["seconds"])


def _end_of(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as exc:
        raise BenchError(f"iperf3 says {text[-200:]!r}") from exc
    if "error" in document:
        raise BenchError(f"iperf3: {document['error']}")
    end: dict[str, Any] = document["end"]
    if "sum_received" not in end:
        raise BenchError("iperf3 was interrupted")
    return end


def _measured(overlay: Overlay, seconds: float, *options: str) -> str:
    client = ["iperf3", "-J", "-c", overlay.target, "-p", str(_PORT), "-t", f"{seconds:.0f}", *options]
    with _server(overlay.pair.second):
        try:
            result = subprocess.run(
                overlay.pair.first.command(*client),
                capture_output=True,
                text=True,
                timeout=seconds + _GRACE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as exc:
            raise BenchError("iperf3 did not end") from exc
    return result.stdout


@contextmanager
def _server(host: Host) -> Iterator[None]:
    command = host.command("iperf3", "-s", "-1", "-p", str(_PORT))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            eventually("iperf3 listens", lambda: _listens(server.pid))
            yield
        finally:
            server.kill()


def _listens(pid: int) -> bool:
    """Whether the process's network namespace has a socket that listens (0A) at the port."""
    tables = (Path(f"/proc/{pid}/net/{name}") for name in ("tcp", "tcp6"))
    rows = (row.split() for table in tables for row in table.read_text().splitlines())
    return any(f"{row[1]} ".endswith(_LISTENING) and row[3] == "0A" for row in rows)
