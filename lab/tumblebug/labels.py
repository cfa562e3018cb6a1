# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The label store of v0.9.8 and newer: user labels by the uid of an object, and selection by labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.bodies import TEXTS, decoded
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Infra, Machine, Namespace, uid
from lab.tumblebug.lookup import Lookup
from lab.tumblebug.register import Register
from lab.tumblebug.render_shared import Json, labels, machine_labels, object_labels
from lab.tumblebug.views import Views


@dataclass(frozen=True, slots=True)
class Labelled:
    """An object with labels: a machine, or an infra if there is no machine."""

    namespace: Namespace
    infra: Infra
    machine: Machine | None = None

    @property
    def path(self) -> tuple[str, ...]:
        return (self.namespace.id, self.infra.id, *([self.machine.id] if self.machine else []))

    @property
    def own(self) -> Mapping[str, str]:
        return self.machine.labels if self.machine else self.infra.labels


class Labels:
    """The label routes of an era, for infras and machines."""

    def __init__(self, era: Era, find: Lookup, register: Register, views: Views) -> None:
        self._era = era
        self._find = find
        self._register = register
        self._views = views

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {
            "labels": self.shown,
            "set_labels": self.merge,
            "remove_label": self.remove,
            "labelled": self.selected,
        }

    def shown(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """GET of the labels of an object."""
        found = self._object(parameters)
        return {"labels": self._all(found), "resourceKey": self._key(found)}

    def merge(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """PUT of labels: they are added to those that there are."""
        new = decoded(self._era, request, {"labels": TEXTS})["labels"]
        self._change(self._object(parameters), lambda before: {**before, **new})
        return {"message": "Label created or updated successfully"}

    def remove(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """DELETE of one label."""
        gone = parameters["key"]
        self._change(
            self._object(parameters),
            lambda before: {key: value for key, value in before.items() if key != gone},
        )
        return {"message": "Label removed successfully"}

    def selected(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """GET of all objects of all namespaces that a selector fits; none is null."""
        matches = selector(request.query.get("labelSelector", ""))
        if matches is None:
            return {"results": None}
        found = [each for each in self._objects(parameters["type"]) if matches(self._all(each))]
        return {"results": [self._rendered(each) for each in found] or None}

    def _objects(self, kind: str) -> Iterator[Labelled]:
        for namespace in self._find.namespaces():
            for infra in namespace.infras.values():
                if kind == self._era.infra:
                    yield Labelled(namespace, infra)
                if kind == self._era.node:
                    yield from (Labelled(namespace, infra, machine) for machine in infra.machines)

    def _object(self, parameters: Mapping[str, str]) -> Labelled:
        wanted = parameters["uid"]
        for each in self._objects(parameters["type"]):
            if uid(*each.path) == wanted:
                return each
        raise Refused(
            self._era.client_error_code, f"no label found for {parameters['type']} with uid {wanted}"
        )

    def _all(self, found: Labelled) -> dict[str, str]:
        if found.machine:
            system = machine_labels(self._era, found.namespace.id, found.infra.id, found.machine)
        else:
            system = object_labels(self._era.infra, found.path)
        rendered = labels(self._era, found.own, system)
        return rendered if isinstance(rendered, dict) else {}

    def _key(self, found: Labelled) -> str:
        key = f"/ns/{found.namespace.id}/{self._era.infra}/{found.infra.id}"
        return f"{key}/{self._era.node}/{found.machine.id}" if found.machine else key

    def _change(self, found: Labelled, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        namespace, infra = found.namespace.id, found.infra.id
        if found.machine is None:
            self._register.change_infra(
                namespace, infra, lambda each: replace(each, labels=change(each.labels))
            )
            return
        path = (namespace, infra, found.machine.id)
        self._register.change_machine(path, lambda each: replace(each, labels=change(each.labels)))

    def _rendered(self, found: Labelled) -> Json:
        if found.machine:
            return self._views.machine(found.namespace, found.infra, found.machine.id)
        return self._views.full(found.namespace, found.infra)


Match = Callable[[Mapping[str, str]], bool]


def selector(text: str) -> Match | None:
    """What a label selector tests; None for an empty one.

    Terms are joined by commas, also inside the parentheses of ``in``, as the original's parser splits first.
    """
    terms = [term.strip() for term in text.split(",") if term.strip()]
    if not terms:
        return None
    tests = [_term(term) for term in terms]
    return lambda given: all(test(given) for test in tests)


def _term(term: str) -> Match:
    for sign, equal in (("!=", False), ("=", True)):
        key, found, value = (part.strip() for part in term.partition(sign))
        if found:
            return lambda given: key in given and (given[key] == value) is equal
    words = term.split(maxsplit=2)
    if len(words) == 2 and words[1] in ("exists", "!exists"):
        return lambda given: (words[0] in given) is (words[1] == "exists")
    if len(words) == 3 and words[1] in ("in", "notin"):
        wanted = words[2].strip("()").strip()
        return lambda given: (given.get(words[0]) == wanted) is (words[1] == "in")
    raise Refused(400, f"invalid label selector: {term}")
