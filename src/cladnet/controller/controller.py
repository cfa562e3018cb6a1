# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The whole controller: its parts, put together, started and stopped in the right order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from cladnet import __version__
from cladnet.controller import keys
from cladnet.controller.agent_server import AgentServer
from cladnet.controller.agent_service import AgentService
from cladnet.controller.allocator import Allocator
from cladnet.controller.config import ControllerConfig
from cladnet.controller.connectivity_tests import ConnectivityTests
from cladnet.controller.control import Control
from cladnet.controller.enrolments import Enrolments
from cladnet.controller.etcd.client import EtcdClient
from cladnet.controller.etcd.informer import Informer
from cladnet.controller.event_log import EventLog
from cladnet.controller.follower import Follower
from cladnet.controller.membership import Membership
from cladnet.controller.networks import Networks
from cladnet.controller.places import Places
from cladnet.controller.presence import Presence
from cladnet.controller.quarantine import Quarantine
from cladnet.controller.rest.app import create_app
from cladnet.controller.rest.backend import Backend
from cladnet.controller.rest.server import ApiServer
from cladnet.controller.rest.views import VIEWS
from cladnet.controller.state_directory import StateDirectory
from cladnet.controller.stun_server import serve_stun
from cladnet.core.rule_table import ControllerEntry
from cladnet.tasks import first_to_end

log = logging.getLogger(__name__)

_CERTIFICATE_CHECK_S = 86400.0
_HEARTBEAT_S = 2.0
_GRACE_S = 1.0


class Controller:
    """One controller; ``run`` is its life.

    Args:
        config: what the operator wants.
        notify: tells the service manager (sd_notify).

    Raises:
        InvalidInput: a file or directory of the configuration cannot be used.
    """

    def __init__(self, config: ControllerConfig, *, notify: Callable[[str], None]) -> None:
        self._config = config
        self._notify = notify
        self._state = StateDirectory(config.state_dir, config.advertise)
        self._client = EtcdClient(config.etcd_endpoints, tls=config.etcd_tls)
        self._follower = Follower(Informer(self._client, keys.PREFIX), self._changed)
        self._presence = Presence(self._client, self._follower.replica, config.name)
        entry = ControllerEntry(config.name, config.advertise)
        self._membership = Membership(self._client, entry, self._presence.use_lease)
        self._events = EventLog(self._follower.replica, VIEWS, lambda: self._client.cluster_id)
        self._follower.replica.observer = self._events
        self._quarantine = Quarantine(self._client)
        self._allocator = Allocator(self._client, self._follower.replica, self._quarantine)
        self._tests = ConnectivityTests(self._client, self._follower.replica)
        self._service = AgentService(
            self._client,
            self._follower,
            self._allocator,
            self._state.authority,
            self._presence,
            self._tests,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serves until ``stop`` is set, also while etcd is not there.

        Raises:
            InvalidInput: a port cannot be used.
        """
        agents, api = self._agent_server(), self._api_server()
        stun = await serve_stun(self._config.stun_listen)
        await agents.start()
        await api.start()
        log.info("cladnet-controller %s (%s) is up.", self._config.name, __version__)
        self._notify("READY=1\nSTATUS=Waiting for etcd")
        try:
            await first_to_end(
                stop.wait(),
                self._follower.run(),
                self._membership.run(),
                self._presence.run(),
                self._tests.run(),
                self._keep_certificate(api),
                self._tell_service_manager(),
            )
        finally:
            self._notify("STOPPING=1")
            stun.close()
            self._events.close()
            await asyncio.gather(agents.stop(_GRACE_S), api.stop(), self._membership.leave())
            await self._client.close()

    def _changed(self, network: str) -> None:
        self._service.changed(network)

    def _agent_server(self) -> AgentServer:
        state = self._state
        return AgentServer(
            self._service, self._config.agent_listen, state.server_pair, state.authority.certificate_pem
        )

    def _api_server(self) -> ApiServer:
        backend = Backend(
            name=self._config.name,
            admin_token=self._state.admin_token,
            client=self._client,
            follower=self._follower,
            networks=Networks(self._client),
            allocator=self._allocator,
            places=Places(self._client, self._follower.replica, self._quarantine, self._allocator),
            control=Control(self._client),
            enrolments=Enrolments(self._client, self._allocator, self._state.authority),
            events=self._events,
            tests=self._tests,
        )
        files = (self._state.server_key_file, self._state.server_certificate_file)
        return ApiServer(create_app(backend), self._config.api_listen, *files)

    async def _keep_certificate(self, api: ApiServer) -> None:
        """Makes a new server certificate long before the old one ends; the agent server looks by itself."""
        while True:
            await asyncio.sleep(_CERTIFICATE_CHECK_S)
            if self._state.renew_server_certificate():
                api.reload_certificate()
                log.info("The server certificate was renewed.")

    async def _tell_service_manager(self) -> None:
        """Shows that this event loop still turns, and what etcd is like."""
        told = ""
        while True:
            status = self._status()
            self._notify("WATCHDOG=1" if status == told else f"WATCHDOG=1\nSTATUS={status}")
            told = status
            await asyncio.sleep(_HEARTBEAT_S)

    def _status(self) -> str:
        networks = len(self._follower.replica.networks)
        if self._follower.connected:
            return f"Serving {networks} networks"
        if self._follower.synced:
            return f"etcd is lost: serving {networks} networks as they were, taking no changes"
        return f"Waiting for etcd at {', '.join(self._config.etcd_endpoints)}"
