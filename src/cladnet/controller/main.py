# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The controller: its command line."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from cladnet import daemon
from cladnet.controller.config import DEFAULT_FILE, ControllerConfig, load_config
from cladnet.controller.controller import Controller
from cladnet.systemd import notify

NAME = "cladnet-controller"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the controller until SIGTERM or SIGINT; returns the exit status."""
    options = _parser().parse_args(arguments)

    def prepare() -> daemon.Run:
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        config = load_config(options.config)
        return lambda stop: _run(config, stop)

    return daemon.run(NAME, prepare, verbose=options.verbose)


async def _run(config: ControllerConfig, stop: asyncio.Event) -> None:
    await Controller(config, notify=notify).run(stop)


def _parser() -> argparse.ArgumentParser:
    parser = daemon.parser(NAME, "Keeps CLADNets in etcd and tells their hosts about them.")
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help="configuration (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
