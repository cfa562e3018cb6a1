# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The specs and images that the simulated clouds offer, read from catalogue.yml."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from lab.tumblebug.era import Era
from lab.tumblebug.estate import Image, Region, Spec

FILE = Path(__file__).with_name("catalogue.yml")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that can be bought."""

    regions: tuple[Region, ...]
    specs: tuple[Spec, ...]
    images: tuple[Image, ...]

    def region(self, connection: str) -> Region | None:
        """The region of a connection."""
        return next((each for each in self.regions if each.connection == connection), None)

    def spec(self, era: Era, wanted: str) -> Spec | None:
        """The spec of that id in the era."""
        return next((each for each in self.specs if spec_id(era, each) == wanted), None)

    def image(self, era: Era, wanted: str, region: Region) -> Image | None:
        """The image of that id, or (up to v0.11.5) that short name, in a region."""
        here = (each for each in self.images if each.region == region)
        return next((each for each in here if wanted in image_names(era, each)), None)


def spec_id(era: Era, spec: Spec) -> str:
    """``aws+ap-northeast-2+t3.small``, or ``aws-ap-northeast-2-t3-small`` in v0.8.0."""
    parts = (spec.region.provider, spec.region.region, spec.name)
    return "+".join(parts) if era.has_uid else _rule_compatible("-".join(parts))


def image_id(era: Era, image: Image) -> str:
    """The cloud's own name from v0.12 on; before, it is made of the region and the short name."""
    if era.numeric:
        return image.name
    if era.has_uid:
        return "+".join((image.region.provider, image.region.region, _short(image)))
    return _rule_compatible(f"{image.region.connection}-{_short(image)}")


def image_names(era: Era, image: Image) -> set[str]:
    """By which words a request can mean the image."""
    return {image_id(era, image)} if era.numeric else {image_id(era, image), _short(image)}


def _short(image: Image) -> str:
    return image.os if image.architecture == "x86_64" else f"{image.os}-{image.architecture}"


def _rule_compatible(text: str) -> str:
    """As v0.8.0 turns names into ids."""
    return "".join("-" if letter in " ._:/" else letter for letter in text.lower())


@cache
def load() -> Catalogue:
    """The catalogue of the file beside this module."""
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    offers = [_Offer(name, fields) for name, fields in document["providers"].items()]
    systems = document["operating_systems"]
    return Catalogue(
        regions=tuple(region for offer in offers for region in offer.regions()),
        specs=tuple(spec for offer in offers for spec in offer.specs()),
        images=tuple(image for offer in offers for image in offer.images(systems)),
    )


@dataclass(frozen=True, slots=True)
class _Offer:
    """What one provider sells: every spec and image in every region."""

    provider: str
    fields: Mapping[str, Any]

    def regions(self) -> Iterator[Region]:
        for name, fields in self.fields["regions"].items():
            yield Region(
                self.provider,
                name,
                f"{self.provider}-{name}".lower(),
                fields["display"],
                fields["latitude"],
                fields["longitude"],
                tuple(fields["zones"]),
            )

    def specs(self) -> Iterator[Spec]:
        for region in self.regions():
            price = self.fields["regions"][region.region]["price"]
            for fields in self.fields["specs"]:
                wanted = {key: fields[key] for key in ("architecture", "refused") if key in fields}
                cost = round(fields["cost"] * price, 4)
                yield Spec(region, fields["name"], fields["cpus"], fields["memory_gib"], cost, **wanted)

    def images(self, systems: Mapping[str, Mapping[str, str]]) -> Iterator[Image]:
        for region in self.regions():
            for architecture, template in self.fields["images"].items():
                for name, system in systems.items():
                    yield Image(
                        region, _fill(template, region, name), name, **system, architecture=architecture
                    )


def _fill(template: str, region: Region, name: str) -> str:
    digest = sha256(f"{region.connection}/{name}".encode()).hexdigest()
    return template.format(
        name=name.replace(".", ""), region_hash=digest[:16], region_uuid=uuid.UUID(digest[:32])
    )
