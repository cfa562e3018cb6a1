# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The WireGuard key pair of this host, and how it is exchanged for another one.

A new key is kept on disk, told to the controllers, and used as soon as they have taken it: that is before any
peer hears of it, so a peer that does finds this host ready. A controller that cannot take it leaves all
as it is. Whatever crashes in between, the next start goes on from what is on disk.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from cladnet.agent.state import Rekeying, StateDirectory, new_wireguard_key

_log = logging.getLogger(__name__)


class TunnelKeys:
    """The key in use, and the next one while the controllers do not know it.

    Args:
        state: where both are kept.

    Raises:
        InvalidInput: the file of the key holds something else.
        Unavailable: it cannot be read or written.
    """

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self.private = state.wireguard_key()
        self.public = _public(self.private)
        self._rekeying = state.rekeying()

    @property
    def rekeys_done(self) -> int:
        """So many of the ordered new keys are made; the last one may still be on its way."""
        return self._rekeying.done

    @property
    def reported(self) -> bytes:
        """The public key that the controllers are to know."""
        return _public(self._rekeying.next_key) if self._rekeying.next_key else self.public

    def order(self, rekeys_requested: int) -> None:
        """Makes a new key if more were ordered than made.

        Raises:
            Unavailable: it cannot be kept on disk; the same call may succeed later.
        """
        if rekeys_requested == self.rekeys_done:
            return
        is_one_due = rekeys_requested > self.rekeys_done and not self._rekeying.next_key
        next_key = new_wireguard_key() if is_one_due else self._rekeying.next_key
        self._keep(Rekeying(rekeys_requested, next_key))

    def taken(self, public_key: bytes) -> bool:
        """The controllers know this public key of ours; says whether it is to be used from now on.

        Raises:
            Unavailable: it cannot be kept on disk; the same call may succeed later.
        """
        if not self._rekeying.next_key or public_key != self.reported:
            return False
        key = self._rekeying.next_key
        self._state.store_wireguard_key(key)
        self.private, self.public = key, public_key
        self._keep(replace(self._rekeying, next_key=b""))
        _log.info("the tunnel has a new key now")
        return True

    def forget(self) -> None:
        """No new key was ever ordered: this host is no member (any more), so its count begins anew."""
        if self._rekeying != Rekeying():
            self._keep(Rekeying())

    def _keep(self, rekeying: Rekeying) -> None:
        self._state.store_rekeying(rekeying)
        self._rekeying = rekeying


def _public(private_key: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()
