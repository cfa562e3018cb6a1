# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What a message of the event stream changes in what is known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.cloud_barista.cladnet.extensions.eda.plugins.plugin_utils.network_view import (
    TYPES,
    Change,
    NetworkView,
    Update,
)
from hypothesis import given
from hypothesis import strategies as st


def peer(host: str, **fields: Any) -> dict[str, Any]:
    known = {"address": "10.0.0.1", "endpoint": "198.51.100.1:8055", "public_key": "k", "state": "tunneling"}
    return {"host": host, **known, "connected": True, "mtu": 1420, "revision": 1, **fields}


def snapshot(
    revision: int, *peers: dict[str, Any], networks: tuple[dict[str, Any], ...] = ({"name": "n"},)
) -> Update:
    document = {
        "type": "snapshot",
        "revision": revision,
        "networks": list(networks),
        "peers": [{"network": "n", **each} for each in peers],
    }
    return Update.of_json(f"c-{revision}", json.dumps(document))


def event(kind: str, revision: int, host: str | None = "a", **fields: Any) -> Update:
    document = {"type": kind, "network": "n", "host": host, "revision": revision, "peer": None, "changed": {}}
    document |= fields
    return Update.of_json(f"c-{revision}", json.dumps(document))


def view_of(*updates: Update) -> NetworkView:
    view = NetworkView()
    for update in updates:
        view.apply(update)
    return view


def told(changes: list[Change]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(change.type, change.host, change.fields["changed"]) for change in changes]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([peer("a")], [peer("a", revision=9)], []),
        ([peer("a")], [peer("a", connected=False)], [("peer_lost", "a", {"connected": [True, False]})]),
        (
            [peer("a", connected=False)],
            [peer("a")],
            [("peer_connected", "a", {"connected": [False, True]})],
        ),
        (
            [],
            [peer("a")],
            [("peer_joined", "a", {}), ("peer_connected", "a", {"connected": [False, True]})],
        ),
        ([], [peer("a", connected=False)], [("peer_joined", "a", {})]),
        ([peer("a")], [], [("peer_left", "a", {})]),
        (
            [peer("a")],
            [peer("a", address="10.0.0.2", mtu=1400)],
            [
                ("address_changed", "a", {"address": ["10.0.0.1", "10.0.0.2"]}),
                ("peer_changed", "a", {"mtu": [1420, 1400]}),
            ],
        ),
        ([peer("a")], [peer("a", public_key="l")], [("key_changed", "a", {"public_key": ["k", "l"]})]),
        (
            [peer("a")],
            [peer("a", state="released")],
            [("state_changed", "a", {"state": ["tunneling", "released"]})],
        ),
        (
            [peer("a")],
            [peer("a", endpoint=None)],
            [("endpoint_changed", "a", {"endpoint": ["198.51.100.1:8055", None]})],
        ),
        ([peer("a")], [peer("a", field_of_a_newer_controller=1)], []),
    ],
)
def test_snapshot_tells_what_was_missed(
    before: list[dict[str, Any]], after: list[dict[str, Any]], expected: list[tuple[str, str, dict[str, Any]]]
) -> None:
    changes = view_of(snapshot(1, *before)).changes(snapshot(5, *after))
    assert told(changes) == expected
    assert {(each.missed, each.fields["revision"], each.event_id) for each in changes} <= {(True, 5, "c-5")}


def test_snapshot_tells_of_networks() -> None:
    before = snapshot(1, networks=({"name": "old", "mtu": 1}, {"name": "n", "mtu": 1, "addresses_free": 5}))
    after = snapshot(5, networks=({"name": "new", "mtu": 1}, {"name": "n", "mtu": 2, "addresses_free": 4}))
    assert [
        (change.type, change.fields["network"], change.fields["changed"])
        for change in view_of(before).changes(after)
    ] == [
        ("network_changed", "n", {"mtu": [1, 2]}),
        ("network_created", "new", {}),
        ("network_deleted", "old", {}),
    ]


def test_network_that_an_event_told_is_known_afterwards() -> None:
    view = view_of(
        snapshot(1, networks=()),
        event("network_created", 2, None),
        event("network_changed", 3, None, changed={"mtu": [1, 2]}),
    )
    there = {"name": "n", "mtu": 2, "cidr": "10.0.0.0/24"}
    assert view.changes(snapshot(4, networks=(there,))) == []
    changed = view.changes(snapshot(4, networks=({**there, "mtu": 3},)))
    assert told(changed) == [("network_changed", "", {"mtu": [2, 3]})]


def test_end_of_a_network_is_the_end_of_its_peers() -> None:
    before = snapshot(1, peer("a"), networks=({"name": "n", "mtu": 1},))
    nothing = snapshot(5, networks=())
    assert told(view_of(before).changes(nothing)) == [("network_deleted", "", {})]
    assert view_of(before, event("network_deleted", 2, None)).changes(nothing) == []


def test_event_is_handed_on_as_it_is() -> None:
    update = event("test_done", 7, None, changed={"state": ["running", "done"]}, test={"id": "t1"})
    (change,) = view_of(snapshot(1)).changes(update)
    assert change.fields == {
        "type": "test_done",
        "network": "n",
        "host": None,
        "revision": 7,
        "peer": None,
        "changed": {"state": ["running", "done"]},
        "test": {"id": "t1"},
    }
    assert (change.type, change.host, change.event_id, change.missed) == ("test_done", "", "c-7", False)


def test_event_of_an_unknown_type_is_handed_on() -> None:
    (change,) = view_of(snapshot(1)).changes(event("of_a_newer_controller", 7))
    assert change.type == "of_a_newer_controller"


def test_event_that_comes_again_after_a_break_is_known() -> None:
    """Of events of one revision, the id of all but the last lets it come again."""
    first, second = event("peer_joined", 5, "a"), event("peer_joined", 5, "b")
    view = view_of(snapshot(1), replace(first, id="c-4"))
    assert view.last_id == "c-4"
    assert view.changes(first) == []
    assert told(view.changes(second)) == [("peer_joined", "b", {})]


def test_event_with_the_id_of_the_one_before_is_another() -> None:
    view = view_of(snapshot(1), event("peer_changed", 5, "a"))
    assert len(view.changes(replace(event("peer_changed", 6, "a"), id="c-5"))) == 1


@pytest.mark.parametrize(
    ("event_id", "is_behind"), [("c-4", True), ("c-5", False), ("c-6", False), ("d-4", False), ("", False)]
)
def test_snapshot_of_a_controller_that_lags_is_known_as_such(event_id: str, is_behind: bool) -> None:
    view = view_of(snapshot(5))
    assert view.is_behind(replace(snapshot(4), id=event_id)) is is_behind


_peers = st.dictionaries(
    st.sampled_from("abcd"),
    st.fixed_dictionaries(
        {
            "connected": st.booleans(),
            "address": st.sampled_from(["10.0.0.1", "10.0.0.2", None]),
            "endpoint": st.sampled_from([None, "198.51.100.1:1"]),
            "public_key": st.sampled_from([None, "k"]),
            "state": st.sampled_from(["tunneling", "released"]),
            "mtu": st.integers(0, 2),
        }
    ),
)


@given(_peers, _peers)
def test_what_is_told_of_a_snapshot_leads_to_it(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Whoever replays the events gets to where the snapshot is, and then nothing is missed."""
    old = snapshot(1, *(peer(host, **fields) for host, fields in before.items()))
    new = snapshot(5, *(peer(host, **fields) for host, fields in after.items()))
    view = view_of(old)
    changes = view.changes(new)
    assert {change.type for change in changes} <= set(TYPES)
    for number, change in enumerate(changes, start=2):
        view.apply(replace(Update.of_json("", json.dumps(change.fields)), id=f"c-{number}"))
    assert view.changes(new) == []
    assert NetworkView.of_document(view_of(old).to_document()).changes(new) == changes


def test_identities_differ_between_events_and_stay_with_each() -> None:
    changes = view_of(snapshot(1)).changes(snapshot(5, peer("a"), peer("b")))
    identities = [change.identity for change in changes]
    assert len(set(identities)) == len(identities) == 4
    assert identities == [
        change.identity for change in view_of(snapshot(1)).changes(snapshot(5, peer("a"), peer("b")))
    ]
