# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The lookup as Ansible calls it: terms, options, result, errors. The arithmetic has its own tests."""

from __future__ import annotations

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.cloud_barista.cladnet.plugins.lookup import available_address_spaces

NAME = "cloud_barista.cladnet.available_address_spaces"


@pytest.fixture(scope="module")
def run():
    options = yaml.safe_load(available_address_spaces.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", NAME, options)

    def run_lookup(*terms, **options) -> dict:
        plugin = available_address_spaces.LookupModule()
        plugin._load_name = NAME  # what the plugin loader sets
        results = plugin.run(list(terms), variables={}, **options)
        assert len(results) == 1
        return results[0]

    return run_lookup


def test_structure_of_the_original(run) -> None:
    assert run("10.0.0.0/9", "172.16.0.0/12", "192.168.0.0/17", hosts=5) == {
        "recommended_ipv4_private_address_space": "192.168.128.0/24",
        "reason": run("10.0.0.0/9", "172.16.0.0/12", "192.168.0.0/17", hosts=5)["reason"],
        "address_space10s": ["10.128.0.0/9"],
        "address_space172s": [],
        "address_space192s": ["192.168.128.0/17"],
    }


def test_terms_may_be_nested_lists(run) -> None:
    assert run("10.0.0.0/9", [["172.16.0.0/12"], []], ["192.168.0.1"]) == run(
        "192.168.0.1", "172.16.0.0/12", "10.0.0.0/9"
    )


def test_options_as_text_are_numbers(run) -> None:
    result = run([], hosts="1000", growth="4", list_prefix="16", limit="1", avoid="10.0.0.0/8")
    assert result["recommended_ipv4_private_address_space"].endswith("/20")
    assert (result["free_networks"], result["free_networks_total"]) == (["172.16.0.0/16"], 17)
    assert result["address_space10s"] == []


def test_prefix(run) -> None:
    assert run([], prefix=20)["recommended_ipv4_private_address_space"] == "10.112.0.0/20"


@pytest.mark.parametrize(
    ("terms", "options", "message"),
    [
        (["10.0.0.0/8", "10.0.0.0/40"], {}, "'10.0.0.0/40' is not a network in CIDR notation"),
        ([["10.0.0.0/8", {"a": 1}]], {}, "{'a': 1} is not a network"),
        ([None], {}, "None is not a network"),
        ([], {"avoid": ["office"]}, "'office' is not a network"),
        (
            ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/17"],
            {"hosts": 50000},
            "largest that would fit is 192.168.128.0/17",
        ),
        ([], {"hosts": "many"}, "hosts"),
        ([], {"prefix": 31}, "prefix is 31"),
    ],
)
def test_errors_name_what_is_wrong(run, terms, options, message) -> None:
    with pytest.raises(AnsibleError) as raised:
        run(*terms, **options)
    assert message in str(raised.value)
