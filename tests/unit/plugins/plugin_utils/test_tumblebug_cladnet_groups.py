# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents and controllers: who is chosen, and that it stays so."""

from __future__ import annotations

import random
import re

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.cladnet_groups import (
    CladnetGroups,
    complaints,
)
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.spread import GONE, spread
from hypothesis import given, settings
from hypothesis import strategies as st


def vm(place: str, vm_id: str, created: str = "", status: str = "Running", **labels: str) -> Vm:
    provider, region, zone = place.split("/")
    return Vm(
        namespace="n",
        infra="i",
        id=vm_id,
        status=status,
        provider=provider,
        region=region,
        zone=zone,
        created=created,
        labels=labels,
        subgroup=vm_id.rpartition("-")[0],
    )


ESTATE = [
    vm("aws/kr/a", "a-1"),
    vm("aws/kr/a", "a-2"),
    vm("aws/kr/b", "a-3"),
    vm("aws/us/a", "a-10"),
    vm("gcp/kr/a", "g-1"),
    vm("gcp/kr/a", "g-2"),
]


@pytest.mark.parametrize(
    ("count", "ids"),
    [
        (1, ["a-1"]),
        (3, ["a-1", "g-1", "a-10"]),
        (5, ["a-1", "g-1", "a-10", "g-2", "a-3"]),
    ],
)
def test_providers_take_turns_then_regions_then_zones(count: int, ids: list[str]) -> None:
    assert [each.id for each in spread(ESTATE, count)] == ids


def test_the_oldest_come_first() -> None:
    vms = [
        vm("aws/kr/a", "a-1", "2026-02-01 00:00:00"),
        vm("aws/kr/a", "a-2", "2026-01-01 00:00:00"),
        vm("gcp/kr/a", "g-1", "2025-01-01 00:00:00"),
    ]

    assert [each.id for each in spread(vms, 3)] == ["g-1", "a-2", "a-1"]


def test_ids_are_counted_not_spelled() -> None:
    vms = [vm("aws/kr/a", f"g-{number}") for number in (10, 9, 2)]

    assert [each.id for each in spread(vms, 1)] == ["g-2"]


places = st.sampled_from([f"{p}/{r}/{z}" for p in "ab" for r in "kl" for z in "yz"])
estates = st.lists(st.tuples(places, st.sampled_from("123")), min_size=5, max_size=25)


@settings(max_examples=80, deadline=None)
@given(estates, st.sampled_from([1, 3, 5]), st.randoms(), st.data())
def test_the_choice_is_stable(
    estate: list[tuple[str, str]], count: int, rng: random.Random, data: st.DataObject
) -> None:
    """It depends neither on order nor on statuses, nor on younger machines where there are some already."""
    vms = [vm(place, f"g-{number}", created) for number, (place, created) in enumerate(estate)]
    chosen = {each.id for each in spread(vms, count)}
    shuffled = [vm(f"{v.provider}/{v.region}/{v.zone}", v.id, v.created, "Suspended") for v in vms]
    rng.shuffle(shuffled)
    younger = vm(data.draw(st.sampled_from([place for place, _created in estate])), "h-1", "9")

    assert len(chosen) == count
    assert {each.id for each in spread(shuffled, count)} == chosen
    assert len({each.id for each in spread([*vms, younger], count)} & chosen) >= count - 1


@settings(max_examples=80, deadline=None)
@given(estates, st.sampled_from([1, 3, 5]))
def test_as_many_providers_as_can_be(estate: list[tuple[str, str]], count: int) -> None:
    vms = [vm(place, f"g-{number}", created) for number, (place, created) in enumerate(estate)]
    providers = {each.provider for each in vms}

    assert len({each.provider for each in spread(vms, count)}) == min(count, len(providers))


@pytest.mark.parametrize("status", GONE)
def test_machines_that_are_gone_are_not_chosen(status: str) -> None:
    vms = [vm("aws/kr/a", "a-1", status=status), vm("aws/kr/a", "a-2")]

    assert [each.id for each in spread(vms, 1)] == ["a-2"]


@pytest.mark.parametrize(
    ("count", "words"),
    [(2, "no more failures than 1 would.*odd number"), (7, "is 7, but .* selects only 6 VMs")],
)
def test_numbers_that_make_no_sense(count: int, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        spread(ESTATE, count)


LABELLED = [
    vm("aws/kr/a", "ctl-1", role="controller"),
    vm("aws/kr/a", "web-1", role="web"),
    vm("gcp/kr/a", "web-2"),
]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (CladnetGroups(), {}),
        (CladnetGroups(agents="all"), {"cladnet_agents": ["ctl-1", "web-1", "web-2"]}),
        (CladnetGroups(agents="role=web"), {"cladnet_agents": ["web-1"]}),
        (CladnetGroups(controllers="role=controller"), {"cladnet_controllers": ["ctl-1"]}),
        (
            CladnetGroups(agents="!role", controllers="all", subgroups=["web"], count=1),
            {"cladnet_agents": ["web-2"], "cladnet_controllers": ["web-1"]},
        ),
        (CladnetGroups(controllers="all", subgroups=["web"]), {"cladnet_controllers": ["web-1", "web-2"]}),
        (CladnetGroups(agents="x=y"), {"cladnet_agents": []}),
    ],
)
def test_groups(groups: CladnetGroups, expected: dict[str, list[str]]) -> None:
    found = groups.groups(LABELLED)

    assert {name: [each.id for each in members] for name, members in found.items()} == expected


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (CladnetGroups(count=3), "cladnet_controllers is none, but"),
        (CladnetGroups(subgroups=["web"]), "cladnet_controllers is none, but"),
        (CladnetGroups(controllers="all", count=-1), "count is -1"),
        (CladnetGroups(agents="a b"), "cladnet_agents holds 'a b'"),
        (CladnetGroups(controllers="a b"), "cladnet_controllers holds 'a b'"),
    ],
)
def test_wrong_groups(groups: CladnetGroups, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        groups.groups(LABELLED)


A, B, C = (vm("aws/kr/a", f"c-{number}", status="Suspended") for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("group", "wanted", "present", "words"),
    [
        ("cladnet_agents", [A, B], [A], []),
        ("cladnet_agents", [], [], ["cladnet_agents selects no VM"]),
        ("cladnet_controllers", [], [], ["cladnet_controllers selects no VM"]),
        ("cladnet_controllers", [A, B, C], [A, B, C], []),
        ("cladnet_controllers", [A, B, C], [A, B], ["1 of the 3 VMs .* c-3 \\(Suspended\\).*No other takes"]),
        ("cladnet_controllers", [A, B], [A, B], ["2 VMs are controllers, which survive no more .* than 1"]),
    ],
)
def test_complaints(group: str, wanted: list[Vm], present: list[Vm], words: list[str]) -> None:
    found = complaints(group, wanted, present)

    assert len(found) == len(words)
    for text, pattern in zip(found, words, strict=True):
        assert re.search(pattern, text), text
