# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Control actions on infras and machines: what is allowed when, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.cloud import Action
from lab.tumblebug.deletion import Deletion
from lab.tumblebug.era import Era
from lab.tumblebug.holding import Holding
from lab.tumblebug.lookup import Lookup
from lab.tumblebug.records import MachinePath, Records
from lab.tumblebug.render_shared import Json
from lab.tumblebug.status import IDLE, TRANSITIONAL, composite, refusal

HOLD_ACTIONS = {"continue": "Continue", "withdraw": "Withdraw"}


class Controls:
    """The control routes of an era."""

    def __init__(
        self, era: Era, *, find: Lookup, records: Records, deletion: Deletion, holding: Holding
    ) -> None:
        self._era = era
        self._find = find
        self._records = records
        self._deletion = deletion
        self._holding = holding

    @property
    def handlers(self) -> Mapping[str, Callable[[Request, Mapping[str, str]], object]]:
        return {"control_infra": self.infra, "control_machine": self.machine}

    def infra(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """Acts on every machine of an infra on which the action is allowed."""
        infra = self._find.infra(self._find.namespace(parameters["ns"]), parameters["infra"])
        verb = request.query.get("action", "").lower()
        if verb in HOLD_ACTIONS and self._era.holds:
            self._holding.decide(parameters["ns"], infra.id, verb)
            return {"message": f"{HOLD_ACTIONS[verb]} the holding {self._era.infra_title}"}
        paths = [(parameters["ns"], infra.id, machine.id) for machine in infra.machines]
        if verb == "refine":
            return {"message": self._refined(parameters["ns"], infra.id, paths)}
        return {"message": self._acted(infra.id, self._action(verb), paths, force=_forced(request))}

    def machine(self, request: Request, parameters: Mapping[str, str]) -> Json:
        """Acts on one machine."""
        path = self._find.machine_path(parameters)
        action = self._action(request.query.get("action", "").lower())
        record = self._records.polled(path)
        if self._is_done(action, record.status):
            return {"message": "Already terminated"}
        if not _forced(request) and refusal(action, record.status):
            raise self._not_allowed(action, self._era.node_title, record.status)
        if not record.machine.resource:
            raise Refused(500, f"Not valid requested CSPNative{self._era.node_title.capitalize()}Id: []")
        self._act(action, [path])
        return {"message": f"Working on {action.verb}"}

    def _refined(self, namespace: str, infra_id: str, paths: list[MachinePath]) -> str:
        if not paths:
            return f"No {self._era.node_title} in the {self._era.infra_title}"
        self._deletion.refine(namespace, infra_id)
        return f"Refined the {self._era.infra_title}"

    def _acted(self, infra_id: str, action: Action, paths: list[MachinePath], *, force: bool) -> str:
        if action is Action.TERMINATE and not paths:
            return f"No {self._era.node_title} to terminate in the {self._era.infra_title}"
        if not paths:
            raise Refused(500, f"{self._era.node_title} list is empty")
        if not force:
            self._check_infra(infra_id, action, paths)
        allowed = [path for path in paths if self._records.polled(path).at_cloud]
        self._act(action, (path for path in allowed if force or not self._refuses(path, action)))
        if action is Action.TERMINATE:
            return f"Terminated the {self._era.infra_title}"
        return f"{action.passing} the {self._era.infra_title}"

    def _check_infra(self, infra_id: str, action: Action, paths: Iterable[MachinePath]) -> None:
        records = [self._records.polled(path) for path in paths]
        busy = next((record for record in records if record.target_action != IDLE), None)
        if busy and self._era.refuses_when_busy:
            text = f"{self._era.infra_title} {infra_id} is under {busy.target_action}, please try later"
            raise Refused(500, text)
        status = composite([record.status for record in records], failed_first=self._era.failed_first)
        if any(word in status for word in TRANSITIONAL):
            raise self._not_allowed(action, self._era.infra_title, status)

    def _is_done(self, action: Action, status: str) -> bool:
        """Newer tags take the termination of a terminated machine as done."""
        return self._era.numeric and action is Action.TERMINATE and status == action.final

    def _refuses(self, path: MachinePath, action: Action) -> bool:
        return refusal(action, self._records.polled(path).status)

    def _act(self, action: Action, paths: Iterable[MachinePath]) -> None:
        for path in paths:
            self._records.act(path, action)

    def _not_allowed(self, action: Action, kind: str, status: str) -> Refused:
        return Refused(500, f"{action.title} is not allowed for {kind} under {status}")

    def _action(self, verb: str) -> Action:
        action = Action.of(verb)
        if action is None:
            more = ["refine", *(HOLD_ACTIONS if self._era.holds else ())]
            known = ", ".join([each.verb for each in Action if each.verb] + more)
            raise Refused(500, f"'action' should be one of these: {known}")
        return action


def _forced(request: Request) -> bool:
    return request.query.get("force") == "true"
