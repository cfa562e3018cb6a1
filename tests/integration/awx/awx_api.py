# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for AWX's REST API: keeps what the awx.awx modules make, and records what they ask for.

It holds to what those modules rely on: lookups by field, created objects with url, type and related links,
secrets that come back as $encrypted$, sub-lists to associate with, surveys and approval nodes. What AWX would
refuse (``awx_rules``) it refuses. It runs nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.integration.awx.awx_rules import credential_type_refusal, survey_refusal

Document = dict[str, Any]
Answer = tuple[int, Document | None]

PREFIX = "/api/v2/"
TOKEN = "token-of-awx"
ENCRYPTED = "$encrypted$"
TEMPLATES = ("projects", "job_templates", "workflow_job_templates", "inventory_sources")
NODES = "workflow_job_template_nodes"
SUB_LISTS = {
    "galaxy_credentials": "credentials",
    "credentials": "credentials",
    "success_nodes": NODES,
    "notification_templates_error": "notification_templates",
    "notification_templates_approvals": "notification_templates",
}
DEFAULTS: dict[str, Document] = {
    "inventories": {"kind": "", "host_filter": None},
    "projects": {"scm_revision": "0" * 40},
}


@dataclass
class AwxApi:
    """All objects by kind and id, and every request that changed something."""

    objects: dict[str, dict[int, Document]] = field(default_factory=dict)
    links: dict[str, list[int]] = field(default_factory=dict)  # path of a sub-list -> ids in it
    surveys: dict[str, Document] = field(default_factory=dict)  # path of a survey -> the survey
    changes: list[tuple[str, str]] = field(default_factory=list)  # method and path

    def __post_init__(self) -> None:
        """What a new AWX has: the credential with which it asks the public Galaxy."""
        self._create(
            "credential_types", {"name": "Ansible Galaxy/Automation Hub API Token", "kind": "galaxy"}
        )
        self._create("credentials", {"name": "Ansible Galaxy", "credential_type": 1, "inputs": {}})

    def named(self, kind: str, name: str) -> Document:
        """The only object of a kind with that name or identifier."""
        keys = ("name", "identifier")
        [found] = [each for each in self._all(kind) if name in map(each.get, keys)]
        return found

    def linked(self, kind: str, name: str, sub_list: str) -> list[str]:
        """Names or identifiers of what an object is associated with."""
        path = f"{kind}/{self.named(kind, name)['id']}/{sub_list}"
        found = (self.objects[SUB_LISTS[sub_list]][each] for each in self.links.get(path, []))
        return [each.get("name") or each["identifier"] for each in found]

    def answer(self, method: str, path: str, query: Document, body: Document) -> Answer:
        """The answer to one request; ``path`` is what follows /api/v2/."""
        if method != "GET":
            self.changes.append((method, path))
        parts = path.strip("/").split("/")
        if len(parts) == 1:
            return self._answer_list(method, parts[0], query, body)
        target = self.objects[parts[0]][int(parts[1])]
        if len(parts) == 2:
            return 200, target if method == "GET" else self._change(target, body)
        return self._answer_below(method, parts, target, body)

    # --- lists and objects ---

    def _answer_list(self, method: str, kind: str, query: Document, body: Document) -> Answer:
        if method == "GET":
            found = [each for each in self._all(kind) if _matches(each, query)]
            return 200, {"count": len(found), "next": None, "results": found}
        refusal = credential_type_refusal(body) if kind == "credential_types" else ""
        return (400, {"__all__": [refusal]}) if refusal else (201, self._create(kind, body))

    def _all(self, kind: str) -> list[Document]:
        kinds = TEMPLATES if kind == "unified_job_templates" else (kind,)
        return [each for name in kinds for each in self.objects.get(name, {}).values()]

    def _create(self, kind: str, body: Document) -> Document:
        number = 1 + sum(map(len, self.objects.values()))
        url = f"{PREFIX}{kind}/{number}/"
        made: Document = {
            "id": number,
            "url": url,
            "type": _singular(kind),
            "summary_fields": {},
            "related": {},
        }
        made |= DEFAULTS.get(kind, {})
        if kind in ("job_templates", "workflow_job_templates"):
            made["related"]["survey_spec"] = f"{url}survey_spec/"
        self.objects.setdefault(kind, {})[number] = made
        return self._change(made, body)

    def _change(self, target: Document, body: Document) -> Document:
        target.update({name: value for name, value in body.items() if value is not None})
        if target["type"] == "credential" and "inputs" in body:
            target["inputs"] = self._encrypted(target)
        return target

    def _encrypted(self, credential: Document) -> Document:
        """What AWX shows of the inputs: it forgets empty secrets and never shows the others."""
        kind = self.objects["credential_types"][credential["credential_type"]]
        secret = {each["id"] for each in kind.get("inputs", {}).get("fields", []) if each.get("secret")}
        kept = {name: value for name, value in credential["inputs"].items() if value or name not in secret}
        return {name: ENCRYPTED if name in secret else value for name, value in kept.items()}

    # --- what is below an object ---

    def _answer_below(self, method: str, parts: list[str], target: Document, body: Document) -> Answer:
        path, below = "/".join(parts), parts[2]
        if below == "survey_spec":
            return self._answer_survey(method, path, body)
        if below == "create_approval_template":
            return 201, self._approval(target, body)
        if method == "GET":
            found = [self.objects[SUB_LISTS[below]][each] for each in self.links.get(path, [])]
            return 200, {"count": len(found), "next": None, "results": found}
        return self._associate(path, SUB_LISTS[below], body)

    def _answer_survey(self, method: str, path: str, body: Document) -> Answer:
        if method == "GET":
            return 200, self.surveys.get(path, {})
        refusal = survey_refusal(body)
        if refusal:
            return 400, {"error": refusal}
        self.surveys[path] = body
        return 200, {}

    def _approval(self, node: Document, body: Document) -> Document:
        made = self._create("workflow_approval_templates", body)
        node["unified_job_template"] = made["id"]
        node["related"]["unified_job_template"] = made["url"]
        return made

    def _associate(self, path: str, kind: str, body: Document) -> Answer:
        linked = self.links.setdefault(path, [])
        if body.get("disassociate"):
            linked.remove(body["id"])
            return 204, None
        types = [self.objects[kind][each].get("credential_type") for each in [*linked, body["id"]]]
        if kind == "credentials" and len(types) != len(set(types)):
            return 400, {"error": "Cannot assign multiple credentials of one type."}
        linked.append(body["id"])
        return 204, None


def _singular(kind: str) -> str:
    return kind.removesuffix("ies") + "y" if kind.endswith("ies") else kind.removesuffix("s")


def _matches(found: Document, query: Document) -> bool:
    return all(str(found.get(name)) == value for name, value in query.items())


class _Handler(BaseHTTPRequestHandler):
    api: AwxApi
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        url = urlsplit(self.path)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(401, {"detail": "Authentication credentials were not provided."})
        path = url.path.removeprefix(PREFIX)
        return self._send(*self.api.answer(self.command, path, dict(parse_qsl(url.query)), body))

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - names given by http.server

    def _send(self, status: int, document: Document | None) -> None:
        payload = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def serving(api: AwxApi) -> Iterator[str]:
    """Serves the stand-in while the context lasts; gives its address."""
    handler: Callable[..., _Handler] = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
