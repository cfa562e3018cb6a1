# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Floods at full speed for minutes, beside a flow that must not notice; for an idle machine."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from frame_switch import bridged_hosts
from handshake_flood import SOURCE_NETWORK
from inner_stream import inner_stream
from many_flows import endless_flow
from namespaces import Namespace, eventually, kill
from noise_initiator import NoiseInitiator
from tunnel_pair import introduce
from tunnel_process import TunnelProcess

pytestmark = pytest.mark.long

JUNK = {"noise": 10_000_000, "mutated": 1_000_000}
JUNK_PER_S = 50_000
DEADLINE_S = 3600.0
MAX_LOST_PERCENT = 1.0
# IPv6 multicast of the bridge's other hosts; no answer to anything that was sent.
MAX_NEIGHBOUR_PACKETS = 100
MAX_GROWTH_BYTES = 10 << 20
PING_INTERVAL_S = 0.01
FLOOD_SOURCES = 10_000
FLOOD_PER_S = 20_000
ROUNDS = 5
ROUND_BYTES = 100 << 20
KEPT_SHARE = 0.8
_HERE = Path(__file__).parent
_SOURCES = _HERE.parents[2] / "src"

Bridged = tuple[TunnelProcess, TunnelProcess, Namespace]


@pytest.fixture
def bridged(tun_driver: None) -> Iterator[Bridged]:
    """Two tunnels with a session, and a host beside them."""
    with bridged_hosts(3) as (first, second, third), ExitStack() as stack:
        us, them = TunnelProcess(first), TunnelProcess(second)
        stack.callback(us.stop)
        stack.callback(them.stop)
        introduce(us, them, we_know=f"{second.outer_ipv4}:{them.port}", they_know="")
        assert first.ping("10.77.0.2")
        yield us, them, third


@pytest.mark.parametrize("kind", JUNK)
def test_junk(bridged: Bridged, kind: str):
    us, them, third = bridged
    words = (them.host.outer_ipv4, str(them.port), kind, str(JUNK[kind]), str(JUNK_PER_S), "1")
    with inner_stream(us.host, them.host) as stream:
        stream.pump(1000)
    before_bytes, answers = them.memory_bytes(), _packets_received(third)
    with _running(us.host.start("ping", "-n", "-q", "-i", str(PING_INTERVAL_S), "10.77.0.2")) as ping:
        with _running(_python(third, "junk_sender.py", *words)) as sender:
            shown, _unused = sender.communicate(_corpus(them), timeout=DEADLINE_S)
            assert shown == "sent\n"
        ping.send_signal(signal.SIGINT)
        statistics, _unused = ping.communicate(timeout=10)
    lost_percent = float(statistics.partition("% packet loss")[0].rpartition(" ")[2])
    assert lost_percent < MAX_LOST_PERCENT, statistics
    assert _packets_received(third) - answers < MAX_NEIGHBOUR_PACKETS
    assert them.memory_bytes() - before_bytes < MAX_GROWTH_BYTES


def test_handshakes(bridged: Bridged):
    """A TCP stream keeps its throughput, measured in turns with and without the flood."""
    us, them, third = bridged
    them.host.run("ip", "route", "add", SOURCE_NETWORK, "via", third.outer_ipv4)
    words = (them.identity.public, them.host.outer_ipv4, str(them.port), str(FLOOD_SOURCES), str(FLOOD_PER_S))
    quiet_s = flooded_s = 0.0
    with endless_flow(us.host, them.host, "10.77.0.2"):
        _time_to_move(us, them, ROUND_BYTES)
        for _unused in range(ROUNDS):
            quiet_s += _time_to_move(us, them, ROUND_BYTES)
            with _running(_python(third, "flood_sender.py", *words)) as flood:
                assert flood.stdout is not None
                assert flood.stdout.readline() == "flooding\n"
                flooded_s += _time_to_move(us, them, ROUND_BYTES)
    assert them.drops()["cookie_asked"]
    assert quiet_s / flooded_s >= KEPT_SHARE


@contextmanager
def _running(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        kill(process)


def _time_to_move(us: TunnelProcess, them: TunnelProcess, size_bytes: int) -> float:
    def sent_bytes() -> int:
        return us.traffic_of(them.identity.public)[1]

    started_s, end_bytes = time.monotonic(), sent_bytes() + size_bytes
    eventually("the stream goes on", lambda: sent_bytes() >= end_bytes, deadline_s=60)
    return time.monotonic() - started_s


def _python(host: Namespace, script: str, *words: str) -> subprocess.Popen[str]:
    return host.start("env", f"PYTHONPATH={_SOURCES}", sys.executable, str(_HERE / script), *words)


def _corpus(tunnel: TunnelProcess) -> str:
    """An initiation, and messages of the right form, in hex."""
    stranger = NoiseInitiator(X25519PrivateKey.generate(), base64.b64decode(tunnel.identity.public))
    others = [
        bytes([kind, 0, 0, 0]) + bytes(size - 4) for kind, size in ((2, 92), (3, 64), (4, 128), (4, 1452))
    ]
    return "".join(f"{datagram.hex()}\n" for datagram in (stranger.initiation(), *others))


def _packets_received(host: Namespace) -> int:
    shown = host.run("ip", "-json", "-statistics", "link", "show", host.cable).stdout
    return int(json.loads(shown)[0]["stats64"]["rx"]["packets"])
