# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which names networks and hosts may have. Pure; for modules and controllers alike."""

from __future__ import annotations

import re

from ._errors import InvalidInput

_NETWORK_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
_HOST_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?", re.ASCII)


def check_network_name(name: str) -> str:
    """Returns the name if a CLADNet may have it.

    Raises:
        InvalidInput: it is not 1-32 of a-z, 0-9 and '-', from a letter to a letter or digit.
    """
    if not _NETWORK_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} cannot be the name of a network.",
            hint="Use 1 to 32 of a-z, 0-9 and '-'; begin with a letter, end with a letter or digit.",
        )
    return name


def check_host_name(name: str) -> str:
    """Returns the name if a host may have it.

    Raises:
        InvalidInput: it is not 1-64 of letters, digits, '.', '_' and '-', letter or digit at both ends.
    """
    if not _HOST_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} cannot be the name of a host.",
            hint="Use 1 to 64 letters, digits, '.', '_' and '-'; begin and end with a letter or digit.",
        )
    return name
