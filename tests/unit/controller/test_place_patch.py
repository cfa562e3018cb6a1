# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.controller.places import NewPlace, PlacePatch
from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput
from cladnet.core.host_report import Cloud
from cladnet.core.place import Place
from cladnet.core.rule_table import PeerEntry

HERE, THERE = IPv4Address("10.99.0.1"), IPv4Address("10.99.0.2")
KEY = bytes(range(32))
ENDPOINT = Endpoint("203.0.113.9", 51820)
PEER = PeerEntry("a1", HERE, KEY, ENDPOINT, 17)

addresses = st.sampled_from([None, HERE, THERE])
places = st.builds(Place, addresses, st.booleans(), st.sampled_from(["", "x"]))


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        (Place(), PlacePatch(), Place()),
        (Place(), PlacePatch(address=THERE), Place(THERE, True)),
        (Place(), PlacePatch(is_static=True), Place(HERE, True)),
        (Place(HERE, True), PlacePatch(is_static=False), Place(HERE, False)),
        (Place(HERE, True), PlacePatch(description="x"), Place(HERE, True, "x")),
        (Place(details=Cloud("aws")), PlacePatch(details=Cloud(zone="a")), Place(details=Cloud(zone="a"))),
        (Place(is_managed=False), PlacePatch(address=THERE), Place(THERE, True, is_managed=False)),
    ],
)
def test_a_place_after_a_change(before: Place, patch: PlacePatch, after: Place) -> None:
    assert patch.place(before, HERE) == after


@given(before=places, address=addresses)
def test_a_change_of_nothing_changes_nothing(before: Place, address: IPv4Address | None) -> None:
    assert PlacePatch().place(before, address) == before
    assert PlacePatch().peer(PEER, HERE) == PEER


@given(before=places, address=addresses, wanted=addresses, is_static=st.sampled_from([None, True, False]))
def test_a_change_done_twice_is_done_once(
    before: Place, address: IPv4Address | None, wanted: IPv4Address | None, is_static: bool | None
) -> None:
    patch = PlacePatch(address=wanted, is_static=is_static)
    try:
        once = patch.place(before, before.address or address)
    except InvalidInput:
        return
    assert patch.place(once, once.address or address) == once
    assert not once.is_static or once.address is not None or before.is_static


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(InvalidInput, match="static: false"):
        PlacePatch(address=THERE, is_static=False).place(Place(), HERE)
    with pytest.raises(InvalidInput, match="no address yet"):
        PlacePatch(is_static=True).place(Place(), None)
    with pytest.raises(InvalidInput, match="without a public key"):
        NewPlace(endpoint=ENDPOINT)


def test_a_peer_after_a_change() -> None:
    moved = PlacePatch(endpoint=Endpoint("203.0.113.1", 1)).peer(PEER, THERE)
    assert moved == PeerEntry("a1", THERE, KEY, Endpoint("203.0.113.1", 1), 17)
    assert PlacePatch(forgets_endpoint=True).peer(PEER, HERE) == PeerEntry("a1", HERE, KEY, None, 17)
    assert PlacePatch(public_key=bytes(32)).peer(PEER, HERE) == PeerEntry("a1", HERE, bytes(32), ENDPOINT, 17)
    assert PlacePatch(public_key=KEY).peer(None, HERE) is None


def test_the_administrator_knows_better_only_what_he_says() -> None:
    place = Place(details=Cloud(zone="b", vnet="v"))
    assert place.cloud(Cloud("aws", "eu", "a")) == Cloud("aws", "eu", "b", "v")
    assert place.details_given == {"zone": "b", "vnet": "v"}
