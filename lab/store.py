# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The files of a lab: its topology as it was brought up, and its situation."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import situation as situations
from lab.errors import WrongStateError
from lab.situation import Situation


class Store:
    """Reads and writes the state folder of one lab."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "situation.json"

    @property
    def exists(self) -> bool:
        return self._file.exists()

    def read(self) -> Situation:
        """The situation as it is; raises FileNotFoundError if there is no lab."""
        return situations.decode(json.loads(self._file.read_text(encoding="utf-8")))

    def write(self, situation: Situation) -> None:
        """Replaces the situation; readers see the old one or the new one, never half of it."""
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(situations.encode(situation), indent=1), encoding="utf-8")
        draft.replace(self._file)

    @contextmanager
    def locked(self, what: str) -> Iterator[None]:
        """Lets one thread or process at a time change something, such as the addresses or one host."""
        with _opened(self._folder / f"{what}.lock", os.O_RDWR | os.O_CREAT) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Makes the folder for one ``up`` or ``down``, and removes it if it is empty at the end.

        Raises:
            WrongStateError: another ``up`` or ``down`` is at work.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with _opened(self._folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise WrongStateError("another command brings this lab up or down; wait for its end") from exc
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    self._folder.rmdir()


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
