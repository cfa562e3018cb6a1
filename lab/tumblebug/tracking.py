# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Requests by their x-request-id: a client whose connection broke asks here how its request ended."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone

from lab.tumblebug.answers import Answer, Refused, Request
from lab.tumblebug.era import Era
from lab.tumblebug.render_shared import Json

HEADER = "X-Request-Id"
REMEMBERED = 500
HANDLERS_OF_ITSELF = frozenset({"request", "requests", "forget_request", "forget_requests"})
UNTRACKED_READS = frozenset({"infras", "infra", "vnets", "vnet", "ssh_keys", "ssh_key"})
"""Newer tags give no id to these."""


class Tracking:
    """The requests of an era, the newest ones; the header with the credentials is left out."""

    def __init__(self, era: Era) -> None:
        self._era = era
        self._requests: dict[str, Json] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(time.time_ns())

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {
            "request": self.one,
            "requests": self.all,
            "forget_request": self.forget,
            "forget_requests": self.forget_all,
        }

    def tracked(self, request: Request, handler: str, answered: Callable[[], Answer]) -> Answer:
        """The answer with the id of its request, unless this kind of request is not tracked."""
        if handler in HANDLERS_OF_ITSELF or (self._era.numeric and handler in UNTRACKED_READS):
            return answered()
        request_id = self._begin(request)
        answer = answered()
        self._end(request_id, answer)
        return replace(answer, headers={**answer.headers, HEADER: request_id})

    def one(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """GET /request/{id}."""
        found = self._requests.get(parameters["id"])
        if found is None:
            raise Refused(404, "Request ID not found")
        return found

    def all(self, request: Request, _parameters: Mapping[str, str]) -> Json:
        """GET /requests, filtered by status, method and a part of the URL; brief leaves the answers out."""
        query = request.query
        with self._lock:
            found = list(self._requests.values())
        found = [
            each
            for each in found
            if query.get("status", each["status"]).lower() == each["status"].lower()
            and query.get("method", each["requestInfo"]["method"]) == each["requestInfo"]["method"]
            and query.get("url", "") in each["requestInfo"]["url"]
        ]
        if query.get("brief") == "true":
            found = [{**each, "responseData": None} for each in found]
        return {"requests": found}

    def forget(self, _request: Request, parameters: Mapping[str, str]) -> Json:
        """DELETE /request/{id}."""
        with self._lock:
            if self._requests.pop(parameters["id"], None) is None:
                raise Refused(404, "Request ID not found")
        return {"message": "Request deleted successfully"}

    def forget_all(self, _request: Request, _parameters: Mapping[str, str]) -> Json:
        """DELETE /requests."""
        with self._lock:
            self._requests.clear()
        return {"message": "All requests deleted successfully"}

    def _begin(self, request: Request) -> str:
        details = {
            "startTime": _now(),
            "endTime": "0001-01-01T00:00:00Z",
            "status": "Handling",
            "requestInfo": _info(request),
            "responseData": None,
            "errorResponse": "",
        }
        with self._lock:
            request_id = self._chosen_id(request) or str(next(self._numbers))
            if request_id in self._requests:
                raise Refused(500, "Internal Server Error")
            self._requests[request_id] = details
            for oldest in list(self._requests)[:-REMEMBERED]:
                del self._requests[oldest]
        return request_id

    def _chosen_id(self, request: Request) -> str:
        """The client's id, which was ignored before v0.8.3."""
        if not self._era.has_uid:
            return ""
        return next((value for name, value in request.headers.items() if name.lower() == HEADER.lower()), "")

    def _end(self, request_id: str, answer: Answer) -> None:
        failed = answer.status >= 400
        outcome = {"errorResponse": answer.body["message"]} if failed else {"responseData": answer.body}
        status = "Error" if failed else "Success"
        with self._lock:
            if request_id in self._requests:
                self._requests[request_id] |= outcome | {"status": status, "endTime": _now()}


def _info(request: Request) -> Json:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    shown = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
    return {"method": request.method, "url": f"/tumblebug{request.path}", "header": shown, "body": body}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
