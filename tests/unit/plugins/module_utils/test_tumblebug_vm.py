# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One machine from the JSON of every era."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import CladnetError, Unavailable
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.vm import Vm, vm_from
from hypothesis import given, settings
from hypothesis import strategies as st

SAMPLES = Path(__file__).resolve().parents[5] / "shared" / "tumblebug" / "samples"
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="no recorded answers beside the repository (../shared)"
)


def test_era_a() -> None:
    """2020, v0.2: status of the infra was Running-(3/3); no connectionConfig, no port, no group."""
    vm = vm_from(
        {
            "id": "aws-us-east-1-shson-01",
            "name": "aws-us-east-1-shson-01",
            "status": "Running",
            "location": {"cloudType": "aws", "nativeRegion": "us-east-1", "latitude": "38.1300"},
            "region": {"Region": "us-east-1", "Zone": "us-east-1f"},
            "publicIP": "198.51.100.9",
            "privateIP": "192.168.1.108",
            "sshKeyId": "key-aws",
            "targetAction": "None",
        },
        "ns",
        "mcis",
    )

    assert (vm.provider, vm.region, vm.zone) == ("aws", "us-east-1", "us-east-1f")
    assert (vm.ssh_port, vm.ssh_user, vm.subgroup, vm.labels) == (22, "", "", {})


def test_era_b() -> None:
    """v0.5 to v0.6.9: vmGroupId."""
    vm = vm_from({"id": "g1-0", "vmGroupId": "g1", "sshPort": "22", "vmUserAccount": "cb-user"}, "ns", "mcis")

    assert (vm.subgroup, vm.ssh_user) == ("g1", "cb-user")


@needs_samples
def test_era_c() -> None:
    vm = sample("C_mcis_v0.6.16-v0.8.7_assembled.json", "vm")

    assert vm == Vm(
        namespace="ns01",
        infra="infra01",
        id="g1-1",
        name="g1-1",
        status="Running",
        subgroup="g1",
        public_ip="198.51.100.10",
        private_ip="192.168.1.108",
        ssh_port=22,
        ssh_user="cb-user",
        ssh_key="ns01-systemdefault-aws-ap-northeast-2",
        provider="aws",
        region="ap-northeast-2",
        zone="ap-northeast-2a",
        connection="aws-ap-northeast-2",
        vnet="ns01-systemdefault-aws-ap-northeast-2",
        subnet="ns01-systemdefault-aws-ap-northeast-2",
        csp_id="i-0aaaaaaaaaaaaaaa1",
        csp_vnet="vpc-0e3004f28e8a89057",
        csp_subnet="subnet-0ab25b7090afa97b7",
        spec="aws-ap-northeast-2-t2-large",
        image="aws-ap-northeast-2-ubuntu18-04",
        created="2023-12-15 11:52:19",
    )


@needs_samples
def test_era_d() -> None:
    azure = sample("D_mci_v0.9.18_quoted_anonymised.json", "vm", index=2)

    assert (azure.provider, azure.region, azure.zone) == ("azure", "koreacentral", "1")
    assert (azure.ssh_port, azure.ssh_user, azure.subgroup) == (22, "cb-user", "csce6j6osgjunknm8tig")
    assert azure.csp_vnet.endswith("/virtualNetworks/csce6cuosgjunknm8tg0")
    assert azure.labels["sys.namespace"] == "default"


@needs_samples
def test_era_e() -> None:
    node = sample("E_infra_v0.13_quoted_anonymised.json", "node")

    assert (node.subgroup, node.ssh_user, node.ssh_port) == ("my-ng-influxdb-back", "cb-user", 22)
    assert (node.provider, node.region, node.zone) == ("aws", "ap-northeast-2", "ap-northeast-2a")
    assert (node.csp_vnet, node.csp_subnet) == ("vpc-09adc8ecc2c984ca7", "subnet-09bea68b631cc4739")
    assert node.labels["nlbBackend"] == "influxdb_back"


def sample(name: str, key: str, index: int = 0) -> Vm:
    return vm_from(json.loads((SAMPLES / name).read_text())[key][index], "ns01", "infra01")


@pytest.mark.parametrize(
    ("document", "attribute", "expected"),
    [
        ({"sshPort": "2222"}, "ssh_port", 2222),
        ({"sshPort": 2222}, "ssh_port", 2222),
        ({"sshPort": ""}, "ssh_port", 22),
        ({"sshPort": 0}, "ssh_port", 22),
        ({"sshPort": None}, "ssh_port", 22),
        ({"label": None}, "labels", {}),
        ({"label": ""}, "labels", {}),
        ({"label": {"a": "b", "empty": ""}}, "labels", {"a": "b", "empty": ""}),
        (
            {"label": "cladnet-role=controller, stage=prod"},
            "labels",
            {"cladnet-role": "controller", "stage": "prod"},
        ),
        ({"label": "DynamicVM"}, "labels", {"label": "DynamicVM"}),
        ({"label": "a=b, and more"}, "labels", {"label": "a=b, and more"}),
        ({"connectionConfig": {"providerName": "aws"}}, "provider", "aws"),
        ({"connectionConfig": {"ProviderName": "AWS"}}, "provider", "aws"),
        ({"connectionConfig": {}, "location": {"cloudType": "gcp"}}, "provider", "gcp"),
        ({"connectionConfig": None}, "provider", ""),
        ({"region": {"region": "r"}}, "zone", ""),
        ({"connectionConfig": {"regionZoneInfo": {"assignedZone": "N/A"}}}, "zone", ""),
        ({"nodeUserName": "", "vmUserName": "ubuntu"}, "ssh_user", "ubuntu"),
        ({"uuid": "old"}, "uid", "old"),
        ({"publicIP": "2001:DB8::1"}, "public_ip", "2001:db8::1"),
        ({"unknown": [{}]}, "id", "g1-1"),
    ],
)
def test_field(document: dict, attribute: str, expected: object) -> None:
    assert getattr(vm_from({"id": "g1-1", **document}, "ns", "i"), attribute) == expected


@pytest.mark.parametrize(
    ("public", "private", "address"),
    [("198.51.100.1", "10.0.0.1", "198.51.100.1"), ("", "10.0.0.1", "10.0.0.1"), (None, None, "")],
)
def test_address(public: str | None, private: str | None, address: str) -> None:
    assert vm_from({"id": "g1-1", "publicIP": public, "privateIP": private}, "ns", "i").address == address


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, ["a machine of ns/i", "not an object"]),
        ({}, ["id of a machine of ns/i is ''"]),
        ({"id": "../../etc"}, ["'../../etc'", "no id"]),
        (
            {"id": "g1-1", "publicIP": "-oProxyCommand=id"},
            ["machine g1-1 of ns/i", "publicIP", "not an IP address"],
        ),
        ({"id": "g1-1", "sshPort": "ssh"}, ["sshPort", "'ssh'"]),
        ({"id": "g1-1", "sshPort": 65536}, ["sshPort", "'65536'"]),
        ({"id": "g1-1", "region": "seoul"}, ["region.region", "'seoul'"]),
        ({"id": "g1-1", "status": ["Running"]}, ["status", "not text"]),
        ({"id": "g1-1", "label": ["a"]}, ["label", "not text"]),
    ],
)
def test_damaged(document: object, words: list[str]) -> None:
    with pytest.raises(Unavailable) as caught:
        vm_from(document, "ns", "i")
    assert all(word in str(caught.value) for word in words), caught.value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KNOWN_KEYS = ("publicIP", "privateIP", "sshPort", "label", "region", "location", "connectionConfig", "status",
              "cspViewVmDetail", "sshKeyId", "nodeUserName", "vNetId")  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    json_values
    | st.fixed_dictionaries({"id": st.just("g1-1")}, optional=dict.fromkeys(KNOWN_KEYS, json_values))
)
def test_whatever_comes_is_a_machine_or_an_error_of_ours(document: object) -> None:
    try:
        vm = vm_from(document, "ns", "i")
    except CladnetError:
        return
    assert 0 < vm.ssh_port < 65536
    assert all(isinstance(text, str) for text in (*vm.labels, *vm.labels.values(), vm.public_ip, vm.zone))


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"keyType": "ssh-ed25519", "hostKey": "AAAAC3Nz+/="}, "ssh-ed25519 AAAAC3Nz+/="),
        ({"keyType": "ssh-ed25519", "hostKey": "AAAA\nevil ssh-rsa AAAA"}, ""),
        ({"keyType": "* ssh-rsa", "hostKey": "AAAA"}, ""),
        ({"keyType": "ssh-rsa", "hostKey": "AAAA..."}, ""),
        ({"hostKey": "AAAA"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_host_key_is_one_line_of_known_hosts_or_nothing(info: object, expected: str) -> None:
    document = {"id": "g-1"} | ({} if info is None else {"sshHostKeyInfo": info})

    assert vm_from(document, "n", "i").ssh_host_key == expected
