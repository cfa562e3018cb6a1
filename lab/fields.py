# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Typed access to the fields of a YAML mapping; every error names the field by its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, TypeVar

from lab.errors import TopologyError

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=Enum)


@dataclass
class Fields:
    """One mapping of the file at ``path``, such as ``clouds.aws``; remembers which of its keys were read."""

    path: str
    mapping: dict[str, Any]
    read: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, path: str, value: object) -> Fields:
        """Takes ``value`` if it is a mapping with text keys."""
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise TopologyError(f"{path or 'the file'}: names with values are needed, not {value!r}")
        return cls(path, value)

    def text(self, key: str, default: str | None = None) -> str:
        return self._get(key, _text, default)

    def whole(self, key: str, default: int) -> int:
        return self._get(key, _whole, default)

    def choice(self, key: str, kind: type[Choice], default: Choice) -> Choice:
        def parse(value: object) -> Choice:
            try:
                return kind(value)
            except ValueError as exc:
                raise ValueError("one of " + ", ".join(str(one.value) for one in kind)) from exc

        return self._get(key, parse, default)

    def address(self, key: str, default: IPv4Address | None = None) -> IPv4Address:
        return self._get(key, _address, default)

    def interface(self, key: str) -> IPv4Interface:
        return self._get(key, _interface)

    def network(self, key: str) -> IPv4Network:
        return self._get(key, _network)

    def section(self, key: str) -> Fields:
        """The mapping below ``key``, empty if the key is missing."""
        self.read.add(key)
        return Fields.of(self._name(key), self.mapping.get(key) or {})

    def sections(self, key: str) -> Iterator[tuple[str, Fields]]:
        """Yields name and fields of each mapping in the mapping below ``key``, of which there must be one."""
        below = self.section(key)
        if not below.mapping:
            raise TopologyError(f"{below.path}: at least one is needed")
        for name in below.mapping:
            yield name, below.section(name)

    def texts(self, key: str) -> dict[str, str]:
        """A mapping of text to text, empty if the key is missing."""
        below = self.section(key)
        return {name: below.text(name) for name in below.mapping}

    def interfaces(self, key: str) -> dict[str, IPv4Interface]:
        """A mapping of names to addresses with their prefix length, empty if the key is missing."""
        below = self.section(key)
        return {name: below.interface(name) for name in below.mapping}

    def gateways(self, key: str) -> dict[IPv4Network, IPv4Address]:
        """A mapping of networks to the gateway that leads there, empty if the key is missing."""
        below = self.section(key)
        return {below._convert(name, _network, name): below.address(name) for name in below.mapping}

    def finish(self) -> None:
        """Refuses keys that nobody asked for: they are spelling mistakes."""
        unknown = sorted(set(self.mapping) - self.read)
        if unknown:
            known = ", ".join(sorted(self.read))
            raise TopologyError(f"{self._name(unknown[0])}: no such field here; the fields are {known}")

    def _name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _get(self, key: str, parse: Callable[[object], Value], default: Value | None = None) -> Value:
        self.read.add(key)
        if key not in self.mapping:
            if default is None:
                raise TopologyError(f"{self._name(key)}: is missing")
            return default
        return self._convert(key, parse, self.mapping[key])

    def _convert(self, key: str, parse: Callable[[object], Value], value: object) -> Value:
        try:
            return parse(value)
        except ValueError as exc:
            raise TopologyError(f"{self._name(key)}: {value!r} is not {exc}") from exc


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("text")


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("a whole number")


def _address(value: object) -> IPv4Address:
    try:
        return IPv4Address(_text(value))
    except ValueError as exc:
        raise ValueError("an IPv4 address") from exc


def _network(value: object) -> IPv4Network:
    try:
        return IPv4Network(_text(value))
    except ValueError as exc:
        raise ValueError("an IPv4 network without host bits, such as 192.0.2.0/24") from exc


def _interface(value: object) -> IPv4Interface:
    try:
        return IPv4Interface(_text(value) if "/" in _text(value) else "")
    except ValueError as exc:
        raise ValueError("an IPv4 address with its prefix length, such as 192.0.2.1/24") from exc
