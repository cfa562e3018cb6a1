# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The event source for cladnet against an event stream over TLS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.event_source import cladnet_events
from ansible_collections.cloud_barista.cladnet.plugins.module_utils._errors import (
    CladnetError,
    InvalidInput,
    Unauthorized,
)

from tests.unit.eda.event_server import (
    ALIVE,
    HOLD,
    TOKEN,
    EventServer,
    event_server,
    sent,
    sent_snapshot,
)

DEADLINE_S = 10.0
Event = dict[str, Any]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EventServer]:
    async with event_server(tmp_path) as serving:
        yield serving


class Source:
    """The event source, running as ansible-rulebook runs it."""

    def __init__(self, *servers: EventServer, **args: Any) -> None:
        self.queue: asyncio.Queue[Event] = asyncio.Queue(1)
        known = {
            "urls": [server.url for server in servers],
            "api_token": TOKEN,
            "ca_path": str(servers[0].ca_path),
            "backoff_first": 0.1,
            "backoff_max": 0.2,
        }
        self.task = asyncio.create_task(cladnet_events.main(self.queue, known | args))

    async def next(self) -> Event:
        """The next event, or what the source failed with."""
        getting = asyncio.create_task(self.queue.get())
        await asyncio.wait({getting, self.task}, timeout=DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            getting.cancel()
            assert self.task.done(), "no event came in time"
            self.task.result()
        return getting.result()["cladnet"]

    async def types(self, count: int) -> list[tuple[str, str | None]]:
        events = [await self.next() for _number in range(count)]
        return [(event["type"], event["host"]) for event in events]

    async def failure(self) -> CladnetError:
        with pytest.raises(CladnetError) as caught:
            await asyncio.wait_for(self.task, DEADLINE_S)
        return caught.value

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(self.task, DEADLINE_S)


async def test_first_snapshot_is_only_learnt_and_events_are_told(server: EventServer) -> None:
    lost = sent("peer_lost", 6, "a", peer={"host": "a"}, changed={"connected": [True, False]})
    server.scripts = [[sent_snapshot(5, "a"), lost, HOLD]]
    source = Source(server, network="n")
    assert await source.next() == {
        "type": "peer_lost",
        "network": "n",
        "host": "a",
        "revision": 6,
        "peer": {"host": "a"},
        "changed": {"connected": [True, False]},
        "missed": False,
    }
    await source.stop()
    (request,) = server.requests
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Accept"] == "text/event-stream"
    assert request.query == {"network": "n"}


async def test_existing_peers_are_told_if_wanted(server: EventServer) -> None:
    server.scripts = [[sent_snapshot(5, "a"), HOLD]]
    source = Source(server, emit_existing=True)
    assert await source.types(3) == [("network_created", None), ("peer_joined", "a"), ("peer_connected", "a")]
    await source.stop()


async def test_only_wanted_types_are_told(server: EventServer) -> None:
    server.scripts = [[sent_snapshot(5), sent("peer_joined", 6, "a"), sent("peer_lost", 7, "a"), HOLD]]
    source = Source(server, types=["peer_lost"])
    assert await source.types(1) == [("peer_lost", "a")]
    await source.stop()


async def test_stream_is_resumed_where_it_was(server: EventServer) -> None:
    server.scripts = [
        [sent_snapshot(5), sent("peer_joined", 6, "a"), ALIVE],
        [sent("peer_joined", 7, "b"), HOLD],
    ]
    source = Source(server)
    assert await source.types(2) == [("peer_joined", "a"), ("peer_joined", "b")]
    await source.stop()
    assert server.resumed_after == [None, "c0ffee-6"]


async def test_break_within_a_revision_loses_nothing_and_doubles_nothing(server: EventServer) -> None:
    """All events of a revision but the last have an id from which the revision comes again."""
    both = [sent("peer_joined", 6, "a", event_id="c0ffee-5"), sent("peer_joined", 6, "b")]
    server.scripts = [[sent_snapshot(5), both[0]], [*both, HOLD]]
    source = Source(server)
    assert await source.types(2) == [("peer_joined", "a"), ("peer_joined", "b")]
    await source.stop()
    assert server.resumed_after == [None, "c0ffee-5"]


async def test_what_was_missed_is_found_out_by_comparing(server: EventServer) -> None:
    server.scripts = [[sent_snapshot(5, "a", "b")], [sent_snapshot(90, "a", connected=False), HOLD]]
    source = Source(server)
    assert await source.types(2) == [("peer_lost", "a"), ("peer_left", "b")]
    await source.stop()


async def test_restart_goes_on_with_what_the_state_file_knows(server: EventServer, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    server.scripts = [[sent_snapshot(5, "a", "b"), sent("peer_left", 6, "b"), ALIVE, HOLD]]
    source = Source(server, state_file=str(state))
    assert await source.types(1) == [("peer_left", "b")]
    await source.stop()
    assert TOKEN not in state.read_text()

    server.scripts = [[sent_snapshot(90, "c"), HOLD]]
    source = Source(server, state_file=str(state), types=["peer_left", "peer_joined"])
    assert await source.types(2) == [("peer_left", "a"), ("peer_joined", "c")]
    await source.stop()
    assert server.resumed_after == [None, "c0ffee-6"]


async def test_state_is_saved_while_it_is_quiet(server: EventServer, tmp_path: Path) -> None:
    """ansible-rulebook may be killed at any moment, and then comes no chance to save."""
    state = tmp_path / "state.json"
    server.scripts = [[sent_snapshot(5), sent("peer_joined", 6, "a"), HOLD]]
    source = Source(server, state_file=str(state))
    await source.next()
    await until(lambda: "c0ffee-6" in state.read_text())
    assert not source.task.done()
    await source.stop()


async def test_event_that_the_rules_did_not_take_is_told_again(server: EventServer, tmp_path: Path) -> None:
    """The queue is full when ansible-rulebook stops: the event waits for the next start."""
    state = str(tmp_path / "state.json")
    server.scripts = [[sent_snapshot(5), sent("peer_joined", 6, "a"), sent("peer_joined", 7, "b"), HOLD]]
    source = Source(server, state_file=state)
    await until(source.queue.full)
    await source.stop()
    assert source.queue.get_nowait()["cladnet"]["host"] == "a"
    server.scripts = [[sent("peer_joined", 7, "b"), HOLD]]
    source = Source(server, state_file=state)
    assert await source.types(1) == [("peer_joined", "b")]
    await source.stop()
    assert server.resumed_after == [None, "c0ffee-6"]


async def test_next_controller_takes_over(server: EventServer, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    async with event_server(tmp_path / "second") as second:
        second.ca_path.write_bytes(server.ca_path.read_bytes() + second.ca_path.read_bytes())
        server.scripts = [[sent_snapshot(5), ALIVE], 503]
        second.scripts = [[sent("peer_joined", 6, "a"), HOLD]]
        source = Source(second, server, urls=f"{server.url}, {second.url}")
        assert await source.types(1) == [("peer_joined", "a")]
        await source.stop()
        assert second.resumed_after == ["c0ffee-5"]


async def test_controller_that_lags_behind_does_not_undo_what_happened(server: EventServer) -> None:
    server.scripts = [
        [sent_snapshot(5), sent("peer_joined", 9, "a", peer={"host": "a"}), ALIVE],
        [sent_snapshot(8)],
        [sent_snapshot(9, "a"), sent("peer_lost", 10, "a"), HOLD],
    ]
    source = Source(server)
    assert await source.types(2) == [("peer_joined", "a"), ("peer_lost", "a")]
    await source.stop()


async def test_cluster_that_went_back_for_good_is_believed_in_the_end(server: EventServer) -> None:
    server.scripts = [[sent_snapshot(9, "a")], [sent_snapshot(3), HOLD]]
    server.scripts[1:1] = [[sent_snapshot(3)] for _number in range(5)]
    source = Source(server)
    assert await source.types(1) == [("peer_left", "a")]
    await source.stop()


async def test_silent_connection_is_given_up(server: EventServer, caplog: pytest.LogCaptureFixture) -> None:
    server.scripts = [[sent_snapshot(5), HOLD], [sent("peer_joined", 6, "a"), HOLD]]
    source = Source(server, silence_timeout=1)
    assert await source.types(1) == [("peer_joined", "a")]
    await source.stop()
    assert "Timeout on reading" in caplog.text


@pytest.mark.parametrize(
    "rubbish",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b'data: {"type": "peer_lost"}\n\n',
        b'data: {"type": "snapshot", "revision": 6}\n\n',
        b'data: {"type": "snapshot", "revision": 6, "networks": [], "peers": [{}]}\n\n',
        b'data: {"type": "x", "network": "n", "host": null, "revision": 6, "peer": null, "changed": [1]}\n\n',
        b'data: {"type": "x", "network": "n", "host": null, "revision": 6, "peer": 1, "changed": {}}\n\n',
    ],
)
async def test_rubbish_is_reported_and_tried_again(
    server: EventServer, rubbish: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server.scripts = [[sent_snapshot(5), ALIVE, rubbish, HOLD], [sent("peer_joined", 6, "a"), HOLD]]
    source = Source(server)
    assert await source.types(1) == [("peer_joined", "a")]
    await source.stop()
    assert "something that is no event" in caplog.text


@pytest.mark.parametrize("status", [404, 429, 500, 503])
async def test_refusal_that_may_pass_is_tried_again(server: EventServer, status: int) -> None:
    server.scripts = [status, [sent_snapshot(5), sent("peer_joined", 6, "a"), HOLD]]
    source = Source(server)
    assert await source.types(1) == [("peer_joined", "a")]
    await source.stop()


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorized), (403, Unauthorized), (400, InvalidInput), (302, InvalidInput)]
)
async def test_refusal_that_stays_stops_the_source(
    server: EventServer, status: int, kind: type[CladnetError]
) -> None:
    server.scripts = [status]
    assert isinstance(await Source(server).failure(), kind)
    assert len(server.requests) == 1


async def test_controller_with_another_token_is_passed_over(
    server: EventServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "second").mkdir()
    async with event_server(tmp_path / "second") as second:
        second.ca_path.write_bytes(server.ca_path.read_bytes() + second.ca_path.read_bytes())
        server.scripts = [401]
        second.scripts = [[sent_snapshot(5), sent("peer_joined", 6, "a")], 401]
        source = Source(second, server, urls=[server.url, second.url])
        assert await source.types(1) == [("peer_joined", "a")]
        assert f"{server.url} refuses" in caplog.text
        assert isinstance(await source.failure(), Unauthorized)


async def test_certificate_of_somebody_else_is_not_trusted(
    server: EventServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "second").mkdir()
    async with event_server(tmp_path / "second") as second:
        source = Source(server, ca_path=str(second.ca_path))
        await until(lambda: "is not trusted" in caplog.text)
        await source.stop()
    assert server.requests == []
    assert "ca_path" in caplog.text


async def test_name_of_the_certificate_is_checked(
    server: EventServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.scripts = [[sent_snapshot(5), sent("peer_joined", 6, "a"), HOLD]]
    wrong = Source(server, server_name="another-name")
    await until(lambda: "Set server_name to cladnet-controller" in caplog.text)
    await wrong.stop()
    assert server.requests == []
    right = Source(server, server_name="cladnet-controller")
    assert await right.types(1) == [("peer_joined", "a")]
    await right.stop()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"urls": []}, "urls is missing"),
        ({"urls": "http://c1:8053"}, "api_url is 'http://c1:8053'"),
        ({"api_token": ""}, "api_token and api_token_file are missing"),
        ({"api_token": "", "api_token_file": "/nonexistent"}, "api_token_file cannot be read"),
        ({"ca_path": "/nonexistent"}, "ca_path names no file"),
        ({"network": "UPPER"}, "cannot be the name of a network"),
        ({"types": ["peer_lots"]}, "types has peer_lots"),
        ({"silence_timeout": 0}, "silence_timeout is 0"),
        ({"backoff_max": 0.01}, "backoff_max is 0.01"),
        ({"tokn": "x"}, "no argument tokn"),
        ({"state_file": "/nonexistent/state.json"}, "cannot be written"),
    ],
)
async def test_wrong_argument_stops_the_source_with_a_sentence(
    server: EventServer, args: dict[str, Any], message: str
) -> None:
    failure = await Source(server, **args).failure()
    assert isinstance(failure, InvalidInput)
    assert message in str(failure)
    assert TOKEN not in str(failure)


async def test_file_without_certificates_is_named(server: EventServer, tmp_path: Path) -> None:
    (tmp_path / "empty.crt").write_text("")
    failure = await Source(server, ca_path=str(tmp_path / "empty.crt")).failure()
    assert "ca_path has no certificates" in str(failure)


async def test_token_file_is_read(server: EventServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    server.scripts = [[sent_snapshot(5), sent("peer_joined", 6, "a"), HOLD]]
    source = Source(server, api_token="", api_token_file=str(tmp_path / "token"))
    await source.next()
    await source.stop()
    assert server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_cancellation_leaves_nothing_behind(server: EventServer) -> None:
    server.scripts = [[sent_snapshot(5), HOLD]]
    before = asyncio.all_tasks()
    source = Source(server)
    await until(lambda: bool(server.requests))
    await source.stop()
    left = [task for task in asyncio.all_tasks() - before if "web_protocol" not in repr(task)]
    assert left == []  # but for the server's own


async def test_token_is_never_logged(server: EventServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.scripts = [500, [sent_snapshot(5), sent("peer_joined", 6, "a"), HOLD]]
    source = Source(server)
    await source.next()
    await source.stop()
    assert "Following the events" in caplog.text
    assert TOKEN not in caplog.text


async def until(condition: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of it
            await asyncio.sleep(0.01)

    await asyncio.wait_for(wait(), DEADLINE_S)
