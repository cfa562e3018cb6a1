# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Orders and events on their way between two processes."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from cladnet.core.endpoint import Endpoint
from cladnet.core.forwarding import events, orders
from cladnet.core.forwarding.events import Event
from cladnet.core.forwarding.orders import Order
from cladnet.core.forwarding.wire import decode_event, decode_order, encode
from cladnet.core.wireguard.suite import AES_256_GCM

PLACE = Endpoint("2001:db8::1", 8055)
SESSION = orders.InstallSession(
    peer=7,
    slot=29,
    local_index=0xFFFFFFFF,
    remote_index=1,
    suite=AES_256_GCM,
    sending=b"s" * 32,
    receiving=b"r" * 32,
    expires_s=1234.5678,
    is_proven=True,
)


@pytest.mark.parametrize(
    "order",
    [
        orders.SetPeer(7, (ip_network("10.0.0.1/32"), ip_network("2001:db8::/64")), 1420),
        orders.SetPeer(7, (), 1280),
        orders.MovePeer(7, PLACE),
        orders.ForgetPeer(7),
        SESSION,
        orders.UseSession(9, announce=True),
        orders.ForgetSession(9),
        orders.SendKeepalive(7),
        orders.DropStaged(7),
        orders.Receive(b"\4\0\0\0\xff", PLACE),
    ],
)
def test_orders_arrive_as_they_were_given(order: Order):
    assert decode_order(encode(order)) == order


@pytest.mark.parametrize(
    "event",
    [
        events.NeedSession(7),
        events.Proven(9, PLACE),
        events.Roamed(7, Endpoint("192.0.2.1", 1)),
        events.Active(7),
        events.Foreign(b"\0\1", PLACE),
        events.DeviceLost(),
    ],
)
def test_events_arrive_as_they_were_told(event: Event):
    assert decode_event(encode(event)) == event


def test_keys_are_in_no_log():
    assert "73" * 8 not in repr(SESSION)
    assert "ssss" not in repr(SESSION)
