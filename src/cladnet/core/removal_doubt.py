# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""When a host believes that it is no member of its network any more.

A controller over a damaged or restored store knows nobody, and would take every tunnel down with one answer.
So a refusal counts when the controllers gave it for ``CONFIRMATION_S`` without one that accepts this host, or
when this host saw its own removal, by name, among the changes of the rule.
"""

from __future__ import annotations

from cladnet.core.snapshot_hold import CONFIRMATION_S


class RemovalDoubt:
    """What has been heard about the removal of this host. Times are a monotonic clock in seconds."""

    def __init__(self) -> None:
        self._refused_since_s: float | None = None
        self._is_named = False

    def named(self) -> None:
        """The rule's changes named this host as removed."""
        self._is_named = True

    def refused(self, *, now_s: float) -> bool:
        """A controller does not know this host; True when that is to be believed."""
        if self._refused_since_s is None:
            self._refused_since_s = now_s
        return self._is_named or now_s >= self._refused_since_s + CONFIRMATION_S

    def accepted(self) -> None:
        """A controller knows this host: all doubt is gone."""
        self._refused_since_s = None
        self._is_named = False
