# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Connections to etcd: which endpoint is in use, and one gRPC channel per endpoint and purpose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import grpc
from grpc import aio

from cladnet.core.errors import InvalidInput

_MIB = 1 << 20
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 10_000),  # etcd ends connections that ping more often than every 5 s
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    (
        "grpc.min_reconnect_backoff_ms",
        2_000,
    ),  # in spite of its name, the time that one attempt to connect has
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", 64 * _MIB),
    ("grpc.max_send_message_length", 8 * _MIB),
    ("grpc.use_local_subchannel_pool", 1),  # a TCP connection of its own for each channel
    ("grpc.enable_retries", 0),  # we alone know which calls may be repeated
)


class Purpose(Enum):
    """What a connection is for: large reads on a connection starve the watches on it (etcd issue 15402)."""

    UNARY = "unary"
    WATCH = "watch"
    LEASE = "lease"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files with which a controller and etcd know each other."""

    ca: Path
    cert: Path
    key: Path

    def credentials(self) -> grpc.ChannelCredentials:
        """Reads the files.

        Raises:
            InvalidInput: one of them cannot be read.
        """
        try:
            ca, cert, key = (path.read_bytes() for path in (self.ca, self.cert, self.key))
        except OSError as exc:
            raise InvalidInput(f"The file {exc.filename} for etcd cannot be read: {exc.strerror}.") from exc
        return grpc.ssl_channel_credentials(ca, key, cert)


class Connections:
    """The endpoints of an etcd cluster, one of them in use, the next one after trouble.

    Args:
        endpoints: "address:port" of each member.
        tls: files for TLS with a client certificate; None for plain text (loopback).
    """

    def __init__(self, endpoints: Sequence[str], tls: TlsFiles | None) -> None:
        self._endpoints = random.sample(list(endpoints), len(endpoints))  # spreads the controllers
        self._credentials = tls.credentials() if tls else None
        self._channels: dict[tuple[str, Purpose], aio.Channel] = {}
        self.turn = 0

    @property
    def endpoint(self) -> str:
        """The endpoint in use."""
        return self._endpoints[self.turn % len(self._endpoints)]

    def channel(self, purpose: Purpose) -> aio.Channel:
        """The channel to the endpoint in use."""
        key = (self.endpoint, purpose)
        if key not in self._channels:
            self._channels[key] = self._open(*key)
        return self._channels[key]

    def rotate(self, seen_turn: int) -> None:
        """Goes on to the next endpoint, unless another call did so since ``seen_turn``."""
        if seen_turn == self.turn:
            self.turn += 1

    async def close(self) -> None:
        """Closes all channels."""
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            await channel.close()

    def _open(self, endpoint: str, purpose: Purpose) -> aio.Channel:
        # gRPC shares state between channels with equal arguments: the purpose keeps them apart.
        options = [*_OPTIONS, ("cladnet.purpose", purpose.value)]
        if self._credentials is None:
            return aio.insecure_channel(endpoint, options)
        return aio.secure_channel(endpoint, self._credentials, options)
