# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The stubbed clouds have as many machines as they are asked for, each once, over all pages."""

from __future__ import annotations

import json
from urllib.parse import urlencode
from xml.etree.ElementTree import fromstring

import pytest

from bench.inventory import ec2_fleet, hcloud_fleet, tumblebug_fleet
from bench.inventory.systems import EC2, HCLOUD, OURS, static_inventory

SIZES = [1, 50, 51, 1000, 1001]


@pytest.mark.parametrize("hosts", SIZES)
def test_ec2_lists_every_instance_once(hosts: int) -> None:
    found: list[str] = []
    form = {"Action": "DescribeInstances"}
    while True:
        page = fromstring(ec2_fleet.answer(hosts, urlencode(form))[1])  # noqa: S314
        path = "{*}reservationSet/{*}item/{*}instancesSet/{*}item/{*}instanceId"
        found += [each.text or "" for each in page.findall(path)]
        token = page.findtext("{*}nextToken")
        if not token:
            break
        form["NextToken"] = token
    assert len(found) == len(set(found)) == hosts


def test_ec2_refuses_other_questions() -> None:
    assert ec2_fleet.answer(1, "Action=DescribeRegions")[0] == 400


@pytest.mark.parametrize("hosts", SIZES)
def test_hcloud_lists_every_server_once(hosts: int) -> None:
    found: list[int] = []
    page: int | None = 1
    while page:
        listed = json.loads(hcloud_fleet.answer(hosts, f"/v1/servers?page={page}")[1])
        found += [each["id"] for each in listed["servers"]]
        page = listed["meta"]["pagination"]["next_page"]
    assert len(found) == len(set(found)) == hosts


@pytest.mark.parametrize("hosts", SIZES)
def test_tumblebug_lists_every_machine_once(hosts: int) -> None:
    fleet = tumblebug_fleet.api(hosts)
    status, body = tumblebug_fleet.answer(fleet, "/tumblebug/ns/ns01/infra?option=id")
    assert status == 200, body
    found: list[str] = []
    for infra in json.loads(body)["output"]:
        listed = json.loads(tumblebug_fleet.answer(fleet, f"/tumblebug/ns/ns01/infra/{infra}")[1])
        found += [each["id"] for each in listed["node"]]
        assert all(each["publicIP"] and each["status"] == "Running" for each in listed["node"])
    assert len(found) == len(set(found)) == hosts


@pytest.mark.parametrize("system", [OURS, EC2, HCLOUD])
def test_inventory_file_says_where_and_with_what(system: object) -> None:
    plain = system.inventory("http://127.0.0.1:1", "", keyed_groups=False)
    full = system.inventory("http://127.0.0.1:1", "/cache", keyed_groups=True)
    assert "http://127.0.0.1:1" in json.dumps(plain)
    assert "cache" not in plain
    assert "keyed_groups" not in plain
    assert full["cache_connection"] == "/cache"
    assert len(full["keyed_groups"]) == 3


def test_static_inventory_has_the_same_hosts_groups_and_variables() -> None:
    listed = {
        "_meta": {"hostvars": {"a": {"x": 1}, "b": {}}},
        "all": {"children": ["ungrouped", "web"]},
        "web": {"hosts": ["a"], "children": ["db"]},
        "db": {"hosts": ["b"]},
    }
    assert static_inventory(listed) == {
        "all": {"hosts": {"a": {"x": 1}, "b": {}}, "children": {"ungrouped": {}, "web": {}}},
        "web": {"hosts": {"a": {}}, "children": {"db": {}}},
        "db": {"hosts": {"b": {}}},
    }
