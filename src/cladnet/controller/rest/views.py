# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Networks and hosts as the API shows them, for events."""

from __future__ import annotations

from typing import Any

from cladnet.controller.event_log import Views
from cladnet.controller.replica import NetworkState
from cladnet.controller.rest.models import Network
from cladnet.controller.rest.peer_models import Peer


def _network(state: NetworkState) -> dict[str, Any]:
    return Network.of(state).model_dump(mode="json")


def _peer(state: NetworkState, host: str) -> dict[str, Any]:
    return Peer.of(state, host).model_dump(mode="json")


VIEWS = Views(_network, _peer)
