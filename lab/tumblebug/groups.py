# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Groups of machines as dynamic requests ask for them, checked with the words of the era."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.tumblebug.answers import Refused
from lab.tumblebug.bodies import TEXTS, Shape
from lab.tumblebug.catalogue import Catalogue, image_id
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Image, Region, Spec, uid
from lab.tumblebug.render_shared import Json

STRICT_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
NAME = re.compile(r"[a-zA-Z]([-a-zA-Z0-9+]*[a-zA-Z0-9])?")
NAME_RULE = (
    "The first character of name must be a letter, and all following characters must be a dash, letter, "
    "or digit, except the last character, which cannot be a dash."
)


@dataclass(frozen=True, slots=True)
class Group:
    """Machines of one kind that are to be made."""

    name: str
    size: int  # 0: one machine outside of any group (up to v0.12.2)
    spec: Spec
    image: Image
    zone: str = ""
    labels: Mapping[str, str] | None = None
    description: str = ""
    root_disk_type: str = ""
    root_disk_gb: int = 0

    @property
    def region(self) -> Region:
        return self.spec.region

    def ids(self, first: int) -> list[str]:
        """The ids of its machines, numbered from ``first``."""
        if self.size == 0:
            return [self.name]
        return [f"{self.name}-{number}" for number in range(first, first + self.size)]


class _InvalidError(Exception):
    """One group cannot be made."""


def group_shape(era: Era) -> dict[str, Shape]:
    """The fields of a group in the body of a dynamic request."""
    number = int if era.numeric else str
    texts = ("name", "description", "connectionName", "rootDiskType", "zone", era.spec_key, era.image_key)
    label: Shape = TEXTS if era.has_uid else str
    return dict.fromkeys(texts, str) | {era.size_key: number, "rootDiskSize": number, "label": label}


def check_name(era: Era, name: str) -> None:
    """Refuses a name that the era does not allow."""
    rule = NAME if era.has_uid else STRICT_NAME
    if not rule.fullmatch(name):
        prefix = f"invalid {era.infra} name. " if era.numeric else ""
        raise Refused(
            era.client_error_code, f"{prefix}{name}: {NAME_RULE}" if name else f"{prefix}empty string"
        )


class Groups:
    """Reads the groups of requests of an era."""

    def __init__(self, era: Era, catalogue: Catalogue) -> None:
        self._era = era
        self._catalogue = catalogue

    def all_of(self, infra: str, documents: Sequence[Json]) -> list[Group]:
        """All groups of a request for an infra; refused with one message if any cannot be made."""
        found, errors = [], {}
        for index, document in enumerate(documents):
            try:
                found.append(self._one(infra, index, document))
            except _InvalidError as exc:
                errors[index] = str(exc)
        if errors:
            raise Refused(self._era.client_error_code, self._all_errors(infra, documents, errors))
        return found

    def one_of(self, infra: str, document: Json) -> Group:
        """The group of a request for one more; refused if it cannot be made."""
        try:
            return self._one(infra, 0, document)
        except _InvalidError as exc:
            raise Refused(self._era.client_error_code, str(exc)) from exc

    def problem_of(self, infra: str, document: Json) -> str:
        """Why a group cannot be made; empty if it can."""
        try:
            self._one(infra, 0, document)
        except _InvalidError as exc:
            return str(exc)
        return ""

    def _one(self, infra: str, index: int, document: Json) -> Group:
        spec = self._catalogue.spec(self._era, document[self._era.spec_key])
        if spec is None:
            raise _InvalidError(self._no_spec(document))
        self._check_connection(spec, document)
        image = self._catalogue.image(self._era, document[self._era.image_key].replace(" ", ""), spec.region)
        if image is None or (image.architecture != spec.architecture and self._era.numeric):
            raise _InvalidError(self._no_image(spec, document))
        return Group(
            name=document["name"].lower() or uid(infra, str(index)),
            size=self._size(document[self._era.size_key]),
            spec=spec,
            image=image,
            zone=document["zone"],
            labels=self._labels(document["label"]),
            description=document["description"],
            root_disk_type=document["rootDiskType"],
            root_disk_gb=_number(document["rootDiskSize"]),
        )

    def _size(self, given: int | str) -> int:
        if isinstance(given, str):
            return max(int(given), 0) if given.lstrip("-").isdigit() else 1
        return max(given, 1)

    def _labels(self, given: str | Mapping[str, str]) -> Mapping[str, str]:
        if not isinstance(given, str):
            return given
        return labels_of_text(given)

    def _check_connection(self, spec: Spec, document: Json) -> None:
        wanted = document["connectionName"] or spec.region.connection
        if self._catalogue.region(wanted) is None:
            text = f"Failed to get ConnectionName ({wanted}) for Spec ({document[self._era.spec_key]})"
            raise _InvalidError(f"{text} is not found.")

    def _no_spec(self, document: Json) -> str:
        wanted = document[self._era.spec_key]
        if self._era.numeric:
            return f"failed to get VM specification '{wanted}': record not found"
        return f"Failed to get the spec {wanted}"

    def _no_image(self, spec: Spec, document: Json) -> str:
        wanted, connection = document[self._era.image_key], spec.region.connection
        if self._era.numeric:
            reason = self._foreign_image(wanted) or "image not found in the CSP"
            text = f"image '{wanted}' is not available in connection '{connection}': {reason}"
            return f"validation failed for VM '{document['name']}': {text}"
        if self._era.has_uid:
            return f"Failed to get Image {wanted} from {connection}"
        wanted = f"{connection}-{wanted}".replace(".", "-").lower()
        return f"Failed to get the Image {wanted} from {connection}"

    def _foreign_image(self, wanted: str) -> str:
        same = [each for each in self._catalogue.images if image_id(self._era, each) == wanted]
        if not same:
            return ""
        where = ", ".join(sorted({each.region.connection for each in same}))
        return f"it is an image of {where} for {same[0].architecture}"

    def _all_errors(self, infra: str, documents: Sequence[Json], errors: Mapping[int, str]) -> str:
        if not self._era.has_uid:
            return next(iter(errors.values()))
        if not self._era.numeric:
            return "".join(f"{{[{index + 1}] {text}}} " for index, text in errors.items())
        lines = "".join(
            f" • NodeGroup[{index + 1}] '{documents[index]['name']}': {text}\n"
            for index, text in errors.items()
        )
        head = f"Infra '{infra}' validation failed due to resource availability errors.\n\n"
        summary = f"Summary: {len(errors)} out of {len(documents)} NodeGroups failed validation"
        return f"{head}Resource Validation Failures:\n{lines}\n{summary}"


def labels_of_text(text: str) -> dict[str, str]:
    """The one free label of the old eras: ``k=v,k2=v2``, or just a word."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {key: value for key, _equals, value in pairs}


def _number(given: int | str) -> int:
    """Gigabytes; 0 for the words "default" and "", which leave it to the cloud."""
    return given if isinstance(given, int) else int(given) if given.isdigit() else 0
