# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, groups and variables of machines."""

from __future__ import annotations

import random

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm
from ansible_collections.cloud_barista.cladnet.plugins.plugin_utils._tumblebug.naming import (
    KINDS,
    Group,
    ambiguous,
    check_names,
    group_chains,
    host_names,
    host_variables,
)
from hypothesis import given, settings
from hypothesis import strategies as st

FULL = Vm(
    namespace="ns01",
    infra="mci01",
    id="g1-1",
    subgroup="g1",
    provider="aws",
    region="ap-northeast-2",
    zone="a",
    vnet="net-1",
    subnet="sub-1",
    labels={"stage": "prod", "bare": "", "sys.uid": "x"},
    public_ip="198.51.100.1",
    private_ip="10.0.0.1",
    ssh_user="ubuntu",
    key_file="ns01.key.pem",
)


@pytest.mark.parametrize(
    ("machines", "names"),
    [
        (["ns/a/g-1", "ns/a/g-2"], ["g-1", "g-2"]),
        (["ns/a/g-1", "ns/b/g-1", "ns/b/h-1"], ["g-1.a", "g-1.b", "h-1"]),
        (["ns/a/g-1", "os/a/g-1"], ["g-1.a.ns", "g-1.a.os"]),
        (["ns/a/g-1", "os/a/g-1", "os/b/g-1"], ["g-1.a.ns", "g-1.a.os", "g-1.b"]),
        ([], []),
    ],
)
def test_host_names(machines: list[str], names: list[str]) -> None:
    assert host_names([Vm(*path.split("/")) for path in machines]) == names


words = st.sampled_from(["a", "b", "a-1", "b-1"])
machine_sets = st.sets(st.tuples(words, words, words), max_size=20)


@settings(max_examples=60, deadline=None)
@given(machine_sets, st.randoms())
def test_host_names_are_unique_and_do_not_depend_on_order(
    paths: set[tuple[str, str, str]], rng: random.Random
) -> None:
    vms = [Vm(*path) for path in sorted(paths)]
    shuffled = vms[:]
    rng.shuffle(shuffled)

    names = dict(zip(vms_key(vms), host_names(vms), strict=True))
    assert len(set(names.values())) == len(vms)
    assert dict(zip(vms_key(shuffled), host_names(shuffled), strict=True)) == names


def vms_key(vms: list[Vm]) -> list[tuple[str, str, str]]:
    return [(vm.namespace, vm.infra, vm.id) for vm in vms]


def test_groups_go_from_wide_to_narrow() -> None:
    names = [[group.name("tumblebug_") for group in chain] for chain in group_chains(FULL, KINDS)]

    assert names == [
        ["tumblebug_namespace_ns01", "tumblebug_infra_ns01_mci01", "tumblebug_subgroup_ns01_mci01_g1"],
        [
            "tumblebug_provider_aws",
            "tumblebug_region_aws_ap_northeast_2",
            "tumblebug_zone_aws_ap_northeast_2_a",
        ],
        ["tumblebug_vnet_ns01_net_1", "tumblebug_subnet_ns01_net_1_sub_1"],
        ["tumblebug_label_bare"],
        ["tumblebug_label_stage_prod"],
    ]


@pytest.mark.parametrize(
    ("vm", "kinds", "names"),
    [
        (FULL, ["region"], [["region_aws_ap_northeast_2"]]),
        (FULL, ["provider", "zone"], [["provider_aws", "zone_aws_ap_northeast_2_a"]]),
        (FULL, [], []),
        (Vm("ns", "i", "g-1"), KINDS, [["namespace_ns", "infra_ns_i"]]),
        (Vm("ns", "i", "g-1", provider="aws", zone="a"), ["zone"], []),
    ],
)
def test_groups_that_are_wanted_and_known(vm: Vm, kinds: list[str], names: list[list[str]]) -> None:
    assert [[group.name("") for group in chain] for chain in group_chains(vm, kinds)] == names


def test_ambiguous_group_names() -> None:
    one, other = Group("infra", ("a", "b-c")), Group("infra", ("a-b", "c"))

    assert ambiguous([one, one], "") == {}
    assert ambiguous([other, one, other], "") == {"infra_a_b_c": [one, other]}


def test_label_with_a_template_makes_a_harmless_group_name() -> None:
    group = Group("label", ("k", "{{ lookup('pipe', 'id') }}"))

    assert group.name("") == "label_k____lookup__pipe____id_____"


def test_host_variables() -> None:
    variables = host_variables(FULL, "tb_")

    assert variables["tb_labels"] == {"stage": "prod", "bare": "", "sys.uid": "x"}
    assert variables["tb_public_ip"] == "198.51.100.1"
    assert "tb_key_file" not in variables


@pytest.mark.parametrize("name", ["g-1", "g-1.mci01", "2001:db8::1", "웹-1", "a+b", "G_1"])
def test_names_that_hosts_can_have(name: str) -> None:
    check_names([name], [FULL])


@pytest.mark.parametrize(
    "name", ["", "-oProxyCommand=x", "a b", "a,b", "a[1:3]", "!a", "a*", "a/b", "{{ x }}", "a\n"]
)
def test_names_that_no_host_can_have(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"name of VM ns01/mci01/g1-1 is .* option hostname"):
        check_names([name], [FULL])


def test_two_machines_never_are_one_host() -> None:
    other = Vm("ns01", "mci02", "g1-1")

    with pytest.raises(InvalidInput, match=r"ns01/mci01/g1-1 and ns01/mci02/g1-1 would both be the host web"):
        check_names(["web", "web"], [FULL, other])
