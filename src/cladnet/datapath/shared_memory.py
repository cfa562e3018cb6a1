# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Memory that a tunnel shares with its workers, and locks in it that a process loses when it dies."""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

from cladnet.core.forwarding.memory import Memory

_LOCK_BYTES = 8


class SharedMemory:
    """An anonymous file in memory.

    Args:
        descriptor: of the file.
        workers: how many processes forward.
    """

    def __init__(self, descriptor: int, workers: int) -> None:
        self.descriptor = descriptor
        self._mapped = mmap.mmap(descriptor, Memory.size_bytes(workers))
        self.memory = Memory(memoryview(self._mapped), workers=workers, lock=self._locked)

    @classmethod
    def create(cls, workers: int) -> SharedMemory:
        """Makes it, full of zeros; pages that nobody touches take no room."""
        descriptor = os.memfd_create("cladnet", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, Memory.size_bytes(workers))
        return cls(descriptor, workers)

    def close(self) -> None:
        """Gives up the file; the mapping goes with the last view of it."""
        os.close(self.descriptor)

    @contextmanager
    def _locked(self, offset: int) -> Iterator[None]:
        """Record locks: the kernel frees them whatever happens to the process."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX, _LOCK_BYTES, offset)
        try:
            yield
        finally:
            fcntl.lockf(self.descriptor, fcntl.LOCK_UN, _LOCK_BYTES, offset)
