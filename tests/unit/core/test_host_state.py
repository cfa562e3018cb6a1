# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.host_state import ORDERED_DOWN, Assessment, Conditions, HostState, assess, assess_for_report

HEALTHY = Conditions(enrolled=True, addressed=True)
PROBLEMS = [f.name for f in fields(Conditions) if f.type == "str"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (Conditions(), Assessment(HostState.CONFIGURING)),
        (Conditions(enrolment_problem="token used"), Assessment(HostState.FAILED, "token used")),
        (Conditions(enrolled=True), Assessment(HostState.CONFIGURING)),
        (Conditions(enrolled=True, refused="overlap"), Assessment(HostState.FAILED, "overlap")),
        (Conditions(enrolled=True, controllers_lost="none"), Assessment(HostState.CONFIGURING, "none")),
        (HEALTHY, Assessment(HostState.TUNNELING)),
        (replace(HEALTHY, overlap="docker0"), Assessment(HostState.DEGRADED, "docker0")),
        (replace(HEALTHY, refused="no"), Assessment(HostState.DEGRADED, "no")),
        (replace(HEALTHY, controllers_lost="none"), Assessment(HostState.DEGRADED, "none")),
        (replace(HEALTHY, storage_problem="full"), Assessment(HostState.DEGRADED, "full")),
        (replace(HEALTHY, removals_held="held"), Assessment(HostState.DEGRADED, "held")),
        (replace(HEALTHY, removed="gone"), Assessment(HostState.RELEASED, "gone")),
        (Conditions(removed="left", enrolment_problem="none"), Assessment(HostState.RELEASED, "left")),
        (replace(HEALTHY, tunnel_problem="port"), Assessment(HostState.FAILED, "port")),
        (replace(HEALTHY, ordered_down=True), Assessment(HostState.RELEASED, ORDERED_DOWN)),
        (Conditions(enrolled=True, ordered_down=True), Assessment(HostState.RELEASED, ORDERED_DOWN)),
        (Conditions(ordered_down=True, enrolment_problem="none"), Assessment(HostState.FAILED, "none")),
        (replace(HEALTHY, is_down=True), Assessment(HostState.TUNNELING)),
        (replace(HEALTHY, stopping=True, tunnel_problem="port"), Assessment(HostState.CLOSING)),
    ],
)
def test_state_follows_from_conditions(conditions: Conditions, expected: Assessment) -> None:
    assert assess(conditions) == expected


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_problem_shows_and_goes_by_itself(problem: str) -> None:
    troubled = replace(HEALTHY, **{problem: "because"})
    assert assess(troubled) != Assessment(HostState.TUNNELING)
    assert assess(troubled).reason == "because"
    assert assess(replace(troubled, **{problem: ""})) == Assessment(HostState.TUNNELING)


@given(st.builds(Conditions, **{name: st.sampled_from(["", "because"]) for name in PROBLEMS}))
def test_failed_and_degraded_always_have_a_reason(conditions: Conditions) -> None:
    assessment = assess(conditions)
    if assessment.state in (HostState.FAILED, HostState.DEGRADED, HostState.RELEASED):
        assert assessment.reason


def test_report_does_not_complain_about_what_its_arrival_disproves() -> None:
    conditions = replace(HEALTHY, controllers_lost="none answers", refused="not now", removed="gone")
    assert assess_for_report(conditions) == Assessment(HostState.TUNNELING)


def test_report_says_that_a_host_is_down_as_ordered() -> None:
    assert assess_for_report(replace(HEALTHY, ordered_down=True)).state is HostState.RELEASED
