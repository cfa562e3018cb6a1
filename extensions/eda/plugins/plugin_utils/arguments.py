# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Reads and checks the arguments of an event source, as a rulebook gives them. Pure but for the files."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput

_OF_ANSIBLE_RULEBOOK = {"feedback", "eda_feedback_queue"}
_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


class Arguments:
    """The arguments of one source. Empty texts count as not given, since templates leave them so.

    Args:
        given: what the rulebook says, rendered.
        known: names that the source has.

    Raises:
        InvalidInput: one is given that the source does not have.
    """

    def __init__(self, given: Mapping[str, object], known: Collection[str]) -> None:
        unknown = sorted(set(given) - set(known) - _OF_ANSIBLE_RULEBOOK)
        if unknown:
            raise InvalidInput(
                f"There is no argument {', '.join(unknown)}.", hint=f"There are: {', '.join(sorted(known))}."
            )
        self._given = {name: value for name, value in given.items() if value not in (None, "")}

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self._given.get(name, default)
        if not isinstance(value, str):
            raise InvalidInput(
                f"{name} is not a text, but of type {type(value).__name__}.",
                hint="ansible-rulebook turns a text that looks like a number into one. In a rulebook write it"
                " as \"'{{ variable }}'\", with both kinds of quotes.",
            )
        return value.strip()

    def required_text(self, name: str, hint: str) -> str:
        """A text that must be there."""
        found = self.text(name)
        if not found:
            raise InvalidInput(f"{name} is missing.", hint=hint)
        return found

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts, or one text with commas, as the environment gives it."""
        value = self._given.get(name, default)
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
            raise InvalidInput(f"{name} is not a list of texts.")
        return tuple(part.strip() for part in parts if part.strip())

    def chosen(self, name: str, choices: Collection[str]) -> tuple[str, ...]:
        """A list of texts, each one of the choices; empty means all."""
        found = self.texts(name)
        wrong = sorted(set(found) - set(choices))
        if wrong:
            raise InvalidInput(f"{name} has {', '.join(wrong)}.", hint=f"There are: {', '.join(choices)}.")
        return found

    def number(self, name: str, default: float, *, least: float) -> float:
        """A number, as such or as text."""
        value = self._given.get(name, default)
        try:
            number = float(value) if isinstance(value, (str, int, float)) else float("nan")
        except ValueError:
            number = float("nan")
        if isinstance(value, bool) or not least <= number < float("inf"):
            raise InvalidInput(f"{name} is {value!r}.", hint=f"Give a number, {least:g} or more.")
        return number

    def flag(self, name: str, *, default: bool) -> bool:
        """Yes or no, as such or as text."""
        value = self._given.get(name, default)
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise InvalidInput(f"{name} is {value!r}.", hint="Give true or false.")
        return word in _TRUE
