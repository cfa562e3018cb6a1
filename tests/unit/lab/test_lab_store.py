# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The state folder: whole files, one writer, no second ``up``."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import folders
from lab import situation as situations
from lab import topology as topologies
from lab.errors import WrongStateError
from lab.store import Store

START = situations.initial(topologies.load("demo"), "/image")


def test_reads_what_was_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not store.exists
    store.write(START)
    assert store.exists
    assert store.read() == START
    assert [path.name for path in tmp_path.iterdir()] == ["situation.json"], "no draft stays"


def test_only_one_up_or_down_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    with Store(folder).exclusive():
        with pytest.raises(WrongStateError, match="another command"), Store(folder).exclusive():
            pass
        assert folder.exists()
    assert not folder.exists(), "an empty folder does not stay"


def test_a_lab_that_is_there_keeps_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    with Store(folder).exclusive():
        Store(folder).write(START)
    with Store(folder).exclusive():
        assert Store(folder).exists


def test_state_goes_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLADNET_LAB_STATE", str(tmp_path))
    assert folders.of_lab("demo").state == tmp_path / "demo"
    monkeypatch.delenv("CLADNET_LAB_STATE")
    assert folders.of_lab("demo").state == folders.ROOT / "build" / "lab" / "demo"
