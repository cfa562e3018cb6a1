# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Between the cryptographic suites of messages and those of the core. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from cladnet.core.pair_suites import known_suites
from cladnet.core.wireguard.suite import AES_256_GCM, CHACHA20_POLY1305, Suite
from cladnet.wire import agent_pb2 as pb

_VALUES = {CHACHA20_POLY1305.name: pb.SUITE_CHACHA20_POLY1305, AES_256_GCM.name: pb.SUITE_AES_256_GCM}
_NAMES = {value: name for name, value in _VALUES.items()}


def read_suites(values: Iterable[pb.Suite]) -> tuple[Suite, ...]:
    """The suites that a host speaks; what a later release may have added is left out."""
    return known_suites(_NAMES.get(value, "") for value in values)


def suite_values(suites: Iterable[Suite]) -> list[pb.Suite]:
    """Suites as they go over the wire."""
    return [_VALUES[suite.name] for suite in suites]
