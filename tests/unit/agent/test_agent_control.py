# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The agent's life with controllers, against one that fails in all the ways a controller can fail."""

from __future__ import annotations

import asyncio
import datetime
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cladnet.agent import control as control_module
from cladnet.agent.config import AgentConfig
from cladnet.agent.control import Control
from cladnet.agent.enrolment import Enrolment
from cladnet.agent.health import Health
from cladnet.agent.identity import certificate_request
from cladnet.agent.networking_rule import NetworkingRule
from cladnet.agent.order_follower import OrderFollower
from cladnet.agent.state import StateDirectory
from cladnet.agent.tunnel_keys import TunnelKeys
from cladnet.core.errors import Conflict, NotFound, Unauthorized, Unavailable
from cladnet.core.host_state import HostState
from cladnet.core.identity import SpiffeId
from cladnet.core.orders import Orders
from cladnet.core.rule_table import RuleTable
from cladnet.core.wireguard.peer_config import PeerConfig
from cladnet.wire import agent_pb2
from tests.unit.agent.fake_controller import LOOPBACK, Authority, FakeController, peer_message, snapshot

DEADLINE_S = 10.0
CIDR = "10.77.0.0/24"
OWN_KEY, KEY_2, KEY_3 = b"\1" * 32, b"\2" * 32, b"\3" * 32
HOSTS = {
    "h1": ("10.77.0.2", OWN_KEY, ""),
    "h2": ("10.77.0.3", KEY_2, "198.51.100.2:8055"),
    "h3": ("10.77.0.4", KEY_3, "198.51.100.3:8055"),
}


async def eventually(is_so: Callable[[], object], what: str) -> None:
    """Waits until something is so, but not for ever."""
    end_s = asyncio.get_running_loop().time() + DEADLINE_S
    while not is_so():
        assert asyncio.get_running_loop().time() < end_s, f"not in time: {what}"
        await asyncio.sleep(0.01)


@dataclass
class RecordingPeers:
    """Takes the place of a tunnel, which needs privileges."""

    peers: dict[bytes, PeerConfig] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def set_peer(self, peer: PeerConfig) -> None:
        self.peers[peer.public_key] = peer
        self.calls.append(f"set {peer.public_key[0]}")

    def remove_peer(self, public_key: bytes) -> None:
        del self.peers[public_key]
        self.calls.append(f"remove {public_key[0]}")


class Host:
    """An agent without tunnel, netlink and STUN: what is left is its control plane."""

    def __init__(self, directory: Path, controller: FakeController, table: RuleTable | None = None) -> None:
        self.directory = directory
        self.controller = controller
        self.config = AgentConfig(
            network="demo",
            host="h1",
            controllers=(LOOPBACK,),
            ca_file=directory / "ca.crt",
            state_dir=directory / "state",
            runtime_dir=directory / "run",
            api_port=controller.api_port,
            agent_port=controller.agent_port,
        )
        self.config.ca_file.write_bytes(controller.authority.pem)
        self.state = StateDirectory(self.config.state_dir)
        self.tunnel = RecordingPeers()
        self.greeted: list[bytes] = []
        self.now_s = 1000.0
        self.mtu = 1420
        self.health = Health(self._on_health)
        self.rule = NetworkingRule(
            host="h1",
            public_key=OWN_KEY,
            table=table or RuleTable(),
            tunnel=self.tunnel,
            announce=self.greeted.extend,
            on_change=self._on_rule,
            clock=lambda: self.now_s,
        )
        self.rule.program()
        self.keys = TunnelKeys(self.state)
        self.orders = OrderFollower(
            self.state, self.keys, health=self.health, on_orders=self._on_orders, on_key=self._on_key
        )
        self.tests: list[agent_pb2.ConnectivityTest] = []
        self.keys_used: list[bytes] = []
        rng = random.SystemRandom()
        self.control = Control(
            self.config,
            enrolment=Enrolment(self.config, self.state, self.health, rng),
            rule=self.rule,
            orders=self.orders,
            health=self.health,
            report=self._report,
            test=self.tests.append,
            rng=rng,
        )
        self.task: asyncio.Task[None] | None = None

    @property
    def situation(self) -> tuple[HostState, str]:
        assessment = self.health.assessment
        return assessment.state, assessment.reason

    def give_token(self, token: str = "token") -> None:  # noqa: S107  (no secret)
        (self.config.state_dir / "enrolment.token").write_text(token + "\n")

    def give_certificate(self, life: datetime.timedelta = datetime.timedelta(days=90)) -> None:
        request = certificate_request(self.state.identity_key(), SpiffeId("demo", "h1"))
        self.state.store_certificate(self.controller.authority.sign_request(request, life))

    def start(self) -> None:
        self.task = asyncio.ensure_future(self.control.run())

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    def _on_orders(self) -> None:
        self.rule.suspend(is_suspended=self.orders.orders.is_down)
        self.control.poke()

    def _on_key(self) -> None:
        self.keys_used.append(self.keys.public)

    def _on_health(self) -> None:
        self.control.poke()

    def _on_rule(self) -> None:
        self.health.set(addressed=self.rule.address is not None, removals_held=self.rule.removals_held)

    def _report(self) -> agent_pb2.ReportRequest:
        assessment = self.health.reported
        return agent_pb2.ReportRequest(
            public_key=self.keys.reported,
            mtu=self.mtu,
            state=f"HOST_STATE_{assessment.state.name}",
            reason=assessment.reason,
            is_down=self.orders.orders.is_down,
            rekeys_done=self.keys.rekeys_done,
        )


@pytest.fixture
async def controller(tmp_path: Path) -> AsyncIterator[FakeController]:
    directory = tmp_path / "controller"
    directory.mkdir()
    controller = FakeController(Authority())
    await controller.start(directory)
    yield controller
    await controller.stop()


@pytest.fixture
async def host(tmp_path: Path, controller: FakeController) -> AsyncIterator[Host]:
    host = Host(tmp_path, controller)
    yield host
    await host.stop()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REFUSED_RETRY_S", "ENROLMENT_RETRY_S", "REPORT_RETRY_S", "BACKOFF_CEILING_S"):
        monkeypatch.setattr(control_module, name, 0.05)


async def joined(host: Host) -> None:
    """A host that is a member with two peers."""
    host.give_certificate()
    await host.controller.send(snapshot(HOSTS, cidr=CIDR, revision=5))
    host.start()
    await eventually(lambda: host.situation[0] is HostState.TUNNELING, "tunneling")


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


async def test_store_without_quorum_does_not_end_the_watch_of_a_member(host: Host) -> None:
    await joined(host)
    await host.stop()
    host.controller.report_error = Unavailable("etcd has no quorum")
    host.start()
    await eventually(lambda: host.control.connected_to, "connected")
    assert host.situation[0] is HostState.TUNNELING


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


def orders(*, down: bool = False, rekeys_requested: int = 0) -> agent_pb2.WatchReply:
    return agent_pb2.WatchReply(orders=agent_pb2.Orders(down=down, rekeys_requested=rekeys_requested))


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


async def test_a_host_that_left_has_no_orders(host: Host) -> None:
    await joined(host)
    await host.controller.send(orders(down=True, rekeys_requested=2))
    await eventually(lambda: host.controller.reports[-1].rekeys_done == 2, "they are followed")
    await host.control.leave()
    assert (host.orders.orders, host.keys.rekeys_done) == (Orders(), 0)
    assert (host.state.orders(), host.state.rekeying().done) == (Orders(), 0)
