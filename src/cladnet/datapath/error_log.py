# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Reports errors that may come with every packet, without filling the disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass

REPEAT_AFTER_S = 300.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Silence:
    until_s: float
    suppressed: int = 0


class ErrorLog:
    """Logs each kind of error, an operation and an errno, at most once in `REPEAT_AFTER_S` seconds."""

    def __init__(self) -> None:
        self._silences: dict[tuple[str, int | None], _Silence] = {}

    def report(self, operation: str, where: object, cause: OSError, now_s: float) -> None:
        """Notes that an operation failed.

        Args:
            operation: what was tried, as in "sending to".
            where: on what it was tried; does not make another kind.
            cause: what the kernel said.
            now_s: monotonic seconds.
        """
        kind = (operation, cause.errno)
        silence = self._silences.get(kind)
        if silence is not None and now_s < silence.until_s:
            silence.suppressed += 1
            return
        before = f" ({silence.suppressed} more of these since the last report)" if silence else ""
        _log.warning("%s %s failed: %s%s", operation, where, cause.strerror or cause, before)
        self._silences[kind] = _Silence(now_s + REPEAT_AFTER_S)
