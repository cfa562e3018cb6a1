# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the machine of a number has, the same in every cloud."""

from __future__ import annotations


def address(first: int, number: int) -> str:
    """An IPv4 address of its own, beginning with ``first``."""
    return f"{first}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def labels(number: int) -> dict[str, str]:
    """Two labels, for groups of different sizes."""
    return {"stage": ("dev", "test", "prod")[number % 3], "role": ("web", "db")[number % 2]}
