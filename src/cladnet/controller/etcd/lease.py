# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A lease that is kept alive, and the moment from which its holder must no longer act as holder."""

from __future__ import annotations

import asyncio
import random
import time

from grpc import aio

from cladnet.controller.etcd.client import REQUIRE_LEADER, EtcdClient
from cladnet.controller.etcd.connections import Purpose
from cladnet.controller.etcd.errors import error_from
from cladnet.core.backoff import Backoff
from cladnet.core.errors import CladnetError, Unavailable
from cladnet.wire import etcd_pb2 as pb
from cladnet.wire import methods

_FIRST_PAUSE_S = 0.1


class Lease:
    """A granted lease.

    Args:
        client: connection to etcd.
        lease_id: as granted.
        ttl_s: time to live, in seconds.
    """

    def __init__(self, client: EtcdClient, lease_id: int, ttl_s: int) -> None:
        self.lease_id = lease_id
        self._client = client
        self._ttl_s = ttl_s
        self._deadline = time.monotonic() + ttl_s

    @classmethod
    async def grant(cls, client: EtcdClient, ttl_s: int) -> Lease:
        """Takes a new lease.

        Raises:
            Unavailable: etcd does not answer in time.
        """
        asked = time.monotonic()
        lease = cls(client, await client.grant_lease(ttl_s), ttl_s)
        lease._deadline = asked + ttl_s
        return lease

    async def keep(self) -> None:
        """Keeps the lease alive; returns when it is lost, at the latest when etcd may have ended it."""
        while True:
            await asyncio.sleep(self._ttl_s / 3)
            if not await self._renew_in_time():
                return

    async def _renew_in_time(self) -> bool:
        """One renewal, tried on every endpoint until the lease may have ended."""
        backoff = Backoff(first_s=_FIRST_PAUSE_S, ceiling_s=self._ttl_s / 10, rng=random.SystemRandom())
        while time.monotonic() < self._deadline:
            turn, asked = self._client.connections.turn, time.monotonic()
            try:
                ttl_s = await self._renew()
            except CladnetError:
                self._client.connections.rotate(turn)
                await asyncio.sleep(backoff.next_s())
                continue
            self._deadline = asked + ttl_s  # counted from before the request: never later than etcd counts
            return ttl_s > 0
        return False

    async def _renew(self) -> int:
        """One request on a stream of its own: a hung member cannot go unnoticed. Returns the new TTL."""
        stream = self._client.connections.channel(Purpose.LEASE).stream_stream(
            methods.ETCD_LEASE_KEEP_ALIVE,
            request_serializer=pb.LeaseKeepAliveRequest.SerializeToString,
            response_deserializer=pb.LeaseKeepAliveResponse.FromString,
        )
        call = stream(timeout=max(0.3, self._ttl_s / 4), metadata=REQUIRE_LEADER)
        try:
            await call.write(pb.LeaseKeepAliveRequest(ID=self.lease_id))
            response = await call.read()
        except aio.AioRpcError as exc:
            raise error_from(exc.code(), exc.details()) from exc
        except asyncio.InvalidStateError as exc:  # what grpc.aio says to a write on a stream that has ended
            raise Unavailable("etcd does not answer (the keepalive stream ended).") from exc
        finally:
            call.cancel()
        if not isinstance(response, pb.LeaseKeepAliveResponse):
            raise error_from(await call.code(), await call.details())
        self._client.accept(response.header)
        return response.TTL
