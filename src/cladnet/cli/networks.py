# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which networks this host is configured for."""

from __future__ import annotations

from pathlib import Path

from cladnet.agent.config import AgentConfig, load_config
from cladnet.core.errors import InvalidInput, NotFound


def choose_network(directory: Path, network: str | None) -> AgentConfig:
    """The configuration of a network of this host; without a name, of the only one.

    Raises:
        NotFound: there is no such network on this host, or none at all.
        InvalidInput: there are several, or the file is damaged.
    """
    names = configured_networks(directory)
    if network is not None and network not in names:
        raise NotFound(f"This host has no network '{network}' (it has: {', '.join(names) or 'none'}).")
    if not names:
        raise NotFound(f"This host has no network: there is no file in {directory}.")
    if network is None and len(names) > 1:
        raise InvalidInput(f"This host has several networks: say --network with one of {', '.join(names)}.")
    return load_config(directory / f"{network or names[0]}.toml")


def configured_networks(directory: Path) -> list[str]:
    """The names of all networks of this host, sorted."""
    return sorted(path.stem for path in directory.glob("*.toml"))
