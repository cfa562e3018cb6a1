# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A fleet in CB-Tumblebug: up to ten infras over eight regions of three clouds, served by the simulator."""

from __future__ import annotations

import base64
import json
import time
from itertools import count
from urllib.parse import parse_qsl, urlsplit

from bench.inventory.numbered import address, labels
from lab.tumblebug.answers import Request
from lab.tumblebug.api import Api
from lab.tumblebug.cloud import Instance, StaticCloud
from lab.tumblebug.era import INFRA
from lab.tumblebug.estate import Infra, KeyPair, Machine, Namespace, Network, Region
from lab.tumblebug.gate import Credentials

REGIONS = tuple(
    Region(provider, name, f"{provider}-{name}", name, 37.0, 127.0)
    for provider, name in (
        ("aws", "ap-northeast-2"), ("aws", "us-east-1"), ("aws", "eu-west-1"),
        ("azure", "koreacentral"), ("azure", "westeurope"),
        ("gcp", "asia-northeast3"), ("gcp", "us-central1"), ("gcp", "europe-west1"),
    )
)  # fmt: skip
AUTHORIZATION = {"Authorization": "Basic " + base64.b64encode(b"default:default").decode()}


def api(hosts: int) -> Api:
    """The simulator over a fleet of so many machines; its clock never makes a client wait."""
    machines = [_machine(number) for number in range(hosts)]
    parts = max(1, min(10, hosts // 100))
    infras = {name: Infra(name, tuple(machines[part::parts])) for part, name in enumerate(_names(parts))}
    instances = {
        machine.resource: Instance("Running", address(198, number), address(10, number))
        for number, machine in enumerate(machines)
    }
    ticks = count()
    cloud = StaticCloud(instances, new_address=lambda _name: "", transition_s=0, now=time.monotonic)
    estate = {"ns01": Namespace("ns01", infras)}
    return Api(INFRA, estate, cloud, credentials=Credentials(), now=lambda: float(next(ticks)))


def answer(fleet: Api, target: str) -> tuple[int, bytes]:
    """Status and body of a GET; ``target`` is path and query, from /tumblebug on."""
    url = urlsplit(target)
    path = url.path.removeprefix("/tumblebug")
    found = fleet.answer(Request("GET", path, dict(parse_qsl(url.query)), AUTHORIZATION))
    return found.status, json.dumps(found.body).encode()


def _names(parts: int) -> list[str]:
    return [f"infra{part:02}" for part in range(parts)]


def _machine(number: int) -> Machine:
    region = REGIONS[number % len(REGIONS)]
    zone = f"{region.region}-{'abc'[number % 3]}"
    name = f"shared-{region.connection}"
    network = Network(
        name, name, f"vpc-{region.connection}", f"subnet-{region.connection}",
        "10.0.0.0/16", "10.0.0.0/20", region, zone,
    )  # fmt: skip
    return Machine(
        id=f"{region.connection}-{number}",
        group=region.connection,
        resource=f"i-{number:017x}",
        network=network,
        key_pair=KeyPair(name, region, private_key=f"PRIVATE KEY OF {name}\n"),
        labels=labels(number),
    )
