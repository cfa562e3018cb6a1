# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Suspend, resume and reboot: what is allowed when, and what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.cloud import Action
from lab.tumblebug.era import Era
from lab.tumblebug.lookup import Lookup
from lab.tumblebug.records import MachinePath, Records
from lab.tumblebug.render_shared import Json
from lab.tumblebug.status import IDLE, TRANSITIONAL, composite, refusal


class Controls:
    """The control routes of an era."""

    def __init__(self, era: Era, find: Lookup, records: Records) -> None:
        self._era = era
        self._find = find
        self._records = records

    def infra(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """Acts on every machine of an infra on which the action is allowed."""
        infra = self._find.infra(self._find.namespace(parameters["ns"]), parameters["infra"])
        action = _action(request)
        force = _forced(request)
        paths = [(parameters["ns"], infra.id, machine.id) for machine in infra.machines]
        if not force:
            self._check_infra(infra.id, action, paths)
        self._act(action, (path for path in paths if force or not self._refuses(path, action)))
        return {"message": f"{action.passing} the {self._era.infra_title}"}

    def machine(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """Acts on one machine."""
        path = self._find.machine_path(parameters)
        action = _action(request)
        if not _forced(request) and self._refuses(path, action):
            status = self._records.polled(path).status
            raise self._not_allowed(action, self._era.node_title, status)
        self._act(action, [path])
        return {"message": f"Working on {action.verb}"}

    def _check_infra(self, infra_id: str, action: Action, paths: Iterable[MachinePath]) -> None:
        records = [self._records.polled(path) for path in paths]
        busy = next((record for record in records if record.target_action != IDLE), None)
        if busy and self._era.refuses_when_busy:
            text = f"{self._era.infra_title} {infra_id} is under {busy.target_action}, please try later"
            raise Refused(500, text)
        status = composite([record.status for record in records], failed_first=self._era.failed_first)
        if any(word in status for word in TRANSITIONAL):
            raise self._not_allowed(action, self._era.infra_title, status)

    def _refuses(self, path: MachinePath, action: Action) -> bool:
        return refusal(action, self._records.polled(path).status)

    def _act(self, action: Action, paths: Iterable[MachinePath]) -> None:
        for path in paths:
            self._records.act(path, action)

    def _not_allowed(self, action: Action, kind: str, status: str) -> Refused:
        return Refused(500, f"{action.title} is not allowed for {kind} under {status}")


def _action(request: Request) -> Action:
    action = Action.of(request.query.get("action", ""))
    if action is None:
        known = ", ".join(each.verb for each in Action)
        raise Refused(500, f"'action' should be one of these: {known}")
    return action


def _forced(request: Request) -> bool:
    return request.query.get("force") == "true"
