# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.events import Event, EventType, network_events, peer_events

PEER: dict[str, Any] = {
    "host": "a1",
    "address": "10.99.0.1",
    "public_key": "key",
    "endpoint": None,
    "state": "tunneling",
    "reason": "",
    "connected": True,
    "description": "",
    "occupied_networks": [],
    "revision": 7,
}
values = st.sampled_from([None, "", "x", "y", True, False])
views = st.fixed_dictionaries(dict.fromkeys(PEER, values))
SILENT = {"revision", "occupied_networks"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"endpoint": "198.51.100.1:8055"}, {EventType.ENDPOINT_CHANGED}),
        ({"address": "10.99.0.9"}, {EventType.ADDRESS_CHANGED}),
        ({"public_key": "other"}, {EventType.KEY_CHANGED}),
        ({"state": "degraded", "reason": "because"}, {EventType.STATE_CHANGED}),
        ({"reason": "because"}, {EventType.STATE_CHANGED}),
        ({"connected": False}, {EventType.PEER_LOST}),
        ({"description": "x", "revision": 8}, {EventType.PEER_CHANGED}),
        ({"revision": 8, "occupied_networks": ["172.17.0.0/16"]}, set()),
        ({}, set()),
        (
            {"address": "10.99.0.9", "state": "degraded", "connected": False},
            {EventType.ADDRESS_CHANGED, EventType.STATE_CHANGED, EventType.PEER_LOST},
        ),
    ],
)
def test_each_kind_of_change_is_one_event(changes: dict[str, Any], expected: set[EventType]) -> None:
    events = peer_events("demo", "a1", PEER, PEER | changes, 8)
    assert {event.type for event in events} == expected
    assert len(events) == len(expected)


def test_coming_and_going() -> None:
    assert peer_events("demo", "a1", None, PEER, 8) == [Event(EventType.PEER_JOINED, "demo", "a1", 8, PEER)]
    assert peer_events("demo", "a1", PEER, None, 8) == [Event(EventType.PEER_LEFT, "demo", "a1", 8)]
    assert peer_events("demo", "a1", None, None, 8) == []
    assert [e.type for e in peer_events("demo", "a1", PEER | {"connected": False}, PEER, 8)] == [
        EventType.PEER_CONNECTED
    ]


def test_networks() -> None:
    network = {"name": "demo", "mtu": 0, "peers": 1, "addresses_free": 9, "revision": 1}
    assert [e.type for e in network_events("demo", None, network, 2)] == [EventType.NETWORK_CREATED]
    assert [e.type for e in network_events("demo", network, None, 2)] == [EventType.NETWORK_DELETED]
    assert network_events("demo", network, network | {"peers": 2, "addresses_free": 8}, 2) == []
    (event,) = network_events("demo", network, network | {"mtu": 1400, "revision": 2}, 2)
    assert (event.type, event.changed) == (EventType.NETWORK_CHANGED, {"mtu": [0, 1400]})
    assert network_events("demo", None, None, 2) == []


@given(before=views, after=views)
def test_events_tell_all_that_changed_once_and_nothing_else(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    rebuilt, told = dict(before), []
    for event in peer_events("demo", "a1", before, after, 8):
        assert event.changed
        assert event.peer == after
        for name, (old, new) in event.changed.items():
            assert rebuilt[name] == old != new
            rebuilt[name] = new
            told.append(name)
    assert len(told) == len(set(told))
    assert {n: v for n, v in rebuilt.items() if n not in SILENT} == {
        n: v for n, v in after.items() if n not in SILENT
    }


def test_a_document_has_what_readers_expect() -> None:
    event = Event(EventType.TEST_DONE, "demo", None, 8, more={"test": {"id": "00ff"}})
    assert event.document() == {
        "type": "test_done",
        "network": "demo",
        "host": None,
        "revision": 8,
        "peer": None,
        "changed": {},
        "test": {"id": "00ff"},
    }
