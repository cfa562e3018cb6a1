# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What holds on this host now, in one place: whoever learns something says so, whoever cares is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from cladnet.core.host_state import Assessment, Conditions, assess, assess_for_report

_log = logging.getLogger(__name__)


class Health:
    """The conditions of this host and the state that follows from them.

    Args:
        on_change: called after the conditions have changed.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._conditions = Conditions()
        self._on_change = on_change
        self._logged = Assessment(assess(self._conditions).state)

    @property
    def conditions(self) -> Conditions:
        """All of them, now."""
        return self._conditions

    @property
    def assessment(self) -> Assessment:
        """State and reason, now."""
        return assess(self._conditions)

    @property
    def reported(self) -> Assessment:
        """State and reason as a controller is told."""
        return assess_for_report(self._conditions)

    def set(self, **changes: bool | str) -> None:
        """Changes conditions, by their names in ``Conditions``."""
        conditions = replace(self._conditions, **changes)  # type: ignore[arg-type]  # names and types are its own
        if conditions == self._conditions:
            return
        self._conditions = conditions
        self._log_transition()
        self._on_change()

    def _log_transition(self) -> None:
        assessment = self.assessment
        if assessment == self._logged:
            return
        self._logged = assessment
        level = logging.WARNING if assessment.reason else logging.INFO
        _log.log(level, "%s%s", assessment.state.value, f": {assessment.reason}" if assessment.reason else "")
