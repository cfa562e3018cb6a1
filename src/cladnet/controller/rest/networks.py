# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Operations on networks."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from cladnet.controller.rest.backend import BackendOf, administrator
from cladnet.controller.rest.errors import documented
from cladnet.controller.rest.models import Network, NetworkIn, NetworkList, NetworkPatchIn
from cladnet.core.errors import Conflict, InvalidInput, NotFound, Unauthorized, Unavailable

router = APIRouter(
    prefix="/v1/networks",
    tags=["networks"],
    dependencies=[Depends(administrator)],
    responses=documented(Unauthorized, Unavailable),
)


@router.get("")
async def list_networks(backend: BackendOf) -> NetworkList:
    """All networks, by name."""
    networks = backend.follower.networks()
    return NetworkList(networks=[Network.of(networks[name]) for name in sorted(networks)])


@router.post("", status_code=201, responses=documented(InvalidInput, Conflict))
async def create_network(body: NetworkIn, backend: BackendOf) -> Network:
    """Makes a network."""
    spec = body.spec()
    await backend.follower.reached(await backend.networks.create(spec))
    return Network.of(backend.follower.network(spec.name))


@router.get("/{name}", responses=documented(NotFound))
async def get_network(name: str, backend: BackendOf) -> Network:
    """One network."""
    return Network.of(backend.follower.network(name))


@router.patch("/{name}", responses=documented(InvalidInput, NotFound, Conflict))
async def change_network(name: str, body: NetworkPatchIn, backend: BackendOf) -> Network:
    """Changes what is given; the address space only while no host is in the network."""
    patch = body.patch()
    await backend.follower.reached(await backend.networks.change(name, patch))
    return Network.of(backend.follower.network(name))


@router.delete("/{name}", status_code=204, responses=documented(NotFound, Conflict))
async def delete_network(name: str, backend: BackendOf, force: bool = False) -> Response:
    """Deletes a network; with force even while hosts are in it, which then lose it."""
    await backend.follower.reached(await backend.networks.delete(name, force=force))
    return Response(status_code=204)
