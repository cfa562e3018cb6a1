# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A peer as a controller describes it."""

from __future__ import annotations

from base64 import b64encode

KEY, OTHER_KEY = (b64encode(bytes([number] * 32)).decode() for number in (1, 2))
A1 = {
    "host": "a1",
    "address": "10.112.0.1",
    "static": False,
    "managed": True,
    "description": "",
    "details": {},
    "public_key": OTHER_KEY,
    "endpoint": "198.51.100.11:8055",
}
"""What can be said of a peer; not how it is."""
