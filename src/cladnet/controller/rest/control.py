# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Operations that make hosts do something."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from cladnet.controller.replica import NetworkState
from cladnet.controller.rest.backend import BackendOf, administrator
from cladnet.controller.rest.errors import documented
from cladnet.controller.rest.models import Input
from cladnet.core.errors import Conflict, InvalidInput, NotFound, Unauthorized, Unavailable
from cladnet.core.orders import Action

router = APIRouter(
    prefix="/v1/networks/{name}",
    tags=["control"],
    dependencies=[Depends(administrator)],
    responses=documented(Unauthorized, NotFound, Unavailable),
)


class ControlIn(Input):
    """What hosts are to do."""

    action: Literal["up", "down", "rekey"] = Field(description="down: no traffic, but still a member.")
    hosts: list[str] | None = Field(default=None, description="null: all that have an agent.")


class ControlOut(BaseModel):
    """What is ordered now."""

    action: str
    hosts: list[str]
    revision: int


@router.post("/control", status_code=202, responses=documented(InvalidInput, Conflict))
async def order(name: str, body: ControlIn, backend: BackendOf) -> ControlOut:
    """Orders hosts to go down, come up or make a new key; those that are away do it when they are back."""
    state = backend.follower.network(name)
    hosts = managed_hosts(state) if body.hosts is None else sorted(set(body.hosts))
    revision = await backend.control.order(name, Action(body.action), hosts)
    await backend.follower.reached(revision)
    return ControlOut(action=body.action, hosts=hosts, revision=revision)


def managed_hosts(state: NetworkState) -> list[str]:
    """The hosts of a network that have an agent, or are expected to have one, by name."""
    return sorted(host for host in state.host_names if state.place(host).is_managed)
