# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A new key on order, and what becomes of it when the agent dies or the disk fails at any moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.agent import state as state_module
from cladnet.agent.state import StateDirectory
from cladnet.agent.tunnel_keys import TunnelKeys
from cladnet.core.errors import Unavailable


def start(folder: Path) -> TunnelKeys:
    """What an agent has after a start, however the one before ended."""
    return TunnelKeys(StateDirectory(folder))


def test_a_key_is_made_once_for_each_order(tmp_path: Path) -> None:
    keys = start(tmp_path)
    old = keys.public
    keys.order(0)
    assert (keys.reported, keys.rekeys_done) == (old, 0)
    keys.order(1)
    new = keys.reported
    assert new != old
    assert keys.public == old, "not before the controllers know it"
    keys.order(1)
    assert keys.reported == new
    assert not keys.taken(old)
    assert keys.taken(new)
    assert not keys.taken(new), "once"
    assert (keys.public, keys.rekeys_done) == (new, 1)
    assert start(tmp_path).public == new


def test_orders_that_come_while_a_key_is_introduced_are_met_by_it(tmp_path: Path) -> None:
    keys = start(tmp_path)
    keys.order(1)
    new = keys.reported
    keys.order(3)
    assert (keys.reported, keys.rekeys_done) == (new, 3)


def test_a_count_that_went_back_with_a_backup_is_followed_without_a_new_key(tmp_path: Path) -> None:
    keys = start(tmp_path)
    keys.order(5)
    keys.taken(keys.reported)
    public = keys.public
    keys.order(2)
    assert (keys.reported, keys.rekeys_done) == (public, 2)
    keys.order(3)
    assert keys.reported != public


@pytest.mark.parametrize("dies_at", range(1, 5))
def test_an_agent_that_dies_at_any_write_ends_with_one_new_key(
    tmp_path: Path, dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The controllers know what was reported; each start goes on until both agree."""
    keys = start(tmp_path)
    old, known, lives = keys.public, keys.public, []
    monkeypatch.setattr(state_module, "write_atomically", dying_at(dies_at, state_module.write_atomically))
    for _unused in range(3):
        try:
            keys.order(1)
            known = keys.reported
            keys.taken(known)
        except Unavailable:
            keys = start(tmp_path)
        lives.append(keys.reported)
    assert keys.public == known != old
    assert keys.rekeys_done == 1
    assert len(set(lives) - {old}) == 1, "one order, one key"
    assert start(tmp_path).reported == known


def dying_at(number: int, write: Callable[..., None]) -> Callable[..., None]:
    count = 0

    def write_or_die(path: Path, data: bytes, **options: int) -> None:
        nonlocal count
        count += 1
        if count == number:
            raise OSError(28, "No space left on device")
        write(path, data, **options)

    return write_or_die


@given(
    damage=st.one_of(st.binary(max_size=40), st.sampled_from([b"[]", b'{"done":"x","next_key":""}', b"{"]))
)
def test_damaged_files_lead_to_defaults(tmp_path_factory: pytest.TempPathFactory, damage: bytes) -> None:
    folder = tmp_path_factory.mktemp("state")
    keys = start(folder)
    for name in ("rekeying.json", "orders.json"):
        (folder / name).write_bytes(damage)
    again = start(folder)
    assert (again.public, again.reported) == (keys.public, keys.public)
    StateDirectory(folder).orders()
