# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What holds for every request: its size has a limit, and every change is written to the log."""

from __future__ import annotations

import logging

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cladnet.controller.rest.errors import error_response
from cladnet.core.errors import InvalidInput

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 1 << 20
_TOO_LARGE = 413
_NO_MORE = {"Connection": "close"}  # or the rest of the body would be read, and thrown away
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class LimitBody:
    """Refuses bodies larger than ``MOST_BODY_BYTES``, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > MOST_BODY_BYTES:
            response = error_response(_too_large())
            response.headers.update(_NO_MORE)
            await response(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > MOST_BODY_BYTES:
                raise HTTPException(_TOO_LARGE, str(_too_large()), _NO_MORE)
            return message

        await self._app(scope, counted, send)


class Audit:
    """Writes to the log who changed what, and with what result; never what was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        client = scope.get("client") or ("?", 0)

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                log.info(
                    "audit: %s %r from %s: %d", scope["method"], scope["path"], client[0], message["status"]
                )
            await send(message)

        await self._app(scope, receive, noted)


def _too_large() -> InvalidInput:
    return InvalidInput(f"The body is larger than {MOST_BODY_BYTES} bytes.")
