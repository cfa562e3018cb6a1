# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The engine of the modules with a state: literal before and after."""

from __future__ import annotations

import pytest
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._declarative import (
    Action,
    plan_absence,
    plan_presence,
)

BEFORE = {"name": "demo", "cidr": "10.112.0.0/24", "mtu": 0, "revision": 7}


class RecordedResource:
    """Keeps what was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def create(self, spec):
        self.calls.append(("create", spec))
        return {**spec, "revision": 8}

    def update(self, changes):
        self.calls.append(("update", changes))
        return {**BEFORE, **changes, "revision": 8}

    def delete(self):
        self.calls.append(("delete",))


@pytest.mark.parametrize(
    ("before", "desired", "action", "calls", "diff"),
    [
        (
            None,
            {"name": "demo", "cidr": "10.112.0.0/24", "mtu": None},
            Action.CREATE,
            [("create", {"name": "demo", "cidr": "10.112.0.0/24"})],
            ({}, {"name": "demo", "cidr": "10.112.0.0/24"}),
        ),
        (BEFORE, {"name": "demo", "cidr": None, "mtu": 0}, Action.NOTHING, [], ({}, {})),
        (
            BEFORE,
            {"name": "demo", "mtu": 1300},
            Action.UPDATE,
            [("update", {"mtu": 1300})],
            ({"mtu": 0}, {"mtu": 1300}),
        ),
        (BEFORE, None, Action.DELETE, [("delete",)], (BEFORE, {})),
        (None, None, Action.NOTHING, [], ({}, {})),
    ],
)
def test_plan_and_what_it_does(before, desired, action, calls, diff) -> None:
    plan = plan_absence(before) if desired is None else plan_presence(before, desired)
    resource = RecordedResource()
    plan.apply(resource)
    shown = plan.diff("network demo")
    assert plan.action is action
    assert plan.is_change == (action is not Action.NOTHING)
    assert resource.calls == calls
    assert (shown["before"], shown["after"]) == diff
    assert shown["before_header"] == shown["after_header"] == "network demo"


def test_result_is_what_the_controller_made_of_it() -> None:
    assert plan_presence(BEFORE, {"mtu": 1300}).apply(RecordedResource()) == {
        **BEFORE,
        "mtu": 1300,
        "revision": 8,
    }


def test_after_in_check_mode_keeps_what_is_not_changed() -> None:
    assert plan_presence(BEFORE, {"mtu": 1300}).after == {**BEFORE, "mtu": 1300}
