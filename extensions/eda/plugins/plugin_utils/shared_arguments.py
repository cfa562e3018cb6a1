# Copyright (c) 2026 Cloud-Barista
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection
"""What the event sources make of the arguments that all of them have."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.arguments import Arguments
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.outlet import (
    HOST,
    Outlet,
    Queue,
)
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.state_file import StateFile
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._backoff import Backoff

SHARED_ARGUMENTS = ("backoff_max", "types", "limit", "emit_existing", "state_file")


def make_outlet(arguments: Arguments, queue: Queue, args: Mapping[str, Any]) -> Outlet:
    """Where events go.

    Args:
        arguments: of the source.
        queue: of the rules.
        args: the arguments as ansible-rulebook gives them, with its queue for feedback if there is one.
    """
    return Outlet(queue, arguments.texts("limit", (HOST,)), args.get("eda_feedback_queue"))


def make_state_file(arguments: Arguments, scope: dict[str, Any]) -> StateFile:
    """Where the source remembers what it knows about the scope."""
    return StateFile(arguments.text("state_file"), scope)


def make_backoff(arguments: Arguments, *, first_s: float, ceiling_s: float) -> Backoff:
    """How long to wait when nothing answers; ``ceiling_s`` unless the rulebook says otherwise."""
    ceiling_s = arguments.number("backoff_max", ceiling_s, least=first_s)
    return Backoff(first_s=first_s, ceiling_s=ceiling_s, rng=random.Random())  # noqa: S311 - no secret
