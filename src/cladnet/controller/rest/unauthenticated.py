# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Operations that need no administrator: is it healthy, and a host's exchange of its token."""

from __future__ import annotations

import asyncio
import logging

from fastapi import APIRouter, Response

from cladnet import __version__
from cladnet.controller.authority import read_request
from cladnet.controller.rest.backend import Backend, BackendOf
from cladnet.controller.rest.errors import documented
from cladnet.controller.rest.models import EnrolIn, EnrolOut, EtcdHealth, Health
from cladnet.core.errors import CladnetError, InvalidInput, NotFound, Unauthorized, Unavailable

log = logging.getLogger(__name__)

router = APIRouter(prefix="/v1")

_HEALTH_CHECK_S = 2.0


@router.get("/health", tags=["health"], responses={503: {"model": Health, "description": "etcd is lost"}})
async def health(backend: BackendOf, response: Response) -> Health:
    """Whether this controller can do its work; 503 if it cannot reach etcd and only knows its last state."""
    reachable = await _etcd_answers(backend)
    if not reachable:
        response.status_code = 503
    return Health(
        status="ok" if reachable else "degraded",
        name=backend.name,
        version=__version__,
        etcd=EtcdHealth(
            reachable=reachable,
            cluster_id=f"{backend.client.cluster_id:x}" if backend.client.cluster_id else "",
            revision=backend.follower.replica.revision,
        ),
    )


@router.post(
    "/enrol", tags=["enrolment"], responses=documented(InvalidInput, Unauthorized, NotFound, Unavailable)
)
async def enrol(body: EnrolIn, backend: BackendOf) -> EnrolOut:
    """Exchanges a one-time token and a certificate request for a certificate: the host is a member then."""
    request = read_request(body.csr_pem.encode())
    host = await backend.enrolments.enrol(body.token, request)
    log.info("audit: %s enrolled", host.identity)
    await backend.follower.reached(host.revision)
    return EnrolOut(
        certificate_pem=host.certificate_pem.decode(),
        network=host.identity.network,
        host=host.identity.host,
    )


async def _etcd_answers(backend: Backend) -> bool:
    try:
        await asyncio.wait_for(backend.client.revision(), _HEALTH_CHECK_S)
    except (CladnetError, asyncio.TimeoutError):
        return False
    return backend.follower.synced
