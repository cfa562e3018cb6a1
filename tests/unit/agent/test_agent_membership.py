# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How an agent becomes, stays and ceases to be a member, whatever a controller makes of that."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path

import pytest

from cladnet.agent.identity import certificate_request
from cladnet.core.errors import Conflict, NotFound, Unauthorized, Unavailable
from cladnet.core.host_state import HostState
from cladnet.core.identity import SpiffeId
from cladnet.core.orders import Orders
from cladnet.wire import agent_pb2
from tests.unit.agent.agent_without_tunnel import CIDR, HOSTS, KEY_2, KEY_3, Host, eventually, joined, orders
from tests.unit.agent.fake_controller import Authority, peer_message, snapshot


async def test_first_contact_token_certificate_report_rule(host: Host) -> None:
    host.give_token("s3cret")
    await host.controller.send(snapshot(HOSTS, cidr=CIDR))
    host.start()
    await eventually(lambda: host.situation == (HostState.TUNNELING, ""), "tunneling")
    assert host.controller.tokens == ["s3cret"]
    assert host.state.token() == ""
    assert host.state.certificate() is not None
    assert str(host.rule.address) == "10.77.0.2/24"
    assert set(host.tunnel.peers) == {KEY_2, KEY_3}
    assert host.greeted == [KEY_2, KEY_3]
    assert str(host.tunnel.peers[KEY_2].allowed_ips[0]) == "10.77.0.3/32"
    await eventually(lambda: len(host.controller.reports) == 2, "the state is reported")
    states = [report.state for report in host.controller.reports]
    assert states == [agent_pb2.HOST_STATE_CONFIGURING, agent_pb2.HOST_STATE_TUNNELING]


async def test_without_token_it_says_what_is_missing_and_goes_on_when_there_is_one(host: Host) -> None:
    host.start()
    await eventually(lambda: host.situation[0] is HostState.FAILED, "failed")
    assert "enrolment.token" in host.situation[1]
    host.give_token()
    await eventually(lambda: host.control.connected_to, "connected")


async def test_refused_token_is_said_and_not_tried_again(host: Host) -> None:
    host.controller.enrolment_status = 401
    host.controller.enrolment_reply = {
        "error": {"code": "unauthorized", "message": "This token was used.", "hint": "Ask for a new one."}
    }
    host.give_token("old")
    host.start()
    await eventually(
        lambda: host.situation == (HostState.FAILED, "This token was used. Ask for a new one."), "said"
    )
    await asyncio.sleep(0.2)
    assert host.controller.tokens == ["old"]
    host.controller.enrolment_status, host.controller.enrolment_reply = 200, None
    host.give_token("new")
    await eventually(lambda: host.control.connected_to, "connected")


@pytest.mark.parametrize("reply", [{"error": {"code": "unavailable", "message": "no etcd"}}, {"what": 1}])
async def test_controller_without_store_is_asked_again(host: Host, reply: dict[str, object]) -> None:
    host.controller.enrolment_status, host.controller.enrolment_reply = 503, reply
    host.give_token()
    host.start()
    await eventually(lambda: len(host.controller.tokens) >= 2, "asked again")
    host.controller.enrolment_status, host.controller.enrolment_reply = 200, None
    await eventually(lambda: host.control.connected_to, "connected")


async def test_foreign_controller_gets_no_token(host: Host) -> None:
    host.config.ca_file.write_bytes(Authority().pem)
    host.give_token()
    host.start()
    await eventually(lambda: "no controller of this network" in host.situation[1], "refused")
    assert host.controller.tokens == []
    assert host.state.token() == "token"


async def test_ca_that_comes_late_is_waited_for(host: Host) -> None:
    host.config.ca_file.unlink()
    host.give_token()
    host.start()
    await eventually(lambda: "ca.crt holds no CA certificate" in host.situation[1], "said")
    host.config.ca_file.write_bytes(host.controller.authority.pem)
    await eventually(lambda: host.control.connected_to, "connected")


async def test_left_over_token_does_not_harm_a_member(host: Host) -> None:
    host.controller.enrolment_status = 401
    host.controller.enrolment_reply = {"error": {"code": "unauthorized", "message": "used", "hint": ""}}
    host.give_token()
    await joined(host)
    assert host.state.token() == ""


async def test_certificate_for_another_host_is_not_used(host: Host) -> None:
    request = certificate_request(host.state.identity_key(), SpiffeId("demo", "h9"))
    host.state.store_certificate(host.controller.authority.sign_request(request))
    host.start()
    await eventually(lambda: "is for spiffe://cladnet/demo/h9" in host.situation[1], "said")


async def test_expired_certificate_is_said_and_keeps_the_rule(tmp_path: Path, host: Host) -> None:
    host.give_certificate(life=datetime.timedelta(microseconds=2))
    host.start()
    await eventually(lambda: "expired" in host.situation[1], "said")
    host.give_token()
    await eventually(lambda: host.control.connected_to, "enrolled again")


async def test_certificate_is_renewed_at_two_thirds_of_its_life(host: Host) -> None:
    host.give_certificate(life=datetime.timedelta(days=90))
    old = host.state.certificate()
    assert old is not None
    await joined(host)
    assert host.controller.renewals == 0
    await host.stop()
    request = certificate_request(host.state.identity_key(), SpiffeId("demo", "h1"))
    authority = host.controller.authority
    host.state.store_certificate(authority.sign_request(request, datetime.timedelta(days=90), age=0.7))
    host.start()
    await eventually(lambda: host.controller.renewals == 1, "renewed")
    await eventually(lambda: host.state.certificate() != old, "kept")


async def test_refused_newcomer_says_why_and_joins_when_the_cause_is_gone(host: Host) -> None:
    host.controller.report_error = Conflict("172.17.0.0/16 of this host overlaps the CLADNet 172.17.8.0/24")
    host.give_certificate()
    host.start()
    await eventually(lambda: host.situation[0] is HostState.FAILED, "failed")
    assert "172.17.0.0/16" in host.situation[1]
    assert host.controller.watches == []
    host.controller.report_error = None
    await host.controller.send(snapshot(HOSTS, cidr=CIDR))
    await eventually(lambda: host.situation == (HostState.TUNNELING, ""), "joined")


async def test_refused_member_is_degraded_and_goes_on_following_the_rule(host: Host) -> None:
    await joined(host)
    host.controller.report_error = Conflict("another host has this key")
    host.mtu = 1300
    host.control.poke()
    await eventually(lambda: host.situation == (HostState.DEGRADED, "another host has this key"), "degraded")
    moved = peer_message("h3", "10.77.0.4", KEY_3, "198.51.100.33:8055")
    await host.controller.send(agent_pb2.WatchReply(delta=agent_pb2.Delta(revision=6, peers=[moved])))
    await eventually(lambda: host.rule.table.revision == 6, "follows")
    host.controller.report_error = None
    await eventually(lambda: host.situation == (HostState.TUNNELING, ""), "back")
    assert len(host.controller.watches) == 1


@pytest.mark.parametrize("error", [NotFound("no such network"), Unauthorized("no such host")])
async def test_unknown_member_keeps_its_tunnel_until_that_is_certain(
    host: Host, error: NotFound | Unauthorized, monkeypatch: pytest.MonkeyPatch
) -> None:
    await joined(host)
    host.controller.report_error = error
    await host.controller.stop_stream()
    await host.controller.start_stream(host.controller.agent_port)
    await eventually(lambda: host.situation[0] is HostState.DEGRADED, "doubt")
    assert str(error) in host.situation[1]
    assert set(host.tunnel.peers) == {KEY_2, KEY_3}
    monkeypatch.setattr("cladnet.core.removal_doubt.CONFIRMATION_S", 0.1)
    await eventually(lambda: host.situation[0] is HostState.RELEASED, "released")
    assert host.tunnel.peers == {}
    assert host.rule.address is None
    host.controller.report_error = None
    await eventually(lambda: host.situation == (HostState.TUNNELING, ""), "a member again")


async def test_named_removal_releases_at_once(host: Host) -> None:
    await joined(host)
    host.controller.report_error = NotFound("h1 is no host of demo")
    await host.controller.send(agent_pb2.WatchReply(delta=agent_pb2.Delta(revision=6, removed_hosts=["h1"])))
    await eventually(lambda: host.situation[0] is HostState.RELEASED, "released")
    assert host.tunnel.peers == {}


async def test_leaving_tells_the_controller_and_reports_no_more(host: Host) -> None:
    await joined(host)
    await host.control.leave()
    await eventually(lambda: host.situation[0] is HostState.RELEASED, "released")
    assert host.controller.leaves == 1
    assert host.tunnel.peers == {}
    assert host.state.certificate() is None
    count = len(host.controller.reports)
    await asyncio.sleep(0.3)
    assert len(host.controller.reports) == count
    host.give_token()
    host.controller.updates[:] = [snapshot(HOSTS, cidr=CIDR, revision=9)]
    await eventually(lambda: host.situation == (HostState.TUNNELING, ""), "enrolled again")


async def test_leaving_without_controller_is_refused_and_changes_nothing(host: Host) -> None:
    await joined(host)
    await host.controller.stop_stream()
    await eventually(lambda: host.control.connected_to is None, "lost")
    with pytest.raises(Unavailable, match="stays a member"):
        await host.control.leave()
    assert host.state.certificate() is not None


async def test_a_host_that_left_has_no_orders(host: Host) -> None:
    await joined(host)
    await host.controller.send(orders(down=True, rekeys_requested=2))
    await eventually(lambda: host.controller.reports[-1].rekeys_done == 2, "they are followed")
    await host.control.leave()
    assert (host.orders.orders, host.keys.rekeys_done) == (Orders(), 0)
    assert (host.state.orders(), host.state.rekeying().done) == (Orders(), 0)
