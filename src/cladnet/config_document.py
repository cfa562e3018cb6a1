# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Configuration files in TOML: every key is taken out with its check, and what is left over is unknown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Config = TypeVar("Config")


def load(path: Path, parse: Callable[[Mapping[str, Any]], Config], *, missing: str) -> Config:
    """Reads a file and parses it.

    Args:
        path: the file.
        parse: makes the configuration of the document.
        missing: what to do if there is no such file.

    Raises:
        InvalidInput: the file is missing, unreadable, no TOML, or a key is wrong; it names file and key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise InvalidInput(f"{path} does not exist.", hint=missing) from exc
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror}.") from exc
    except ValueError as exc:
        raise InvalidInput(f"{path} is no TOML file: {exc}.") from exc
    try:
        return parse(document)
    except InvalidInput as exc:
        raise InvalidInput(f"{path}: {exc.message}", hint=exc.hint) from exc


class Keys:
    """Takes values out of a table, each with its check; every method raises InvalidInput naming the key."""

    def __init__(self, document: Mapping[str, Any], prefix: str = "") -> None:
        self._left = dict(document)
        self._prefix = prefix

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, value, "a text")
        return value

    def number(self, key: str, default: int, lowest: int, highest: int) -> int:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise self.wrong(key, value, f"a number from {lowest} to {highest}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false; raises InvalidInput for anything else."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def path(self, key: str, default: str) -> Path:
        value = self.text(key, default)
        if not value.startswith("/"):
            raise self.wrong(key, value, "an absolute path")
        return Path(value)

    def optional_path(self, key: str) -> Path | None:
        return self.path(key, "") if key in self._left else None

    def endpoint(self, key: str, default: str) -> Endpoint:
        value = self.text(key, default)
        try:
            return Endpoint.parse(value)
        except InvalidInput as exc:
            raise self.wrong(key, value, "an address and a port such as 0.0.0.0:8053") from exc

    def texts(self, key: str, expected: str) -> tuple[str, ...]:
        value = self._take(key, None)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
            raise self.wrong(key, value, expected)
        return tuple(dict.fromkeys(value))

    def optional_address(self, key: str) -> str:
        value = self.text(key, "")
        try:
            return str(ip_address(value)) if value else ""
        except ValueError as exc:
            raise self.wrong(key, value, "an IP address, or nothing") from exc

    def section(self, key: str) -> Mapping[str, Any]:
        value = self._take(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, value, f"a table [{key}]")
        return value

    def expect_no_more(self) -> None:
        if self._left:
            raise InvalidInput(f"unknown key '{self._prefix}{next(iter(self._left))}'.")

    def wrong(self, key: str, value: object, expected: str) -> InvalidInput:
        """The error for a value that another check has refused."""
        return InvalidInput(f"key '{self._prefix}{key}': expected {expected}, found {value!r}.")

    def _take(self, key: str, default: object) -> object:
        value = self._left.pop(key, default)
        if value is None:
            raise InvalidInput(f"key '{self._prefix}{key}' is missing.")
        return value
