# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The state of a host in its network, as people and controllers see it.

There is no memory in it: the state is a function of the conditions that hold now (``assess``), so every state
leads back to working as soon as its cause is gone, whatever was recorded before a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum


class HostState(Enum):
    """What a host does in its network; the values are the words that users meet."""

    CONFIGURING = "configuring"
    TUNNELING = "tunneling"
    DEGRADED = "degraded"
    CLOSING = "closing"
    RELEASED = "released"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds on this host now. A text is the reason, as a sentence; empty means: not the case."""

    enrolled: bool = False  # it holds a certificate of this network
    addressed: bool = False  # the device carries the overlay address of the rule
    stopping: bool = False
    ordered_down: bool = False  # an administrator wants no tunnel on this host now
    is_down: bool = False  # the device was taken down because of that, and not brought up since
    enrolment_problem: str = ""
    tunnel_problem: str = ""  # no tunnel can be opened
    removed: str = ""  # the controllers say that this host is no member (any more)
    refused: str = ""  # the controllers refuse what this host reports
    device_problem: str = ""  # the device cannot be brought into its wanted shape
    overlap: str = ""  # a network of this host overlaps the CLADNet
    identity_problem: str = ""  # the certificate has expired, or is not valid yet
    storage_problem: str = ""  # the state cannot be written to disk
    controllers_lost: str = ""  # no controller has answered for a while
    removals_held: str = ""  # a snapshot lacks so many peers that they are kept until it is confirmed


@dataclass(frozen=True, slots=True)
class Assessment:
    """A state and, where something is wrong, why."""

    state: HostState
    reason: str = ""


ORDERED_DOWN = "an administrator took this host down; the action up brings it back"


@dataclass(frozen=True, slots=True)
class _Rule:
    applies: Callable[[Conditions], bool]
    state: HostState
    reason: Callable[[Conditions], str] = lambda _: ""


def assess(conditions: Conditions) -> Assessment:
    """The state that follows from the conditions, with its reason."""
    rule = next(rule for rule in _RULES if rule.applies(conditions))
    return Assessment(rule.state, rule.reason(conditions))


def assess_for_report(conditions: Conditions) -> Assessment:
    """The state as told to a controller: one that takes the report answers, and does not refuse."""
    return assess(replace(conditions, controllers_lost="", refused="", removed=""))


def _trouble(conditions: Conditions) -> str:
    """Why a host without an address cannot get one: only what a person has to change."""
    return (
        conditions.overlap or conditions.refused or conditions.device_problem or conditions.identity_problem
    )


def _impairment(conditions: Conditions) -> str:
    """What is wrong on a host that forwards, the gravest first."""
    return _trouble(conditions) or (
        conditions.removals_held or conditions.storage_problem or conditions.controllers_lost
    )


# The first rule that applies decides.
_RULES = (
    _Rule(lambda c: c.stopping, HostState.CLOSING),
    _Rule(lambda c: bool(c.tunnel_problem), HostState.FAILED, lambda c: c.tunnel_problem),
    _Rule(lambda c: bool(c.removed), HostState.RELEASED, lambda c: c.removed),
    _Rule(lambda c: bool(c.enrolment_problem), HostState.FAILED, lambda c: c.enrolment_problem),
    _Rule(lambda c: not c.enrolled, HostState.CONFIGURING),
    _Rule(lambda c: c.ordered_down, HostState.RELEASED, lambda _: ORDERED_DOWN),
    _Rule(lambda c: not c.addressed and bool(_trouble(c)), HostState.FAILED, _trouble),
    _Rule(lambda c: not c.addressed, HostState.CONFIGURING, lambda c: c.controllers_lost),
    _Rule(lambda c: bool(_impairment(c)), HostState.DEGRADED, _impairment),
    _Rule(lambda _: True, HostState.TUNNELING),
)
