# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""From what is and what shall be to the change between: the one engine of the modules with a state. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum

Document = dict[str, t.Any]


class Action(Enum):
    """What has to be done."""

    NOTHING = "nothing"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Resource(t.Protocol):
    """A thing that can be made, changed and removed."""

    def create(self, spec: Document) -> Document:
        """Makes it and returns it as it is now."""

    def update(self, changes: Document) -> Document:
        """Changes what is given and returns it as it is now."""

    def delete(self) -> None:
        """Removes it."""


@dataclass(frozen=True)
class Plan:
    """One change; ``None`` is a thing that does not exist."""

    action: Action
    before: Document | None
    after: Document | None
    """As it will be, as far as can be told beforehand."""
    changes: Document
    """The options that differ, with their new values."""

    @property
    def is_change(self) -> bool:
        """Whether anything has to be done."""
        return self.action is not Action.NOTHING

    def diff(self, header: str) -> dict[str, t.Any]:
        """Returns the difference in the form that Ansible shows: only what a user can set."""
        return {
            "before": self._shown(self.before),
            "after": self._shown(self.after),
            "before_header": header,
            "after_header": header,
        }

    def apply(self, resource: Resource) -> Document | None:
        """Carries the change out and returns the thing as it is then."""
        if self.action is Action.CREATE:
            return resource.create(self.changes)
        if self.action is Action.UPDATE:
            return resource.update(self.changes)
        if self.action is Action.DELETE:
            resource.delete()
        return self.after

    def _shown(self, document: Document | None) -> Document:
        if document is None:
            return {}
        if self.action is Action.DELETE:
            return dict(document)
        return {key: document[key] for key in sorted(self.changes) if key in document}


def plan_presence(before: Document | None, desired: Document) -> Plan:
    """Plans that a thing exists with the given options; ``None`` as a value leaves that option as it is."""
    wanted = {key: value for key, value in desired.items() if value is not None}
    if before is None:
        return Plan(Action.CREATE, None, wanted, wanted)
    changes = {key: value for key, value in wanted.items() if before.get(key) != value}
    return Plan(Action.UPDATE if changes else Action.NOTHING, before, {**before, **changes}, changes)


def plan_absence(before: Document | None) -> Plan:
    """Plans that a thing does not exist."""
    return Plan(Action.NOTHING if before is None else Action.DELETE, before, None, {})
