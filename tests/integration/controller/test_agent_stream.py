# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The agent stream of a real controller, with real certificates, as agents use it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timezone

import grpc
import pytest
from cryptography import x509

from cladnet.agent.controller_connection import Credentials
from cladnet.agent.identity import certificate_request, new_identity_key, read_certificate
from cladnet.controller.authority import Authority, read_request
from cladnet.core.errors import CladnetError, Conflict, InvalidInput, NotFound, Unauthorized, Unavailable
from cladnet.core.identity import SpiffeId
from cladnet.wire import agent_pb2, methods
from tests.integration.controller.controller_process import NET, ControllerProcess, Host, Stream
from tests.integration.controller.waiting import until

ENDPOINT = agent_pb2.Endpoint(address="198.51.100.11", port=8055)
MOVED = agent_pb2.Endpoint(address="198.51.100.99", port=8055)


@contextlib.asynccontextmanager
async def watching(
    controller: ControllerProcess, host: Host, cluster_id: int = 0, revision: int = 0
) -> AsyncIterator[Stream]:
    """A stream of a host that is already a member with an address."""
    async with controller.replies(host, cluster_id, revision) as replies:
        yield Stream(replies)


async def report(controller: ControllerProcess, host: Host, **changes: object) -> agent_pb2.ReportReply:
    async with controller.connect(host.credentials) as connection:
        return await connection.report(host.report(**changes))


async def soon(stream: Stream) -> agent_pb2.WatchReply:
    return await asyncio.wait_for(stream.next(), 5.0)


async def test_two_hosts_learn_of_each_other(controller: ControllerProcess) -> None:
    a, b = controller.enrol("a"), controller.enrol("b")
    first = await report(controller, a, public_endpoint=ENDPOINT)
    async with watching(controller, a) as stream:
        snapshot = (await soon(stream)).snapshot
        assert (snapshot.network.name, snapshot.network.cidr) == (NET, "10.99.0.0/24")
        assert [(peer.host, peer.address) for peer in snapshot.peers] == [("a", first.address)]
        assert snapshot.peers[0].endpoint == ENDPOINT
        assert [(each.name, list(each.addresses)) for each in snapshot.controllers] == [("c1", ["192.0.2.1"])]
        second = await report(controller, b)
        delta = (await soon(stream)).delta
        assert [peer.host for peer in delta.peers] == ["b"]
        assert not delta.peers[0].HasField("endpoint")
        assert delta.revision == delta.peers[0].revision == second.revision
        assert not delta.HasField("network")
        assert not delta.controllers_changed


async def test_a_moved_host_is_one_small_message(controller: ControllerProcess) -> None:
    a, b = controller.enrol("a"), controller.enrol("b")
    await report(controller, a, public_endpoint=ENDPOINT)
    await report(controller, b)
    async with watching(controller, b) as stream:
        await soon(stream)
        await report(controller, a, public_endpoint=MOVED, state=agent_pb2.HOST_STATE_TUNNELING)
        reply = await soon(stream)
        assert [(peer.host, peer.endpoint) for peer in reply.delta.peers] == [("a", MOVED)]
        assert reply.ByteSize() < 120


async def test_a_state_is_news_for_people_not_for_hosts(controller: ControllerProcess) -> None:
    a, b = controller.enrol("a"), controller.enrol("b")
    await report(controller, a)
    await report(controller, b)
    async with watching(controller, b) as stream:
        await soon(stream)
        await report(controller, a, state=agent_pb2.HOST_STATE_DEGRADED, reason="No controller answers.")
        await report(controller, a, public_endpoint=ENDPOINT, state=agent_pb2.HOST_STATE_TUNNELING)
        assert (await soon(stream)).delta.peers[0].endpoint == ENDPOINT, "nothing came before"
    with controller.api() as api:
        peer = api.get(f"/networks/{NET}/peers/a").json()
    assert (peer["state"], peer["endpoint"], peer["mtu"]) == ("tunneling", "198.51.100.11:8055", 1420)


async def test_many_changes_at_once_are_few_messages(controller: ControllerProcess) -> None:
    watcher = controller.enrol("watcher")
    await report(controller, watcher)
    hosts = [controller.enrol(f"h{number:02}") for number in range(30)]
    async with watching(controller, watcher) as stream:
        await soon(stream)
        await asyncio.gather(*(report(controller, host) for host in hosts))
        messages = 0
        while len(stream.peers) < 31:
            await soon(stream)
            messages += 1
        assert messages <= 15
    addresses = {peer.address for peer in stream.peers.values()}
    assert len(addresses) == 31


async def test_who_comes_back_gets_what_was_missed_and_no_more(controller: ControllerProcess) -> None:
    a, b, c = (controller.enrol(name) for name in "abc")
    for host in (a, b, c):
        await report(controller, host)
    async with watching(controller, a) as stream:
        await soon(stream)
    async with watching(controller, c) as other:
        await soon(other)
        await report(controller, b, public_endpoint=ENDPOINT)
        await report(controller, b, public_endpoint=MOVED)
        while other.peers["b"].endpoint != MOVED:
            await soon(other)
    async with watching(controller, a, stream.cluster_id, stream.revision) as resumed:
        delta = (await soon(resumed)).delta
        assert [(peer.host, peer.endpoint) for peer in delta.peers] == [("b", MOVED)]


async def test_who_missed_nothing_is_told_so(controller: ControllerProcess) -> None:
    a = controller.enrol("a")
    await report(controller, a)
    async with watching(controller, a) as stream:
        await soon(stream)
    async with watching(controller, a, stream.cluster_id, stream.revision) as resumed:
        delta = (await soon(resumed)).delta
        assert delta.revision >= stream.revision
        assert not delta.peers
        assert not delta.removed_hosts


@pytest.mark.parametrize(
    ("cluster", "revision"),
    [(0, 0), (0, None), (1, None), (None, 1), (None, 10**9)],
    ids=["nothing known", "no cluster", "another cluster", "before the ring", "ahead of etcd"],
)
async def test_who_knows_another_history_gets_everything(
    controller: ControllerProcess, cluster: int | None, revision: int | None
) -> None:
    a = controller.enrol("a")
    await report(controller, a)
    async with watching(controller, a) as stream:
        await soon(stream)
    known = (
        stream.cluster_id if cluster is None else cluster,
        stream.revision if revision is None else revision,
    )
    async with watching(controller, a, *known) as again:
        assert (await soon(again)).HasField("snapshot")


async def test_a_changed_network_is_told_to_its_hosts(controller: ControllerProcess) -> None:
    a = controller.enrol("a")
    await report(controller, a)
    async with watching(controller, a) as stream:
        await soon(stream)
        with controller.api() as api:
            api.patch(f"/networks/{NET}", json={"mtu": 1300})
        delta = (await soon(stream)).delta
        assert (delta.network.mtu, delta.network.cidr) == (1300, "10.99.0.0/24")


async def test_a_removed_host_is_told_by_name_and_let_out(controller: ControllerProcess) -> None:
    a, b = controller.enrol("a"), controller.enrol("b")
    await report(controller, a)
    await report(controller, b)
    async with watching(controller, a) as removed, watching(controller, b) as other:
        await soon(removed)
        await soon(other)
        with controller.api() as api:
            assert api.delete(f"/networks/{NET}/peers/a").status_code == 204
        assert (await soon(other)).delta.removed_hosts == ["a"]
        assert (await soon(removed)).delta.removed_hosts == ["a"]
        with pytest.raises(Unauthorized, match="not a member"):
            await soon(removed)
    with pytest.raises(Unauthorized, match="not a member"):
        await report(controller, a)
    with pytest.raises(Unauthorized, match="not a member"):
        await first_message(controller, a)


async def first_message(controller: ControllerProcess, host: Host) -> agent_pb2.WatchReply:
    async with watching(controller, host) as stream:
        return await soon(stream)


async def test_a_deleted_network_ends_its_streams(controller: ControllerProcess) -> None:
    a = controller.enrol("a")
    await report(controller, a)
    async with watching(controller, a) as stream:
        await soon(stream)
        with controller.api() as api:
            assert api.delete(f"/networks/{NET}?force=true").status_code == 204
        with pytest.raises(NotFound, match=NET):
            await soon(stream)
    with pytest.raises(NotFound, match=NET):
        await report(controller, a)


async def test_an_enrolment_anew_voids_the_old_certificate(controller: ControllerProcess) -> None:
    stolen = controller.enrol("a")
    await report(controller, stolen)
    async with watching(controller, stolen) as stream:
        await soon(stream)
        fresh = controller.enrol("a")
        with pytest.raises(Unauthorized, match="enrolled anew"):
            await soon(stream)
    with pytest.raises(Unauthorized, match="enrolled anew"):
        await report(controller, stolen)
    assert (await report(controller, fresh)).address


async def test_leaving_voids_the_certificate_too(controller: ControllerProcess) -> None:
    a, b = controller.enrol("a"), controller.enrol("b")
    await report(controller, a)
    await report(controller, b)
    async with watching(controller, b) as stream, controller.connect(a.credentials) as connection:
        await soon(stream)
        await connection.leave()
        assert (await soon(stream)).delta.removed_hosts == ["a"]
        with pytest.raises(Unauthorized):
            await connection.leave()
        with pytest.raises(Unauthorized):
            await connection.report(a.report())


async def test_watching_before_the_first_report(controller: ControllerProcess) -> None:
    with pytest.raises(Conflict, match="report first"):
        await first_message(controller, controller.enrol("a"))


async def test_presence_follows_the_stream(controller: ControllerProcess) -> None:
    a = controller.enrol("a")
    await report(controller, a)

    def connected() -> bool:
        with controller.api() as api:
            return bool(api.get(f"/networks/{NET}/peers/a").json()["connected"])

    assert not connected()
    async with watching(controller, a) as stream:
        await soon(stream)
        await until(connected, "the stream to be known")
    await until(lambda: not connected(), "the end of the stream to be noticed")


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        ({"public_key": b"short"}, InvalidInput, "32 bytes"),
        ({"occupied_networks": ["10.99.0.128/25"]}, Conflict, "10.99.0.128/25.*10.99.0.0/24"),
        ({"occupied_networks": ["nonsense"]}, InvalidInput, "nonsense"),
        ({"public_endpoint": agent_pb2.Endpoint(address="x", port=1)}, InvalidInput, "x"),
        ({"public_endpoint": agent_pb2.Endpoint(address="192.0.2.1")}, InvalidInput, "port"),
        ({"reason": "\x1b[2J"}, InvalidInput, "reason"),
        ({"mtu": 70000}, InvalidInput, "mtu"),
    ],
)
async def test_reports_that_are_refused(
    controller: ControllerProcess, changes: dict[str, object], kind: type[CladnetError], told: str
) -> None:
    with pytest.raises(kind, match=told):
        await report(controller, controller.enrol("a"), **changes)


async def test_a_cloned_machine_is_refused(controller: ControllerProcess) -> None:
    a, clone = controller.enrol("a"), controller.enrol("b")
    await report(controller, a)
    with pytest.raises(Conflict, match="public key of host a"):
        await report(controller, clone, public_key=a.report().public_key)


async def test_a_report_too_large_is_refused(controller: ControllerProcess) -> None:
    a = controller.enrol("a")
    with pytest.raises(CladnetError):
        await report(controller, a, reason="x" * (2 << 20))


async def test_a_certificate_is_renewed_for_the_same_key_only(controller: ControllerProcess) -> None:
    a = controller.enrol("a")
    identity = SpiffeId(NET, "a")
    async with controller.connect(a.credentials) as connection:
        renewed = await connection.renew(certificate_request(a.credentials.key, identity))
        with pytest.raises(InvalidInput, match="another key"):
            await connection.renew(certificate_request(new_identity_key(), identity))
    assert read_certificate(renewed, a.credentials.key).spiffe_id == identity
    await report(controller, replace(a, credentials=replace(a.credentials, certificate=renewed)))


async def test_a_request_cannot_ask_for_another_name(controller: ControllerProcess) -> None:
    a = controller.enrol("a")
    async with controller.connect(a.credentials) as connection:
        renewed = await connection.renew(certificate_request(a.credentials.key, SpiffeId(NET, "root")))
    assert read_certificate(renewed, a.credentials.key).spiffe_id == SpiffeId(NET, "a")


async def test_a_member_of_one_network_sees_nothing_of_another(controller: ControllerProcess) -> None:
    with controller.api() as api:
        assert api.post("/networks", json={"name": "other", "cidr": "10.98.0.0/24"}).status_code == 201
    try:
        here, there = controller.enrol("a"), controller.enrol("a", "other")
        await report(controller, here)
        await report(controller, there, public_key=bytes(range(32)))
        for host, cidr in ((here, "10.99.0.0/24"), (there, "10.98.0.0/24")):
            snapshot = (await first_message(controller, host)).snapshot
            assert snapshot.network.cidr == cidr
            assert [peer.public_key for peer in snapshot.peers] != []
            assert len(snapshot.peers) == 1
    finally:
        with controller.api() as api:
            api.delete("/networks/other?force=true")


async def test_without_a_certificate_nobody_gets_in(controller: ControllerProcess) -> None:
    anonymous = grpc.ssl_channel_credentials(controller.ca.read_bytes())
    options = (("grpc.ssl_target_name_override", "cladnet-controller"),)
    target = f"127.0.0.1:{controller.agent_port}"
    async with grpc.aio.secure_channel(target, anonymous, options=options) as channel:
        call = channel.unary_unary(methods.REPORT)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"", timeout=5.0)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_another_ca_does_not_get_in(controller: ControllerProcess) -> None:
    key = new_identity_key()
    forger = Authority(Authority.create(datetime.now(timezone.utc)))
    request = read_request(certificate_request(key, SpiffeId(NET, "a")))
    forged = Credentials(controller.ca.read_bytes(), forger.sign(request, SpiffeId(NET, "a")), key)
    with pytest.raises(Unavailable):
        await _report_with(controller, forged)


async def test_the_controllers_own_certificate_is_no_membership(controller: ControllerProcess) -> None:
    pki = controller.state / "pki"
    own = Credentials(
        controller.ca.read_bytes(), (pki / "server.crt").read_bytes(), (pki / "server.key").read_bytes()
    )
    with pytest.raises((Unavailable, Unauthorized)):
        await _report_with(controller, own)


async def _report_with(controller: ControllerProcess, credentials: Credentials) -> None:
    async with controller.connect(credentials) as connection:
        await connection.report(agent_pb2.ReportRequest(public_key=bytes(range(32))))


def test_agents_verify_the_name_and_not_the_address(controller: ControllerProcess) -> None:
    certificate = x509.load_pem_x509_certificate((controller.state / "pki" / "server.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "cladnet-controller" in names.get_values_for_type(x509.DNSName)
    assert "192.0.2.1" in map(str, names.get_values_for_type(x509.IPAddress))
