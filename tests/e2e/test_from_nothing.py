# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""From no machine at all to a network: CB-Tumblebug makes the machines, which are hosts of a lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import image as lab_image
from lab.demo.job import Job
from lab.lab import HostState, Lab
from lab.tumblebug import catalogue
from lab.tumblebug.era import ERAS
from tests.e2e.conftest import free_port

INFRA = "shop"
OFFER = catalogue.load()


def group(name: str, region: str, spec: str, **labels: str) -> dict[str, object]:
    """One machine of a spec, with the Debian image of its region."""
    image = next(each for each in OFFER.images if each.region.region == region and each.os == "debian12")
    found = next(each for each in OFFER.specs if each.region.region == region and each.name == spec)
    infra = ERAS["infra"]
    return {
        "name": name,
        "size": 1,
        "spec": catalogue.spec_id(infra, found),
        "image": catalogue.image_id(infra, image),
        "labels": labels,
    }


GROUPS = [
    group("ctl", "us-east-1", "t3.small", **{"cladnet-role": "controller"}),
    group("db", "westeurope", "Standard_B2s"),
]


@pytest.fixture
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    lab_image.ensure()
    lab = Lab.load("e2e")
    lab.down()
    lab.up()
    job = Job(lab, tmp_path_factory.mktemp("nothing"), free_port(), estate="empty")
    try:
        job.prepare()
        job.install_collection()
        yield job
    finally:
        job.simulator.stop()
        lab.down()


def test_from_nothing_to_a_network(job: Job) -> None:
    wanted = {
        "cladnet_infra_name": INFRA,
        "cladnet_infra_namespace": "default",
        "cladnet_infra_groups": GROUPS,
    }
    assert HostState.RUNNING not in {status.state for status in job.lab.hosts.values()}
    job.play("create_infra_and_site", tell=print, **wanted)
    report = job.report()
    assert (report["ok"], report["pairs"], report["reachable"]) == (True, 2, 2)
    assert sorted(host["host"] for host in report["hosts"]) == ["ctl-1", "db-1"]
    again = job.play("create_infra_and_site", tell=print, **wanted)
    assert [str(recap) for recap in again.recaps if recap.changed] == []
