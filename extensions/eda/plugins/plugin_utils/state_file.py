# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What a source remembers across restarts of ansible-rulebook: one JSON object in one file."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput

SAVE_EVERY_S = 1.0
Document = dict[str, Any]
State = TypeVar("State")


class StateFile:
    """Reads a state, and writes it in one step: a crash leaves the old one or the new one, never half of it.

    Args:
        path: the file, or empty for nothing to be remembered.
        scope: what the state is about; a state about something else is not read.
        now: clock in seconds.
    """

    def __init__(self, path: str, scope: Document, now: Callable[[], float] = time.monotonic) -> None:
        self._path = Path(path).expanduser() if path else None
        self._scope = json.loads(json.dumps(scope))  # as it is read again
        self._now = now
        self._saved_at_s = now()
        self._saved: Document | None = None

    async def load(self, of_document: Callable[[Document], State]) -> State | None:
        """The state, or None if there is none about this scope.

        Args:
            of_document: makes a state of what ``save`` got; raises KeyError, TypeError or ValueError.

        Raises:
            InvalidInput: the file cannot be read, or holds something else.
        """
        if self._path is None:
            return None
        return await asyncio.to_thread(self._load, self._path, of_document)

    @property
    def is_due(self) -> bool:
        """Whether it is long enough ago that the state was written."""
        return self._path is not None and self._now() >= self._saved_at_s + SAVE_EVERY_S

    async def save(self, state: Document) -> None:
        """Writes a state, if it is another one. Nobody may change the object while this is awaited.

        Raises:
            InvalidInput: the file cannot be written.
        """
        if self._path is None:
            return
        self._saved_at_s = self._now()
        if state == self._saved:
            return
        await asyncio.to_thread(self._replace, self._path, state)
        self._saved = state

    def _load(self, path: Path, of_document: Callable[[Document], State]) -> State | None:
        try:
            found = json.loads(path.read_bytes())
            return of_document(found["state"]) if found["scope"] == self._scope else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as exc:
            raise InvalidInput(
                f"state_file {path} cannot be read ({type(exc).__name__}: {exc}).",
                hint="Correct the path; if the file is damaged, delete it to begin with what is there now.",
            ) from exc

    def _replace(self, path: Path, state: Document) -> None:
        content = json.dumps({"scope": self._scope, "state": state}).encode()
        try:
            _write(path, content)
        except OSError as exc:
            raise InvalidInput(
                f"state_file {path} cannot be written: {exc.strerror}.",
                hint="Its directory must exist and be writable for the user of ansible-rulebook.",
            ) from exc


def _write(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:  # made with mode 0600
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
