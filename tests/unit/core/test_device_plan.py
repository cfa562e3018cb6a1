# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core.device_plan import (
    AddAddress,
    DesiredDevice,
    DeviceAction,
    DeviceState,
    RemoveAddress,
    RestoreRoute,
    SetDown,
    SetMtu,
    SetUp,
    plan_device,
    tunnel_mtu,
)

ADDRESS, OTHER = IPv4Interface("10.77.0.2/24"), IPv4Interface("10.78.0.9/24")
NETWORK = IPv4Network("10.77.0.0/24")
GOOD = DeviceState(5, True, 1420, frozenset({ADDRESS}), frozenset({NETWORK}))
WANTED = DesiredDevice(ADDRESS, 1420)
DOWN = DesiredDevice(ADDRESS, 1420, is_up=False)


@pytest.mark.parametrize(
    ("observed", "desired", "actions"),
    [
        (GOOD, WANTED, ()),
        (DeviceState(5, False, 1420, frozenset()), WANTED, (AddAddress(ADDRESS), SetUp())),
        (replace(GOOD, is_up=False), WANTED, (SetUp(),)),
        (replace(GOOD, mtu_bytes=1500), WANTED, (SetMtu(1420),)),
        (replace(GOOD, addresses=frozenset()), WANTED, (AddAddress(ADDRESS),)),
        (replace(GOOD, addresses=frozenset({ADDRESS, OTHER})), WANTED, (RemoveAddress(OTHER),)),
        (replace(GOOD, addresses=frozenset({OTHER})), WANTED, (RemoveAddress(OTHER), AddAddress(ADDRESS))),
        (GOOD, DesiredDevice(None, 1420), (RemoveAddress(ADDRESS),)),
        (GOOD, DOWN, (SetDown(),)),
        (replace(GOOD, is_up=False, mtu_bytes=9000, addresses=frozenset({OTHER})), DOWN, ()),
        (replace(GOOD, routes=frozenset()), WANTED, (RestoreRoute(ADDRESS),)),
        (replace(GOOD, routes=frozenset(), is_up=False), WANTED, (SetUp(),)),
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
    ),
    st.sampled_from([WANTED, DOWN, DesiredDevice(None, 1380)]),
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
            state = replace(state, addresses=state.addresses - {action.address})
        elif isinstance(action, SetMtu):
            state = replace(state, mtu_bytes=action.mtu_bytes)
        elif isinstance(action, SetUp):
            state = replace(state, is_up=True)
        elif isinstance(action, SetDown):
            state = replace(state, is_up=False, routes=frozenset())
        else:
            state = replace(state, routes=state.routes | {action.address.network})
    return state


@pytest.mark.parametrize(
    ("configured", "network", "underlay", "expected"),
    [
        (0, 0, 1500, 1420),
        (0, 0, 1460, 1380),
        (0, 0, 9001, 1420),  # between clouds 1500 is what gets through
        (0, 0, None, 1420),
        (0, 1300, 1500, 1300),
        (1200, 1300, 1500, 1200),
        (0, 0, 600, 576),
    ],
)
def test_mtu(configured: int, network: int, underlay: int | None, expected: int) -> None:
    assert tunnel_mtu(configured=configured, network=network, underlay=underlay) == expected
