# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Questions before a creation: which connections a spec has, and whether a request could be met."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lab.tumblebug import render_catalogue as render
from lab.tumblebug.answers import Request
from lab.tumblebug.bodies import decoded
from lab.tumblebug.catalogue import Catalogue
from lab.tumblebug.create import infra_shape
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Region, Spec
from lab.tumblebug.groups import Groups, group_shape
from lab.tumblebug.render_shared import Json, location


class Reviews:
    """The routes of an era that check dynamic requests without doing them."""

    def __init__(self, era: Era, catalogue: Catalogue, groups: Groups) -> None:
        self._era = era
        self._catalogue = catalogue
        self._groups = groups

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {
            "check_request": self.check,
            "review_infra": self.review_infra,
            "review_group": self.review_group,
        }

    def check(self, request: Request, _parameters: Mapping[str, str]) -> Json:
        """POST /mcisDynamicCheckRequest: the connections and images of specs."""
        wanted = decoded(self._era, request, {self._era.spec_key: [str]})[self._era.spec_key]
        return {"reqCheck": [self._checked(spec_id) for spec_id in wanted]}

    def review_infra(self, request: Request, _parameters: Mapping[str, str]) -> Json:
        """POST /ns/{ns}/infraDynamicReview."""
        body = decoded(self._era, request, infra_shape(self._era))
        groups = body[self._era.dynamic_groups]
        reviews = [self._reviewed(body["name"], group) for group in groups]
        viable = bool(reviews) and all(review["canCreate"] for review in reviews)
        failed = [review["nodeName"] for review in reviews if not review["canCreate"]]
        return {
            "infraName": body["name"],
            "creationViable": viable,
            "overallStatus": "Ready" if viable else "Error",
            "overallMessage": "All Nodes can be created successfully"
            if viable
            else f"Some Nodes cannot be created: {', '.join(failed)}",
            "estimatedCost": _dollars(sum(self._cost(group) for group in groups)),
            "totalNodeCount": sum(review["nodeGroupSize"] for review in reviews),
            "nodeReviews": reviews,
            "policyOnPartialFailure": body["policyOnPartialFailure"] or "continue",
            "recommendations": [],
        }

    def review_group(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """POST .../{infra}/nodeGroupDynamicReview."""
        return self._reviewed(parameters["infra"], decoded(self._era, request, group_shape(self._era)))

    def _checked(self, spec_id: str) -> Json:
        spec = self._catalogue.spec(self._era, spec_id)
        spec_key = "spec" if self._era.has_uid else "vmSpec"
        if spec is None:
            missing = f"//Failed to get the spec {spec_id}"
            return {"connectionConfigCandidates": None, "systemMessage": missing}
        found = {
            "connectionConfigCandidates": [spec.region.connection],
            spec_key: render.spec(self._era, spec),
            "region": self._region(spec.region),
            "systemMessage": "",
        }
        return found | ({"image": self._images(spec)} if self._era.has_uid else {})

    def _images(self, spec: Spec) -> Sequence[Json]:
        here = (each for each in self._catalogue.images if each.region == spec.region)
        return [render.image(self._era, image, [spec.region.region]) for image in here]

    def _region(self, region: Region) -> Json:
        if not self._era.has_uid:
            pairs = [{"key": "region", "value": region.region}]
            name = {"regionName": region.connection, "providerName": region.provider.upper()}
            return name | {"keyValueInfoList": pairs}
        return {
            "regionId": region.region,
            "regionName": region.region,
            "description": region.display,
            "location": location(self._era, region),
            "zones": list(region.zones),
        }

    def _reviewed(self, infra: str, group: Json) -> Json:
        problem = self._groups.problem_of(infra, group)
        spec = self._catalogue.spec(self._era, group[self._era.spec_key])
        place = spec.region if spec else None
        return {
            "nodeName": group["name"],
            "nodeGroupSize": max(group[self._era.size_key], 1),
            "canCreate": not problem,
            "status": "Error" if problem else "Ready",
            "message": problem or "Node can be created successfully",
            "errors": [problem] if problem else [],
            "warnings": [],
            "info": [],
            "connectionName": place.connection if place else "",
            "providerName": place.provider if place else "",
            "regionName": place.region if place else "",
            "estimatedCost": _dollars(self._cost(group)),
        }

    def _cost(self, group: Json) -> float:
        spec = self._catalogue.spec(self._era, group[self._era.spec_key])
        return spec.cost_per_hour * max(group[self._era.size_key], 1) if spec else 0


def _dollars(cost: float) -> str:
    return f"${cost:.4f}/hour"
