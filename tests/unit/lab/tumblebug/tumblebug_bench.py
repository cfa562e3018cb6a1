# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A small estate, a cloud in memory and an Api over them, with a clock that tests turn."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from lab.tumblebug import catalogue
from lab.tumblebug.answers import Answer, Request
from lab.tumblebug.api import Api
from lab.tumblebug.cloud import Instance, Ran, StaticCloud
from lab.tumblebug.era import MCI, Era
from lab.tumblebug.estate import Estate, Infra, KeyPair, Machine, Namespace, Network, Region
from lab.tumblebug.gate import Credentials

SEOUL = Region("aws", "ap-northeast-2", "aws-ap-northeast-2", "South Korea (Seoul)", 37.36, 126.78)
TOKYO = Region("gcp", "asia-northeast1", "gcp-asia-northeast1", "Tokyo", 35.6, 139.7)
AUTHORIZED = {"Authorization": "Basic " + base64.b64encode(b"default:default").decode()}


def network(region: Region, zone: str) -> Network:
    name = f"default-shared-{region.connection}"
    return Network(name, name, f"vpc-{region.provider}", f"subnet-{region.provider}",
                   "192.168.0.0/16", "192.168.1.0/24", region, zone)  # fmt: skip


def key_pair(region: Region) -> KeyPair:
    return KeyPair(f"default-shared-{region.connection}", region, private_key=f"PRIVATE {region.provider}\n")


def machine(machine_id: str, region: Region = SEOUL, **labels: str) -> Machine:
    return Machine(
        id=machine_id,
        group=machine_id.rpartition("-")[0],
        resource=f"i-{machine_id}",
        network=network(region, f"{region.region}-a"),
        key_pair=key_pair(region),
        labels=labels,
    )


def infra(infra_id: str, machines: Iterable[Machine]) -> Infra:
    return Infra(infra_id, tuple(machines), description="two clouds", labels={"stage": "test"})


def estate() -> Estate:
    """Namespace ``default`` with infra ``mix`` of three machines in two clouds, and an empty namespace."""
    mix = infra("mix", [machine("g1-1", tier="web"), machine("g1-2"), machine("g2-1", TOKYO)])
    return {"default": Namespace("default", {"mix": mix}), "empty": Namespace("empty", {})}


@dataclass(frozen=True)
class Keys:
    """Ids of a spec and an image as an era wants them in requests and shows them."""

    spec: str
    image: str


def machine_keys(era: Era, region: str = "ap-northeast-2", name: str = "t3.small") -> Keys:
    """Of a small machine of aws with Ubuntu 22.04."""
    offers = catalogue.load()
    spec = next(each for each in offers.specs if (each.region.region, each.name) == (region, name))
    image = offers.image(MCI, "ubuntu22.04", spec.region)
    assert image is not None
    return Keys(catalogue.spec_id(era, spec), catalogue.image_id(era, image))


def new_group(era: Era, name: str, size: int) -> dict:
    """A group in the body of a dynamic request."""
    keys = machine_keys(era)
    image = keys.image if era.numeric else "ubuntu22.04"
    return {
        "name": name,
        era.spec_key: keys.spec,
        era.image_key: image,
        era.size_key: size if era.numeric else str(size),
    }


def new_infra(era: Era, name: str, *groups: dict) -> dict:
    """The body of a dynamic request."""
    return {"name": name, "description": "made in a test", era.dynamic_groups: list(groups)}


def answered(machine: str, command: str, _timeout_s: float) -> Ran:
    """What machines of the bench do with commands: say that they did it; ``fail`` fails."""
    return Ran(3, "half\n", "broken\n") if command == "fail" else Ran(0, f"{machine} ran {command}\n")


@dataclass
class Clock:
    """A clock that moves when told."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class Bench:
    """An Api of one era under test."""

    era: Era
    clock: Clock = field(default_factory=Clock)
    transition_s: float = 10.0
    estate: Estate = field(default_factory=estate)
    unaddressed: frozenset[str] = frozenset()  # resources without any address
    capacity: dict[str, int] = field(default_factory=dict)  # connection -> machines

    def __post_init__(self) -> None:
        resources = [each.resource for namespace in self.estate.values() for each in namespace.machines()]
        instances = {
            resource: Instance("Running", f"198.51.100.{number}", f"192.168.1.{number}")
            for number, resource in enumerate(resources, start=10)
        }
        instances |= dict.fromkeys(self.unaddressed, Instance("Running", "", ""))
        fresh = count(100)
        self.cloud = StaticCloud(
            instances,
            new_address=lambda _connection: f"198.51.100.{next(fresh)}",
            transition_s=self.transition_s,
            now=self.clock,
            capacity=self.capacity,
            shell=answered,
        )
        self.api = Api(
            self.era,
            self.estate,
            self.cloud,
            credentials=Credentials(),
            now=self.clock,
            wait=self.clock.wait,
        )

    def ask(self, path: str, *, method: str = "GET", send: object = None, **query: str) -> Answer:
        """Answers a request with good credentials, after a pause that no limiter minds."""
        self.clock.now_s += 1
        body = b"" if send is None else json.dumps(send).encode()
        return self.api.answer(Request(method, path, query, AUTHORIZED, body=body))

    def post(self, path: str, send: object, **query: str) -> dict:
        """The body of the answer to a POST that must be 200."""
        answer = self.ask(path, method="POST", send=send, **query)
        assert answer.status == 200, answer
        return answer.body

    def body(self, path: str, **query: str) -> dict:
        """The body of an answer that must be 200."""
        answer = self.ask(path, **query)
        assert answer.status == 200, answer
        return answer.body

    @property
    def infras(self) -> str:
        return f"/ns/default/{self.era.infra}"

    @property
    def mix(self) -> str:
        return f"{self.infras}/mix"
