# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a tunnel and its workers agree on; apart, so that a tunnel does not load what only workers need."""

from __future__ import annotations

from dataclasses import dataclass

MAX_MESSAGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a worker is started with; numbers of inherited descriptors among them.

    Args:
        number: of this worker, from 0.
        workers: how many there are.
        mtu_bytes: of the TUN device.
        has_uso: whether the TUN device takes UDP segments in bulk.
        copy_dscp: whether outer packets get the DSCP of inner ones.
    """

    number: int
    workers: int
    mtu_bytes: int
    has_uso: bool
    copy_dscp: bool
    channel: int
    memory: int
    tun: int
    udp: int

    def arguments(self) -> list[str]:
        """For the command line."""
        values = (
            self.number,
            self.workers,
            self.mtu_bytes,
            int(self.has_uso),
            int(self.copy_dscp),
            self.channel,
            self.memory,
            self.tun,
            self.udp,
        )
        return [str(value) for value in values]

    @classmethod
    def parse(cls, arguments: list[str]) -> WorkerConfig:
        """What `arguments` gave."""
        number, workers, mtu_bytes, has_uso, copy_dscp, *descriptors = map(int, arguments)
        return cls(number, workers, mtu_bytes, bool(has_uso), bool(copy_dscp), *descriptors)
