# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Operations on the hosts of a network."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from cladnet.controller.replica import NetworkState
from cladnet.controller.rest.backend import BackendOf, administrator
from cladnet.controller.rest.errors import documented
from cladnet.controller.rest.models import EnrolmentIn, EnrolmentOut
from cladnet.controller.rest.peer_models import Peer, PeerIn, PeerList, PeerPatchIn
from cladnet.core.errors import Conflict, Exhausted, InvalidInput, NotFound, Unauthorized, Unavailable
from cladnet.core.identity import SpiffeId

router = APIRouter(
    prefix="/v1/networks/{name}",
    tags=["peers"],
    dependencies=[Depends(administrator)],
    responses=documented(Unauthorized, NotFound, Unavailable),
)


@router.get("/peers")
async def list_peers(name: str, backend: BackendOf) -> PeerList:
    """All hosts of a network, by name."""
    state = backend.follower.network(name)
    return PeerList(peers=[_peer(state, host) for host in sorted(state.host_names)])


@router.post("/peers", status_code=201, responses=documented(InvalidInput, Conflict, Exhausted))
async def create_peer(name: str, body: PeerIn, backend: BackendOf) -> Peer:
    """Keeps a place (and address) for a host before it enrols, or adds a WireGuard peer without agent."""
    await backend.follower.reached(await backend.places.create(name, body.host, body.place()))
    return _peer(backend.follower.network(name), body.host)


@router.get("/peers/{host}")
async def get_peer(name: str, host: str, backend: BackendOf) -> Peer:
    """One host of a network."""
    return _peer(backend.follower.network(name), host)


@router.patch("/peers/{host}", responses=documented(InvalidInput, Conflict))
async def change_peer(name: str, host: str, body: PeerPatchIn, backend: BackendOf) -> Peer:
    """Changes what is given; a new address moves the host there at once, and its old one into quarantine."""
    await backend.follower.reached(await backend.places.change(name, host, body.patch()))
    return _peer(backend.follower.network(name), host)


@router.delete("/peers/{host}", status_code=204)
async def remove_peer(name: str, host: str, backend: BackendOf) -> Response:
    """Takes a host out of its network: its certificate is void, its address goes into quarantine."""
    await backend.follower.reached(await backend.allocator.release(name, host))
    return Response(status_code=204)


@router.post("/enrolments", status_code=201, responses=documented(InvalidInput, Conflict))
async def create_enrolment(name: str, body: EnrolmentIn, backend: BackendOf) -> EnrolmentOut:
    """A one-time token for the agent of a host that is to become (or become again) a member."""
    made = await backend.enrolments.create(SpiffeId(name, body.host))
    return EnrolmentOut(token=made.token, expires_in_s=made.expires_in_s, network=name, host=body.host)


def _peer(state: NetworkState, host: str) -> Peer:
    if host not in state.host_names:
        raise NotFound(f"Host {host[:80]!r} is not in network {state.spec.name}.")
    return Peer.of(state, host)
