# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Tumblebug's status model: composite status, counts and which action is allowed when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lab.tumblebug.cloud import Action

IDLE = "None"
"""targetAction and targetStatus of an object on which nothing goes on."""

EMPTY = "Empty"
"""Status of an infra without machines."""

STATUSES = (
    "Creating",
    "Running",
    "Failed",
    "Suspended",
    "Rebooting",
    "Terminated",
    "Suspending",
    "Resuming",
    "Terminating",
    "Undefined",
)
TRANSITIONAL = frozenset({"Creating", "Suspending", "Resuming", "Rebooting", "Terminating"})
_TIE_ORDER = ("Failed", "Suspended", "Running", "Terminated", *STATUSES)


def composite(statuses: Sequence[str], *, failed_first: bool = False) -> str:
    """The status of an infra, e.g. ``Partial-Running:2 (R:2/3)``, from those of its machines.

    Args:
        statuses: status of each machine.
        failed_first: one Failed machine decides, however many others run (up to v0.11.4); only newer tags
            have a word for an infra without machines.
    """
    if not statuses and not failed_first:
        return EMPTY
    found = Counter(statuses)
    dominant = "Failed" if failed_first and found["Failed"] else _most_frequent(found)
    count = found[dominant]
    prefix = "" if count == len(statuses) else "Partial-"
    return f"{prefix}{dominant}:{count} (R:{found['Running']}/{len(statuses)})"


def _most_frequent(found: Counter[str]) -> str:
    most = max(found.values(), default=0)
    return next((status for status in _TIE_ORDER if found[status] == most), "Undefined")


def counts(statuses: Sequence[str], extra: Sequence[str] = ()) -> dict[str, int]:
    """The statusCount object; ``extra`` are statuses that only some eras count."""
    found = Counter(statuses)
    return {"countTotal": len(statuses), **{f"count{name}": found[name] for name in (*STATUSES, *extra)}}


def refusal(action: Action, status: str) -> bool:
    """Whether the action is not allowed for one machine in that status."""
    if status in TRANSITIONAL or status == "Terminated":
        return True
    if action is Action.TERMINATE:
        return False
    return (status == "Suspended") != (action is Action.RESUME)
