# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The routes of specs and images: recommendation, filters, search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.tumblebug import render_catalogue as render
from lab.tumblebug import spec_search
from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.bodies import Shape, decoded
from lab.tumblebug.catalogue import Catalogue, image_id, spec_id
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Image, Spec
from lab.tumblebug.lookup import id_list
from lab.tumblebug.render_shared import Json

TEXT_FILTERS = ("id", "name", "providerName", "regionName", "connectionName", "cspSpecName")
RANGE: Shape = {"min": float, "max": float}


class Offers:
    """Specs and images of an era; they are all in its system namespace."""

    def __init__(self, era: Era, catalogue: Catalogue) -> None:
        self._era = era
        self._catalogue = catalogue

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {
            "recommend": self.recommend,
            "specs": self.specs,
            "spec": self.spec,
            "filter_specs": self.filter_specs,
            "filter_specs_by_range": self.filter_specs_by_range,
            "images": self.images,
            "image": self.image,
            "search_image": self.search_image,
        }

    def recommend(self, request: Request, _parameters: Mapping[str, str]) -> list[Json]:
        """Specs that meet a policy, the best first; a bare array."""
        body = decoded(self._era, request, self._plan_shape())
        try:
            found = spec_search.fitting(self._era, self._catalogue.specs, body["filter"]["policy"])
            found = spec_search.ordered(found, body["priority"]["policy"])
        except spec_search.SearchError as exc:
            raise Refused(self._era.client_error_code, str(exc)) from exc
        limited = found[: _limit(body["limit"])]
        return [render.spec(self._era, spec, order) for order, spec in enumerate(limited, start=1)]

    def specs(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """All specs of a namespace (up to v0.9)."""
        found = self._specs(parameters)
        if request.option == "id":
            return id_list(spec_id(self._era, spec) for spec in found)
        return {"spec": [render.spec(self._era, spec) for spec in found] or None}

    def spec(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """One spec."""
        spec = self._catalogue.spec(self._era, parameters["spec"]) if self._specs(parameters) else None
        if spec is None:
            raise Refused(self._era.client_error_code, f"The spec {parameters['spec']} does not exist.")
        return render.spec(self._era, spec)

    def filter_specs(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """Specs like a given one (up to v0.9): its texts are contained, its numbers equal."""
        shape = dict.fromkeys(TEXT_FILTERS, str) | {"numvCPU": int, "memGiB": float}
        given = {key: value for key, value in decoded(self._era, request, shape).items() if value}
        wanted = {
            key: value if isinstance(value, str) else {"min": value, "max": value}
            for key, value in given.items()
        }
        return self._filtered(parameters, wanted, 0)

    def filter_specs_by_range(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """Specs whose numbers lie in ranges."""
        body = decoded(self._era, request, self._range_shape())
        limit = body.pop("limit", 0)
        return self._filtered(parameters, body, limit)

    def images(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """All images of a namespace."""
        found = self._images(parameters)
        if request.option == "id":
            return id_list(image["id"] for image in found)
        return {"image": found or None}

    def image(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """One image."""
        found = (each for each in self._images(parameters) if each["id"] == parameters["image"])
        image = next(found, None)
        if image is None:
            raise Refused(self._era.client_error_code, f"The image {parameters['image']} does not exist.")
        return image

    def search_image(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """Images by keywords up to v0.10, by properties later."""
        if not self._era.numeric:
            body = decoded(self._era, request, {"keywords": [str]})
            found = self._images(parameters, lambda image: _has_words(self._era, image, body["keywords"]))
            return {"image": found or None}
        found = self._searched(parameters, decoded(self._era, request, SEARCH_SHAPE))
        return {"imageCount": len(found), "imageList": found or None}

    def _plan_shape(self) -> dict[str, Shape]:
        condition: Shape = {"operator": str, "operand": str}
        parameter: Shape = {"key": str, "val": [str]}
        weight = float if self._era.numeric else str
        priority: Shape = {"metric": str, "parameter": [parameter], "weight": weight}
        return {
            "filter": {"policy": [{"metric": str, "condition": [condition]}]},
            "priority": {"policy": [priority]},
            "limit": int if self._era.numeric else str,
        }

    def _range_shape(self) -> dict[str, Shape]:
        numbers = ("vCPU", "memoryGiB") if self._era.has_uid else ("numvCPU", "memGiB")
        more = {"architecture": str, "limit": int} if self._era.numeric else {}
        shape: dict[str, Shape] = dict.fromkeys(TEXT_FILTERS, str)
        return shape | dict.fromkeys((*numbers, "costPerHour"), RANGE) | more

    def _filtered(self, parameters: Mapping[str, str], wanted: Mapping[str, Any], limit: int) -> Json:
        found = spec_search.within(self._era, self._specs(parameters), wanted)
        return {"spec": [render.spec(self._era, spec) for spec in found[: limit or None]] or None}

    def _specs(self, parameters: Mapping[str, str]) -> tuple[Spec, ...]:
        return self._catalogue.specs if parameters["ns"] == self._era.system_namespace else ()

    def _images(
        self, parameters: Mapping[str, str], wanted: Callable[[Image], bool] = lambda _image: True
    ) -> list[Json]:
        """The wanted images of a namespace; newer tags have one for all regions that share its name."""
        if parameters["ns"] != self._era.system_namespace:
            return []
        regions: dict[str, list[str]] = {}
        first: dict[str, Image] = {}
        for image in filter(wanted, self._catalogue.images):
            name = image_id(self._era, image)
            first.setdefault(name, image)
            regions.setdefault(name, []).append(image.region.region)
        return [render.image(self._era, image, regions[name]) for name, image in first.items()]

    def _searched(self, parameters: Mapping[str, str], body: Json) -> list[Json]:
        spec = self._catalogue.spec(self._era, body["matchedSpecId"])
        if body["matchedSpecId"] and spec is None:
            raise Refused(
                self._era.client_error_code, f"failed to get spec: {body['matchedSpecId']} not found"
            )
        if body["isGPUImage"] or body["isKubernetesImage"] or body["isBasicGpuImage"]:
            return []
        found = self._images(parameters, lambda image: _meets(image, body) and _suits(image, spec))
        return found[: body["maxResults"] or None]


SEARCH_SHAPE: dict[str, Shape] = {
    **dict.fromkeys(("providerName", "regionName", "osType", "osArchitecture", "matchedSpecId"), str),
    **dict.fromkeys(("isGPUImage", "isKubernetesImage", "isBasicGpuImage", "includeBasicImageOnly"), bool),
    **dict.fromkeys(("includeDeprecatedImage", "isRegisteredByAsset"), bool),
    "detailSearchKeys": [str],
    "maxResults": int,
}


def _meets(image: Image, body: Json) -> bool:
    equal = {
        image.region.provider: body["providerName"],
        image.region.region: body["regionName"],
        image.architecture: body["osArchitecture"],
    }
    if any(wanted and wanted.lower() != own.lower() for own, wanted in equal.items()):
        return False
    asked = [*body["osType"].split(), *(word for key in body["detailSearchKeys"] for word in key.split())]
    return all(word.lower() in image.words for word in asked)


def _suits(image: Image, spec: Spec | None) -> bool:
    return spec is None or (image.region, image.architecture) == (spec.region, spec.architecture)


def _has_words(era: Era, image: Image, keywords: list[str]) -> bool:
    text = f"{image_id(era, image)} {image.os} {image.words} {image.region.connection}".lower()
    return all(word.lower() in text for word in keywords)


def _limit(given: int | str) -> int | None:
    """How many at most; None for no limit, which is what anything but a positive number means."""
    number = int(given) if str(given).isdigit() else 0
    return number or None
