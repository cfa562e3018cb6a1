# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How a host becomes a member: an operator gets a one-time token, the host exchanges it for a certificate."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field, replace

from cladnet.controller import keys, records
from cladnet.controller.allocator import Allocator
from cladnet.controller.authority import Authority, SigningRequest
from cladnet.controller.etcd import txn
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.records import Enrolment, HostRecord
from cladnet.controller.settling import until_settled
from cladnet.controller.stored_host import StoredHost
from cladnet.core.errors import Conflict, NotFound, Unauthorized, Unavailable
from cladnet.core.identity import SpiffeId
from cladnet.wire import etcd_pb2 as pb

TOKEN_LIFE_S = 600
_TOKEN_BYTES = 32
_MOST_TOKEN_CHARACTERS = 200
_MOST_TRIES = 10
_MOST_AT_ONCE = 32  # whoever comes may ask, and each asks etcd


@dataclass(frozen=True, slots=True)
class EnrolmentToken:
    """What the operator hands to the agent; etcd keeps only its hash."""

    token: str = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class EnrolledHost:
    """The certificate of a new member."""

    identity: SpiffeId
    certificate_pem: bytes
    revision: int


class Enrolments:
    """Hands out tokens and takes them back.

    Args:
        client: connection to etcd.
        allocator: reads hosts.
        authority: signs certificates.
    """

    def __init__(self, client: EtcdClient, allocator: Allocator, authority: Authority) -> None:
        self._client = client
        self._allocator = allocator
        self._authority = authority
        self._enrolling = asyncio.Semaphore(_MOST_AT_ONCE)

    async def create(self, identity: SpiffeId) -> EnrolmentToken:
        """A token with which one host can enrol within ``TOKEN_LIFE_S`` seconds.

        Raises:
            NotFound: the network does not exist.
            Conflict: the host is a WireGuard peer without an agent.
            Unavailable: etcd does not answer in time.
        """
        return await until_settled(lambda: self._create(identity))

    async def enrol(self, token: str, request: SigningRequest) -> EnrolledHost:
        """Makes the host of the token a member, with the key of the request as its identity.

        The token works once; the same key may use it again, because an answer can be lost.

        Raises:
            Unauthorized: the token is unknown, expired, or was used with another key.
            NotFound: the network was deleted meanwhile.
            Conflict: the host has become a WireGuard peer without an agent meanwhile.
            Unavailable: etcd does not answer in time.
        """
        if not token.isascii() or len(token) > _MOST_TOKEN_CHARACTERS:
            raise _unknown_token()
        async with self._enrolling:
            return await until_settled(lambda: self._enrol(token, request))

    async def _create(self, identity: SpiffeId) -> EnrolmentToken:
        stored = await self._allocator.read(identity.network, identity.host)
        _check_managed(stored, identity)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        enrolment = Enrolment(identity.network, stored.network_created, identity.host)
        lease = await self._client.grant_lease(TOKEN_LIFE_S)
        write = txn.put(_key(token), records.write_enrolment(enrolment), lease=lease)
        same_network = txn.created_at(keys.config(identity.network), stored.network_created)
        reply = await self._client.txn([same_network], [write])
        if not reply.succeeded:
            raise NotFound(f"There is no network {identity.network} any more.")
        return EnrolmentToken(token, TOKEN_LIFE_S)

    async def _enrol(self, token: str, request: SigningRequest) -> EnrolledHost:
        for _unused in range(_MOST_TRIES):
            stored = await self._client.get(_key(token))
            if stored is None:
                raise _unknown_token()
            enrolment = records.read_enrolment(stored.value)
            if enrolment.used_by not in ("", request.identity):
                raise Unauthorized(
                    "The enrolment token was used already, with another key.",
                    hint="If that was not you, remove the host; then make a new token.",
                )
            host = await self._allocator.read(enrolment.network, enrolment.host)
            if host.network_created != enrolment.network_created:
                raise NotFound(f"The network {enrolment.network} of this token was deleted.")
            _check_managed(host, SpiffeId(enrolment.network, enrolment.host))
            revision = await self._admit(stored, enrolment, host, request.identity)
            if revision:
                identity = SpiffeId(enrolment.network, enrolment.host)
                return EnrolledHost(identity, self._authority.sign(request, identity), revision)
        raise Unavailable("Others changed this host again and again; try again.")

    async def _admit(self, stored: pb.KeyValue, enrolment: Enrolment, host: StoredHost, identity: str) -> int:
        """Marks the token as used and writes the member, at once; 0 if something changed meanwhile."""
        if enrolment.used_by == identity and host.host is not None and host.host.identity == identity:
            return host.revision
        network, name = enrolment.network, enrolment.host
        record = HostRecord(identity, None if host.host is None else host.host.report)
        used = replace(enrolment, used_by=identity)
        reply = await self._client.txn(
            [
                txn.unchanged(stored.key, stored.mod_revision),
                txn.created_at(keys.config(network), enrolment.network_created),
                txn.unchanged(keys.host(network, name), host.host_revision),
                txn.unchanged(keys.place(network, name), host.place_revision),
            ],
            [
                txn.put_on_same_lease(stored.key, records.write_enrolment(used)),
                txn.put(keys.host(network, name), records.write_host(record)),
            ],
        )
        return reply.header.revision if reply.succeeded else 0


def _key(token: str) -> bytes:
    return keys.enrolment(hashlib.sha256(token.encode()).hexdigest())


def _check_managed(stored: StoredHost, identity: SpiffeId) -> None:
    if not stored.is_managed:
        raise Conflict(
            f"Host {identity.host} is in network {identity.network} as a WireGuard peer without an agent.",
            hint="Remove it there first if it is to have an agent.",
        )


def _unknown_token() -> Unauthorized:
    return Unauthorized(
        "The enrolment token is unknown or has expired.",
        hint=f"Tokens last {TOKEN_LIFE_S} seconds: make a new one.",
    )
