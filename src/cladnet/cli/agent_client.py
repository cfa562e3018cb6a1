# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Asks the running agent over its socket; and reads what a stopped one has left on disk."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from cladnet.agent.config import AgentConfig
from cladnet.core.error_codes import error_of_document
from cladnet.core.errors import InvalidInput, Unauthorized, Unavailable
from cladnet.core.rule_table import RuleTable
from cladnet.core.rule_table_document import table_from_document

TIMEOUT_S = 30.0


class AgentNotRunning(Unavailable):
    """No agent answers on the socket of the network."""


def ask_agent(config: AgentConfig, command: str) -> dict[str, Any]:
    """The reply of the agent to a command.

    Raises:
        AgentNotRunning: there is no agent to ask.
        Unauthorized: this user may not ask it.
        CladnetError: what the agent answered.
    """
    try:
        reply = json.loads(_exchange(config.socket_path, json.dumps({"command": command}).encode() + b"\n"))
    except PermissionError as exc:
        raise Unauthorized(f"{config.socket_path} may not be opened.", hint="Try it with sudo.") from exc
    except (FileNotFoundError, ConnectionRefusedError) as exc:
        raise AgentNotRunning(
            f"The agent of network {config.network} is not running.",
            hint=f"See: systemctl status cladnet-agent@{config.network}",
        ) from exc
    except (OSError, ValueError) as exc:
        raise Unavailable(f"The agent of network {config.network} does not answer: {exc}.") from exc
    if "error" in reply:
        raise error_of_document(reply["error"])
    return dict(reply)


def last_good_table(config: AgentConfig) -> RuleTable:
    """The rule that a stopped agent has left, empty if none can be read."""
    try:
        return table_from_document(json.loads((config.state_dir / "table.json").read_bytes()))
    except (OSError, ValueError, InvalidInput):
        return RuleTable()


def _exchange(path: Path, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(str(path))
        connection.sendall(request)
        with connection.makefile("rb") as replies:
            return replies.readline()
