# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What the operations work with, and who may call them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cladnet.controller.allocator import Allocator
from cladnet.controller.connectivity_tests import ConnectivityTests
from cladnet.controller.control import Control
from cladnet.controller.enrolments import Enrolments
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.event_log import EventLog
from cladnet.controller.follower import Follower
from cladnet.controller.networks import Networks
from cladnet.controller.places import Places
from cladnet.core.errors import Unauthorized


@dataclass(frozen=True, slots=True)
class Backend:
    """What the operations work with.

    Args:
        name: of this controller.
        admin_token: what administrators show.
        client: connection to etcd.
        follower: the replica of etcd: everything that is read is read there.
        networks: the writer of networks.
        allocator: the writer of hosts.
        places: the writer of what administrators decide about hosts.
        control: the writer of orders.
        enrolments: the writer of enrolments.
        events: what has happened lately.
        tests: the writer of connectivity tests.
    """

    name: str
    admin_token: str = field(repr=False)
    client: EtcdClient
    follower: Follower
    networks: Networks
    allocator: Allocator
    places: Places
    control: Control
    enrolments: Enrolments
    events: EventLog
    tests: ConnectivityTests


def _backend(request: Request) -> Backend:
    return cast("Backend", request.app.state.backend)


BackendOf = Annotated[Backend, Depends(_backend)]
_Shown = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def administrator(backend: BackendOf, shown: _Shown) -> None:
    """Lets in only who shows the administrator's token.

    Raises:
        Unauthorized: it is missing or wrong.
    """
    token = "" if shown is None else shown.credentials
    if not secrets.compare_digest(token.encode(), backend.admin_token.encode()):
        raise Unauthorized(
            "The administrator's token is missing or wrong.",
            hint="It is in admin.token in the state directory of the controller.",
        )
