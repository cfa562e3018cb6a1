# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Hosts, groups, variables, keys and cache, as Ansible and AWX see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.tumblebug.era import ERAS, INFRA, MCI, MCIS
from lab.tumblebug.estate import Estate, Namespace
from tests.integration.tumblebug_inventory.ansible_inventory import ROOT, Ansible, Served, serving
from tests.unit.lab.tumblebug.tumblebug_bench import infra, machine

TEMPLATES = {
    "delimiters": "{{ lookup('pipe', 'touch pwned') }}",
    "override": "#jinja2:variable_start_string:'<<',variable_end_string:'>>'\n"
    "<< lookup('pipe', 'touch pwned') >>",
}


def two_infras(**labels: str) -> Estate:
    """Two infras in one namespace; both have a machine g1-1."""
    first = infra("one", [machine("g1-1", **labels), machine("web-1")])
    return {"ns01": Namespace("ns01", {"one": first, "two": infra("two", [machine("g1-1")])})}


def cache_in(ansible: Ansible) -> dict[str, object]:
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(ansible.cache)}


@pytest.mark.parametrize("era", sorted(ERAS))
def test_every_era(era: str, simulator: Callable[[str], str], ansible: Ansible) -> None:
    """The demo's hosts look the same, whichever era serves them."""
    found = ansible.inventory(url=simulator(era))

    assert sorted(found.hostvars) == [
        f"{name}-{n}" for name in ("aws-web", "azure-db", "gcp-app") for n in (1, 2)
    ]
    host = found.hostvars["aws-web-1"]
    assert (host["ansible_host"], host["ansible_port"], host["ansible_user"]) == (
        "198.51.100.17",
        22,
        "cb-user",
    )
    assert (host["tumblebug_provider"], host["tumblebug_zone"]) == ("aws", "ap-northeast-2a")
    assert host["tumblebug_csp_vnet"] == "vpc-0c1ad0e5b7f3a9921"
    assert host["tumblebug_labels"]["cladnet-role"] == "controller"
    assert found.json["tumblebug_zone_azure_koreacentral_1"]["hosts"] == ["azure-db-1", "azure-db-2"]
    assert found.json["tumblebug_label_cladnet_role_controller"]["hosts"] == ["aws-web-1"]
    assert found.json["tumblebug_provider_gcp"]["children"] == ["tumblebug_region_gcp_asia_northeast3"]
    key = Path(host["ansible_ssh_private_key_file"])
    assert key.stat().st_mode & 0o777 == 0o600
    assert "TOPSECRET" in key.read_text()
    assert "TOPSECRET" not in found.stdout + found.stderr


def test_example_of_the_collection(simulator: Callable[[str], str], ansible: Ansible) -> None:
    """The example as it is: address and login from the environment, keys in the user's cache."""
    ansible.environment = {"TUMBLEBUG_URL": simulator("infra"), "TUMBLEBUG_USERNAME": "default"}
    found = ansible.run("-i", str(ROOT / "examples" / "inventory.tumblebug.yml"), "--list", "--export")

    assert found.json["cladnet_controllers"]["hosts"] == ["aws-web-1"]
    assert len(found.json["cladnet_agents"]["hosts"]) == 6
    host = found.hostvars["azure-db-1"]
    assert host["tumblebug_public_ip"] == host["ansible_host"]
    assert Path(host["ansible_ssh_private_key_file"]).is_relative_to(
        ansible.folder / "home" / ".cache" / "cladnet"
    )


def test_as_awx_calls_it(simulator: Callable[[str], str], ansible: Ansible) -> None:
    ansible.environment = {
        "TUMBLEBUG_URL": simulator("mci"),
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_INVENTORY_EXPORT": "True",
        "ANSIBLE_VERBOSE_TO_STDERR": "True",
    }
    found = ansible.inventory("--list", "--export", "-vvv", ssh_keys=False)

    assert "__ansible_unsafe" not in found.stdout
    assert len(found.hostvars) == 6
    assert "ansible_ssh_private_key_file" not in found.hostvars["aws-web-1"]
    assert not ansible.keys.exists()


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_templates_in_data_stay_unrendered(ansible: Ansible, template: str) -> None:
    """Plain texts are plain JSON strings, as AWX needs; what may be a template is not rendered, nor lost."""
    options = cache_in(ansible) | {
        "strict": True,
        "groups": {"noted": "tumblebug_labels.note | default('') != ''"},
        "compose": {
            "copy": "tumblebug_labels.note | default('')",
            "stage": "tumblebug_labels.stage | default('')",
        },
        "keyed_groups": [{"key": "tumblebug_labels.note | default('none')", "prefix": "note"}],
    }
    with serving(INFRA, two_infras(note=template, stage="prod")) as served:
        cold = ansible.inventory(url=served.url, **options)
        asked = len(served.asked)
        cached = ansible.inventory(url=served.url, **options)

    assert len(served.asked) == asked
    assert not list(ansible.folder.rglob("pwned"))
    assert cached.json == cold.json
    host = cold.hostvars["g1-1.one"]
    assert host["tumblebug_labels"]["note"] == {"__ansible_unsafe": template}
    assert (host["copy"], host["stage"]) == ({"__ansible_unsafe": template}, "prod")
    assert cold.stdout.count("__ansible_unsafe") == 2
    assert cold.json["noted"]["hosts"] == ["g1-1.one"]


def test_hosts_with_the_same_id(ansible: Ansible) -> None:
    with serving(MCI, two_infras()) as served:
        everything = ansible.inventory(url=served.url)
        one = ansible.inventory(url=served.url, infras=["ns01/one"])

    assert sorted(everything.hostvars) == ["g1-1.one", "g1-1.two", "web-1"]
    assert sorted(one.hostvars) == ["g1-1", "web-1"]


def test_only_running_machines(ansible: Ansible) -> None:
    with serving(MCI, two_infras()) as served:
        control(served, "suspend")
        found = ansible.inventory(url=served.url, infras=["one"])

    assert sorted(found.hostvars) == ["g1-1"]


def test_other_statuses_prefixes_groups_and_user(ansible: Ansible) -> None:
    with serving(MCI, two_infras(stage="prod")) as served:
        control(served, "suspend")
        found = ansible.inventory(
            "--list",
            "--extra-vars",
            "who=admin",
            url=served.url,
            infras=["one"],
            statuses=[],
            ssh_user="{{ who }}",
            hostvars_prefix="tb_",
            group_prefix="",
            group_by=["region", "label"],
        )

    host = found.hostvars["web-1"]
    assert (host["tb_status"], host["ansible_user"]) == ("Suspended", "admin")
    assert host["ansible_host"] == "192.168.1.11"  # a suspended machine has given its public address back
    assert sorted(set(found.json) - {"_meta", "all"}) == ["label_stage_prod", "region_aws_ap_northeast_2"]


def test_resumed_machine_has_its_new_address_at_once(ansible: Ansible) -> None:
    """Tumblebug's own first answer after a resume has no address."""
    with serving(MCI, two_infras()) as served:
        control(served, "suspend")
        control(served, "resume")
        found = ansible.inventory(url=served.url, infras=["one"])

    assert found.hostvars["web-1"]["ansible_host"] == "198.51.100.100"


def control(served: Served, action: str) -> None:
    """Suspends or resumes web-1; a suspension is polled to its end, as its client would."""
    assert served.bench.ask("/ns/ns01/control/mci/one/vm/web-1", action=action).status == 200
    served.bench.clock.now_s += served.bench.transition_s
    if action == "suspend":
        served.bench.body("/ns/ns01/mci/one", option="status")


def test_cache_is_used_until_it_is_flushed(ansible: Ansible) -> None:
    with serving(MCIS, two_infras()) as served:
        cold = ansible.inventory(url=served.url, **cache_in(ansible))
        asked = len(served.asked)
        warm = ansible.inventory(url=served.url, **cache_in(ansible), statuses=["Running", "Suspended"])
        assert len(served.asked) == asked
        ansible.inventory("--list", "--flush-cache", url=served.url, **cache_in(ansible))

    assert warm.json == cold.json
    assert len(served.asked) == 2 * asked


def test_cache_is_not_used_for_another_selection_or_server(ansible: Ansible) -> None:
    other = {"ns01": Namespace("ns01", {"one": infra("one", [machine("new-1")])})}
    with serving(MCI, two_infras()) as served, serving(MCI, other) as another:
        every = ansible.inventory(url=served.url, **cache_in(ansible))
        one = ansible.inventory(url=served.url, infras=["one"], **cache_in(ansible))
        elsewhere = ansible.inventory(url=another.url, infras=["one"], **cache_in(ansible))

    assert [len(found.hostvars) for found in (every, one)] == [3, 2]
    assert sorted(elsewhere.hostvars) == ["new-1"]
    assert len(list(ansible.cache.iterdir())) == 3


def test_cache_holds_no_secret_and_lost_keys_come_back(
    simulator: Callable[[str], str], ansible: Ansible
) -> None:
    options = cache_in(ansible) | {"url": simulator("infra")}
    cold = ansible.inventory(**options)
    (cached,) = ansible.cache.iterdir()
    key = Path(cold.hostvars["aws-web-1"]["ansible_ssh_private_key_file"])
    key.unlink()
    warm = ansible.inventory(**options)

    assert "TOPSECRET" not in cached.read_text()
    assert warm.json == cold.json
    assert "TOPSECRET" in key.read_text()


def test_file_names(ansible: Ansible) -> None:
    """Only files that are named for the plugin are taken."""
    with serving(INFRA, two_infras()) as served:
        text = f"plugin: cloud_barista.cladnet.tumblebug\nurl: {served.url}\nssh_keys: false\n"
        for name, hosts in (("tumblebug.yml", 3), ("a.tumblebug.yaml", 3), ("nottumblebug.yml", None)):
            (ansible.folder / name).write_text(text)
            ansible.environment = {"ANSIBLE_INVENTORY_ENABLED": "cloud_barista.cladnet.tumblebug"}
            found = ansible.run("-i", str(ansible.folder / name), "--list")
            assert (found.status != 0) if hosts is None else len(found.hostvars) == hosts, name
