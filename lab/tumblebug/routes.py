# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which paths an era has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.tumblebug.era import Era

RESOURCES = "/ns/{ns}/resources"


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
    topics = (
        _administration,
        _infras,
        _changes,
        _control,
        _resources,
        _offers,
        _labels,
        _since_numeric,
        _nodes,
    )
    return [route for topic in topics for route in topic(era)]


def _infras_path(era: Era) -> str:
    return f"/ns/{{ns}}/{era.infra}"


def _infra_path(era: Era) -> str:
    return f"{_infras_path(era)}/{{infra}}"


def _administration(era: Era) -> list[Route]:
    """Routes of the server itself and of namespaces."""
    return [
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
    ]


def _infras(era: Era) -> list[Route]:
    """Routes of infras and machines that there are, and of their bastions."""
    one = _infra_path(era)
    return [
        Route("GET", _infras_path(era), "infras", limited=True),
        Route("GET", one, "infra", limited=True),
        Route("GET", f"{one}/{era.node}/{{machine}}", "machine"),
        Route("GET", f"{one}/{era.node}/{{machine}}/bastion", "bastions"),
        Route("PUT", f"{one}/{era.node}/{{machine}}/bastion/{{bastion}}", "set_bastion"),
        Route("DELETE", f"{one}/bastion/{{bastion}}", "remove_bastion"),
        Route("GET", f"{one}/{era.group_path}", "groups"),
        Route("GET", f"{one}/{era.group_path}/{{group}}", "group"),
    ]


def _changes(era: Era) -> list[Route]:
    """Routes that make and delete infras and machines."""
    one = _infra_path(era)
    return [
        Route("POST", f"/ns/{{ns}}/{era.dynamic}", "create"),
        Route("DELETE", _infras_path(era), "delete_infras"),
        Route("DELETE", one, "delete_infra"),
        Route("DELETE", f"{one}/{era.node}/{{machine}}", "delete_machine"),
        Route("POST", f"{one}/{era.add_group_path}", "add_group"),
        Route("POST", f"{one}/{era.group_path}/{{group}}", "scale_out"),
    ]


def _control(era: Era) -> list[Route]:
    """Routes that act on machines: control actions and commands."""
    control = f"/ns/{{ns}}/control/{era.infra}/{{infra}}"
    return [
        Route("GET", control, "control_infra"),
        Route("GET", f"{control}/{era.node}/{{machine}}", "control_machine"),
        Route("POST", f"/ns/{{ns}}/cmd/{era.infra}/{{infra}}", "command"),
    ]


def _resources(_era: Era) -> list[Route]:
    """Routes of networks and SSH keys."""
    return [
        Route("GET", f"{RESOURCES}/vNet", "vnets"),
        Route("GET", f"{RESOURCES}/vNet/{{vnet}}", "vnet"),
        Route("GET", f"{RESOURCES}/sshKey", "ssh_keys"),
        Route("GET", f"{RESOURCES}/sshKey/{{key}}", "ssh_key"),
    ]


def _offers(era: Era) -> list[Route]:
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
        Route(method, f"{RESOURCES}/{path}", handler, for_system=True) for method, path, handler in paths
    ]
    return [Route("POST", era.recommend_path, "recommend"), *found]


def _labels(era: Era) -> list[Route]:
    """Routes of labels, which hang on uids."""
    if not era.has_uid:
        return []
    return [
        Route("GET", "/label/{type}/{uid}", "labels"),
        Route("PUT", "/label/{type}/{uid}", "set_labels"),
        Route("DELETE", "/label/{type}/{uid}/{key}", "remove_label"),
        Route("GET", "/resources/{type}", "labelled"),
    ]


def _since_numeric(era: Era) -> list[Route]:
    """Routes that came with numeric values: reviews and host keys."""
    if not era.numeric:
        return []
    one = _infra_path(era)
    return [
        Route("POST", f"/ns/{{ns}}/{era.dynamic}Review", "review_infra"),
        Route("POST", f"{one}/{era.add_group_path}Review", "review_group"),
        Route("GET", f"{one}/node/{{machine}}/sshHostKey", "host_key"),
        Route("DELETE", f"{one}/node/{{machine}}/sshHostKey", "forget_host_key"),
    ]


def _nodes(era: Era) -> list[Route]:
    return [Route("GET", f"{RESOURCES}/node", "nodes")] if era.has_node_list else []


def api_document(era: Era) -> dict[str, object]:
    """The doc.json that the era serves: Swagger 2.0 at every tag."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes(era):
        paths.setdefault(route.template, {})[route.method.lower()] = {"responses": {}}
    info = {"title": "CB-Tumblebug REST API", "version": "latest"}
    return {"swagger": "2.0", "info": info, "basePath": "/tumblebug", "paths": paths}
