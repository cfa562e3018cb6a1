# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a source remembers across restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.state_file import (
    SAVE_EVERY_S,
    StateFile,
)
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import InvalidInput

SCOPE = {"network": "", "infras": ("mix",)}
_SCOPE = '{"network": "", "infras": ["mix"]}'


def content(document: dict[str, Any]) -> Any:
    return document["content"]


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_state_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    await StateFile(str(path), SCOPE).save({"content": 1})
    assert await StateFile(str(path), SCOPE).load(content) == 1
    assert files(tmp_path) == [path]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_state_about_something_else_is_not_read(tmp_path: Path) -> None:
    path = str(tmp_path / "state.json")
    await StateFile(path, SCOPE).save({"content": 1})
    assert await StateFile(path, {"network": "other"}).load(content) is None


async def test_without_a_path_nothing_is_remembered() -> None:
    file = StateFile("", SCOPE, now=lambda: 0.0)
    await file.save({"content": 1})
    assert await file.load(content) is None
    assert not file.is_due


async def test_missing_file_is_no_error(tmp_path: Path) -> None:
    assert await StateFile(str(tmp_path / "state.json"), SCOPE).load(content) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", f'{{"scope": {_SCOPE}}}', f'{{"scope": {_SCOPE}, "state": {{}}}}']
)
async def test_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="delete it to begin with what is there now"):
        await StateFile(str(path), SCOPE).load(content)


async def test_file_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"missing/state\.json cannot be written: No such file"):
        await StateFile(str(tmp_path / "missing" / "state.json"), SCOPE).save({})


async def test_state_is_due_now_and_then_and_written_only_if_it_is_another(tmp_path: Path) -> None:
    clock = [0.0]
    path = tmp_path / "state.json"
    file = StateFile(str(path), SCOPE, now=lambda: clock[0])
    await file.save({"content": 1})
    assert not file.is_due
    clock[0] += SAVE_EVERY_S
    assert file.is_due
    path.unlink()
    await file.save({"content": 1})
    assert not path.exists()
    await file.save({"content": 2})
    assert path.exists()
