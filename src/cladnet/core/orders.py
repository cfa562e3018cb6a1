# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What an administrator wants a host to do, as a state to be reached: a host that was away does it later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class Action(Enum):
    """What can be ordered; the values are the words that users meet."""

    UP = "up"
    DOWN = "down"
    REKEY = "rekey"


@dataclass(frozen=True, slots=True)
class Orders:
    """What is wanted of one host.

    Args:
        is_down: the tunnel device is to be down, and no handshake made.
        rekeys_requested: so many times a new WireGuard key pair was wanted.
    """

    is_down: bool = False
    rekeys_requested: int = 0


def ordered(orders: Orders, action: Action, *, rekeys_done: int = 0) -> Orders:
    """The orders after one more.

    Args:
        orders: so far.
        action: what is ordered.
        rekeys_done: by the host; it may have done more than is known here, if etcd was restored.
    """
    if action is Action.REKEY:
        return replace(orders, rekeys_requested=max(orders.rekeys_requested, rekeys_done) + 1)
    return replace(orders, is_down=action is Action.DOWN)


def are_settled(orders: Orders, *, is_down: bool, rekeys_done: int) -> bool:
    """Whether a host that is so has done all that is wanted."""
    return (orders.is_down, orders.rekeys_requested) == (is_down, rekeys_done)
