# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Traffic of many UDP flows with packets of mixed sizes.

``python -m bench.datapath.flows send ADDRESS FLOWS PACKETS_PER_S SECONDS`` prints how many were sent, and how
long that took; ``... receive`` prints how many came when it gets SIGTERM.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice

from bench.datapath.hosts import COMMAND_TIMEOUT_S, BenchError
from bench.datapath.iperf import Datagrams
from bench.datapath.overlay import Overlay
from bench.datapath.software import ROOT

SIZES_BYTES = (64, 64, 576, 64, 128, 64, 1200, 256)  # payload; small ones are the most, as on the Internet
_PORT = 5202
_BURST_PACKETS = 16
_NAP_S = 0.0005
_DRAIN_S = 0.05
_BUFFER_BYTES = 4 << 20
_SO_RCVBUFFORCE = 33


def measured(overlay: Overlay, flows: int, packets_per_s: float, seconds: float) -> Datagrams:
    """Sends from the first host to the second."""
    module = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "bench.datapath.flows"]
    receive = overlay.pair.second.command(*module, "receive")
    words = ["send", overlay.target, str(flows), str(round(packets_per_s)), str(seconds)]
    with subprocess.Popen(receive, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            if receiver.stdout is None or receiver.stdout.readline() != "listening\n":
                raise BenchError("the receiver of the flows did not start")
            sent, took_s = overlay.pair.first.run(*module, *words).split()
            time.sleep(_DRAIN_S)
            receiver.terminate()
            received = receiver.communicate(timeout=COMMAND_TIMEOUT_S)[0]
        finally:
            receiver.kill()
    return Datagrams(int(sent), int(received), float(took_s))


def schedule(flows: int) -> Iterator[tuple[int, int]]:
    """Flow and size in bytes of one packet after the other: flows in turn, each with sizes in turn."""
    sizes = len(SIZES_BYTES)
    return ((number % flows, SIZES_BYTES[(number + number // flows) % sizes]) for number in cycle_of(flows))


def cycle_of(flows: int) -> Iterator[int]:
    """Numbers of packets until every flow has had every size, again and again."""
    return cycle(range(flows * len(SIZES_BYTES)))


def send(address: str, flows: int, packets_per_s: float, seconds: float) -> tuple[int, float]:
    """Sends at a rate, or as fast as it can; gives the number of packets and how long it took."""
    sockets = [_connected(address) for _flow in range(flows)]
    payload = bytes(max(SIZES_BYTES))
    parts = {size: memoryview(payload)[:size] for size in SIZES_BYTES}
    packets = ((sockets[flow].send, parts[size]) for flow, size in schedule(flows))
    started_s, sent, now_s = time.perf_counter(), 0, 0.0
    while now_s < seconds:
        if sent > now_s * packets_per_s:
            time.sleep(_NAP_S)
        else:
            for send_packet, part in islice(packets, _BURST_PACKETS):
                send_packet(part)
            sent += _BURST_PACKETS
        now_s = time.perf_counter() - started_s
    return sent, now_s


def _connected(address: str) -> socket.socket:
    flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    flow.connect((address, _PORT))
    return flow


class _EndedError(Exception):
    """SIGTERM came."""


def _end(_number: int, _frame: object) -> None:
    raise _EndedError


def receive() -> int:
    """Counts datagrams until SIGTERM."""
    signal.signal(signal.SIGTERM, _end)
    buffer = bytearray(2048)
    received = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        sink.bind(("", _PORT))
        print("listening", flush=True)
        try:
            while True:
                sink.recv_into(buffer)
                received += 1
        except _EndedError:
            return received


if __name__ == "__main__":
    if sys.argv[1] == "send":
        address, flows, packets_per_s, seconds = sys.argv[2:]
        print(*send(address, int(flows), float(packets_per_s), float(seconds)))
    else:
        print(receive())
