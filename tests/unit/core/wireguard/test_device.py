# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A device from outside: peers, cryptokey routing, staging, roaming, endpoints."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from two_hosts import MTU, Host, Wire, connected, introduce, ip_packet, make_host

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput, NotFound
from cladnet.core.forwarding.memory import Memory
from cladnet.core.wireguard.constants import STAGED_PACKETS_PER_PEER
from cladnet.core.wireguard.device import Device
from cladnet.core.wireguard.messages import (
    INITIATION_SIZE_BYTES,
    MIN_TRANSPORT_SIZE_BYTES,
    RESPONSE_SIZE_BYTES,
    MessageType,
    message_type,
)
from cladnet.core.wireguard.peer_config import PeerConfig

ELSEWHERE = Endpoint("203.0.113.5", 5555)


def kinds(wire: Wire) -> list[MessageType | None]:
    return [message_type(datagram) for _unused, datagram, _unused in wire.sent]


def endpoint_at(host: Host, peer: Host, now_s: float) -> Endpoint | None:
    return next(s.endpoint for s in host.device.status(now_s).peers if s.public_key == peer.key)


def drops(host: Host) -> dict[str, int]:
    return host.device.status(0.0).drops


class TestFirstPacket:
    def test_makes_a_handshake_and_arrives(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        wire.send(ours, theirs)
        wire.settle()
        assert theirs.received == [ours.packet_to(theirs)]
        assert kinds(wire) == [MessageType.INITIATION, MessageType.RESPONSE, MessageType.TRANSPORT]
        assert [len(datagram) for _unused, datagram, _unused in wire.sent[:2]] == [
            INITIATION_SIZE_BYTES,
            RESPONSE_SIZE_BYTES,
        ]

    def test_those_behind_it_wait_in_order_for_the_same_handshake(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        payloads = [bytes([number]) for number in range(10)]
        for payload in payloads:
            wire.send(ours, theirs, payload)
        wire.settle()
        assert theirs.received == [ours.packet_to(theirs, payload) for payload in payloads]
        assert kinds(wire).count(MessageType.INITIATION) == 1

    def test_only_the_newest_are_kept(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        for number in range(STAGED_PACKETS_PER_PEER + 3):
            wire.send(ours, theirs, bytes([number]))
        wire.settle()
        assert len(theirs.received) == STAGED_PACKETS_PER_PEER
        assert theirs.received[0] == ours.packet_to(theirs, b"\3")
        assert drops(ours) == {"too_many_staged": 3}

    def test_all_peers_together_cannot_take_all_memory(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("cladnet.core.forwarding.forwarder.STAGED_PACKETS_TOTAL", 5)
        ours, peers = make_host(1), [make_host(number) for number in (2, 3)]
        wire = Wire(ours, *peers)
        for peer in peers:
            ours.device.set_peer(peer.config(), wire.now_s)
            peer.device.set_peer(ours.config(), wire.now_s)
            for number in range(4):
                wire.send(ours, peer, bytes([number]))
        wire.settle()
        assert [len(peer.received) for peer in peers] == [4, 1]
        assert drops(ours) == {"too_many_staged": 3}
        wire.send(ours, peers[1])
        wire.settle()
        assert len(peers[1].received) == 2, "what was sent must not count as waiting"


class TestRouting:
    @pytest.mark.parametrize(
        ("destination", "reason"),
        [
            ("10.0.0.3", "no_route"),
            ("10.0.0.255", "no_route"),
            ("224.0.0.1", "no_route"),
            ("fd00::1", "no_route"),
        ],
    )
    def test_packets_for_nobody_are_dropped(self, destination: str, reason: str):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        ours.device.packet_from_tun(
            ip_packet("10.0.0.1", destination, b"")
            if ":" not in destination
            else ip_packet("fd00::9", destination, b""),
            wire.now_s,
        )
        wire.settle()
        assert wire.sent == []
        assert drops(ours) == {reason: 1}

    def test_longest_prefix_decides_between_peers(self):
        ours, gateway, host = (make_host(number) for number in (1, 2, 3))
        wire = Wire(ours, gateway, host)
        wide = replace(gateway.config(), allowed_ips=(ip_network("10.0.0.0/8"),))
        ours.device.set_peer(wide, wire.now_s)
        ours.device.set_peer(host.config(), wire.now_s)
        for peer in (gateway, host):
            peer.device.set_peer(ours.config(), wire.now_s)
        wire.send(ours, host)
        ours.device.packet_from_tun(ip_packet("10.0.0.1", "10.9.9.9", b""), wire.now_s)
        wire.settle()
        assert [packet[16:20] for packet in host.received] == [bytes([10, 0, 0, 3])]
        assert [packet[16:20] for packet in gateway.received] == [bytes([10, 9, 9, 9])]

    @pytest.mark.parametrize(
        "source", ["10.0.0.3", "10.0.0.2", "127.0.0.1", "255.255.255.255", "224.0.0.1", "0.0.0.1"]
    )
    def test_inner_source_must_belong_to_the_sender(self, source: str):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        ours.device.packet_from_tun(ip_packet(source, theirs.address, b""), wire.now_s)
        wire.settle()
        assert theirs.received == []
        assert drops(theirs) == {"wrong_inner_source": 1}

    def test_member_cannot_speak_for_another_member(self):
        victim, receiver, thief = (make_host(number) for number in (1, 2, 3))
        wire = Wire(victim, receiver, thief)
        for peer in (victim, thief):
            receiver.device.set_peer(peer.config(), wire.now_s)
            peer.device.set_peer(receiver.config(), wire.now_s)
            wire.send(peer, receiver)
        wire.settle()
        thief.device.packet_from_tun(victim.packet_to(receiver, b"pay me"), wire.now_s)
        wire.settle()
        assert receiver.received == [victim.packet_to(receiver), thief.packet_to(receiver)]
        assert drops(receiver) == {"wrong_inner_source": 1}

    def test_ipv6_inside(self):
        ours, theirs = make_host(1), make_host(2)
        ours.address, theirs.address = "fd00::1", "fd00::2"
        wire = introduce(ours, theirs)
        wire.send(ours, theirs)
        wire.settle()
        assert theirs.received == [ours.packet_to(theirs)]

    def test_taking_a_network_away_takes_effect_at_once(self):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        theirs.device.set_peer(replace(ours.config(), allowed_ips=()), wire.now_s)
        wire.send(ours, theirs)
        wire.settle()
        assert theirs.received == []
        assert drops(theirs) == {"wrong_inner_source": 1}


@pytest.mark.parametrize("size", [20, 21, 35, 36, 37, MTU - 1, MTU, MTU + 5])
def test_padding_hides_sizes_but_never_exceeds_the_mtu(size: int):
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    wire.send(ours, theirs, bytes(size - 20))
    wire.settle()
    plain_size = len(wire.sent[0][1]) - MIN_TRANSPORT_SIZE_BYTES
    assert plain_size == (max(size, min(MTU, -(-size // 16) * 16)))
    assert len(theirs.received[0]) == size


class TestRoaming:
    def test_follows_an_authentic_packet(self):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        ours.endpoint = ELSEWHERE
        wire.send(ours, theirs)
        wire.settle()
        assert endpoint_at(theirs, ours, wire.now_s) == ELSEWHERE
        wire.send(theirs, ours)
        wire.settle()
        assert ours.received == [theirs.packet_to(ours)]

    def test_does_not_follow_a_replayed_packet(self):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        wire.send(ours, theirs)
        wire.settle()
        _unused, datagram, _unused = wire.sent[0]
        theirs.device.datagram_received(datagram, ELSEWHERE, wire.now_s)
        wire.settle()
        assert endpoint_at(theirs, ours, wire.now_s) == ours.endpoint
        assert len(theirs.received) == 1
        assert drops(theirs) == {"replayed": 1}

    def test_does_not_follow_a_forged_packet(self):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        wire.send(ours, theirs)
        [(_unused, datagram, _unused)] = wire.collect()
        theirs.device.datagram_received(datagram[:-1] + bytes([datagram[-1] ^ 1]), ELSEWHERE, wire.now_s)
        assert endpoint_at(theirs, ours, wire.now_s) == ours.endpoint
        assert drops(theirs) == {"not_authentic": 1}


class TestEndpoints:
    NEW = Endpoint("192.0.2.200", 9000)

    def roamed(self) -> tuple[Host, Host, Wire]:
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        theirs.endpoint = ELSEWHERE
        wire.send(theirs, ours)
        wire.settle()
        wire.sent.clear()
        return ours, theirs, wire

    @pytest.mark.parametrize("configured", [Endpoint("192.0.2.2", 8002), None], ids=["the same", "none"])
    def test_unchanged_configuration_leaves_a_learned_endpoint(self, configured: Endpoint | None):
        ours, theirs, wire = self.roamed()
        ours.device.set_peer(replace(theirs.config(), endpoint=configured), wire.now_s)
        wire.settle()
        assert endpoint_at(ours, theirs, wire.now_s) == ELSEWHERE
        assert wire.sent == []

    def test_the_same_after_none_is_still_unchanged(self):
        ours, theirs, wire = self.roamed()
        for configured in (None, Endpoint("192.0.2.2", 8002)):
            ours.device.set_peer(replace(theirs.config(), endpoint=configured), wire.now_s)
        assert endpoint_at(ours, theirs, wire.now_s) == ELSEWHERE

    def test_changed_configuration_wins_and_is_tried_at_once(self):
        ours, theirs, wire = self.roamed()
        wire.now_s += 1.0
        theirs.endpoint = self.NEW
        ours.device.set_peer(theirs.config(), wire.now_s)
        wire.settle()
        assert endpoint_at(ours, theirs, wire.now_s) == self.NEW
        assert (kinds(wire)[0], wire.sent[0][2]) == (MessageType.INITIATION, self.NEW)
        assert ours.device.status(wire.now_s).peers[0].last_handshake_age_s == 0.0

    def test_change_to_where_the_peer_is_already_disturbs_nothing(self):
        ours, theirs, wire = self.roamed()
        ours.device.set_peer(replace(theirs.config(), endpoint=ELSEWHERE), wire.now_s)
        wire.settle()
        assert wire.sent == []

    def test_change_without_any_session_waits_for_traffic(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        ours.device.set_peer(replace(theirs.config(), endpoint=self.NEW), wire.now_s)
        assert wire.collect() == []

    def test_change_during_an_attempt_is_tried_a_moment_later(self):
        """Peers refuse initiations that come in a burst, so the second one keeps its distance."""
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        wire.send(ours, theirs)
        theirs.endpoint = self.NEW
        ours.device.set_peer(theirs.config(), wire.now_s)
        wire.settle()
        assert theirs.received == []
        wire.advance_to(wire.now_s + 0.2)
        assert theirs.received == [ours.packet_to(theirs)]

    def test_without_an_endpoint_nothing_is_sent(self):
        ours, theirs = make_host(1), make_host(2)
        wire = Wire(ours, theirs)
        ours.device.set_peer(theirs.config(knows_endpoint=False), wire.now_s)
        ours.device.connect(theirs.key, wire.now_s)
        wire.send(ours, theirs)
        assert wire.collect() == []
        assert drops(ours) == {"no_endpoint": 1}
        assert ours.device.next_timer_s() is None

    def test_peer_that_just_came_gets_its_packets_when_it_has_proven_itself(self):
        ours, theirs = make_host(1), make_host(2)
        wire = Wire(ours, theirs)
        ours.device.set_peer(theirs.config(knows_endpoint=False), wire.now_s)
        theirs.device.set_peer(ours.config(), wire.now_s)
        theirs.device.connect(ours.key, wire.now_s)
        [(_unused, initiation, _unused)] = wire.collect()
        ours.device.datagram_received(initiation, theirs.endpoint, wire.now_s)
        wire.send(ours, theirs)
        wire.settle()
        assert theirs.received == [ours.packet_to(theirs)]


class TestRemovePeer:
    def test_cuts_it_off_at_once(self):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        wire.send(ours, theirs)
        theirs.device.remove_peer(ours.key)
        wire.settle()
        assert theirs.received == []
        assert drops(theirs) == {"unknown_session": 1}
        wire.send(theirs, ours)
        assert drops(theirs)["no_route"] == 1

    def test_leaves_nothing_behind(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        wire.send(ours, theirs)
        ours.device.remove_peer(theirs.key)
        assert ours.device.status(wire.now_s).peers == []
        assert ours.device.next_timer_s() is None
        assert len(ours.device._indices) == 0
        assert ours.device._staged_total == 0

    def test_unknown_is_ignored(self):
        make_host(1).device.remove_peer(bytes(32))

    def test_can_come_back(self):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        ours.device.remove_peer(theirs.key)
        ours.device.set_peer(theirs.config(), wire.now_s)
        wire.now_s += 1.0
        wire.send(ours, theirs)
        wire.settle()
        assert theirs.received == [ours.packet_to(theirs)]


class TestConnect:
    def test_initiates(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        ours.device.connect(theirs.key, wire.now_s)
        wire.settle()
        for host in (ours, theirs):
            assert host.device.status(wire.now_s).peers[0].last_handshake_age_s == 0.0

    def test_tells_a_fresh_peer_the_new_address(self):
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        ours.endpoint = ELSEWHERE
        ours.device.connect(theirs.key, wire.now_s)
        wire.settle()
        assert kinds(wire) == [MessageType.TRANSPORT]
        assert endpoint_at(theirs, ours, wire.now_s) == ELSEWHERE

    def test_does_not_trust_an_older_session(self):
        """The peer may have restarted, or given up meanwhile."""
        ours, theirs = make_host(1), make_host(2)
        wire = connected(ours, theirs)
        wire.now_s += 6.0
        ours.device.connect(theirs.key, wire.now_s)
        wire.settle()
        assert kinds(wire)[0] is MessageType.INITIATION

    def test_both_at_once(self):
        ours, theirs = make_host(1), make_host(2)
        wire = introduce(ours, theirs)
        ours.device.connect(theirs.key, wire.now_s)
        theirs.device.connect(ours.key, wire.now_s)
        wire.settle()
        wire.send(ours, theirs)
        wire.send(theirs, ours)
        wire.settle()
        assert (len(ours.received), len(theirs.received)) == (1, 1)

    def test_unknown_peer(self):
        with pytest.raises(NotFound, match="AAAAAAAA"):
            make_host(1).device.connect(bytes(32), 0.0)


class TestConfiguration:
    def test_own_key(self):
        ours = make_host(1)
        with pytest.raises(InvalidInput, match="own"):
            ours.device.set_peer(ours.config(), 0.0)

    def test_key_without_a_secret(self):
        useless = PeerConfig(b"\1" + bytes(31), ())
        with pytest.raises(InvalidInput, match="no usable public key"):
            make_host(1).device.set_peer(useless, 0.0)

    def test_private_key_of_wrong_size(self):
        with pytest.raises(InvalidInput, match="31"):
            Device(bytes(31), order=print, memory=Memory.private(), mtu=MTU, wall_time_ns=lambda: 0)

    @pytest.mark.parametrize(
        "options",
        [
            {"public_key": bytes(31)},
            {"preshared_key": bytes(33)},
            {"persistent_keepalive_s": -1},
            {"persistent_keepalive_s": 65536},
        ],
    )
    def test_peer_config_is_checked(self, options: dict[str, object]):
        with pytest.raises(InvalidInput):
            PeerConfig(**({"public_key": bytes(32), "allowed_ips": ()} | options))  # type: ignore[arg-type]

    def test_preshared_key_is_not_shown(self):
        config = PeerConfig(bytes(32), (), preshared_key=b"secret!!" * 4)
        assert "secret" not in repr(config)


def test_status_counts_bytes_and_ages():
    ours, theirs = make_host(1), make_host(2)
    wire = introduce(ours, theirs)
    before = ours.device.status(wire.now_s).peers[0]
    assert (before.last_handshake_age_s, before.rx_bytes, before.tx_bytes) == (None, 0, 0)
    wire.send(ours, theirs, bytes(100))
    wire.settle()
    after = ours.device.status(wire.now_s + 3.0).peers[0]
    transport_bytes = MIN_TRANSPORT_SIZE_BYTES + 128
    assert after.last_handshake_age_s == 3.0
    assert after.rx_bytes == RESPONSE_SIZE_BYTES
    assert after.tx_bytes == INITIATION_SIZE_BYTES + transport_bytes
    mirrored = theirs.device.status(wire.now_s).peers[0]
    assert (mirrored.rx_bytes, mirrored.tx_bytes) == (after.tx_bytes, after.rx_bytes)


def test_changed_preshared_key_counts_from_the_next_handshake():
    ours, theirs = make_host(1), make_host(2)
    wire = connected(ours, theirs)
    for host, peer in ((ours, theirs), (theirs, ours)):
        host.device.set_peer(peer.config(preshared_key=b"p" * 32), wire.now_s)
    wire.now_s += 6.0
    ours.device.connect(theirs.key, wire.now_s)
    wire.settle()
    assert ours.device.status(wire.now_s).peers[0].last_handshake_age_s == 0.0
