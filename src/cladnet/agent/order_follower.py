# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What an administrator wants of this host: kept on disk, so it holds through a start without controllers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from cladnet.agent.health import Health
from cladnet.agent.state import StateDirectory
from cladnet.agent.tunnel_keys import TunnelKeys
from cladnet.core.errors import Unavailable
from cladnet.core.orders import Orders

_log = logging.getLogger(__name__)


class OrderFollower:
    """Follows the orders that come on the stream.

    Args:
        state: where they are kept.
        keys: exchanged when that is ordered.
        health: is told that this host is to be down.
        on_orders: called after the orders have changed.
        on_key: called when the tunnel is to use another key.
    """

    def __init__(
        self,
        state: StateDirectory,
        keys: TunnelKeys,
        *,
        health: Health,
        on_orders: Callable[[], None],
        on_key: Callable[[], None],
    ) -> None:
        self._state = state
        self._keys = keys
        self._health = health
        self._on_orders = on_orders
        self._on_key = on_key
        self.orders = state.orders()
        health.set(ordered_down=self.orders.is_down)

    def follow(self, orders: Orders) -> None:
        """Does from now on what is wanted."""
        _log.info("ordered: %s", orders)
        self.orders = orders
        try:
            self._state.store_orders(orders)
        except Unavailable as exc:
            _log.warning("the orders hold, but not beyond the next start: %s", exc)
        self._health.set(ordered_down=orders.is_down)
        self.make_key()
        self._on_orders()

    def make_key(self) -> None:
        """Makes a new key if one is ordered; if the disk does not take it, the next call may."""
        try:
            self._keys.order(self.orders.rekeys_requested)
        except Unavailable as exc:
            _log.warning("the new key that is ordered cannot be made: %s", exc)

    def taken(self, public_key: bytes) -> None:
        """The controllers know this public key of this host."""
        try:
            if self._keys.taken(public_key):
                self._on_key()
        except Unavailable as exc:
            _log.warning("the new key cannot be used yet: %s", exc)

    def forget(self) -> None:
        """This host is no member (any more): nothing is ordered of it."""
        if self.orders != Orders():
            self.follow(Orders())
        try:
            self._keys.forget()
        except Unavailable as exc:
            _log.warning("orders are not forgotten beyond the next start: %s", exc)
