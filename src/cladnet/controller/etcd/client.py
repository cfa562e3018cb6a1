# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A thin asyncio client of etcd v3: every call has a deadline and an outcome that the caller can act on."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from google.protobuf.message import Message
from grpc import aio

from cladnet.controller.etcd.connections import Connections, Purpose, TlsFiles
from cladnet.controller.etcd.errors import Ambiguous, HistoryChanged, StaleAuth, error_from
from cladnet.controller.etcd.txn import prefix_end
from cladnet.core.backoff import Backoff
from cladnet.core.errors import CladnetError, Unavailable
from cladnet.wire import etcd_pb2 as pb
from cladnet.wire import methods

# Without it a member that lost its quorum goes on streaming silence instead of an error.
REQUIRE_LEADER = (("hasleader", "true"),)

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0
_PAGE_KEYS = 2000


class _Reply(Protocol):
    @property
    def header(self) -> pb.ResponseHeader: ...


ReplyT = TypeVar("ReplyT", bound=_Reply)


@dataclass(frozen=True, slots=True)
class Listing:
    """All keys under a prefix as of one revision."""

    kvs: list[pb.KeyValue]
    revision: int


class EtcdClient:
    """One etcd cluster.

    Args:
        endpoints: "address:port" of each member.
        tls: files for TLS with a client certificate; None for plain text (loopback).
        attempt_s: deadline of one attempt, in seconds.
        budget_s: how long a call that may be repeated is repeated, in seconds.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        tls: TlsFiles | None = None,
        attempt_s: float = 2.0,
        budget_s: float = 3.0,
    ) -> None:
        self.connections = Connections(endpoints, tls)
        self.cluster_id = 0  # 0: not known yet
        self._attempt_s = attempt_s
        self._budget_s = budget_s

    async def close(self) -> None:
        """Closes all connections."""
        await self.connections.close()

    async def get(self, key: bytes) -> pb.KeyValue | None:
        """The key as of now (a linearizable read), or None.

        Raises:
            Unavailable: etcd does not answer in time.
        """
        reply = await self._range(pb.RangeRequest(key=key))
        return reply.kvs[0] if reply.kvs else None

    async def revision(self) -> int:
        """The revision of etcd as of now; shows that a quorum answers.

        Raises:
            Unavailable: etcd does not answer in time.
        """
        return (await self._range(pb.RangeRequest(key=b"\0", count_only=True))).header.revision

    async def list(self, prefix: bytes) -> Listing:
        """All keys under the prefix, read in pages that belong to one revision.

        Raises:
            Unavailable: etcd does not answer in time.
            Compacted: that revision was compacted between two pages.
        """
        request = pb.RangeRequest(key=prefix, range_end=prefix_end(prefix), limit=_PAGE_KEYS)
        kvs: list[pb.KeyValue] = []
        while True:
            reply = await self._range(request)
            kvs.extend(reply.kvs)
            request.revision = request.revision or reply.header.revision
            if not reply.more:
                return Listing(kvs, request.revision)
            request.key = kvs[-1].key + b"\0"

    async def txn(
        self,
        compare: Iterable[pb.Compare],
        success: Iterable[pb.RequestOp],
        failure: Iterable[pb.RequestOp] = (),
        *,
        repeatable: bool = False,
    ) -> pb.TxnResponse:
        """Runs one transaction, once, or until it is answered if it may be repeated (it only reads).

        Raises:
            Ambiguous: it may or may not have been applied.
            Unavailable: it was certainly not applied.
            LeaseNotFound: an operation named a lease that has run out.
        """
        request = pb.TxnRequest(compare=compare, success=success, failure=failure)
        return await self._call(methods.ETCD_TXN, request, pb.TxnResponse, repeatable=repeatable)

    async def compact(self, revision: int) -> None:
        """Lets etcd forget what was before the revision."""
        request = pb.CompactionRequest(revision=revision)
        await self._call(methods.ETCD_COMPACT, request, pb.CompactionResponse)

    async def grant_lease(self, ttl_s: int) -> int:
        """A new lease that ends ``ttl_s`` seconds after the last sign of life; returns its id.

        Raises:
            Unavailable: etcd does not answer in time.
        """
        request = pb.LeaseGrantRequest(TTL=ttl_s)  # repeated by mistake, it leaves a lease that ends unused
        return (await self._call(methods.ETCD_LEASE_GRANT, request, pb.LeaseGrantResponse)).ID

    async def revoke_lease(self, lease_id: int) -> None:
        """Ends a lease and deletes its keys.

        Raises:
            LeaseNotFound: it has ended already.
            Unavailable: etcd does not answer in time.
        """
        request = pb.LeaseRevokeRequest(ID=lease_id)
        await self._call(methods.ETCD_LEASE_REVOKE, request, pb.LeaseRevokeResponse)

    def accept(self, header: pb.ResponseHeader) -> None:
        """Learns the cluster's id from the first answer and holds every other answer against it.

        Raises:
            HistoryChanged: another cluster answered.
        """
        if header.cluster_id and not self.cluster_id:
            self.cluster_id = header.cluster_id
        if header.cluster_id and header.cluster_id != self.cluster_id:
            raise HistoryChanged(
                f"etcd at {self.connections.endpoint} is cluster {header.cluster_id:x}, "
                f"known until now was {self.cluster_id:x}.",
                hint="If etcd was not made anew or restored, check etcd_endpoints in controller.toml.",
            )

    def forget_cluster(self) -> None:
        """Lets the next answer say which cluster this is; what was known of the old one no longer holds."""
        self.cluster_id = 0

    async def _range(self, request: pb.RangeRequest) -> pb.RangeResponse:
        return await self._call(methods.ETCD_RANGE, request, pb.RangeResponse)

    async def _call(
        self, method: str, request: Message, reply_type: type[ReplyT], *, repeatable: bool = True
    ) -> ReplyT:
        end = time.monotonic() + self._budget_s
        backoff = Backoff(first_s=_FIRST_PAUSE_S, ceiling_s=_LONGEST_PAUSE_S, rng=random.SystemRandom())
        while True:
            turn = self.connections.turn
            left_s = end - time.monotonic()
            try:
                return await self._attempt(method, request, reply_type, min(self._attempt_s, left_s))
            except aio.AioRpcError as exc:
                error = error_from(exc.code(), exc.details())
                again = isinstance(error, StaleAuth) or self._may_repeat(error, turn, repeatable)
                pause_s = backoff.next_s()
                if not again or left_s < pause_s:
                    raise error from exc
            await asyncio.sleep(pause_s)

    async def _attempt(
        self, method: str, request: Message, reply_type: type[ReplyT], deadline_s: float
    ) -> ReplyT:
        call = self.connections.channel(Purpose.UNARY).unary_unary(
            method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=reply_type.FromString,  # type: ignore[attr-defined]
        )
        reply: ReplyT = await call(request, timeout=max(0.05, deadline_s))
        self.accept(reply.header)
        return reply

    def _may_repeat(self, error: CladnetError, turn: int, repeatable: bool) -> bool:
        """Leaves an endpoint that does not answer; says whether the call may be made again.

        Raises:
            Ambiguous: it may not, because nobody knows whether it was applied.
        """
        if error.__class__ is not Unavailable:  # its subclasses know more of the outcome
            return False
        self.connections.rotate(turn)
        if not repeatable:
            raise Ambiguous(f"{error.message} A write may or may not have been applied.") from error
        return True
