# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Answers questions about the agent on a UNIX socket: one JSON line in, one JSON line out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from cladnet.core.errors import CladnetError, InvalidInput, Unavailable

_log = logging.getLogger(__name__)

SOCKET_MODE = 0o660
MAX_REQUEST_BYTES = 65536
REQUEST_TIMEOUT_S = 5.0

Reply = Mapping[str, Any]
Command = Callable[[], Awaitable[Reply]]


@contextlib.asynccontextmanager
async def status_server(path: Path, commands: Mapping[str, Command]) -> AsyncIterator[None]:
    """Serves the commands at the path as long as the context lives.

    Args:
        path: of the socket; one that is left over from an earlier run is replaced.
        commands: by the name that a request gives, as in ``{"command": "status"}``.

    Raises:
        Unavailable: the socket cannot be made.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(reader, writer, commands)

    server = await asyncio.start_unix_server(serve, sock=_listening_socket(path), limit=MAX_REQUEST_BYTES)
    try:
        yield
    finally:
        server.close()
        _remove(path)


def _listening_socket(path: Path) -> socket.socket:
    """Bound before it is opened to others, so that nobody gets in by the process's umask."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(path)
        listening.bind(str(path))
        path.chmod(SOCKET_MODE)
    except OSError as exc:
        listening.close()
        raise Unavailable(f"The socket {path} cannot be made: {exc.strerror or exc}.") from exc
    return listening


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, commands: Mapping[str, Command]
) -> None:
    with contextlib.suppress(OSError, asyncio.TimeoutError):  # whoever asked has gone
        line = await asyncio.wait_for(_read_line(reader), REQUEST_TIMEOUT_S)
        writer.write(json.dumps(await _answer(line, commands)).encode() + b"\n")
        await writer.drain()
    writer.close()


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than the limit
        return b""


async def _answer(line: bytes, commands: Mapping[str, Command]) -> Reply:
    try:
        return await _command(line, commands)()
    except CladnetError as exc:
        return {"error": {"code": exc.code, "message": exc.message, "hint": exc.hint}}
    except Exception:  # a question must not take the tunnel down
        _log.exception("status request")
        return {"error": {"code": "error", "message": "the agent failed to answer; see its log", "hint": ""}}


def _command(line: bytes, commands: Mapping[str, Command]) -> Command:
    try:
        return commands[json.loads(line)["command"]]
    except (ValueError, KeyError, TypeError) as exc:
        raise InvalidInput(f"expected a JSON line with one of these commands: {', '.join(commands)}") from exc
