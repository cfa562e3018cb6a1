# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What stands in the way of a peer, said before anything is done; and what differs from what is wanted."""

from __future__ import annotations

from base64 import b64encode

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._declarative import Action
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import Conflict, InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._peer_state import (
    check_place,
    desired_peer,
    needs_network,
    plan_peer,
)
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins import peer_documents
from ansible_collections.cloud_barista.cladnet.tests.unit.plugins.peer_documents import KEY, OTHER_KEY

NETWORK = {"name": "demo", "cidr": "10.112.0.0/24"}
OPTIONS = ("address", "static", "description", "details", "public_key", "endpoint")
A1 = {**peer_documents.A1, "details": {"zone": "a"}}
LAPTOP = {**A1, "host": "laptop", "managed": False, "address": "10.112.0.9", "endpoint": None}
EXPECTED = {**A1, "address": None, "public_key": None, "endpoint": None}


def desired(host: str = "a1", **options):
    return desired_peer({"host": host, **dict.fromkeys(OPTIONS), **options})


@pytest.mark.parametrize(
    ("before", "options", "changes"),
    [
        (A1, {}, {}),
        (A1, {"static": False, "description": "", "details": {"zone": "a", "region": None}}, {}),
        (A1, {"address": "10.112.0.1"}, {"static": True}),
        (A1, {"address": "10.112.0.7"}, {"static": True, "address": "10.112.0.7"}),
        ({**A1, "static": True}, {"address": "10.112.0.1"}, {}),
        ({**A1, "static": True}, {"static": False}, {"static": False}),
        (A1, {"static": True}, {"static": True}),
        (A1, {"details": {"zone": "b", "region": ""}}, {"details": {"zone": "b"}}),
        (A1, {"details": {}}, {"details": {}}),
        (LAPTOP, {"public_key": OTHER_KEY, "endpoint": ""}, {}),
        (LAPTOP, {"public_key": KEY}, {"public_key": KEY}),
        (LAPTOP, {"endpoint": "198.51.100.9:51820"}, {"endpoint": "198.51.100.9:51820"}),
        ({**LAPTOP, "endpoint": "198.51.100.9:51820"}, {"endpoint": ""}, {"endpoint": ""}),
        (None, {}, {"host": "a1"}),
        (None, {"address": "10.112.0.7"}, {"host": "a1", "address": "10.112.0.7", "static": True}),
        (None, {"public_key": KEY, "static": True}, {"host": "a1", "public_key": KEY, "static": True}),
    ],
)
def test_what_has_to_change(before, options, changes) -> None:
    host = "a1" if before is None else before["host"]
    plan = plan_peer(before, desired(host, **options))
    assert plan.changes == changes
    assert plan.is_change == bool(changes)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"host": "a 1"}, "cannot be the name of a host"),
        ({"address": "10.112.0.300"}, "'10.112.0.300', which is no IPv4 address"),
        ({"address": ""}, "'', which is no IPv4 address"),
        ({"address": "2001:db8::1"}, "no IPv4 address"),
        ({"address": "10.112.0.7", "static": False}, "10.112.0.7 and not keep it"),
        ({"public_key": "nonsense"}, "no WireGuard key"),
        ({"public_key": "ü" * 44}, "no WireGuard key"),
        ({"public_key": b64encode(bytes(31)).decode()}, "wg pubkey"),
        ({"public_key": KEY, "endpoint": "laptop.example:51820"}, "no IP address"),
        ({"public_key": KEY, "endpoint": "198.51.100.9"}, "198.51.100.9' is no endpoint"),
        ({"public_key": KEY, "endpoint": "198.51.100.9:0"}, "port 0 is out of range"),
    ],
)
def test_options_that_cannot_be_right(options, told) -> None:
    with pytest.raises(InvalidInput, match=told):
        desired(**options)


@pytest.mark.parametrize("before", [None, EXPECTED])
def test_address_that_is_not_there_cannot_be_fixed(before) -> None:
    with pytest.raises(InvalidInput, match="a1 has no address yet"):
        plan_peer(before, desired(static=True))


def test_endpoint_alone_makes_no_peer() -> None:
    with pytest.raises(InvalidInput, match="endpoint and no public_key"):
        plan_peer(None, desired(endpoint="198.51.100.9:51820"))


@pytest.mark.parametrize("option", [{"public_key": KEY}, {"endpoint": "198.51.100.9:51820"}])
def test_what_an_agent_finds_out_is_not_for_people(option) -> None:
    with pytest.raises(Conflict, match=f"has an agent, so its {next(iter(option))}"):
        plan_peer(A1, desired(**option))


@pytest.mark.parametrize("address", ["10.112.0.0", "10.112.0.255", "10.112.1.1", "192.168.0.1"])
def test_addresses_that_no_host_of_the_network_can_have(address) -> None:
    plan = plan_peer(A1, desired(address=address))
    with pytest.raises(InvalidInput, match=r"from 10\.112\.0\.1 to 10\.112\.0\.254"):
        check_place(NETWORK, [A1], plan)


def test_address_and_key_of_another_peer_are_refused() -> None:
    with pytest.raises(Conflict, match=r"address 10\.112\.0\.9 is that of host laptop"):
        check_place(NETWORK, [A1, LAPTOP], plan_peer(A1, desired(address="10.112.0.9")))
    with pytest.raises(Conflict, match=r"public key .* is that of host a1"):
        check_place(NETWORK, [A1], plan_peer(None, desired("phone", public_key=OTHER_KEY)))


def test_own_and_free_addresses_are_not() -> None:
    for address in ("10.112.0.1", "10.112.0.254"):
        check_place(NETWORK, [A1, LAPTOP], plan_peer(A1, desired(address=address)))


@pytest.mark.parametrize(
    ("before", "options", "is_needed"),
    [
        (None, {}, True),
        (A1, {"address": "10.112.0.7"}, True),
        (LAPTOP, {"public_key": KEY}, True),
        (A1, {"description": "x"}, False),
        (A1, {}, False),
    ],
)
def test_the_network_is_only_read_when_it_matters(before, options, is_needed) -> None:
    plan = plan_peer(before, desired(**options))
    assert needs_network(plan) is is_needed
    assert (plan.action is Action.CREATE) == (before is None)
