# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Which texts from outside may count as plain text for Ansible's templating."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from ansible.template import trust_as_template

Value: TypeAlias = "str | int | float | bool | Mapping[str, Value] | list[Value] | None"
"""What JSON can say."""

_OVERRIDE = "#jinja2:"  # a text that begins so is a template with delimiters of its own choice


def trust(value: Value) -> Value:
    """The value with every text tagged as trusted that cannot be a template; the others are never rendered.

    Untagged texts reach AWX as an object in place of a string, so all that are harmless are tagged.
    """
    if isinstance(value, str):
        return value if "{" in value or value.startswith(_OVERRIDE) else _trusted(value)
    if isinstance(value, Mapping):
        return {key: trust(each) for key, each in value.items()}
    if isinstance(value, list):
        return [trust(each) for each in value]
    return value


@lru_cache(maxsize=65536)  # tagging is slow, and machines of one place share most of their texts
def _trusted(text: str) -> str:
    return trust_as_template(text)
