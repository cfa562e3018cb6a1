# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Selectors of labels, as in Kubernetes: ``stage=prod,tier in (web,db),!legacy``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .._errors import InvalidInput

LabelSelector = Callable[[Mapping[str, str]], bool]

_COMMA = re.compile(r",(?![^(]*\))")  # not one between parentheses
_KEY = r"(?P<key>[^\s,=!()<>]+)"
_EXISTS = re.compile(rf"(?P<negation>!?)\s*{_KEY}")
_EQUALS = re.compile(rf"{_KEY}\s*(?P<operator>==|=|!=)\s*(?P<value>[^,=!()]*)")
_ONE_OF = re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")


@dataclass(frozen=True)
class _Requirement:
    """One part of a selector; ``values`` is None where only the key counts."""

    key: str
    values: frozenset[str] | None
    negated: bool

    def holds(self, labels: Mapping[str, str]) -> bool:
        found = self.key in labels if self.values is None else labels.get(self.key) in self.values
        return found != self.negated


def parse_selector(text: str, option: str) -> LabelSelector:
    """What tells whether labels are selected: all parts of the text must hold.

    A part is ``key=value``, ``key!=value``, ``key in (a,b)``, ``key notin (a,b)``, ``key`` or ``!key``.
    Labels without the key fulfil ``!=`` and ``notin``.

    Args:
        text: the selector; an empty one selects everything.
        option: where it comes from, for the error.

    Raises:
        InvalidInput: a part is none of these.
    """
    requirements = [_requirement(part.strip(), option) for part in _COMMA.split(text)] if text.strip() else []
    return lambda labels: all(requirement.holds(labels) for requirement in requirements)


def _requirement(part: str, option: str) -> _Requirement:
    if match := _ONE_OF.fullmatch(part):
        values = frozenset(value.strip() for value in match["values"].split(","))
        return _Requirement(match["key"], values, match["operator"] == "notin")
    if match := _EQUALS.fullmatch(part):
        return _Requirement(match["key"], frozenset({match["value"].strip()}), match["operator"] == "!=")
    if match := _EXISTS.fullmatch(part):
        return _Requirement(match["key"], None, bool(match["negation"]))
    raise InvalidInput(
        f"{option} holds {part!r}, which is no selector of labels.",
        hint="Write key=value, key!=value, key in (a,b), key notin (a,b), key or !key, with commas between.",
    )
