# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CB-Tumblebug that replies as a test has written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.client import Client
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._tumblebug.transport import Reply


def reply(body: object, status: int = 200, location: str = "") -> Reply:
    return Reply(status, body if isinstance(body, bytes) else json.dumps(body).encode(), location)


def message(text: str, status: int) -> Reply:
    return reply({"message": text}, status)


NO_ROUTE = message("Not Found", 404)


@dataclass
class Script:
    """A transport that replies as written, and the clock of its client."""

    replies: dict[str, Sequence[Reply]]
    base: str = "http://tb/tumblebug"
    now_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    asked_at_s: list[float] = field(default_factory=list)

    def get(self, path: str) -> Reply:
        self.asked.append(path)
        self.asked_at_s.append(self.now_s)
        written = self.replies[path]
        return written[min(self.asked.count(path), len(written)) - 1]

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def client(self) -> Client:
        return Client(self, now=lambda: self.now_s, sleep=self.sleep, patience_s=20)
