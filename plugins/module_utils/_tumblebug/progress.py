# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What Tumblebug says about how far the machines of an infra are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .client import ERAS
from .vm import RUNNING

SUSPENDED = "Suspended"
FAILED = "Failed"
UNDEFINED = "Undefined"
GONE = frozenset({"Terminated", FAILED})
"""Statuses of machines that will never work again."""

TRANSITIONAL = frozenset(
    {"Creating", "Suspending", "Resuming", "Rebooting", "Terminating", "Registering", "Reconciling"}
)
"""Statuses on the way to others."""

_WITHOUT_MACHINES_YET = ("Preparing", "Prepared", "Creating")
_IDLE = ("", "None")


@dataclass(frozen=True)
class Progress:
    """Where one machine is."""

    id: str
    status: str
    action: str = ""  # what is being done to it; "None" means nothing
    message: str = ""  # why, in the words of Tumblebug or the cloud

    @property
    def is_settled(self) -> bool:
        """Whether nothing goes on with it any more."""
        if self.status in GONE:
            return True
        return bool(self.status) and self.status not in TRANSITIONAL and self.action in _IDLE

    @property
    def condition(self) -> str:
        """What it is, what is done to it, and why."""
        doing = "" if self.action in _IDLE or self.is_settled else f", action {self.action}"
        return f"{self.status or 'no status'}{doing}" + (f": {self.message}" if self.message else "")


def progress_of(era: str, document: Mapping[str, Any]) -> list[Progress]:
    """The machines in an infra or in its status object (option=status), with the reasons of failures."""
    inner = document.get("status")
    infra = inner if isinstance(inner, Mapping) else document
    reasons = creation_errors(infra)
    machines = _objects(infra.get(ERAS[era]))
    return sorted((_progress(machine, reasons) for machine in machines), key=lambda each: each.id)


def _progress(machine: Mapping[str, Any], reasons: Mapping[str, str]) -> Progress:
    vm_id = _text(machine.get("id"))
    return Progress(
        id=vm_id,
        status=_text(machine.get("status")),
        action=_text(machine.get("targetAction")),
        message=_text(machine.get("systemMessage")) or reasons.get(vm_id, ""),
    )


def is_being_made(infra: Mapping[str, Any]) -> bool:
    """Whether an infra is there, and its machines are still to come."""
    return not infra["vms"] and str(infra["status"]).startswith(_WITHOUT_MACHINES_YET)


def creation_errors(infra: Mapping[str, Any]) -> dict[str, str]:
    """Why machines could not be made, by their ids; since v0.11.3."""
    found = infra.get("creationErrors")
    errors = found if isinstance(found, Mapping) else {}
    lists = [value for key, value in errors.items() if key.endswith("CreationErrors")]
    entries = [entry for value in lists for entry in _objects(value)]
    names = [_text(entry.get("nodeName") or entry.get("vmName")) for entry in entries]
    return {name: _text(entry.get("error")) for name, entry in zip(names, entries)}


def system_message(infra: Mapping[str, Any]) -> str:
    """The message about the infra itself: a text, since v0.11.9 a list of texts."""
    found = infra.get("systemMessage")
    parts = found if isinstance(found, list) else [found]
    return "; ".join(text for text in map(_text, parts) if text)


def by_reason(reasons: Iterable[tuple[str, str]]) -> str:
    """Machines for a message, by what is wrong with them, which many often share: ``a, b (Failed: why)``."""
    groups: dict[str, list[str]] = {}
    for vm, reason in reasons:
        groups.setdefault(reason.rstrip("."), []).append(vm)
    return ", ".join(f"{', '.join(vms)} ({reason})" for reason, vms in groups.items())


def power_of(statuses: Iterable[str]) -> str:
    """running, suspended, or mixed, of the machines that still exist; empty if there is none."""
    found = {status for status in statuses if status not in GONE}
    if len(found) != 1:
        return "mixed" if found else ""
    return {RUNNING: "running", SUSPENDED: "suspended"}.get(found.pop(), "mixed")


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
