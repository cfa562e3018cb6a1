# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The agent of one network: its command line."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from cladnet import daemon
from cladnet.agent.agent import Agent
from cladnet.agent.config import DEFAULT_DIRECTORY, AgentConfig, load_config
from cladnet.systemd import notify

NAME = "cladnet-agent"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the agent until SIGTERM or SIGINT; returns the exit status."""
    options = _parser().parse_args(arguments)

    def prepare() -> daemon.Run:
        config = load_config(options.config or DEFAULT_DIRECTORY / f"{options.network}.toml")
        return lambda stop: _run(config, stop)

    return daemon.run(NAME, prepare, verbose=options.verbose)


async def _run(config: AgentConfig, stop: asyncio.Event) -> None:
    await Agent(config, notify=notify).run(stop)


def _parser() -> argparse.ArgumentParser:
    parser = daemon.parser(NAME, "The agent of one CLADNet on this host.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--network", help=f"name of the network; its file is {DEFAULT_DIRECTORY}/NETWORK.toml"
    )
    source.add_argument("--config", type=Path, help="path of the configuration file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
