# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in the lab, as sentences for the person who runs it."""

from __future__ import annotations


class LabError(Exception):
    """A lab operation cannot be done; the message says what, which, and what to do."""


class TopologyError(LabError):
    """The topology file says something that cannot be."""


class UnknownHostError(LabError):
    """No host of that name is in the topology."""


class WrongStateError(LabError):
    """The lab or the host is not in the state that the operation needs."""
