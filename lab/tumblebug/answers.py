# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Requests and answers as values, so that what a route answers is a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; ``path`` begins after the prefix /tumblebug and is not percent-decoded."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str = "127.0.0.1"
    body: bytes = field(default=b"", repr=False)

    @property
    def option(self) -> str:
        """The option parameter, which selects the kind of answer."""
        return self.query.get("option", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``body`` becomes JSON."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - it reads as what happened: raise Refused(404, ...)
    """An answer other than 200: Tumblebug's status and message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.answer = Answer({"message": message}, status, headers or {})
