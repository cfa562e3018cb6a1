# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Creations with option=hold: they wait until a control action says how to go on."""

from __future__ import annotations

import threading

Key = tuple[str, str]
"""namespace and infra"""


class Holding:
    """What control actions have decided about infras, whether anybody waits for it or not."""

    def __init__(self) -> None:
        self._decisions: dict[Key, str] = {}
        self._lock = threading.Lock()

    def decide(self, namespace: str, infra: str, action: str) -> None:
        """Notes ``continue`` or ``withdraw``."""
        with self._lock:
            self._decisions[namespace, infra] = action

    def decision(self, namespace: str, infra: str) -> str | None:
        """What was decided, or None."""
        return self._decisions.get((namespace, infra))

    def taken(self, namespace: str, infra: str) -> str:
        """What was decided; the next creation of that name waits again."""
        with self._lock:
            return self._decisions.pop((namespace, infra))
