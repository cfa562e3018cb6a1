# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a daemon tells systemd about itself: the protocol of sd_notify(3), without its library."""

from __future__ import annotations

import os
import socket

_ABSTRACT_PREFIX = "\0"


def notify(state: str) -> None:
    """Sends a state to the service manager; does nothing where there is none.

    Args:
        state: lines such as ``READY=1``, ``STATUS=...``, ``STOPPING=1`` or ``WATCHDOG=1``.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = _ABSTRACT_PREFIX + address[1:]
    with socket.socket(
        socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    ) as sender:
        try:
            sender.sendto(state.encode(), address)
        except OSError:
            return  # the service manager is busy or gone; a daemon does not fail for that
