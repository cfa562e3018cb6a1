# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The gRPC server of the agent stream: sockets, certificates, and errors as status codes."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from grpc import aio

from cladnet.controller.agent_service import AgentService, member_of
from cladnet.controller.authority import KeyPair
from cladnet.controller.stored_host import Member
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import CladnetError, InvalidInput
from cladnet.wire import agent_pb2 as pb
from cladnet.wire import methods
from cladnet.wire.status import code_of

log = logging.getLogger(__name__)

RequestT = TypeVar("RequestT", bound=Message)
ReplyT = TypeVar("ReplyT", bound=Message)

_MOST_REQUEST_BYTES = 1 << 20
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 0),  # a second controller on this port is a mistake, not a share of the load
    ("grpc.max_concurrent_streams", 1_000_000),
    ("grpc.max_receive_message_length", _MOST_REQUEST_BYTES),
    ("grpc.max_send_message_length", 64 << 20),
    # A host that is gone without a word is noticed after half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Agents ping every 10 s; a server's own default allows one ping in 5 minutes.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
)

Context = aio.ServicerContext[Message, Message]
Unary = Callable[[Member, RequestT], Awaitable[ReplyT]]


class AgentServer:
    """Serves ``AgentService`` over mutual TLS.

    Args:
        service: what is served.
        listen: where.
        server_pair: gives the controller's key and certificate; asked again for every new connection.
        ca_pem: the CA whose certificates hosts must show.

    Raises:
        InvalidInput: the port cannot be used.
    """

    def __init__(
        self, service: AgentService, listen: Endpoint, server_pair: Callable[[], KeyPair], ca_pem: bytes
    ) -> None:
        self._server = aio.server(options=_OPTIONS)
        handlers = grpc.method_handlers_generic_handler(methods.AGENT_SERVICE, _handlers(service))
        self._server.add_generic_rpc_handlers((handlers,))
        try:
            self._server.add_secure_port(str(listen), _credentials(server_pair, ca_pem))
        except RuntimeError as exc:
            raise InvalidInput(
                f"agent_listen: {listen} cannot be used.", hint="Is another program listening there?"
            ) from exc

    async def start(self) -> None:
        """Begins to serve."""
        await self._server.start()

    async def stop(self, grace_s: float) -> None:
        """Ends all calls; those under way have ``grace_s`` seconds."""
        await self._server.stop(grace_s)


def _credentials(server_pair: Callable[[], KeyPair], ca_pem: bytes) -> grpc.ServerCredentials:
    def configuration(pair: KeyPair) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(pair.key_pem, pair.certificate_pem)], root_certificates=ca_pem
        )

    current = server_pair()

    def news() -> grpc.ServerCertificateConfiguration | None:
        """What gRPC asks for at each new connection: nothing, if it has the latest."""
        nonlocal current
        pair = server_pair()
        if pair == current:
            return None
        current = pair
        return configuration(pair)

    return grpc.dynamic_ssl_server_credentials(
        configuration(current),
        news,  # type: ignore[arg-type]  # its documentation allows None, its type stub does not
        require_client_authentication=True,
    )


def _handlers(service: AgentService) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    return {
        "Report": _unary(service.report, pb.ReportRequest),
        "Renew": _unary(service.renew, pb.RenewRequest),
        "FinishTest": _unary(service.finish_test, pb.FinishTestRequest),
        "Leave": _unary(service.leave, pb.LeaveRequest),
        "Watch": grpc.unary_stream_rpc_method_handler(
            _watch(service), request_deserializer=pb.WatchRequest.FromString
        ),
    }


def _unary(
    method: Unary[RequestT, ReplyT], request_type: type[RequestT]
) -> grpc.RpcMethodHandler[RequestT, ReplyT]:
    async def handle(request: RequestT, context: Context) -> ReplyT:
        try:
            return await method(member_of(context.auth_context()), request)
        except Exception as exc:
            await _abort(context, exc)
            raise

    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request_type.FromString, response_serializer=_serialize
    )


def _watch(service: AgentService) -> Callable[[pb.WatchRequest, Context], AsyncGenerator[bytes, None]]:
    async def handle(request: pb.WatchRequest, context: Context) -> AsyncGenerator[bytes, None]:
        try:
            async for message in service.watch(member_of(context.auth_context()), request):
                yield message
        except Exception as exc:
            await _abort(context, exc)
            raise

    return handle


async def _abort(context: Context, error: Exception) -> None:
    """Ends the call with the status that fits; what we did not foresee is told to the log only."""
    if isinstance(error, CladnetError):
        await context.abort(code_of(error), str(error))
    log.error("A call of a host failed unexpectedly.", exc_info=error)
    await context.abort(grpc.StatusCode.INTERNAL, "The controller failed; its log says why.")


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
