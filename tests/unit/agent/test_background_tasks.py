# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from cladnet import tasks as tasks_module
from cladnet.agent import table_writer as table_writer_module
from cladnet.agent.announcer import GREETINGS_PER_S, Announcer
from cladnet.agent.health import Health
from cladnet.agent.state import StateDirectory
from cladnet.agent.table_writer import TableWriter
from cladnet.core.errors import NotFound, Unavailable
from cladnet.core.rule_table import RuleTable
from cladnet.tasks import first_to_end, wait_for_event


async def test_first_end_ends_all_and_raises_what_it_raised() -> None:
    ended: list[str] = []

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("for ever")

    async def soon() -> None:
        await asyncio.sleep(0)
        raise NotFound("gone")

    with pytest.raises(NotFound, match="gone"):
        await first_to_end(for_ever(), soon())
    assert ended == ["for ever"]


async def test_a_task_that_swallows_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks_module, "CANCEL_RETRY_S", 0.01)
    swallowed: list[str] = []

    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        swallowed.append("once")
        await asyncio.Event().wait()

    async def soon() -> None:
        await asyncio.sleep(0)

    await asyncio.wait_for(first_to_end(stubborn(), soon()), 5)
    assert swallowed == ["once"]


async def test_event_is_cleared_by_who_waited_for_it() -> None:
    event = asyncio.Event()
    assert not await wait_for_event(event, 0.01)
    event.set()
    assert await wait_for_event(event, 0.01)
    assert not event.is_set()


async def test_greetings_are_paced_deduplicated_and_survive_a_removed_peer() -> None:
    greeted: dict[bytes, float] = {}
    loop = asyncio.get_running_loop()

    def connect(key: bytes) -> None:
        assert key not in greeted
        greeted[key] = loop.time()
        if key == b"0":
            raise NotFound("removed meanwhile")

    announcer = Announcer(connect)
    keys = [str(number).encode() for number in range(20)]
    announcer.announce(keys)
    announcer.announce(keys)
    start_s = loop.time()
    task = asyncio.ensure_future(announcer.run())
    while len(greeted) < 20:
        assert loop.time() < start_s + 5
        await asyncio.sleep(0.01)
    task.cancel()
    assert list(greeted) == keys
    assert max(greeted.values()) - start_s >= (20 - 5) / GREETINGS_PER_S


async def test_only_the_newest_table_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_writer_module, "DEBOUNCE_S", 0.05)
    state = StateDirectory(tmp_path / "state")
    written: list[int] = []
    store = state.store_table

    def noting_store(table: RuleTable) -> None:
        written.append(table.revision)
        store(table)

    monkeypatch.setattr(state, "store_table", noting_store)
    writer = TableWriter(state, Health(lambda: None))
    task = asyncio.ensure_future(writer.run())
    for revision in range(1, 50):
        writer.put(RuleTable(revision=revision))
    await asyncio.sleep(0.3)
    task.cancel()
    assert written == [49]
    assert state.load_table().revision == 49


async def test_full_disk_is_a_condition_until_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_writer_module, "DEBOUNCE_S", 0.0)
    monkeypatch.setattr(table_writer_module, "RETRY_S", 0.02)
    state, health = StateDirectory(tmp_path / "state"), Health(lambda: None)
    store, is_full = state.store_table, True

    def full(table: RuleTable) -> None:
        if is_full:
            raise Unavailable("table.json cannot be written: No space left on device.")
        store(table)

    monkeypatch.setattr(state, "store_table", full)
    writer = TableWriter(state, health)
    task = asyncio.ensure_future(writer.run())
    writer.put(RuleTable(revision=3))
    await asyncio.sleep(0.1)
    assert "No space left" in health.conditions.storage_problem
    is_full = False
    await asyncio.sleep(0.2)
    assert health.conditions.storage_problem == ""
    assert state.load_table().revision == 3
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
