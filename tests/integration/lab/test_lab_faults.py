# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Partitions and loss, between clouds and inside them."""

from __future__ import annotations

import re

import pytest

from lab.lab import Lab
from tests.integration.lab.probes import private_ip, public_ip, reaches


def test_a_partition_cuts_what_it_names_and_nothing_else(healed: Lab) -> None:
    healed.partition("aws-web-1", "azure", "gcp-app-1")
    assert not reaches(healed, "aws-web-1", public_ip(healed, "azure-db-2"))
    assert not reaches(healed, "gcp-app-1", public_ip(healed, "aws-web-1"))
    assert reaches(healed, "aws-web-1", public_ip(healed, "gcp-app-2"))
    assert reaches(healed, "aws-web-2", public_ip(healed, "azure-db-2"))

    healed.heal()
    assert reaches(healed, "aws-web-1", public_ip(healed, "azure-db-2"))


@pytest.mark.parametrize(("one", "other"), [("aws-web-1", "aws-web-2"), ("gcp-app-1", "gcp-app-2")])
def test_a_partition_inside_a_cloud_cuts_link_and_hairpin(healed: Lab, one: str, other: str) -> None:
    healed.partition(one, other)
    assert not reaches(healed, one, private_ip(healed, other))
    assert not reaches(healed, one, public_ip(healed, other))
    assert reaches(healed, one, public_ip(healed, "azure-db-1"))


def test_a_host_cut_off_from_everybody_still_has_its_console(healed: Lab) -> None:
    healed.partition("azure-db-1")
    assert not reaches(healed, "azure-db-1", public_ip(healed, "gcp-app-1"))
    assert not reaches(healed, "azure-db-1", private_ip(healed, "azure-db-2"))
    assert not reaches(healed, "azure-db-1", str(healed.topology.internet.operator))
    assert reaches(healed, "azure-db-2", public_ip(healed, "gcp-app-1"))


def test_a_partition_follows_a_new_public_address(healed: Lab) -> None:
    healed.partition("aws-web-1", "gcp-app-1")
    moved = str(healed.change_public_ip("gcp-app-1"))
    assert not reaches(healed, "aws-web-1", moved)
    assert reaches(healed, "azure-db-1", moved)


@pytest.mark.parametrize("address", [public_ip, private_ip], ids=["between clouds", "inside a cloud"])
def test_loss_is_about_as_asked(healed: Lab, address) -> None:
    target = address(healed, "gcp-app-2" if address is public_ip else "aws-web-2")
    healed.lose(20)
    done = healed.exec("aws-web-1", ["ping", "-f", "-c500", "-q", target], timeout_s=30)
    received = int(re.findall(r"(\d+) received", done.stdout)[0])
    assert 260 <= received <= 380, "a ping needs two packets to get through: 320 of 500 on average"

    healed.lose(0)
    assert (
        "500 received" in healed.exec("aws-web-1", ["ping", "-f", "-c500", "-q", target], timeout_s=30).stdout
    )
