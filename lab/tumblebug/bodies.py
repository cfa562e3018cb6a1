# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests, read as Tumblebug reads them: what is unknown is ignored, a wrong type is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lab.tumblebug.answers import Refused, Request
from lab.tumblebug.era import Era
from lab.tumblebug.render_shared import Json

Shape = Any
"""A type, a list of one shape, an object as key -> shape, or ``TEXTS``."""

TEXTS: Shape = {"*": str}
"""An object of texts."""

_GO_NAMES: dict[type, str] = {
    str: "string",
    int: "int",
    float: "float64",
    bool: "bool",
    list: "slice",
    dict: "struct",
}
_JSON_NAMES: dict[type, str] = {str: "string", list: "array", dict: "object"}


def decoded(era: Era, request: Request, shape: Mapping[str, Shape]) -> Json:
    """The body with the keys of the shape; what was not given is empty, 0 or False.

    Raises:
        Refused: it is no JSON, or a value has another type.
    """
    try:
        document = json.loads(request.body or b"{}")
        found: Json = _read(document, shape, "")
    except (ValueError, RecursionError) as exc:  # no JSON, no UTF-8, or too deep
        raise Refused(era.client_error_code, f"code=400, message=Syntax error: error={exc}") from exc
    except _WrongTypeError as exc:
        raise Refused(era.client_error_code, f"code=400, message=Unmarshal type error: {exc}") from exc
    return found


class _WrongTypeError(Exception):
    def __init__(self, shape: Shape, given: object, where: str) -> None:
        expected = _GO_NAMES[shape if isinstance(shape, type) else type(shape)]
        got = _json_name(given)
        words = f"expected={expected}, got={got}, field={where.lstrip('.')}"
        super().__init__(
            f"{words}, internal=json: cannot unmarshal {got} into Go struct field {where} of type {expected}"
        )


def _read(value: Any, shape: Shape, where: str) -> Any:  # noqa: ANN401 - JSON, by a shape of any kind
    if value is None:
        return _empty(shape)
    if isinstance(shape, list) and isinstance(value, list):
        return [_read(each, shape[0], where) for each in value]
    if shape == TEXTS and isinstance(value, dict):
        return {key: _read(each, str, where) for key, each in value.items()}
    if isinstance(shape, dict) and isinstance(value, dict):
        return {key: _read(value.get(key), each, f"{where}.{key}") for key, each in shape.items()}
    if isinstance(shape, type) and _fits(value, shape):
        return value
    raise _WrongTypeError(shape, value, where)


def _fits(value: object, wanted: type) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _empty(shape: Shape) -> Any:  # noqa: ANN401 - as _read
    if isinstance(shape, list):
        return []
    if shape == TEXTS:
        return {}
    if isinstance(shape, dict):
        return {key: _empty(each) for key, each in shape.items()}
    return shape()


def _json_name(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return _JSON_NAMES[type(value)]
