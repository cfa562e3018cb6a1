# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Feeds everything that reads what others wrote with valid, mutated and random bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_inputs import Input, inputs
from fuzz_targets import TARGETS
from hypothesis import HealthCheck, given, settings

SECONDS_PER_TARGET = 60


def run(name: str, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(inputs(name))
    def feed(one: Input) -> None:
        TARGETS[name](*one)

    feed()


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_comes_in_does_harm(name: str) -> None:
    run(name, examples=300)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_comes_in_does_harm_in_the_long_run(name: str) -> None:
    for _unused in range(20):  # one long run would remember all its examples
        run(name, examples=1000)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_found_by_looking_where_it_leads(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    program = str(Path(__file__).with_name("coverage_fuzzing.py"))
    options = [f"-max_total_time={SECONDS_PER_TARGET}", f"-artifact_prefix={tmp_path}/", "-max_len=2000"]
    found = subprocess.run(
        [sys.executable, program, name, str(tmp_path / "corpus"), *options],
        capture_output=True,
        text=True,
        timeout=10 * SECONDS_PER_TARGET,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-4000:]
