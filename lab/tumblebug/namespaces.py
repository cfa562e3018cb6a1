# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Namespaces and what Tumblebug has made in them by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.tumblebug import render_resources
from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.bodies import decoded
from lab.tumblebug.era import Era
from lab.tumblebug.estate import Namespace
from lab.tumblebug.groups import check_name
from lab.tumblebug.lookup import Lookup, id_list
from lab.tumblebug.register import Register
from lab.tumblebug.render_shared import Json


class Namespaces:
    """The routes of namespaces of an era."""

    def __init__(self, era: Era, find: Lookup, register: Register) -> None:
        self._era = era
        self._find = find
        self._register = register

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {
            "namespaces": self.listed,
            "namespace": self.one,
            "add_namespace": self.add,
            "remove_namespace": self.remove,
            "remove_shared": self.remove_shared,
        }

    def listed(self, request: Request, _parameters: Mapping[str, str]) -> Json:
        """GET /ns."""
        found = self._find.namespaces()
        if request.option == "id":
            return id_list(namespace.id for namespace in found)
        return {"ns": [render_resources.namespace(self._era, each) for each in found]}

    def one(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """GET of a namespace."""
        return render_resources.namespace(self._era, self._find.namespace(parameters["ns"]))

    def add(self, request: Request, _parameters: Mapping[str, str]) -> Json:
        """POST /ns."""
        body = decoded(self._era, request, {"name": str, "description": str})
        check_name(self._era, body["name"])
        new = Namespace(body["name"], {}, description=body["description"])
        if not self._register.add_namespace(new):
            raise Refused(self._era.client_error_code, f"The namespace {new.id} already exists.")
        return render_resources.namespace(self._era, new)

    def remove(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """DELETE of a namespace, which must be empty."""
        namespace = self._find.namespace(parameters["ns"])
        if namespace.infras or namespace.shared:
            text = f"Cannot delete NS {namespace.id}, which is not empty. There exists at least one object."
            raise Refused(self._era.client_error_code, text)
        self._register.remove_namespace(namespace.id)
        return {"message": f"The namespace {namespace.id} has been deleted"}

    def remove_shared(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """DELETE of all networks and keys that Tumblebug has made; refused while machines use them."""
        namespace = self._find.namespace(parameters["ns"])
        if any(True for _each in namespace.machines()):
            raise Refused(500, "Failed to delete shared resources: they are in use by at least one object")
        gone = [f"[Done] {kind}: {name}" for kind, name in _names(namespace)]
        self._register.drop_shared(namespace.id)
        return id_list(gone)


def _names(namespace: Namespace) -> list[tuple[str, str]]:
    networks = [("vNet", name) for name in sorted(namespace.networks())]
    return [*networks, *(("sshKey", name) for name in sorted(namespace.key_pairs()))]
