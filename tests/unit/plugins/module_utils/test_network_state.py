# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What stands in the way of a network, said before anything is done."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._declarative import Action
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import Conflict, InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._network_state import (
    plan_network,
    plan_no_network,
)

EMPTY = {"name": "demo", "cidr": "10.112.0.0/24", "description": "", "peers": 0}
IN_USE = {**EMPTY, "peers": 6}


def test_network_cannot_be_made_without_an_address_space() -> None:
    with pytest.raises(InvalidInput, match="Network demo does not exist, and without cidr"):
        plan_network(None, {"name": "demo", "cidr": None}, disjoint_from=[])


@pytest.mark.parametrize(
    ("before", "wrong", "told"),
    [
        (None, {"cidr": "10.112.0.5/24"}, r"The network is 10\.112\.0\.0/24"),
        (None, {"cidr": "11.0.0.0/24"}, "not within private address space"),
        (None, {"cidr": "10.112.0.0/31"}, "/8 to /30"),
        (None, {"cidr": "10.112.0.0/24", "name": "Bad Name"}, "cannot be the name of a network"),
        (EMPTY, {"mtu": 575}, "mtu 575 is out of range"),
        (EMPTY, {"quarantine_s": -1}, "quarantine_s -1 is out of range"),
        (EMPTY, {"description": "two\nlines"}, "control characters"),
        (EMPTY, {"cipher": "rot13"}, "cipher 'rot13' is unknown: use auto or"),
    ],
)
def test_what_the_controller_would_refuse_is_refused_before(before, wrong, told) -> None:
    with pytest.raises(InvalidInput, match=told):
        plan_network(before, {"name": "demo", **wrong}, disjoint_from=[])


@pytest.mark.parametrize("before", [EMPTY, IN_USE])
def test_existing_network_needs_no_address_space(before) -> None:
    assert plan_network(before, {"name": "demo", "cidr": None}, disjoint_from=[]).action is Action.NOTHING


def test_address_space_changes_while_nobody_is_in_it() -> None:
    plan = plan_network(EMPTY, {"name": "demo", "cidr": "10.48.0.0/24"}, disjoint_from=[])
    assert plan.changes == {"cidr": "10.48.0.0/24"}


def test_address_space_does_not_change_under_peers() -> None:
    with pytest.raises(Conflict, match=r"10\.112\.0\.0/24 and 6 peers.*cannot change to 10\.48\.0\.0/24"):
        plan_network(IN_USE, {"name": "demo", "cidr": "10.48.0.0/24"}, disjoint_from=[])


@pytest.mark.parametrize("desired", ["10.112.0.0/24", None])
def test_overlap_with_a_host_is_named_also_for_an_existing_network(desired) -> None:
    with pytest.raises(Conflict, match=r"10\.112\.0\.0/24 of network demo overlaps 10\.0\.0\.0/8\."):
        plan_network(
            EMPTY, {"name": "demo", "cidr": desired}, disjoint_from=["10.1.0.0/16", "10.0.0.0/8"][1:]
        )


def test_many_overlaps_are_counted() -> None:
    occupied = [f"10.112.0.{octet}" for octet in range(9)]
    with pytest.raises(Conflict, match=r"10\.112\.0\.4 and 4 more\."):
        plan_network(EMPTY, {"name": "demo"}, disjoint_from=occupied)


def test_disjoint_networks_are_no_conflict() -> None:
    plan_network(EMPTY, {"name": "demo"}, disjoint_from=["10.111.0.0/16", "0.0.0.0/0", "fd00::/8"])


def test_network_with_peers_is_not_removed_by_mistake() -> None:
    with pytest.raises(Conflict, match="Network demo still has 6 peers"):
        plan_no_network(IN_USE, force=False)
    assert plan_no_network(IN_USE, force=True).action is Action.DELETE


@pytest.mark.parametrize(("before", "action"), [(None, Action.NOTHING), (EMPTY, Action.DELETE)])
def test_absent(before, action) -> None:
    assert plan_no_network(before, force=False).action is action
