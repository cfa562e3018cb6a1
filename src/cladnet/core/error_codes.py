# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""From the code of an error in a JSON document back to the error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cladnet.core.errors import (
    CladnetError,
    Conflict,
    Exhausted,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)

_ERRORS: dict[str, type[CladnetError]] = {
    kind.code: kind for kind in (InvalidInput, NotFound, Conflict, Unauthorized, Unavailable, Exhausted)
}


def error_of_document(document: Mapping[str, Any]) -> CladnetError:
    """The error that ``{"code": ..., "message": ..., "hint": ...}`` stands for.

    A code that is not known (a newer server, a fault in it) reads as Unavailable: nothing was refused.

    Raises:
        KeyError: code or message is missing.
    """
    kind = _ERRORS.get(document["code"], Unavailable)
    return kind(str(document["message"]), hint=str(document.get("hint") or ""))
