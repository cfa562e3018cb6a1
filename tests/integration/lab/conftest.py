# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""One lab for all tests, in a folder whose name no tool likes. Needs root."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lab import Lab

STATE = 'a state, with:all "odd" %h characters'


@pytest.fixture(scope="session")
def lab_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("lab") / STATE
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLADNET_LAB_STATE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def lab(lab_state: Path) -> Iterator[Lab]:
    lab = Lab.load("demo", name="lab-test")
    lab.down()
    lab.up()
    yield lab
    lab.down()


@pytest.fixture
def healed(lab: Lab) -> Iterator[Lab]:
    """The lab for a test that breaks its network."""
    yield lab
    lab.heal()
