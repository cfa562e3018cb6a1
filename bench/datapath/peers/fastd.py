# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""fastd in TUN mode."""

from __future__ import annotations

import re
from pathlib import Path

from bench.datapath.hosts import BenchError, Pair, run
from bench.datapath.overlay import Overlay, inner_mtu

_CONFIG = """\
log level warn;
mode tun;
interface "inner";
method "aes128-gcm";
bind {host.outer}:10000;
mtu {mtu};
secret "{secret}";
peer "other" {{ key "{public}"; {remote} }}
on up "ip address add {host.inner}/24 dev inner; ip link set inner mtu {mtu} up";
"""


def start_fastd(pair: Pair, folder: Path) -> Overlay:
    """Starts both ends with AES-128-GCM, its fastest method with a processor that has AES.

    Only the first calls: two that call each other at once do not understand each other for 20 s.
    """
    keys = {host.name: _keys() for host in pair.hosts}
    pids = []
    for host, other in (pair.hosts, pair.hosts[::-1]):
        secret, public, config = keys[host.name][0], keys[other.name][1], folder / f"{host.name}.conf"
        remote = f"remote {other.outer} port 10000;" if host is pair.first else ""
        text = _CONFIG.format(host=host, mtu=inner_mtu(pair), secret=secret, public=public, remote=remote)
        config.touch(mode=0o600)
        config.write_text(text)
        pids.append((host.start("fastd", "-c", str(config), log=folder / f"{host.name}.log"),))
    return Overlay(pair, pair.second.inner, (pids[0], pids[1]))


def _keys() -> tuple[str, str]:
    text = run("fastd", "--generate-key")
    found = re.search(r"Secret: (\w+)\s+Public: (\w+)", text)
    if found is None:
        raise BenchError(f"fastd --generate-key says {text!r}")
    return found[1], found[2]
