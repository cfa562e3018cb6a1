# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The memory of a whole agent with 100 peers, all with a session and traffic.

The agent starts from the table on its disk, as after a reboot while no controller can be reached; it goes on
calling them. One process plays the peers.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from bench.datapath import flows
from bench.datapath.counterpart import FLOWS, RUN_PACKETS
from bench.datapath.crowd import PREFIX_LENGTH, Member, crowd, members
from bench.datapath.hosts import VETH, BenchError, Host, Pair, eventually, pair_of_hosts
from bench.datapath.overlay import INNER_MTU_LESS_BYTES
from bench.datapath.peers.wireguard import Identity
from bench.datapath.saying import say
from bench.datapath.software import ROOT
from bench.datapath.works import Figures, figures_text, memory_of
from bench.rows import Row
from cladnet.agent.identity import certificate_request
from cladnet.agent.state import StateDirectory
from cladnet.controller.authority import Authority, read_request
from cladnet.core.endpoint import Endpoint
from cladnet.core.identity import SpiffeId
from cladnet.core.rule_table import ControllerEntry, NetworkRule, PeerEntry, RuleTable, by_host

WORK = "agent-memory"
PEERS = 100
_NETWORK, _HOST = "bench", "hub"
_PACKETS_PER_S, _SECONDS = 5000.0, 1.0
_CONFIG = """\
network = "{network}"
host = "{host}"
controllers = ["{controller}"]
ca_file = "{folder}/ca.crt"
state_dir = "{folder}/state"
runtime_dir = "{folder}/run"
device = "clad0"
mtu = {mtu}
"""


def rows(rounds: int, _seconds: float) -> Iterator[Row]:
    """A row for each unit, of as many agents as there are rounds."""
    runs = [_measured() for _round in range(rounds)]
    for unit in runs[0]:
        yield Row.of(WORK, f"{PEERS} peers", "agent", [figures[unit] for figures in runs], unit)


def _measured() -> Figures:
    everybody = members(PEERS)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        pair_of_hosts("agent", VETH) as pair,
        crowd(pair, Path(name), _identity_in(Path(name)), everybody) as others,
    ):
        pid = _start_agent(pair, Path(name), everybody)
        others.greet()
        flows.sent_from(
            pair.first, [each.inner for each in everybody], FLOWS, RUN_PACKETS, _PACKETS_PER_S, _SECONDS
        )
        others.send(_PACKETS_PER_S, _SECONDS)
        figures = memory_of([pid])
    say(f"  agent: {figures_text(figures)}")
    return figures


def _identity_in(folder: Path) -> str:
    """Makes the keys of the agent's tunnel; gives the public one in base64."""
    identity = Identity.generate()
    StateDirectory(folder / "state").store_wireguard_key(base64.b64decode(identity.private))
    (folder / "public.key").write_text(identity.public)
    return identity.public


def _start_agent(pair: Pair, folder: Path, everybody: Sequence[Member]) -> int:
    _make_member(StateDirectory(folder / "state"), folder)
    _store_table(StateDirectory(folder / "state"), pair, (folder / "public.key").read_text(), everybody)
    config, log = folder / "agent.toml", folder / "agent.log"
    text = _CONFIG.format(
        network=_NETWORK,
        host=_HOST,
        controller=pair.second.outer,
        folder=folder,
        mtu=VETH.mtu - INNER_MTU_LESS_BYTES,
    )
    config.write_text(text)
    command = [sys.executable, "-m", "cladnet.agent.main", "--config", str(config)]
    pid = pair.first.start(*command, log=log, environment={"PYTHONPATH": str(ROOT / "src")})
    try:
        eventually("the agent gives its device an address", lambda: _is_addressed(pair.first))
    except BenchError as exc:
        raise BenchError(f"{exc}: {log.read_text()[-500:]}") from exc
    return pid


def _is_addressed(host: Host) -> bool:
    devices = json.loads(host.run("ip", "-json", "address", "show"))
    found = (info["local"] for device in devices for info in device["addr_info"])
    return host.inner in found


def _make_member(state: StateDirectory, folder: Path) -> None:
    """A certificate of an authority that only this agent knows, so that it calls its controllers."""
    pair = Authority.create(datetime.now(timezone.utc))
    (folder / "ca.crt").write_bytes(pair.certificate_pem)
    identity = SpiffeId(_NETWORK, _HOST)
    request = read_request(certificate_request(state.identity_key(), identity))
    state.store_certificate(Authority(pair).sign(request, identity))


def _store_table(state: StateDirectory, pair: Pair, public_key: str, everybody: Sequence[Member]) -> None:
    peers = [_entry(_HOST, pair.first.inner, public_key, f"{pair.first.outer}:8055")]
    peers += [
        _entry(f"peer{each.port}", each.inner, each.identity.public, f"{pair.second.outer}:{each.port}")
        for each in everybody
    ]
    network = NetworkRule(
        name=_NETWORK,
        cidr=IPv4Network((pair.first.inner, PREFIX_LENGTH), strict=False),
        mtu=0,
        rule_type="basic",
    )
    controllers = (ControllerEntry("controller", (pair.second.outer,)),)
    state.store_table(RuleTable(1, 1, network, by_host(peers), controllers))


def _entry(host: str, address: str, public_key: str, endpoint: str) -> PeerEntry:
    key = base64.b64decode(public_key)
    return PeerEntry(host, IPv4Address(address), key, Endpoint.parse(endpoint), 1)
