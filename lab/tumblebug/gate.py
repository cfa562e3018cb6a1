# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Who may ask, and how often: basic authentication and the limiters per client address."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.tumblebug.answers import Refused

INFRA_REQUESTS_PER_S = 2
"""Of the additional limiters of the infra list and of the infra itself; also their burst."""


@dataclass(slots=True)
class TokenBuckets:
    """One token bucket per client: ``rate`` per second, as many at once."""

    rate: int
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)  # client -> (tokens, at seconds)

    def take(self, client: str, now_s: float) -> None:
        """Takes one token of the client; raises Refused with 429 (and no Retry-After) if there is none."""
        tokens, then_s = self._levels.get(client, (float(self.rate), now_s))
        tokens = min(float(self.rate), tokens + (now_s - then_s) * self.rate)
        allowed = tokens >= 1
        self._levels[client] = (tokens - 1 if allowed else tokens, now_s)
        if not allowed:
            raise Refused(429, "rate limit exceeded")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one user of the basic authentication."""

    username: str = "default"
    password: str = field(default="default", repr=False)

    def check(self, headers: Mapping[str, str]) -> None:
        """Raises Refused with 401 for missing or wrong credentials, 400 for undecodable ones."""
        scheme, _space, value = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise self._unauthorized()
        try:
            given = base64.b64decode(value, validate=True)
        except binascii.Error as exc:
            raise Refused(400, "Bad Request") from exc
        if not hmac.compare_digest(given, f"{self.username}:{self.password}".encode()):
            raise self._unauthorized()

    @staticmethod
    def _unauthorized() -> Refused:
        return Refused(401, "Unauthorized", {"WWW-Authenticate": "basic realm=Restricted"})
