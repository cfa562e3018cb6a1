# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""One tunnel of ours as a process of its own, through the public interface of the data path.

``python -m bench.datapath.our_node FILE``: the file has what `Tunnel.open` takes and the peers, in JSON.
Says "ready" and moves packets until it is told to end.
"""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from cladnet.core.endpoint import Endpoint
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.core.wireguard.suite import suite_named
from cladnet.datapath.tunnel import Tunnel


def peer_of(document: dict[str, Any]) -> PeerConfig:
    """A peer as the file has it."""
    return PeerConfig(
        public_key=base64.b64decode(document["public_key"]),
        allowed_ips=tuple(ip_network(text) for text in document["allowed_ips"]),
        endpoint=Endpoint.parse(document["endpoint"]),
        suites=(suite_named(document["suite"]),),
    )


async def run(config: dict[str, Any]) -> None:
    """Keeps the tunnel open until SIGTERM."""
    peers = [peer_of(document) for document in config.pop("peers")]
    config["private_key"] = base64.b64decode(config["private_key"])
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    tunnel = await Tunnel.open(**config)
    try:
        for peer in peers:
            tunnel.set_peer(peer)
        print("ready", flush=True)
        await ended.wait()
    finally:
        await tunnel.close()


if __name__ == "__main__":
    asyncio.run(run(json.loads(Path(sys.argv[1]).read_text())))
