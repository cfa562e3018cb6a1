# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.controller import keys, records
from cladnet.controller.keys import MemberKey, NetworkKey
from cladnet.controller.records import Enrolment, HostRecord
from cladnet.core.connectivity import ConnectivityTest, HostResult, Ping
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.host_report import Cloud, HostReport
from cladnet.core.host_state import HostState
from cladnet.core.network import CIPHERS, NetworkSpec
from cladnet.core.orders import Orders
from cladnet.core.place import Place
from cladnet.core.rule_table import ControllerEntry, PeerEntry
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305, Suite

KEY = bytes(range(32))
REPORT = HostReport(
    public_key=KEY,
    public_endpoint=Endpoint("198.51.100.11", 8055),
    private_endpoints=(Endpoint("10.0.1.4", 8055), Endpoint("2001:db8::1", 8055)),
    occupied_networks=(ip_network("10.0.1.0/24"), ip_network("fd00::/64")),
    mtu=1420,
    cloud=Cloud("aws", "eu-west-1", "eu-west-1a", "vpc-1", "subnet-1"),
    state=HostState.DEGRADED,
    reason="Größe: no controller answers.",
    agent_version="0.1.0",
)


@pytest.mark.parametrize(
    ("key", "meaning"),
    [
        (keys.config("demo"), NetworkKey("demo", "cfg")),
        (keys.host("demo", "a.b-1"), NetworkKey("demo", "host", "a.b-1")),
        (keys.peer("demo", "a1"), NetworkKey("demo", "peer", "a1")),
        (keys.address("demo", IPv4Address("10.99.0.1")), NetworkKey("demo", "addr", "10.99.0.1")),
        (keys.public_key("demo", KEY), NetworkKey("demo", "key", KEY.hex())),
        (keys.place("demo", "a.b-1"), NetworkKey("demo", "place", "a.b-1")),
        (keys.order("demo", "a1"), NetworkKey("demo", "order", "a1")),
        (keys.seen("demo", "a1"), NetworkKey("demo", "seen", "a1")),
        (keys.connectivity_test("demo", "00ff"), NetworkKey("demo", "test", "00ff")),
        (keys.test_result("demo", "00ff", "a.b"), NetworkKey("demo", "result", "00ff.a.b")),
        (keys.member("a1"), MemberKey("a1")),
        (keys.enrolment("00ff"), None),
        (b"/clad/v1/net/demo/later/x/y", None),
        (b"/clad/v1/", None),
        (b"\xff\xfe", None),
    ],
)
def test_every_key_says_what_it_stands_for(key: bytes, meaning: object) -> None:
    assert keys.parse(key) == meaning


def test_the_keys_of_one_network_are_not_those_of_another_whose_name_begins_the_same() -> None:
    """The original counted net10 as net1."""
    assert not keys.config("net10").startswith(keys.network("net1"))
    assert not keys.host("net1", "a10").startswith(keys.hosts("net10"))


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_network_survives_etcd(cipher: str) -> None:
    spec = NetworkSpec("demo", IPv4Network("10.99.0.0/24"), "für alle", 1380, "basic", 60, cipher)
    assert records.read_network("demo", records.write_network(spec)) == spec


def test_a_cipher_is_named_only_where_it_is_not_the_one_of_the_release_before() -> None:
    written = [
        records.write_network(NetworkSpec("demo", IPv4Network("10.99.0.0/24"), cipher=c)) for c in CIPHERS
    ]
    assert [json.loads(value).get("cipher") for value in written] == [None, *CIPHERS[1:]]


@pytest.mark.parametrize(
    "report",
    [
        None,
        REPORT,
        HostReport(KEY),
        HostReport(KEY, is_down=True, rekeys_done=2),
        HostReport(KEY, suites=(AES_256_GCM, CHACHA20_POLY1305)),
    ],
)
def test_a_host_survives_etcd(report: HostReport | None) -> None:
    record = HostRecord("ab" * 32, report)
    assert records.read_host(records.write_host(record)) == record


@pytest.mark.parametrize("endpoint", [None, Endpoint("198.51.100.11", 8055), Endpoint("2001:db8::1", 1)])
@pytest.mark.parametrize("suites", [(CHACHA20_POLY1305,), (AES_256_GCM, CHACHA20_POLY1305)])
def test_a_peer_survives_etcd(endpoint: Endpoint | None, suites: tuple[Suite, ...]) -> None:
    peer = PeerEntry("a1", IPv4Address("10.99.0.1"), KEY, endpoint, 17, suites)
    assert records.read_peer("a1", 17, records.write_peer(peer)) == peer


def test_what_the_release_before_wrote_speaks_only_wireguards_suite() -> None:
    """Of a host and of a peer, as release 0.2 wrote them."""
    report = HostReport(KEY, suites=(AES_256_GCM,))
    host = json.loads(records.write_host(HostRecord("id", report)))
    del host["suites"]
    read = records.read_host(json.dumps(host).encode())
    assert read.report == HostReport(KEY)
    peer = json.loads(
        records.write_peer(PeerEntry("a1", IPv4Address("10.99.0.1"), KEY, suites=(AES_256_GCM,)))
    )
    del peer["suites"]
    assert records.read_peer("a1", 1, json.dumps(peer).encode()).suites == (CHACHA20_POLY1305,)


@pytest.mark.parametrize(
    "place",
    [
        Place(),
        Place(IPv4Address("10.99.0.7"), True, "für alle", Cloud("aws", zone="a")),
        Place(is_managed=False),
    ],
)
def test_a_place_survives_etcd(place: Place) -> None:
    assert records.read_place(records.write_place(place)) == place


def test_what_a_host_has_done_is_where_the_release_before_does_not_look() -> None:
    report = HostReport(KEY, is_down=True, rekeys_done=2, suites=(AES_256_GCM,))
    document = json.loads(records.write_host(HostRecord("id", report)))
    assert document["done"] == {"is_down": True, "rekeys_done": 2}
    assert document["suites"] == ["aes-256-gcm"]
    assert not {"is_down", "rekeys_done", "suites"} & document["report"].keys()
    assert "done" not in json.loads(records.write_host(HostRecord("id", HostReport(KEY))))


def test_orders_survive_etcd() -> None:
    orders = Orders(is_down=True, rekeys_requested=3)
    assert records.read_orders(records.write_orders(orders)) == orders


def test_connectivity_tests_and_results_survive_etcd() -> None:
    test = ConnectivityTest(("a1", "b1"), 5, 20, is_closed=True)
    assert records.read_test(records.write_test(test)) == test
    result = HostResult("10.99.0.1", (Ping("b1", "10.99.0.2", 0.25), Ping("c1", "10.99.0.3")), "")
    assert records.read_result(records.write_result(result)) == result


def test_an_enrolment_and_a_controller_survive_etcd() -> None:
    enrolment = Enrolment("demo", 5, "a1", "ff")
    assert records.read_enrolment(records.write_enrolment(enrolment)) == enrolment
    controller = ControllerEntry("a1", ("198.51.100.11", "2001:db8::1"))
    assert records.read_controller("a1", records.write_controller(controller, "0.1.0")) == controller


def test_a_person_can_read_what_stands_in_etcd() -> None:
    document = json.loads(records.write_peer(PeerEntry("a1", IPv4Address("10.99.0.1"), KEY)))
    assert document == {
        "address": "10.99.0.1",
        "public_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "endpoint": None,
        "suites": ["chacha20-poly1305"],
    }


READERS: list[Callable[[bytes], object]] = [
    lambda value: records.read_network("demo", value),
    records.read_host,
    lambda value: records.read_peer("a1", 1, value),
    records.read_enrolment,
    records.read_place,
    records.read_orders,
    records.read_test,
    records.read_result,
    lambda value: records.read_controller("a1", value),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cidr", "identity", "report", "address", "addresses", "x"]), inner)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("read", READERS)
@given(value=st.one_of(st.binary(max_size=40), json_values.map(lambda v: json.dumps(v).encode())))
def test_what_others_wrote_is_refused_as_such(read: Callable[[bytes], object], value: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        read(value)
