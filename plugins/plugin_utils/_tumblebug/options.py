# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""Options that do not exist: Ansible passes over them, and a misspelt selection would select everything."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput


def check_options(given: Iterable[str], known: Iterable[str], path: str) -> None:
    """Refuses options that are none.

    Args:
        given: those of an inventory file.
        known: those of the plugin.
        path: of the file.

    Raises:
        InvalidInput: naming the first, and what may have been meant.
    """
    names = list(known)
    for name in sorted(map(str, given)):
        if name not in names:
            close = get_close_matches(name, names, n=1)
            raise InvalidInput(
                f"{path} sets {name}, which is no option of this plugin.",
                hint=f"Is it {close[0]}?" if close else "ansible-doc -t inventory tells all options.",
            )
