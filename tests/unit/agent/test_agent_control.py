# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The agent's life with controllers, against one that fails in all the ways a controller can fail."""

from __future__ import annotations

import asyncio

import pytest

from cladnet.core.errors import Unavailable
from cladnet.core.host_state import HostState
from cladnet.core.orders import Orders
from cladnet.wire import agent_pb2
from tests.unit.agent.agent_without_tunnel import CIDR, HOSTS, KEY_2, KEY_3, Host, eventually, joined, orders
from tests.unit.agent.fake_controller import FakeController, peer_message, snapshot


async def test_delta_touches_only_what_it_names(host: Host) -> None:
    await joined(host)
    host.tunnel.calls.clear()
    moved = peer_message("h3", "10.77.0.4", KEY_3, "198.51.100.33:8055")
    await host.controller.send(agent_pb2.WatchReply(delta=agent_pb2.Delta(revision=6, peers=[moved])))
    await eventually(lambda: host.rule.table.revision == 6, "applied")
    assert host.tunnel.calls == ["set 3"]
    await host.controller.send(agent_pb2.WatchReply(delta=agent_pb2.Delta(revision=7, removed_hosts=["h2"])))
    await eventually(lambda: host.rule.table.revision == 7, "applied")
    assert host.tunnel.calls == ["set 3", "remove 2"]


async def test_damaged_entries_are_left_out_and_the_rest_counts(host: Host) -> None:
    await joined(host)
    broken = [
        agent_pb2.Peer(host="b1", address="10.77.0.9", public_key=b"short"),
        agent_pb2.Peer(host="b2", address="nonsense", public_key=b"\4" * 32),
        peer_message("b3", "10.99.0.9", b"\5" * 32),
        peer_message("h4", "10.77.0.5", b"\6" * 32, "198.51.100.4:8055"),
    ]
    await host.controller.send(agent_pb2.WatchReply(delta=agent_pb2.Delta(revision=6, peers=broken)))
    await eventually(lambda: host.rule.table.revision == 6, "applied")
    assert set(host.rule.peers) == {"h2", "h3", "h4"}


async def test_lost_controller_changes_nothing_and_is_found_again_by_revision(host: Host) -> None:
    await joined(host)
    host.tunnel.calls.clear()
    await host.controller.stop_stream()
    await eventually(lambda: host.control.connected_to is None, "lost")
    assert host.situation == (HostState.TUNNELING, "")
    host.controller.updates.clear()
    await host.controller.start_stream(host.controller.agent_port)
    await eventually(lambda: len(host.controller.watches) == 2, "watching again")
    assert (host.controller.watches[1].cluster_id, host.controller.watches[1].revision) == (7, 5)
    assert host.tunnel.calls == []


async def test_report_is_sent_at_each_change_and_only_then(host: Host) -> None:
    await joined(host)
    await eventually(lambda: host.controller.reports[-1].state == agent_pb2.HOST_STATE_TUNNELING, "reported")
    count = len(host.controller.reports)
    host.control.poke()
    await asyncio.sleep(0.3)
    assert len(host.controller.reports) == count
    host.mtu = 1300
    host.control.poke()
    await eventually(lambda: host.controller.reports[-1].mtu == 1300, "the change")
    assert len(host.controller.reports) == count + 1


async def test_store_without_quorum_does_not_end_the_watch_of_a_member(host: Host) -> None:
    await joined(host)
    await host.stop()
    host.controller.report_error = Unavailable("etcd has no quorum")
    host.start()
    await eventually(lambda: host.control.connected_to, "connected")
    assert host.situation[0] is HostState.TUNNELING


async def test_suspicious_snapshot_is_held_until_confirmed(host: Host) -> None:
    await joined(host)
    await host.controller.send(snapshot({"h1": HOSTS["h1"]}, cidr=CIDR, revision=6))
    await eventually(lambda: host.situation[0] is HostState.DEGRADED, "held")
    assert "2 of the peers" in host.situation[1]
    assert set(host.tunnel.peers) == {KEY_2, KEY_3}
    assert host.rule.resumable.revision == 0
    host.now_s += 61
    host.rule.confirm()
    assert host.tunnel.peers == {}
    assert host.situation[0] is HostState.TUNNELING


async def test_moved_host_reconnects_at_once(host: Host) -> None:
    await joined(host)
    host.control.reconnect("the public endpoint of this host changed")
    await eventually(lambda: len(host.controller.watches) == 2, "reconnected")


async def test_nonsense_from_a_controller_is_survived(host: Host) -> None:
    await joined(host)
    nonsense = agent_pb2.WatchReply(
        snapshot=agent_pb2.Snapshot(network=agent_pb2.Network(cidr="10.77.0.9/24"))
    )
    await host.controller.send(nonsense)
    await eventually(lambda: "makes no sense" in host.control.last_error, "noticed")
    assert set(host.tunnel.peers) == {KEY_2, KEY_3}


async def test_closing_is_reported(host: Host) -> None:
    await joined(host)
    host.health.set(stopping=True)
    await host.control.say_closing()
    assert host.controller.reports[-1].state == agent_pb2.HOST_STATE_CLOSING


async def test_a_host_that_is_ordered_down_has_no_peer_and_stays_connected(host: Host) -> None:
    await joined(host)
    await host.controller.send(orders(down=True))
    await eventually(lambda: not host.tunnel.peers, "no peers")
    assert host.situation[0] is HostState.RELEASED
    assert "action up" in host.situation[1]
    assert host.control.connected_to
    await eventually(lambda: host.controller.reports[-1].is_down, "it is reported")
    assert host.controller.reports[-1].state == agent_pb2.HOST_STATE_RELEASED
    assert len(host.rule.table.peers) == 3, "the rule itself is still followed"
    await host.controller.send(orders())
    await eventually(lambda: set(host.tunnel.peers) == {KEY_2, KEY_3}, "the peers are back")
    assert host.situation[0] is HostState.TUNNELING


async def test_a_new_key_is_used_when_the_controllers_have_taken_it_and_not_before(host: Host) -> None:
    await joined(host)
    before = host.keys.public
    host.controller.report_error = Unavailable("etcd is lost")
    await host.controller.send(orders(rekeys_requested=1))
    await eventually(lambda: host.controller.reports[-1].rekeys_done == 1, "the new key is told")
    new = host.controller.reports[-1].public_key
    assert new != before
    assert (host.keys.public, host.keys_used) == (before, [])
    host.controller.report_error = None
    await eventually(lambda: host.keys_used == [new], "the new key is used")
    assert host.state.wireguard_key() == host.keys.private


async def test_the_stream_says_which_orders_are_followed(host: Host, controller: FakeController) -> None:
    await joined(host)
    await host.controller.send(orders(down=True, rekeys_requested=2))
    await eventually(lambda: host.controller.reports[-1].rekeys_done == 2, "they are followed")
    await controller.stop_stream()
    controller.updates.clear()
    await controller.start_stream(controller.agent_port)
    await eventually(lambda: len(controller.watches) >= 2, "it is back")
    assert controller.watches[0].orders == agent_pb2.Orders()
    assert controller.watches[-1].orders == agent_pb2.Orders(down=True, rekeys_requested=2)


async def test_controllers_of_the_release_before_give_no_orders_and_lift_none(host: Host) -> None:
    """They send neither orders nor tests, whatever the request says that is followed."""
    host.orders.follow(Orders(is_down=True))
    await joined_down(host)
    assert host.controller.watches[-1].orders == agent_pb2.Orders(down=True)
    await host.controller.send(snapshot(HOSTS, cidr=CIDR, revision=9))
    await eventually(lambda: host.rule.table.revision == 9, "the rule is followed")
    assert host.orders.orders == Orders(is_down=True)
    assert not host.tunnel.peers


async def joined_down(host: Host) -> None:
    """A member that is down."""
    host.give_certificate()
    await host.controller.send(snapshot(HOSTS, cidr=CIDR, revision=5))
    host.start()
    await eventually(lambda: host.rule.table.revision == 5, "the rule is followed")
    assert host.situation[0] is HostState.RELEASED


async def test_a_connectivity_test_is_begun_and_its_result_told(host: Host) -> None:
    await joined(host)
    test = agent_pb2.ConnectivityTest(id="00ff", count=3, timeout_ms=5000)
    await host.controller.send(agent_pb2.WatchReply(test=test))
    await eventually(lambda: host.tests == [test], "it is begun")
    await host.control.finish_test(agent_pb2.FinishTestRequest(id="00ff"))
    assert [result.id for result in host.controller.results] == ["00ff"]
    await host.controller.stop_stream()
    await eventually(lambda: host.control.connected_to is None, "the controller is lost")
    with pytest.raises(Unavailable):
        await host.control.finish_test(agent_pb2.FinishTestRequest(id="00ff"))
