# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies that make machines are those that the API document of each release describes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.bodies import (
    create_body,
    group_body,
    grow_body,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.dialect import (
    Dialect,
    dialect_of,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.specs import (
    recommendation_body,
)

DOCUMENTS = Path(__file__).resolve().parents[5] / "shared" / "tumblebug"
published = pytest.mark.skipif(
    not DOCUMENTS.exists(),
    reason="the published API documents are not beside this repository (../shared/tumblebug)",
)
RELEASES = [("v0.8.0", "mcis"), ("v0.9.22", "mci"), ("v0.11.23", "mci"), ("v0.13.0", "infra")]
WEB = {"name": "web", "size": 2, "spec": "s", "image": "i", "labels": {"a": "b"}, "root_disk_size": 50}
JSON_TYPES = {"string": str, "integer": int, "number": (int, float), "array": list, "boolean": bool}


class Release:
    """One published API document."""

    def __init__(self, tag: str, era: str) -> None:
        self._document = json.loads((DOCUMENTS / f"swagger-{tag}.json").read_text())
        self.dialect = dialect_of(era, list(self._document["paths"]))

    def body_of(self, path: str) -> dict[str, Any]:
        """The schema of the body of the POST request to the path that ends so."""
        (found,) = [
            each for name, each in self._document["paths"].items() if name.endswith(path) and "post" in each
        ]
        post = found["post"]
        if "requestBody" in post:
            return self._resolved(post["requestBody"]["content"]["application/json"]["schema"])
        (body,) = [each for each in post["parameters"] if each["in"] == "body"]
        return self._resolved(body["schema"])

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "allOf" in schema:
            return self._resolved(schema["allOf"][0])
        if "$ref" not in schema:
            return schema
        name = schema["$ref"].rpartition("/")[2]
        schemas = self._document.get("definitions") or self._document["components"]["schemas"]
        return schemas[name]

    def check(self, body: object, schema: dict[str, Any], where: str = "body") -> None:
        """Every key is known (two at once where releases differ) and of the type that is documented."""
        schema = self._resolved(schema)
        if isinstance(body, dict) and "properties" in schema:
            known = schema["properties"]
            assert set(schema.get("required", ())) <= set(body), where
            for key in body.keys() & known.keys():
                self.check(body[key], known[key], f"{where}.{key}")
            assert set(body) - set(known) <= {"commonSpec", "commonImage"}, where
        elif isinstance(body, list):
            for each in body:
                self.check(each, schema["items"], where)
        elif schema.get("type") in JSON_TYPES:
            assert isinstance(body, JSON_TYPES[schema["type"]]), where


@published
@pytest.mark.parametrize(("tag", "era"), RELEASES)
def test_bodies_are_as_published(tag: str, era: str) -> None:
    release = Release(tag, era)
    dialect = release.dialect
    infra = {"name": "shop", "description": "d", "labels": {"x": "y"}, "groups": [WEB]}
    release.check(create_body(dialect, infra), release.body_of(f"/{dialect.create_path}"))
    release.check(group_body(dialect, WEB), release.body_of(f"/{dialect.add_path}"))
    group_path = f"/{era}/{{{era}Id}}/{dialect.group_path}/{{{dialect.group_path}Id}}"
    release.check(grow_body(dialect, 2), release.body_of(group_path))


@published
@pytest.mark.parametrize(("tag", "era"), RELEASES)
def test_recommendation_is_as_published(tag: str, era: str) -> None:
    release = Release(tag, era)
    wish = {"sort": "location", "near": [{"latitude": 1.5, "longitude": 2}], "limit": 3, "vcpu_min": 2}
    body = recommendation_body(release.dialect, wish)
    release.check(body, release.body_of(release.dialect.recommend_path))
    assert body["priority"]["policy"][0]["parameter"] == [{"key": "coordinateClose", "val": ["1.5/2"]}]


@published
@pytest.mark.parametrize(
    ("tag", "expected"),
    [("v0.9.22", (False, "vm", "vmDynamic")), ("v0.11.23", (True, "subGroups", "subGroupDynamic"))],
)
def test_mci_releases_differ(tag: str, expected: tuple[bool, str, str]) -> None:
    dialect = Release(tag, "mci").dialect
    assert (dialect.image_filters, dialect.groups_key, dialect.add_path) == expected
    assert dialect.label_maps
    assert not dialect.numbers


def early_mci() -> Dialect:
    return dialect_of("mci", ["/ns/{nsId}/mciDynamic", "/label/{labelType}/{uid}"])  # v0.9.8


def late_mci() -> Dialect:
    return dialect_of("mci", ["/recommendSpec", "/labelInfo", "/ns/{nsId}/stream/cmd/mci/{mciId}"])  # v0.12.3


@pytest.mark.parametrize(
    ("dialect", "size", "label"),
    [
        (dialect_of("infra"), 2, {"a": "b"}),
        (dialect_of("mci"), "2", {"a": "b"}),
        (early_mci(), "2", "a=b"),
        (late_mci(), 2, {"a": "b"}),
        (dialect_of("mcis"), "2", "a=b"),
    ],
)
def test_sizes_and_labels(dialect: Dialect, size: object, label: object) -> None:
    body = group_body(dialect, WEB)
    assert body[dialect.size_key] == size
    assert body["label"] == label


def test_labels_of_one_text_are_read_back_by_the_inventory() -> None:
    assert dialect_of("mcis").labels({"b": "2", "a": "1"}) == "a=1,b=2"


@pytest.mark.parametrize("era", ["mci", "mcis"])
def test_zone_where_it_cannot_be_chosen(era: str) -> None:
    with pytest.raises(InvalidInput, match="zone a, which this CB-Tumblebug does not offer"):
        group_body(dialect_of(era), {**WEB, "zone": "a"})
    assert group_body(dialect_of("infra"), {**WEB, "zone": "a"})["zone"] == "a"


def test_what_is_not_wanted_is_not_sent() -> None:
    body = create_body(
        dialect_of("infra"), {"name": "x", "groups": [{"name": "g", "size": 1, "spec": "s", "image": "i"}]}
    )
    assert body == {
        "name": "x",
        "description": "",
        "nodeGroups": [{"name": "g", "nodeGroupSize": 1, "specId": "s", "imageId": "i"}],
    }


@pytest.mark.parametrize("era", ["mci", "mcis"])
def test_no_monitoring_agent_is_installed(era: str) -> None:
    assert create_body(dialect_of(era), {"name": "x", "groups": []})["installMonAgent"] == "no"
