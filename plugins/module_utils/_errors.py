# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The error tree of cladnet.

    CladnetError
    ├── InvalidInput      the caller gave something that cannot be right
    ├── NotFound          the named thing does not exist
    ├── Conflict          it exists already, overlaps, or was changed meanwhile
    ├── Unauthorized      who asks is not known, or may not do this
    ├── Unavailable       a controller, etcd or host does not answer (try again)
    └── Exhausted         no address (or other finite thing) is left

Every message says what, which, and what to do; ``hint`` holds the last part where it is long.
Each shell (daemon, module, plugin, CLI) translates this tree exactly once.
"""

from __future__ import annotations


class CladnetError(Exception):
    """Base of all errors that a user of cladnet can meet."""

    code = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(CladnetError):
    """The caller gave something that cannot be right."""

    code = "invalid_input"


class NotFound(CladnetError):
    """The named thing does not exist."""

    code = "not_found"


class Conflict(CladnetError):
    """It exists already, overlaps something, or was changed meanwhile."""

    code = "conflict"


class Unauthorized(CladnetError):
    """Who asks is not known, or may not do this."""

    code = "unauthorized"


class Unavailable(CladnetError):
    """A controller, etcd or a host does not answer now; the same call may succeed later."""

    code = "unavailable"


class Exhausted(CladnetError):
    """No address (or other finite thing) is left."""

    code = "exhausted"
