# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Specs and images: what is recommended, filtered and found."""

from __future__ import annotations

import pytest

from lab.tumblebug import catalogue
from lab.tumblebug.era import ERAS, INFRA, MCI, MCIS, Era
from tests.unit.lab.tumblebug.tumblebug_bench import Bench, machine_keys

ALL = pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)
DAEJEON = "36.35/127.38"


def plan(era: Era, *conditions: tuple[str, str, str], limit: int = 5, **priority: object) -> dict:
    policy = [
        {"metric": metric, "condition": [{"operator": operator, "operand": operand}]}
        for metric, operator, operand in conditions
    ]
    body: dict = {"filter": {"policy": policy}, "limit": limit if era.numeric else str(limit)}
    return body | ({"priority": {"policy": [priority]}} if priority else {})


def resources(era: Era, rest: str) -> str:
    return f"/ns/{era.system_namespace}/resources/{rest}"


@pytest.mark.parametrize(
    ("era", "metrics", "cpus"),
    [
        (MCIS, ("cpu", "memory", "provider"), "numvCPU"),
        (MCI, ("vCPU", "memoryGiB", "providerName"), "vCPU"),
        (INFRA, ("vCPU", "memoryGiB", "providerName"), "vCPU"),
    ],
)
def test_recommendation_by_conditions(era: Era, metrics: tuple[str, str, str], cpus: str) -> None:
    conditions = ((metrics[0], ">=", "2"), (metrics[1], "<=", "4"), (metrics[2], "==", "aws"))
    found = Bench(era).post(era.recommend_path, plan(era, *conditions, limit=4))

    assert len(found) == 4
    assert all(each[cpus] >= 2 and each["providerName"].lower() == "aws" for each in found)
    costs = [each["costPerHour"] for each in found]
    assert costs == sorted(costs)
    assert [each["orderInFilteredResult"] for each in found] == [1, 2, 3, 4]


def test_recommendation_by_architecture_and_region() -> None:
    conditions = (("architecture", "==", "arm64"), ("regionName", "==", "ap-northeast-2"))
    (found,) = Bench(INFRA).post(INFRA.recommend_path, plan(INFRA, *conditions))

    assert found["id"] == "aws+ap-northeast-2+t4g.medium"


@ALL
def test_priorities(era: Era) -> None:
    bench = Bench(era)

    def first(**priority: object) -> dict:
        return bench.post(era.recommend_path, plan(era, limit=1, **priority))[0]

    close = [{"key": "coordinateClose", "val": [DAEJEON]}]
    assert first()["costPerHour"] == first(metric="cost")["costPerHour"] == 0
    assert first(metric="performance")["cspSpecName"] in ("m5.xlarge", "Standard_D4s_v5", "e2-standard-4")
    assert first(metric="location", parameter=close)["connectionName"] == "openstack-regionone"
    assert len(bench.post(era.recommend_path, plan(era, metric="random"))) == 5


@ALL
def test_nothing_fits(era: Era) -> None:
    metric = "cpu" if era is MCIS else "vCPU"

    assert Bench(era).post(era.recommend_path, plan(era, (metric, ">=", "1000"))) == []


@pytest.mark.parametrize(
    "body",
    [
        plan(INFRA, ("colour", "==", "red")),
        plan(INFRA, ("vCPU", "~", "2")),
        plan(INFRA, ("vCPU", ">=", "two")),
        plan(INFRA, metric="latency"),
        plan(INFRA, metric="location"),
        plan(MCI),
    ],
)
def test_bad_plans(body: dict) -> None:
    answer = Bench(INFRA).ask(INFRA.recommend_path, method="POST", send=body)

    assert answer.status == 400
    assert answer.body["message"]


@ALL
def test_one_spec(era: Era) -> None:
    bench = Bench(era)
    wanted = machine_keys(era).spec

    assert bench.body(resources(era, f"spec/{wanted}"))["cspSpecName"] == "t3.small"
    missing = bench.ask(resources(era, "spec/x"))
    assert (missing.status, missing.body["message"]) == (era.client_error_code, "The spec x does not exist.")
    assert bench.ask(f"/ns/default/resources/spec/{wanted}").status == era.client_error_code


@pytest.mark.parametrize(
    ("era", "cpus", "memory"), [(MCIS, "numvCPU", "memGiB"), (INFRA, "vCPU", "memoryGiB")]
)
def test_filter_by_range(era: Era, cpus: str, memory: str) -> None:
    wanted = {cpus: {"min": 4}, memory: {"min": 8, "max": 16}, "connectionName": "aws-us"}
    (found,) = Bench(era).post(resources(era, "filterSpecsByRange"), wanted)["spec"]

    assert (found["cspSpecName"], found["connectionName"]) == ("m5.xlarge", "aws-us-east-1")


def test_old_tags_list_and_filter_specs() -> None:
    bench = Bench(MCIS)

    assert bench.body(resources(MCIS, "spec"), option="id")["output"][0] == "aws-ap-northeast-2-t3-nano"
    assert bench.body("/ns/default/resources/spec") == {"spec": None}
    found = bench.post(resources(MCIS, "filterSpecs"), {"providerName": "AZURE", "numvCPU": 1})["spec"]
    assert {each["cspSpecName"] for each in found} == {"Standard_B1s"}


@ALL
def test_images(era: Era) -> None:
    bench = Bench(era)
    wanted = machine_keys(era).image

    assert wanted in bench.body(resources(era, "image"), option="id")["output"]
    assert bench.body(resources(era, f"image/{wanted}"))["id"] == wanted
    assert bench.ask(resources(era, "image/x")).body == {"message": "The image x does not exist."}
    assert bench.body("/ns/default/resources/image") == {"image": None}


@pytest.mark.parametrize("era", [MCIS, MCI], ids=["mcis", "mci"])
def test_image_search_by_keywords(era: Era) -> None:
    (found, arm) = Bench(era).post(
        resources(era, "searchImage"), {"keywords": ["Ubuntu", "24.04", "aws-us-east-1"]}
    )["image"]

    assert (found["guestOS"], found["connectionName"]) == ("Ubuntu 24.04", "aws-us-east-1")
    assert arm["id"].endswith("arm64")
    assert Bench(era).post(resources(era, "searchImage"), {"keywords": ["plan9"]}) == {"image": None}


def test_image_search_by_properties() -> None:
    bench, path = Bench(INFRA), resources(INFRA, "searchImage")
    body = {"providerName": "aws", "regionName": "us-east-1", "osType": "ubuntu 22.04"}

    assert bench.post(path, body)["imageCount"] == 2
    (found,) = bench.post(path, body | {"osArchitecture": "arm64"})["imageList"]
    assert (found["osArchitecture"], found["regionList"]) == ("arm64", ["us-east-1"])
    matched = bench.post(path, {"matchedSpecId": "azure+westeurope+Standard_B2s", "osType": "debian"})
    assert [each["osArchitecture"] for each in matched["imageList"]] == ["x86_64"]
    assert "westeurope" in matched["imageList"][0]["regionList"]
    assert bench.post(path, body | {"isGPUImage": True}) == {"imageCount": 0, "imageList": None}
    assert bench.post(path, {"maxResults": 3})["imageCount"] == 3
    assert bench.ask(path, method="POST", send={"matchedSpecId": "x"}).status == 400


def test_catalogue_covers_the_topologies() -> None:
    known = {region.connection for region in catalogue.load().regions}

    assert {"aws-ap-northeast-2", "azure-koreacentral", "gcp-asia-northeast3"} <= known
    assert {"aws-us-east-1", "azure-westeurope", "gcp-us-central1"} <= known


@ALL
def test_every_spec_has_an_image(era: Era) -> None:
    offers = catalogue.load()
    for spec in offers.specs:
        here = [each for each in offers.images if each.region == spec.region]
        assert any(each.architecture == spec.architecture for each in here), spec
    ids = [catalogue.spec_id(era, spec) for spec in offers.specs]
    assert len(set(ids)) == len(ids)
