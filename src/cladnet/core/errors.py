# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The error tree of cladnet, written down in ``plugins/module_utils/_errors.py``, which modules share."""

from __future__ import annotations

from cladnet.core._errors import (
    CladnetError,
    Conflict,
    Exhausted,
    InvalidInput,
    NotFound,
    Unauthorized,
    Unavailable,
)

__all__ = ["CladnetError", "Conflict", "Exhausted", "InvalidInput", "NotFound", "Unauthorized", "Unavailable"]
