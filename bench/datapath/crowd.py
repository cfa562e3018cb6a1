# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""One host of ours with many peers: a hub, and all the others played by one process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.datapath import flows
from bench.datapath.counterpart import FLOWS, RUN_PACKETS
from bench.datapath.hosts import BenchError, Pair, eventually
from bench.datapath.peers.wireguard import Identity
from bench.datapath.software import ROOT

PREFIX_LENGTH = 16
_FIRST_PORT = 20000
_GREETING_PACKETS_PER_S = 2000.0
_DEADLINE_S = 20.0


@dataclass(frozen=True)
class Member:
    """One of the others.

    Args:
        inner: its address in the overlay.
        port: its UDP port.
    """

    identity: Identity
    inner: str
    port: int


def members(count: int) -> list[Member]:
    """New ones with addresses of their own."""
    return [
        Member(Identity.generate(), f"10.77.{1 + number // 250}.{1 + number % 250}", _FIRST_PORT + number)
        for number in range(count)
    ]


@dataclass(frozen=True)
class Crowd:
    """The others, as far as they are active."""

    pair: Pair
    active: Sequence[Member]
    process: subprocess.Popen[str]

    def greet(self) -> None:
        """Makes sessions with all active ones: the hub has packets for them."""
        addresses = [member.inner for member in self.active]
        flows.sent_from(self.pair.first, addresses, len(addresses), 1, _GREETING_PACKETS_PER_S, 0.5)
        eventually("all peers have a session", lambda: self.count()[1] == len(self.active), _DEADLINE_S)

    def send(self, packets_per_s: float, seconds: float) -> int:
        """Lets them send to the hub; gives the number of packets."""
        return self._ask(f"send {packets_per_s} {seconds}")[0]

    def count(self) -> tuple[int, int]:
        """Packets that came from the hub so far, and how many have a session."""
        received, sessions = self._ask("count")
        return received, sessions

    def from_hub(self, packets_per_s: float, seconds: float) -> int:
        """Lets the hub send to all in as many flows as always; gives the number of packets that came."""
        before = self.count()[0]
        addresses = [member.inner for member in self.active]
        flows.sent_from(self.pair.first, addresses, FLOWS, RUN_PACKETS, packets_per_s, seconds)
        return self.count()[0] - before

    def _ask(self, line: str) -> list[int]:
        if self.process.stdin is None or self.process.stdout is None:
            raise BenchError("the counterpart has no pipes")
        try:
            self.process.stdin.write(line + "\n")
        except BrokenPipeError as exc:
            raise BenchError("the counterpart has ended") from exc
        answer = self.process.stdout.readline()
        if not answer:
            raise BenchError("the counterpart has ended")
        return [int(word) for word in answer.split()]


@contextmanager
def crowd(pair: Pair, folder: Path, hub_public_key: str, active: Sequence[Member]) -> Iterator[Crowd]:
    """Starts the active ones on the second host."""
    config = {
        "hub_public_key": hub_public_key,
        "hub_inner": pair.first.inner,
        "outer": pair.second.outer,
        "peers": [_played(member) for member in active],
    }
    file = folder / "counterpart.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(config))
    module = ["env", f"PYTHONPATH={ROOT}:{ROOT / 'src'}", sys.executable, "-m", "bench.datapath.counterpart"]
    process = pair.second.converse(*module, str(file))
    try:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise BenchError("the counterpart did not start")
        yield Crowd(pair, active, process)
    finally:
        process.kill()
        process.communicate()


def _played(member: Member) -> dict[str, object]:
    return {"private_key": member.identity.private, "inner": member.inner, "port": member.port}
