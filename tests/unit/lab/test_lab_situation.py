# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What may change in a running lab, and what is refused."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Interface

import pytest

from lab import situation as situations
from lab import topology as topologies
from lab.errors import LabError, TopologyError, UnknownHostError, WrongStateError
from lab.situation import OPERATOR, Partition, Situation

DEMO = topologies.load("demo")


@pytest.fixture
def start() -> Situation:
    return situations.initial(DEMO, "/image")


def test_begins_as_the_file_says(start: Situation) -> None:
    assert start.addresses["gcp-app-1"].private_ip == IPv4Interface("10.178.0.2/32")
    assert start.addresses["gcp-app-1"].public_ip == IPv4Address("198.51.100.49")
    assert not start.complete


def test_survives_being_written_to_disk(start: Situation) -> None:
    changed = situations.released(start, "aws-web-2")
    changed = situations.with_partition(DEMO, situations.with_loss(changed, 5), "aws", ("gcp-app-1",))
    changed = situations.completed(changed)

    assert situations.decode(json.loads(json.dumps(situations.encode(changed)))) == changed


def test_a_suspended_host_gives_its_address_back_and_gets_another(start: Situation) -> None:
    suspended = situations.released(start, "aws-web-1")
    assert suspended.addresses["aws-web-1"].public_ip is None
    assert IPv4Address("198.51.100.17") not in suspended.taken()

    resumed = situations.with_new_public_ip(DEMO, suspended, "aws-web-1")
    assert resumed.addresses["aws-web-1"].public_ip == IPv4Address("198.51.100.19"), ".18 is aws-web-2's"


def test_addresses_go_around_the_pool_and_never_repeat_the_last(start: Situation) -> None:
    seen, now = [], start
    for _unused in range(15):
        now = situations.with_new_public_ip(DEMO, situations.released(now, "aws-web-1"), "aws-web-1")
        seen.append(str(now.addresses["aws-web-1"].public_ip))
    assert seen[:2] == ["198.51.100.19", "198.51.100.20"]
    assert seen[12:] == ["198.51.100.31", "198.51.100.16", "198.51.100.17"]


def test_an_exhausted_pool_is_told() -> None:
    document = {
        "name": "tight",
        "internet": {"cidr": "198.51.100.0/24", "operator": "198.51.100.254"},
        "clouds": {
            "aws": {
                "provider": "aws", "region": "r", "zone": "z", "csp_vnet_id": "v", "csp_subnet_id": "s",
                "lan": "10.0.0.0/24", "wan": "198.51.100.1", "public_pool": "198.51.100.8/32",
            }
        },
        "hosts": {"a": {"cloud": "aws", "private_ip": "10.0.0.2/24", "public_ip": "198.51.100.8"}},
    }  # fmt: skip
    tight = topologies.parse(document)
    with pytest.raises(WrongStateError, match="of cloud aws has no other free address"):
        situations.with_new_public_ip(tight, situations.initial(tight, "/image"), "a")


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        ("198.51.100.18", WrongStateError, "198.51.100.18 is in use"),
        ("198.51.100.33", TopologyError, "198.51.100.33 is not in the public pool 198.51.100.16/28"),
    ],
)
def test_a_wanted_public_address_must_be_free(
    start: Situation, wanted: str, error: type[LabError], message: str
) -> None:
    with pytest.raises(error, match=message):
        situations.with_new_public_ip(DEMO, start, "aws-web-1", IPv4Address(wanted))


@pytest.mark.parametrize(
    ("host", "wanted", "message"),
    [
        ("aws-web-1", "192.168.2.11/24", "192.168.2.11 belongs to aws-web-2"),
        ("aws-web-1", "192.168.2.11/16", "must end in /24"),
        ("aws-web-1", "192.168.3.1/24", "192.168.3.1 is no address for a host of 192.168.2.0/24"),
        ("gcp-app-1", "10.178.0.9/20", "must end in /32"),
    ],
)
def test_a_private_address_must_fit(start: Situation, host: str, wanted: str, message: str) -> None:
    with pytest.raises(LabError, match=message):
        situations.with_private_ip(DEMO, start, host, IPv4Interface(wanted))


def test_a_private_address_may_be_one_of_another_cloud(start: Situation) -> None:
    changed = situations.with_private_ip(DEMO, start, "aws-web-1", IPv4Interface("192.168.2.12/24"))
    assert changed.private_ip("aws-web-1") == changed.private_ip("azure-db-2")


@pytest.mark.parametrize(
    ("one", "others", "expected"),
    [
        ("aws-web-1", ("gcp-app-1",), Partition(("aws-web-1",), ("gcp-app-1",))),
        ("aws", ("gcp",), Partition(("aws-web-1", "aws-web-2"), ("gcp-app-1", "gcp-app-2"))),
        ("aws-web-1", ("aws",), Partition(("aws-web-1",), ("aws-web-2",))),
        ("gcp-app-1", ("operator",), Partition(("gcp-app-1",), (OPERATOR,))),
        (
            "gcp",
            (),
            Partition(
                ("gcp-app-1", "gcp-app-2"), ("aws-web-1", "aws-web-2", "azure-db-1", "azure-db-2", OPERATOR)
            ),
        ),
    ],
)
def test_partitions_are_between_hosts(
    start: Situation, one: str, others: tuple[str, ...], expected: Partition
) -> None:
    assert situations.with_partition(DEMO, start, one, others).partitions == (expected,)


def test_wrong_faults_are_refused(start: Situation) -> None:
    with pytest.raises(WrongStateError, match="aws is on both"):
        situations.with_partition(DEMO, start, "aws", ("aws-web-1",))
    with pytest.raises(
        UnknownHostError, match="no cloud or host 'ibm' in lab demo; there are aws, azure, gcp"
    ):
        situations.with_partition(DEMO, start, "aws", ("ibm",))
    for percent in (-1, 101):
        with pytest.raises(WrongStateError, match="percent cannot be"):
            situations.with_loss(start, percent)


def test_heal_ends_all_faults(start: Situation) -> None:
    broken = situations.with_partition(DEMO, situations.with_loss(start, 7), "aws", ())
    assert situations.healed(broken) == start
