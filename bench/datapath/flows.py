# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Traffic of many UDP flows with packets of mixed sizes.

``python -m bench.datapath.flows send ADDRESS,... FLOWS RUN PACKETS_PER_S SECONDS`` prints how many were sent,
and how long that took; ``... receive`` prints how many came when it gets SIGTERM.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice, repeat

from bench.datapath.hosts import COMMAND_TIMEOUT_S, BenchError, Host
from bench.datapath.iperf import Datagrams
from bench.datapath.overlay import Overlay
from bench.datapath.software import ROOT

SIZES_BYTES = (64, 64, 576, 64, 128, 64, 1200, 256)  # payload; small ones are the most, as on the Internet
PORT = 5202
_BURST_PACKETS = 16
_NAP_S = 0.0005
_DRAIN_S = 0.05
_BUFFER_BYTES = 4 << 20
_SO_RCVBUFFORCE = 33
_MODULE = ("env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "bench.datapath.flows")


def measured(overlay: Overlay, flows: int, packets_per_s: float, seconds: float) -> Datagrams:
    """Sends from the first host to the second."""
    with receiving(overlay.pair.second) as received:
        sent = sent_from(overlay.pair.first, [overlay.target], flows, 1, packets_per_s, seconds)
        time.sleep(_DRAIN_S)
        return Datagrams(sent.sent, received(), sent.seconds)


@contextmanager
def receiving(host: Host) -> Iterator[Callable[[], int]]:
    """Counts on a host; gives what ends that and tells the number."""
    with subprocess.Popen(host.command(*_MODULE, "receive"), stdout=subprocess.PIPE, text=True) as receiver:

        def received() -> int:
            receiver.terminate()
            return int(receiver.communicate(timeout=COMMAND_TIMEOUT_S)[0])

        try:
            if receiver.stdout is None or receiver.stdout.readline() != "listening\n":
                raise BenchError("the receiver of the flows did not start")
            yield received
        finally:
            receiver.kill()


def sent_from(
    host: Host, addresses: Sequence[str], flows: int, run: int, packets_per_s: float, seconds: float
) -> Datagrams:
    """Sends from a host to addresses in turn; whether anything arrives is not known."""
    words = [",".join(addresses), str(flows), str(run), str(round(packets_per_s)), str(seconds)]
    sent, took_s = host.run(*_MODULE, "send", *words).split()
    return Datagrams(int(sent), 0, float(took_s))


def schedule(flows: int, run: int = 1) -> Iterator[tuple[int, int]]:
    """Flow and size in bytes of one packet after the other, without end.

    Flows come in turn, each with a run of packets of one size; its next run has another size.
    """
    sizes = len(SIZES_BYTES)
    for number in cycle(range(flows * sizes)):
        packet = number % flows, SIZES_BYTES[(number + number // flows) % sizes]
        yield from repeat(packet, run)


def send(
    addresses: Sequence[str], flows: int, run: int, packets_per_s: float, seconds: float
) -> tuple[int, float]:
    """Sends at a rate, or as fast as it can; gives the number of packets and how long it took."""
    sockets = [_connected(addresses[flow % len(addresses)]) for flow in range(flows)]
    payload = bytes(max(SIZES_BYTES))
    parts = {size: memoryview(payload)[:size] for size in SIZES_BYTES}
    packets = ((sockets[flow].send, parts[size]) for flow, size in schedule(flows, run))
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
    flow.connect((address, PORT))
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
        sink.bind(("", PORT))
        print("listening", flush=True)
        try:
            while True:
                sink.recv_into(buffer)
                received += 1
        except _EndedError:
            return received


if __name__ == "__main__":
    if sys.argv[1] == "send":
        addresses, flows, run, packets_per_s, seconds = sys.argv[2:]
        print(*send(addresses.split(","), int(flows), int(run), float(packets_per_s), float(seconds)))
    else:
        print(receive())
