# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cladnet.agent.status_server import MAX_REQUEST_BYTES, status_server
from cladnet.core.errors import Unavailable


async def status() -> dict[str, Any]:
    return {"state": "tunneling"}


async def leave() -> dict[str, Any]:
    raise Unavailable("no controller is connected", hint="Try again.")


async def broken() -> dict[str, Any]:
    raise ZeroDivisionError


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "run" / "agent.sock"
    async with status_server(path, {"status": status, "leave": leave, "broken": broken}):
        yield path
    assert not path.exists()


async def ask(path: Path, request: bytes) -> Any:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    reply = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return json.loads(reply)


async def test_one_line_in_one_line_out(path: Path) -> None:
    assert await ask(path, b'{"command": "status"}\n') == {"state": "tunneling"}


async def test_socket_is_for_owner_and_group(path: Path) -> None:
    mode = await asyncio.to_thread(path.stat)
    assert stat.S_IMODE(mode.st_mode) == 0o660


async def test_refusal_is_an_error_with_its_words(path: Path) -> None:
    assert await ask(path, b'{"command": "leave"}\n') == {
        "error": {"code": "unavailable", "message": "no controller is connected", "hint": "Try again."}
    }


@pytest.mark.parametrize(
    "request_line",
    [b"\n", b"{}\n", b"[]\n", b'"status"\n', b'{"command": []}\n', b'{"command": "reboot"}\n', b"\xff\n"],
)
async def test_nonsense_is_answered_with_what_is_expected(path: Path, request_line: bytes) -> None:
    error = (await ask(path, request_line))["error"]
    assert error["code"] == "invalid_input"
    assert "status, leave" in error["message"]


async def test_endless_request_is_cut_off(path: Path) -> None:
    assert (await ask(path, b"x" * (2 * MAX_REQUEST_BYTES) + b"\n"))["error"]["code"] == "invalid_input"


async def test_fault_in_a_command_is_logged_and_the_server_lives_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await ask(path, b'{"command": "broken"}\n'))["error"]["code"] == "error"
    assert "ZeroDivisionError" in caplog.text
    assert await ask(path, b'{"command": "status"}\n') == {"state": "tunneling"}


async def test_socket_of_a_killed_agent_is_replaced(path: Path) -> None:
    async with status_server(path, {"status": status}):
        assert await ask(path, b'{"command": "status"}\n') == {"state": "tunneling"}


async def test_socket_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"agent\.sock cannot be made"):
        async with status_server(tmp_path / "file" / "agent.sock", {}):
            pass
