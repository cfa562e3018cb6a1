# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How a host gets, keeps and checks its certificate."""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import datetime, timezone

from cladnet.agent.config import AgentConfig
from cladnet.agent.controller_connection import ControllerConnection, Credentials
from cladnet.agent.enrolment_request import enrol
from cladnet.agent.health import Health
from cladnet.agent.identity import Certificate, certificate_request, read_certificate
from cladnet.agent.state import StateDirectory
from cladnet.core.errors import CladnetError, InvalidInput, Unavailable
from cladnet.core.identity import SpiffeId

_log = logging.getLogger(__name__)


class Enrolment:
    """Turns an enrolment token into a certificate, and an old certificate into a new one.

    Args:
        config: names host, network and controllers.
        state: holds keys, token and certificate.
        health: is told what is in the way.
        rng: shuffles the controllers.
    """

    def __init__(
        self, config: AgentConfig, state: StateDirectory, health: Health, rng: random.Random
    ) -> None:
        self._config = config
        self._state = state
        self._health = health
        self._rng = rng
        self._identity = SpiffeId(config.network, config.host)
        self._refused_token = ""

    def check(self) -> None:
        """Tells ``health`` about a certificate that is there already."""
        if self._state.certificate() is not None:
            self._own_certificate()

    async def credentials(self) -> Credentials | None:
        """What this host shows to a controller; None if it has nothing to show now (``health`` says why)."""
        try:
            await self._use_token()
            certificate = self._own_certificate()
            if certificate is None:
                return None
            return Credentials(self._ca(), certificate.pem, self._state.identity_key())
        except CladnetError as exc:
            self._health.set(enrolment_problem=str(exc))
            return None

    async def renew(self, connection: ControllerConnection) -> None:
        """Fetches a new certificate if two thirds of the life of this one are over.

        Raises:
            CladnetError: the controller refuses, or the disk does.
        """
        certificate = self._state.certificate()
        if certificate is None or _now() < certificate.renewal_at():
            return
        pem = await connection.renew(certificate_request(self._state.identity_key(), self._identity))
        self._store(pem)
        _log.info("certificate renewed")

    def forget(self) -> None:
        """This host has left its network: what makes it a member is removed from the disk."""
        self._state.forget_membership()

    async def _use_token(self) -> None:
        token = self._state.token()
        if not token or token == self._refused_token:
            return
        try:
            pem = await self._enrol(token)
        except Unavailable:
            raise
        except CladnetError as exc:
            self._refused_token = token
            if self._own_certificate() is not None:
                _log.info("the enrolment token is of no more use (%s), and not needed", exc)
                self._state.remove_token()
                return
            raise
        self._store(pem)
        self._state.remove_token()
        _log.info("enrolled as %s", self._identity)

    async def _enrol(self, token: str) -> bytes:
        """Asks one controller after the other; a refusal of one is the word of all."""
        request = certificate_request(self._state.identity_key(), self._identity)
        failure = Unavailable("no controller is configured")
        config = self._config
        for address in self._rng.sample(config.controllers, len(config.controllers)):
            try:
                return await asyncio.to_thread(
                    enrol, address, config.api_port, ca_file=config.ca_file, token=token, request_pem=request
                )
            except Unavailable as exc:
                failure = exc
        raise failure

    def _own_certificate(self) -> Certificate | None:
        certificate = self._state.certificate()
        if certificate is None or certificate.spiffe_id != self._identity:
            self._health.set(enrolled=False, enrolment_problem=self._what_is_missing(certificate))
            return None
        problem = certificate.problem(_now())
        self._health.set(enrolled=True, enrolment_problem="", identity_problem=problem)
        return None if problem else certificate

    def _what_is_missing(self, certificate: Certificate | None) -> str:
        if certificate is not None:
            return (
                f"the certificate is for {certificate.spiffe_id}, not {self._identity}: enrol this host again"
            )
        if self._refused_token:
            return self._health.conditions.enrolment_problem
        return (
            f"not enrolled: neither a certificate nor an enrolment.token is in {self._config.state_dir}; "
            f"run the playbook again for this host"
        )

    def _store(self, pem: bytes) -> None:
        """Keeps a certificate only if it is one for this host and key."""
        received = read_certificate(pem, self._state.identity_key())
        if received.spiffe_id != self._identity:
            raise InvalidInput(f"the controller gave a certificate for {received.spiffe_id}")
        self._state.store_certificate(pem)

    def _ca(self) -> bytes:
        try:
            return self._config.ca_file.read_bytes()
        except OSError as exc:
            raise Unavailable(f"{self._config.ca_file} cannot be read: {exc.strerror}.") from exc


def _now() -> datetime:
    return datetime.now(timezone.utc)
