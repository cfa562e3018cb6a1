# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The agent stream: what a controller does for hosts that show their certificate (gRPC over mutual TLS)."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from cladnet.controller.agent_messages import (
    delta_message,
    orders_message,
    read_orders,
    read_report,
    read_test_result,
    test_message,
)
from cladnet.controller.allocator import Allocator
from cladnet.controller.authority import Authority, fingerprint, read_request
from cladnet.controller.connectivity_tests import ConnectivityTests
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.feed import Feed
from cladnet.controller.follower import Follower
from cladnet.controller.presence import Presence
from cladnet.controller.records import HostRecord
from cladnet.controller.replica import NetworkState, TestState
from cladnet.controller.stored_host import Member, authorize
from cladnet.core.errors import Conflict, InvalidInput, NotFound, Unauthorized, Unavailable
from cladnet.core.host_report import HostReport
from cladnet.core.identity import SpiffeId
from cladnet.core.orders import Orders
from cladnet.core.peer_table import PeerTable
from cladnet.core.rule_table import RuleDelta
from cladnet.wire import agent_pb2 as pb

log = logging.getLogger(__name__)

_MOST_REPORTS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Place:
    """How much of which table a host has."""

    table: PeerTable
    cursor: int


@dataclass(slots=True)
class _Told:
    """What concerns a host alone and it knows."""

    orders: Orders
    tests: set[str] = field(default_factory=set)

    def may_hear(self, test_id: str, state: TestState, host: str) -> bool:
        """Whether the host is asked in a test, and is neither told nor done."""
        is_open = not state.test.is_closed and host not in state.answered
        return is_open and test_id not in self.tests and host in state.test.hosts


class AgentService:
    """Report, Watch, Renew and Leave for members, whoever they say they are in their certificate.

    Args:
        client: knows the cluster that revisions belong to.
        follower: the replica of etcd.
        allocator: the writer of hosts and addresses.
        authority: signs certificates.
        presence: who is connected.
        tests: takes results of connectivity tests.
    """

    def __init__(
        self,
        client: EtcdClient,
        follower: Follower,
        allocator: Allocator,
        authority: Authority,
        presence: Presence,
        tests: ConnectivityTests,
    ) -> None:
        self._client = client
        self._follower = follower
        self._allocator = allocator
        self._authority = authority
        self._presence = presence
        self._tests = tests
        self._feeds: dict[str, Feed] = {}
        self._reports_under_way = 0

    def changed(self, network: str) -> None:
        """The table of a network, or who may read it, has changed."""
        if network in self._feeds:
            self._feeds[network].changed()

    async def report(self, member: Member, request: pb.ReportRequest) -> pb.ReportReply:
        """Takes in what a host says of itself; see ``Allocator.report``.

        The host is answered when the replica has it (or does not get it, see ``Follower.reached``): the next
        report is compared with this one.
        """
        report = read_report(request)
        unchanged = self._unchanged(member, report)
        if unchanged is not None:
            return unchanged
        if self._reports_under_way >= _MOST_REPORTS_AT_ONCE:
            raise Unavailable("This controller takes in many hosts just now; try again in a moment.")
        self._reports_under_way += 1
        try:
            allocation = await self._allocator.report(member, report)
        finally:
            self._reports_under_way -= 1
        await self._follower.reached(allocation.revision)
        return pb.ReportReply(address=str(allocation.address), revision=allocation.revision)

    async def watch(self, member: Member, request: pb.WatchRequest) -> AsyncGenerator[bytes, None]:
        """The networking rule as encoded messages, for as long as the host is a member.

        Raises:
            NotFound: the network does not exist (any more).
            Unauthorized: the host is no member (any more), or was enrolled anew.
            Conflict: the host has not reported yet.
            Unavailable: this controller has not read etcd yet.
        """
        await self._admit(member)
        feed = self._feed(member.network)
        told = _Told(read_orders(request.orders))
        with self._presence.of(member.network, member.host):
            place = self._resume(member, request)
            for message in self._news(member, told):  # first: a host that is to be down must not come up
                yield message
            if place is not None and place.cursor == place.table.head:
                yield delta_message(RuleDelta(self._follower.replica.revision))  # "you are up to date"
            while True:
                for message in self._news(member, told):
                    yield message
                step = self._next_step(feed, member, place)
                if step is None:
                    await feed.next_round()
                    continue
                message, following = step
                yield message
                if place is not None and place.table is following.table:
                    feed.sent()
                place = following

    async def renew(self, member: Member, request: pb.RenewRequest) -> pb.RenewReply:
        """A new certificate for the key that the host has.

        Raises:
            InvalidInput: the request cannot be read, or is for another key.
            Unauthorized: the host is no member (any more).
            NotFound: the network does not exist.
        """
        signing_request = read_request(request.csr_pem)
        if signing_request.identity != member.identity:
            raise InvalidInput(
                "The request is for another key than the one in use.", hint="A new key needs a new enrolment."
            )
        await self._admit(member, reported=False)
        identity = SpiffeId(member.network, member.host)
        log.info("audit: certificate of %s renewed", identity)
        return pb.RenewReply(certificate_pem=self._authority.sign(signing_request, identity))

    async def finish_test(self, member: Member, request: pb.FinishTestRequest) -> pb.FinishTestReply:
        """Takes in what a host found in a connectivity test; see ``ConnectivityTests.finish``."""
        await self._admit(member)
        address = str(self._state(member).table.peers[member.host].address)
        result = read_test_result(address, request)
        await self._tests.finish(member.network, member.host, request.id, result)
        return pb.FinishTestReply()

    async def leave(self, member: Member, _unused: pb.LeaveRequest) -> pb.LeaveReply:
        """Takes the host out of its network; see ``Allocator.release``."""
        stored = await self._allocator.read(member.network, member.host)
        stored.authorize(member)
        await self._allocator.release(member.network, member.host)
        log.info("audit: host %s left network %s", member.host, member.network)
        return pb.LeaveReply()

    def _unchanged(self, member: Member, report: HostReport) -> pb.ReportReply | None:
        """The answer to a report that says nothing new: it needs no etcd."""
        state = self._follower.replica.networks.get(member.network)
        host = None if state is None else state.hosts.get(member.host)
        if state is None or host is None or host.record != HostRecord(member.identity, report):
            return None
        peer = state.table.peers.get(member.host)
        if peer is None:
            return None
        return pb.ReportReply(address=str(peer.address), revision=self._follower.replica.revision)

    async def _admit(self, member: Member, *, reported: bool = True) -> None:
        """Lets in who is a member; what the replica does not know yet, etcd itself is asked for."""
        try:
            self._state(member, reported=reported)
        except (NotFound, Unauthorized, Conflict):
            stored = await self._allocator.read(member.network, member.host)
            stored.authorize(member)
            await self._follower.reached(stored.revision)
            self._state(member, reported=reported)

    def _state(self, member: Member, *, reported: bool = True) -> NetworkState:
        """The network of a member, as the replica knows it."""
        state = self._follower.network(member.network)
        host = state.hosts.get(member.host)
        authorize(None if host is None else host.record, member)
        if reported and member.host not in state.table.peers:
            raise Conflict(
                f"Host {member.host} has no address in network {member.network} yet: report first."
            )
        return state

    def _news(self, member: Member, told: _Told) -> list[bytes]:
        """What concerns this host alone and it has not been told yet."""
        state = self._follower.replica.networks.get(member.network)
        messages: list[bytes] = []
        if state is None:
            return messages
        orders = state.orders.get(member.host, Orders())
        if orders != told.orders:
            told.orders = orders
            messages.append(orders_message(orders))
        for test_id, each in state.tests.items():
            remaining_s = self._tests.remaining_s(member.network, test_id, each.test)
            if told.may_hear(test_id, each, member.host) and remaining_s > 0:
                told.tests.add(test_id)
                messages.append(test_message(test_id, each.test, remaining_s))
        told.tests &= state.tests.keys()
        return messages

    def _resume(self, member: Member, request: pb.WatchRequest) -> _Place | None:
        """Where a host stands that has seen a revision; None if it needs a snapshot."""
        known = request.cluster_id == self._client.cluster_id
        if not known or request.revision > self._follower.replica.revision:
            return None
        table = self._state(member).table
        cursor = table.cursor_at(request.revision)
        return None if cursor is None else _Place(table, cursor)

    def _next_step(self, feed: Feed, member: Member, place: _Place | None) -> tuple[bytes, _Place] | None:
        """The next message and where the host stands after it; None until the next round."""
        current = self._follower.network(member.network).table
        if place is not None and place.table is current and place.cursor < feed.head:
            delta = feed.delta(current, place.cursor)
            if delta is not None:  # also to a host that it says is removed: so it is told by name
                return delta, _Place(current, feed.head)
            place = None
        self._state(member)
        if place is not None and place.table is current:
            return None
        snapshot = feed.snapshot(member.host, self._client.cluster_id)
        return None if snapshot is None else (snapshot.message, _Place(snapshot.table, snapshot.cursor))

    def _feed(self, network: str) -> Feed:
        if network not in self._feeds:
            self._feeds[network] = Feed(network, self._follower.replica)
        return self._feeds[network]


def member_of(auth_context: Mapping[str, Iterable[bytes]]) -> Member:
    """The host that the client certificate of a connection names.

    Raises:
        Unauthorized: it names none.
    """
    pem = next(iter(auth_context.get("x509_pem_cert", ())), b"")
    try:
        return _member(pem)
    except (ValueError, x509.ExtensionNotFound, InvalidInput) as exc:
        raise Unauthorized("The client certificate names no host of a CLADNet.") from exc


@functools.lru_cache(maxsize=4096)
def _member(pem: bytes) -> Member:
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InvalidInput("The key of the certificate is no EC key.")
    identity = SpiffeId.parse(uri)
    return Member(identity.network, identity.host, fingerprint(key))
