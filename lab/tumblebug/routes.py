# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which paths an era has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.tumblebug.era import Era


@dataclass(frozen=True, slots=True)
class Route:
    """A path template such as ``/ns/{ns}/mci/{infra}`` and the name of what answers it."""

    method: str
    template: str
    handler: str
    limited: bool = False  # has a limiter of its own
    for_system: bool = False  # also of the system namespace, which is not listed

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path parameters, undecoded as Tumblebug takes them, or None."""
        wanted, given = self.template.split("/"), path.rstrip("/").split("/")
        if method != self.method or len(wanted) != len(given):
            return None
        parameters = {}
        for name, value in zip(wanted, given, strict=True):
            if name.startswith("{") and value:
                parameters[name[1:-1]] = value
            elif name != value:
                return None
        return parameters


def routes(era: Era) -> Sequence[Route]:
    """All routes of an era, relative to /tumblebug."""
    infra = f"/ns/{{ns}}/{era.infra}"
    one = f"{infra}/{{infra}}"
    control = f"/ns/{{ns}}/control/{era.infra}/{{infra}}"
    resources = "/ns/{ns}/resources"
    found = [
        Route("GET", era.doc_path, "document"),
        Route("GET", "/request/{id}", "request"),
        Route("DELETE", "/request/{id}", "forget_request"),
        Route("GET", "/requests", "requests"),
        Route("DELETE", "/requests", "forget_requests"),
        Route("GET", "/ns", "namespaces"),
        Route("POST", "/ns", "add_namespace"),
        Route("GET", "/ns/{ns}", "namespace"),
        Route("DELETE", "/ns/{ns}", "remove_namespace"),
        Route("DELETE", f"/ns/{{ns}}/{era.shared_path}", "remove_shared"),
        Route("POST", f"/{era.dynamic}CheckRequest", "check_request"),
        Route("GET", infra, "infras", limited=True),
        Route("GET", one, "infra", limited=True),
        Route("GET", f"{one}/{era.node}/{{machine}}", "machine"),
        Route("GET", f"{one}/{era.node}/{{machine}}/bastion", "bastions"),
        Route("PUT", f"{one}/{era.node}/{{machine}}/bastion/{{bastion}}", "set_bastion"),
        Route("DELETE", f"{one}/bastion/{{bastion}}", "remove_bastion"),
        Route("GET", f"{one}/{era.group_path}", "groups"),
        Route("GET", f"{one}/{era.group_path}/{{group}}", "group"),
        Route("POST", f"/ns/{{ns}}/{era.dynamic}", "create"),
        Route("DELETE", infra, "delete_infras"),
        Route("DELETE", one, "delete_infra"),
        Route("DELETE", f"{one}/{era.node}/{{machine}}", "delete_machine"),
        Route("POST", f"{one}/{era.add_group_path}", "add_group"),
        Route("POST", f"{one}/{era.group_path}/{{group}}", "scale_out"),
        Route("GET", control, "control_infra"),
        Route("GET", f"{control}/{era.node}/{{machine}}", "control_machine"),
        Route("GET", f"{resources}/vNet", "vnets"),
        Route("GET", f"{resources}/vNet/{{vnet}}", "vnet"),
        Route("GET", f"{resources}/sshKey", "ssh_keys"),
        Route("GET", f"{resources}/sshKey/{{key}}", "ssh_key"),
    ]
    found.append(Route("POST", f"/ns/{{ns}}/cmd/{era.infra}/{{infra}}", "command"))
    found += _offers(era, resources)
    if era.has_uid:
        found += [
            Route("GET", "/label/{type}/{uid}", "labels"),
            Route("PUT", "/label/{type}/{uid}", "set_labels"),
            Route("DELETE", "/label/{type}/{uid}/{key}", "remove_label"),
            Route("GET", "/resources/{type}", "labelled"),
        ]
    if era.numeric:
        found += [
            Route("POST", f"/ns/{{ns}}/{era.dynamic}Review", "review_infra"),
            Route("POST", f"{one}/{era.add_group_path}Review", "review_group"),
            Route("GET", f"{one}/node/{{machine}}/sshHostKey", "host_key"),
            Route("DELETE", f"{one}/node/{{machine}}/sshHostKey", "forget_host_key"),
        ]
    if era.has_node_list:
        found.append(Route("GET", f"{resources}/node", "nodes"))
    return found


def _offers(era: Era, resources: str) -> list[Route]:
    """Routes of specs and images."""
    paths = [
        ("GET", "spec/{spec}", "spec"),
        ("POST", "filterSpecsByRange", "filter_specs_by_range"),
        ("GET", "image", "images"),
        ("GET", "image/{image}", "image"),
        ("POST", "searchImage", "search_image"),
    ]
    if not era.has_uid:
        paths += [("GET", "spec", "specs"), ("POST", "filterSpecs", "filter_specs")]
    found = [
        Route(method, f"{resources}/{path}", handler, for_system=True) for method, path, handler in paths
    ]
    return [Route("POST", era.recommend_path, "recommend"), *found]


def api_document(era: Era) -> dict[str, object]:
    """The doc.json that the era serves: Swagger 2.0 at every tag."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes(era):
        paths.setdefault(route.template, {})[route.method.lower()] = {"responses": {}}
    info = {"title": "CB-Tumblebug REST API", "version": "latest"}
    return {"swagger": "2.0", "info": info, "basePath": "/tumblebug", "paths": paths}
