# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The STUN server: tells whoever asks which endpoint the question came from (RFC 8489)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from cladnet.core import stun
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput


class _Responder(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Up to Python 3.11 asyncio's own transport is no subclass of DatagramTransport: no isinstance.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        transaction_id = stun.read_binding_request(data)
        if transaction_id is None or self._transport is None or not addr[1]:
            return
        answer = stun.binding_response(transaction_id, Endpoint(addr[0], addr[1]))
        self._transport.sendto(answer, addr)


async def serve_stun(listen: Endpoint) -> asyncio.DatagramTransport:
    """Answers Binding requests until the transport is closed.

    Args:
        listen: where; "[::]" takes IPv4 as well.

    Raises:
        InvalidInput: the port cannot be used.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, _unused = await loop.create_datagram_endpoint(
            _Responder, local_addr=(listen.address, listen.port)
        )
    except OSError as exc:
        raise InvalidInput(f"stun_listen: {listen} cannot be used: {exc.strerror}.") from exc
    return transport
