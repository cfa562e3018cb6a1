# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for specs and images, and what is made of the answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput, Unavailable
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.dialect import dialect_of
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.images import (
    search_body,
    wished_images,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.specs import (
    recommendation_body,
    wished_specs,
)

INFRA, MCI, MCIS = (dialect_of(era) for era in ("infra", "mci", "mcis"))
SEOUL = {"latitude": 37.36, "longitude": 126.78}
SMALL = {
    "id": "aws+ap-northeast-2+t3.small",
    "providerName": "aws",
    "regionName": "ap-northeast-2",
    "costPerHour": 0.026,
    "vCPU": 2,
    "memoryGiB": 2,
    "architecture": "x86_64",
}
EARLY_SMALL = {
    "id": "aws-ap-northeast-2-t3-small",
    "providerName": "AWS",
    "regionName": "aws-ap-northeast-2",
    "costPerHour": 0.026,
    "numvCPU": 2,
    "memGiB": 2,
}


def spec_wish(**options: Any) -> dict[str, Any]:
    return {"sort": "price", "limit": 10} | options


def image_wish(**options: Any) -> dict[str, Any]:
    return {"basic_only": True, "deprecated": False, "limit": 10} | options


def policy(metric: str, operator: str, operand: str) -> dict[str, Any]:
    return {"metric": metric, "condition": [{"operator": operator, "operand": operand}]}


@pytest.mark.parametrize(
    ("dialect", "filters", "limit", "weight"),
    [
        (INFRA, [policy("vCPU", ">=", "2"), policy("providerName", "==", "aws")], 10, 1.0),
        (MCI, [policy("vCPU", ">=", "2"), policy("providerName", "==", "aws")], "0", "1.0"),
        (MCIS, [policy("cpu", ">=", "2")], "0", "1.0"),
    ],
)
def test_recommendation(dialect: Any, filters: list[object], limit: object, weight: object) -> None:
    """Where the server's filters are not exact, the limit is kept here and not there."""
    body = recommendation_body(dialect, spec_wish(vcpu_min=2, provider="aws"))
    assert body["filter"]["policy"] == filters
    assert body["limit"] == limit
    assert body["priority"]["policy"] == [{"metric": "cost", "weight": weight}]


def test_greatest_price_leaves_out_prices_that_are_not_known() -> None:
    body = recommendation_body(INFRA, spec_wish(cost_per_hour_max=0.05))
    assert body["filter"]["policy"] == [
        policy("costPerHour", ">=", "0.0001"),
        policy("costPerHour", "<=", "0.05"),
    ]
    priced = [
        SMALL,
        {**SMALL, "costPerHour": -1},
        {**SMALL, "costPerHour": 0},
        {**SMALL, "costPerHour": 0.06},
    ]
    assert len(wished_specs(priced, spec_wish(cost_per_hour_max=0.05))) == 1


@pytest.mark.parametrize(
    ("wish", "parameter"),
    [
        ({"sort": "location", "near": [SEOUL]}, {"key": "coordinateClose", "val": ["37.36/126.78"]}),
        (
            {"sort": "location", "near": [SEOUL, SEOUL]},
            {"key": "coordinateFair", "val": ["37.36/126.78", "37.36/126.78"]},
        ),
        (
            {"sort": "latency", "near_regions": ["aws-ap-northeast-2"]},
            {"key": "latencyMinimal", "val": ["aws-ap-northeast-2"]},
        ),
    ],
)
def test_nearness(wish: dict[str, Any], parameter: dict[str, Any]) -> None:
    assert recommendation_body(INFRA, spec_wish(**wish))["priority"]["policy"][0]["parameter"] == [parameter]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"sort": "location"}, "sort=location and near belong together"),
        ({"near": [SEOUL]}, "sort=location and near belong together"),
        ({"sort": "latency"}, "near_regions"),
        ({"sort": "location", "near": [{"latitude": 91, "longitude": 0}]}, "latitude 91"),
        ({"sort": "location", "near": [{"latitude": 0, "longitude": -181}]}, "longitude -181"),
    ],
)
def test_places_that_cannot_be(wish: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        recommendation_body(INFRA, spec_wish(**wish))


@pytest.mark.parametrize("document", [SMALL, EARLY_SMALL])
def test_spec_of_every_era(document: dict[str, Any]) -> None:
    (spec,) = wished_specs([document], spec_wish(provider="AWS", region="ap-northeast-2"))
    assert (spec["provider"], spec["region"]) == ("aws", "ap-northeast-2")
    assert (spec["vcpu"], spec["memory_gib"], spec["cost_per_hour"]) == (2, 2, 0.026)


def test_what_the_server_let_through_is_left_out() -> None:
    others = [{**SMALL, "regionName": "ap-northeast-22"}, {**SMALL, "architecture": "arm64"}, SMALL, SMALL]
    found = wished_specs(others, spec_wish(region="ap-northeast-2", architecture="x86_64", limit=1))
    assert [spec["architecture"] for spec in found] == ["x86_64"]


def test_unlimited() -> None:
    assert len(wished_specs([SMALL] * 50, spec_wish(limit=0))) == 50


def test_architecture_that_nobody_knows_is_said() -> None:
    with pytest.raises(InvalidInput, match="does not tell the architecture of specs"):
        wished_specs([EARLY_SMALL], spec_wish(architecture="arm64"))
    with pytest.raises(InvalidInput, match="does not tell the architecture of images"):
        wished_images({"image": [{"id": "x"}]}, image_wish(architecture="arm64"))


@pytest.mark.parametrize("answer", [{"message": "no"}, "x", 1])
def test_answers_that_are_no_specs(answer: object) -> None:
    with pytest.raises(Unavailable, match="no list"):
        wished_specs(answer, spec_wish())


@pytest.mark.parametrize("answer", [{"message": "no"}, "x", None, [], {"imageList": "x"}])
def test_answers_that_are_no_images(answer: object) -> None:
    with pytest.raises(Unavailable, match="no list"):
        wished_images(answer, image_wish())


@pytest.mark.parametrize("answer", [{"imageList": None, "imageCount": 0}, {"image": []}])
def test_no_image(answer: object) -> None:
    assert wished_images(answer, image_wish()) == []


def test_search_with_filters() -> None:
    assert search_body(INFRA, image_wish(os="ubuntu 22.04", spec="s", region="r")) == {
        "osType": "ubuntu 22.04",
        "matchedSpecId": "s",
        "regionName": "r",
        "includeBasicImageOnly": True,
        "includeDeprecatedImage": False,
    }


def test_search_with_keywords() -> None:
    body = search_body(MCIS, image_wish(provider="AWS", os="Ubuntu 22.04"))
    assert body == {"keywords": ["aws", "ubuntu", "22.04"]}


def image(image_id: str, created: str = "", *, basic: bool = True, **fields: Any) -> dict[str, Any]:
    return {"id": image_id, "creationDate": created, "isBasicImage": basic, "osType": "Ubuntu 22.04"} | fields


def test_basic_images_come_first_and_of_these_the_newest() -> None:
    found = wished_images(
        {
            "imageList": [
                image("ml", "2026-09-01", basic=False),
                image("old", "2026-01-01"),
                image("b", "2026-08-01"),
                image("a", "2026-08-01"),
                image("gone", "2026-10-01", imageStatus="Deprecated"),
            ]
        },
        image_wish(os="ubuntu 22.04"),
    )
    assert [each["id"] for each in found] == ["a", "b", "old", "ml"]


def test_images_of_the_connection_of_a_spec() -> None:
    early = [
        {"id": "aws-eu-west-1-ubuntu22.04", "connectionName": "aws-eu-west-1", "guestOS": "Ubuntu, 22.04"},
        {
            "id": "aws-ap-northeast-2-ubuntu22.04",
            "connectionName": "aws-ap-northeast-2",
            "guestOS": "Ubuntu, 22.04",
        },
    ]
    (found,) = wished_images({"image": early}, image_wish(os="ubuntu 22.04"), "aws-ap-northeast-2")
    assert (found["provider"], found["regions"]) == ("aws", ["ap-northeast-2"])


@pytest.mark.parametrize(
    ("wish", "ids"),
    [
        ({"provider": "gcp"}, ["g"]),
        ({"region": "EU-WEST-1"}, ["a"]),
        ({"os": "debian"}, ["d"]),
        ({"architecture": "arm64"}, ["d"]),
    ],
)
def test_what_keywords_find_elsewhere_is_left_out(wish: dict[str, Any], ids: list[str]) -> None:
    images = [
        image("a", providerName="aws", regionList=["eu-west-1"], osArchitecture="x86_64"),
        image("d", providerName="aws", regionList=["x"], osType="Debian 12", osArchitecture="arm64"),
        image("g", providerName="gcp", regionList=["y"], osArchitecture="x86_64"),
    ]
    assert [each["id"] for each in wished_images({"imageList": images}, image_wish(**wish))] == ids
