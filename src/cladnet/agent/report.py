# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What this host tells the controllers about itself. Pure."""

from __future__ import annotations

from cladnet import __version__
from cladnet.agent.config import AgentConfig
from cladnet.agent.observation import HostObservation
from cladnet.agent.wire_messages import endpoint_message
from cladnet.core.endpoint import Endpoint
from cladnet.core.endpoint_selection import PublicEndpoint
from cladnet.core.host_report import MAX_OCCUPIED_NETWORKS, MAX_REASON_CHARACTERS
from cladnet.core.host_state import Assessment
from cladnet.core.wireguard.suite import Suite
from cladnet.wire import agent_pb2
from cladnet.wire.suites import suite_values


def build_report(
    config: AgentConfig,
    *,
    public_key: bytes,
    observation: HostObservation,
    public_endpoint: PublicEndpoint | None,
    mtu_bytes: int,
    assessment: Assessment,
    suites: tuple[Suite, ...],
    is_down: bool = False,
    rekeys_done: int = 0,
) -> agent_pb2.ReportRequest:
    """The report of a host; equal reports mean that nothing has changed."""
    cloud = config.cloud
    return agent_pb2.ReportRequest(
        public_key=public_key,
        public_endpoint=None if public_endpoint is None else endpoint_message(public_endpoint.endpoint),
        private_endpoints=[
            endpoint_message(Endpoint(address, config.listen_port))
            for address in observation.private_addresses
        ],
        occupied_networks=observation.occupied_cidrs[:MAX_OCCUPIED_NETWORKS],
        mtu=mtu_bytes,
        cloud=agent_pb2.Cloud(
            provider=cloud.provider,
            region=cloud.region,
            zone=cloud.zone,
            vnet=cloud.vnet,
            subnet=cloud.subnet,
        ),
        state=f"HOST_STATE_{assessment.state.name}",
        reason=assessment.reason[:MAX_REASON_CHARACTERS],
        agent_version=__version__,
        is_down=is_down,
        rekeys_done=rekeys_done,
        suites=suite_values(suites),
    )
