# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.device_plan import (
    AddAddress,
    DesiredDevice,
    DeviceAction,
    DeviceRoute,
    DeviceState,
    RemoveAddress,
    RemoveRoute,
    SetDown,
    SetMtu,
    SetRoute,
    SetUp,
    path_mtu_bounds,
    plan_device,
    tunnel_mtu,
)
from cladnet.core.path_mtu import PathMtuBounds

ADDRESS, OTHER = IPv4Interface("10.77.0.2/24"), IPv4Interface("10.78.0.9/24")
NETWORK = IPv4Network("10.77.0.0/24")
MSS = 1380
PEER, FAR_PEER = IPv4Address("10.77.0.3"), IPv4Address("10.99.0.3")
ROUTE = DeviceRoute(NETWORK, 1200, MSS)
PEER_ROUTE = DeviceRoute(IPv4Network(PEER), 1340, MSS, is_ours=True)
OLD_ROUTE = DeviceRoute(IPv4Network("10.77.0.9"), 1300, MSS, is_ours=True)
FOREIGN_ROUTE = DeviceRoute(IPv4Network("192.0.2.0/24"))
GOOD = DeviceState(5, True, 1420, frozenset({ADDRESS}), frozenset({ROUTE}))
WANTED = DesiredDevice(ADDRESS, 1420, 1200)
DOWN = replace(WANTED, is_up=False)
NO_ADDRESS = replace(WANTED, address=None)
WITH_PEER = replace(WANTED, path_mtus={PEER: 1340})
SET_ROUTE, SET_PEER_ROUTE = SetRoute(ROUTE, ADDRESS.ip), SetRoute(PEER_ROUTE, ADDRESS.ip)


@pytest.mark.parametrize(
    ("observed", "desired", "actions"),
    [
        (GOOD, WANTED, ()),
        (DeviceState(5, False, 1420, frozenset()), WANTED, (AddAddress(ADDRESS), SetUp(), SET_ROUTE)),
        (replace(GOOD, is_up=False), WANTED, (SetUp(), SET_ROUTE)),
        (replace(GOOD, mtu_bytes=1500), WANTED, (SetMtu(1420),)),
        (replace(GOOD, addresses=frozenset()), WANTED, (AddAddress(ADDRESS), SET_ROUTE)),
        (replace(GOOD, addresses=frozenset({ADDRESS, OTHER})), WANTED, (RemoveAddress(OTHER),)),
        (
            replace(GOOD, addresses=frozenset({OTHER})),
            WANTED,
            (RemoveAddress(OTHER), AddAddress(ADDRESS), SET_ROUTE),
        ),
        (GOOD, NO_ADDRESS, (RemoveAddress(ADDRESS),)),
        (GOOD, DOWN, (SetDown(),)),
        (replace(GOOD, is_up=False, mtu_bytes=9000, addresses=frozenset({OTHER})), DOWN, ()),
        (replace(GOOD, routes=frozenset()), WANTED, (SET_ROUTE,)),
        (replace(GOOD, routes=frozenset({DeviceRoute(NETWORK)})), WANTED, (SET_ROUTE,)),
        (replace(GOOD, routes=frozenset({ROUTE, FOREIGN_ROUTE})), WANTED, ()),
        (GOOD, WITH_PEER, (SET_PEER_ROUTE,)),
        (replace(GOOD, routes=frozenset({ROUTE, PEER_ROUTE})), WITH_PEER, ()),
        (
            replace(GOOD, routes=frozenset({ROUTE, replace(PEER_ROUTE, mtu_bytes=1400)})),
            WITH_PEER,
            (SET_PEER_ROUTE,),
        ),
        (
            replace(GOOD, routes=frozenset({ROUTE, OLD_ROUTE})),
            WITH_PEER,
            (RemoveRoute(OLD_ROUTE), SET_PEER_ROUTE),
        ),
        (replace(GOOD, routes=frozenset({ROUTE, PEER_ROUTE})), WANTED, (RemoveRoute(PEER_ROUTE),)),
        (GOOD, replace(WANTED, path_mtus={PEER: 1200, FAR_PEER: 1340}), ()),
        (
            replace(GOOD, routes=frozenset({ROUTE, PEER_ROUTE})),
            NO_ADDRESS,
            (RemoveAddress(ADDRESS), RemoveRoute(PEER_ROUTE)),
        ),
        (replace(GOOD, is_up=False), WITH_PEER, (SetUp(), SET_ROUTE, SET_PEER_ROUTE)),
    ],
)
def test_only_what_differs_is_changed(
    observed: DeviceState, desired: DesiredDevice, actions: tuple[DeviceAction, ...]
) -> None:
    assert plan_device(observed, desired) == actions


@given(
    st.builds(
        DeviceState,
        st.just(5),
        st.booleans(),
        st.integers(576, 9000),
        st.frozensets(st.sampled_from([ADDRESS, OTHER])),
        st.frozensets(st.sampled_from([ROUTE, DeviceRoute(NETWORK), PEER_ROUTE, OLD_ROUTE, FOREIGN_ROUTE])),
    ),
    st.sampled_from([WANTED, WITH_PEER, DOWN, NO_ADDRESS]),
)
def test_plan_settles(observed: DeviceState, desired: DesiredDevice) -> None:
    state = _applied(observed, plan_device(observed, desired))
    state = _applied(state, plan_device(state, desired))
    assert plan_device(state, desired) == ()


def _applied(state: DeviceState, actions: tuple[DeviceAction, ...]) -> DeviceState:
    for action in actions:
        if isinstance(action, AddAddress):
            state = replace(state, addresses=state.addresses | {action.address})
        elif isinstance(action, RemoveAddress):
            gone = {DeviceRoute(action.address.network), DeviceRoute(action.address.network, 1200, MSS)}
            left = replace(state, addresses=state.addresses - {action.address})
            state = replace(left, routes=state.routes - gone)
        elif isinstance(action, SetMtu):
            state = replace(state, mtu_bytes=action.mtu_bytes)
        elif isinstance(action, SetUp):
            state = replace(state, is_up=True)
        elif isinstance(action, SetDown):
            state = replace(state, is_up=False, routes=frozenset())
        else:
            others = {route for route in state.routes if route.network != action.route.network}
            added = {action.route} if isinstance(action, SetRoute) else set()
            state = replace(state, routes=frozenset(others | added))
    return state


@pytest.mark.parametrize(
    ("configured", "network", "underlay", "expected"),
    [
        (0, 0, 1500, 1420),
        (0, 0, 1460, 1380),
        (0, 0, 9001, 8921),
        (0, 0, 65536, 65455),  # no UDP datagram is longer
        (0, 0, None, 1420),
        (0, 1300, 1500, 1300),
        (1200, 1300, 1500, 1200),
        (0, 0, 600, 576),
    ],
)
def test_mtu(configured: int, network: int, underlay: int | None, expected: int) -> None:
    assert tunnel_mtu(configured=configured, network=network, underlay=underlay) == expected


@pytest.mark.parametrize(
    ("configured", "network", "underlay", "bounds"),
    [
        (0, 0, 9001, PathMtuBounds(1280, 8921)),
        (0, 0, 1500, PathMtuBounds(1280, 1420)),
        (0, 0, None, PathMtuBounds(1280, 1420)),
        (0, 0, 1000, PathMtuBounds(920, 920)),
        (0, 1300, 1500, PathMtuBounds(1300, 1300)),
        (1400, 1300, 1500, PathMtuBounds(1400, 1400)),
    ],
)
def test_paths_begin_with_what_is_safe_or_ordered(
    configured: int, network: int, underlay: int | None, bounds: PathMtuBounds
) -> None:
    assert path_mtu_bounds(configured=configured, network=network, underlay=underlay) == bounds
