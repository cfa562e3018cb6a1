# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The one table between cladnet's errors and gRPC status codes, used by both ends of the agent stream."""

from __future__ import annotations

import grpc

from cladnet.core.errors import (
    CladnetError,
    Conflict,
    Exhausted,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)

_CODES: dict[type[CladnetError], grpc.StatusCode] = {
    InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Conflict: grpc.StatusCode.FAILED_PRECONDITION,
    Unauthorized: grpc.StatusCode.PERMISSION_DENIED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
    Exhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_ERRORS = {code: error for error, code in _CODES.items()}
# What gRPC itself reports about a connection, a deadline or an ended stream: the same call may succeed later.
_PASSING = frozenset(
    {
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OK,
    }
)


def code_of(error: CladnetError) -> grpc.StatusCode:
    """The status code for an error; UNKNOWN for one that is of none of the six kinds.

    Args:
        error: any error of the tree, subclasses of the six kinds included.
    """
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), grpc.StatusCode.UNKNOWN)


def error_of(code: grpc.StatusCode, details: str | None) -> CladnetError:
    """The error for the status that the other end (or gRPC itself) gave.

    Args:
        code: the status code of a finished call; OK means that a stream ended without an error.
        details: the text beside it.
    """
    message = details or f"the call ended with the status {code.name}"
    if code in _PASSING:
        return Unavailable(message)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return Unauthorized(message)
    return _ERRORS.get(code, CladnetError)(message)
