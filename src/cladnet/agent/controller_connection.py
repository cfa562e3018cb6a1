# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The connection of an agent to one controller: mutual TLS, HTTP/2 keepalive, typed calls, domain errors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from cladnet.core.errors import Unavailable
from cladnet.core.identity import CONTROLLER_NAME
from cladnet.core.orders import Orders
from cladnet.wire import agent_pb2, methods
from cladnet.wire.status import error_of

CONNECT_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 10.0
KEEPALIVE_MS = 10_000
KEEPALIVE_TIMEOUT_MS = 5_000
# A snapshot of 10,000 peers has about 1.2 MB; gRPC would stop at 4 MB.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

_Reply = TypeVar("_Reply", bound=Message)

_OPTIONS = (
    ("grpc.ssl_target_name_override", CONTROLLER_NAME),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_http_proxy", 0),  # controllers are reached directly, whatever the environment says
    ("grpc.use_local_subchannel_pool", 1),  # a new try is a new connection, not the back-off of an old one
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the two sides show each other, all as PEM."""

    ca: bytes
    certificate: bytes
    key: bytes = field(repr=False)


class ControllerConnection:
    """The calls of the agent stream, on one open channel.

    Every call raises the ``CladnetError`` that the controller meant, or Unavailable if there was no answer.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def report(self, request: agent_pb2.ReportRequest) -> agent_pb2.ReportReply:
        """Tells the controller what this host is."""
        return await self._call(methods.REPORT, request, agent_pb2.ReportReply)

    async def renew(self, request_pem: bytes) -> bytes:
        """A new certificate (PEM) for a request (PEM)."""
        reply = await self._call(
            methods.RENEW, agent_pb2.RenewRequest(csr_pem=request_pem), agent_pb2.RenewReply
        )
        return bytes(reply.certificate_pem)

    async def leave(self) -> None:
        """Takes this host out of its network."""
        await self._call(methods.LEAVE, agent_pb2.LeaveRequest(), agent_pb2.LeaveReply)

    async def finish_test(self, request: agent_pb2.FinishTestRequest) -> None:
        """Tells what came out of a connectivity test."""
        await self._call(methods.FINISH_TEST, request, agent_pb2.FinishTestReply)

    async def watch(
        self, cluster_id: int, revision: int, orders: Orders | None = None
    ) -> AsyncGenerator[agent_pb2.WatchReply, None]:
        """The networking rule and its changes from a revision on, until the stream breaks.

        Args:
            cluster_id: to which the revision belongs.
            revision: the last one applied.
            orders: that this host follows.
        """
        orders = orders or Orders()
        request = agent_pb2.WatchRequest(
            cluster_id=cluster_id,
            revision=revision,
            orders=agent_pb2.Orders(down=orders.is_down, rekeys_requested=orders.rekeys_requested),
        )
        stream = self._channel.unary_stream(
            methods.WATCH,
            request_serializer=agent_pb2.WatchRequest.SerializeToString,
            response_deserializer=agent_pb2.WatchReply.FromString,
        )
        with _domain_errors():
            async for reply in stream(request):
                yield reply
        raise Unavailable("the controller ended the stream")

    async def _call(self, method: str, request: Message, reply_type: type[_Reply]) -> _Reply:
        call = self._channel.unary_unary(
            method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=reply_type.FromString,
        )
        with _domain_errors():
            reply: _Reply = await call(request, timeout=CALL_TIMEOUT_S)
        return reply


@contextlib.asynccontextmanager
async def connect(address: str, port: int, credentials: Credentials) -> AsyncIterator[ControllerConnection]:
    """An open connection to the controller at an address (IPv4, IPv6 or a name).

    Raises:
        Unavailable: no connection within ``CONNECT_TIMEOUT_S``, or the controller is not ours.
    """
    host = f"[{address}]" if ":" in address else address
    secure = grpc.ssl_channel_credentials(credentials.ca, credentials.key, credentials.certificate)
    async with grpc.aio.secure_channel(f"{host}:{port}", secure, options=_OPTIONS) as channel:
        await _wait_until_ready(channel, f"{host}:{port}")
        yield ControllerConnection(channel)


async def _wait_until_ready(channel: grpc.aio.Channel, target: str) -> None:
    """Fails fast where gRPC would try on by itself: there are other controllers to try."""

    async def settle() -> grpc.ChannelConnectivity:
        state = channel.get_state(try_to_connect=True)
        while state in (grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING):
            await channel.wait_for_state_change(state)
            state = channel.get_state()
        return state

    try:
        state = await asyncio.wait_for(settle(), CONNECT_TIMEOUT_S)
    except asyncio.TimeoutError as exc:
        raise Unavailable(f"no controller answers at {target}") from exc
    if state is not grpc.ChannelConnectivity.READY:
        raise Unavailable(f"no controller accepts this host at {target} (refused, or other certificates)")


@contextlib.contextmanager
def _domain_errors() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as exc:
        raise error_of(exc.code(), exc.details()) from exc
