# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Errors as HTTP: one table between cladnet's errors and status codes, one form of body."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from cladnet.controller.rest.models import Error
from cladnet.core.errors import (
    CladnetError,
    Conflict,
    Exhausted,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)

log = logging.getLogger(__name__)

_STATUS: dict[type[CladnetError], int] = {
    InvalidInput: 400,
    Unauthorized: 401,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
    Exhausted: 507,
}
_CODES = {status: kind.code for kind, status in _STATUS.items()}
_FAILURE = 500


def error_response(error: CladnetError) -> JSONResponse:
    """The answer for an error."""
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), _FAILURE)
    headers = {"WWW-Authenticate": "Bearer"} if status == _STATUS[Unauthorized] else None
    return _response(status, error.message, error.hint, headers)


def documented(*kinds: type[CladnetError]) -> dict[int | str, dict[str, Any]]:
    """The errors of an operation, for OpenAPI."""
    return {_STATUS[kind]: {"model": Error, "description": kind.code} for kind in kinds}


def install(app: FastAPI) -> None:
    """Lets every error of the application answer in our form."""
    app.add_exception_handler(CladnetError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_fault)


async def _on_error(_unused: Request, error: Exception) -> JSONResponse:
    return error_response(error if isinstance(error, CladnetError) else CladnetError(str(error)))


async def _on_invalid_request(_unused: Request, error: Exception) -> JSONResponse:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    problems = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in details[:5])
    return error_response(InvalidInput(f"The request cannot be understood: {problems}."))


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else _FAILURE
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == _STATUS[NotFound]:
        return _response(status, f"There is nothing at {request.url.path[:200]}.", "See /v1/openapi.json.")
    detail = error.detail if isinstance(error, HTTPException) else "failed"
    return _response(status, f"{request.method} {request.url.path[:200]}: {detail}", "", headers)


async def _on_fault(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed unexpectedly.", request.method, request.url.path, exc_info=error)
    return _response(_FAILURE, "The controller failed.", "Its log says why: journalctl -u cladnet-controller")


def _place(location: tuple[int | str, ...]) -> str:
    """Where in the request, without the word "body", and without any value."""
    return ".".join(str(part) for part in location if part != "body") or "body"


def _response(status: int, message: str, hint: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    code = _CODES.get(status, InvalidInput.code if status < _FAILURE else "internal")
    body = {"error": {"code": code, "message": message, "hint": hint}}
    return JSONResponse(body, status, headers=None if headers is None else dict(headers))
