# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The controller: command line, log, signals, and the one place where its errors end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cladnet import __version__
from cladnet.controller.config import DEFAULT_FILE, ControllerConfig, load_config
from cladnet.controller.controller import Controller
from cladnet.core.errors import CladnetError, InvalidInput
from cladnet.systemd import notify

EXIT_FAILURE = 1
EXIT_BAD_CONFIGURATION = 78  # EX_CONFIG of sysexits.h


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the controller until SIGTERM or SIGINT; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what matters about a connection is in our own log
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        asyncio.run(_run(load_config(options.config)))
    except InvalidInput as exc:
        return _fail(exc, EXIT_BAD_CONFIGURATION)
    except CladnetError as exc:
        return _fail(exc, EXIT_FAILURE)
    return 0


async def _run(config: ControllerConfig) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Controller(config, notify=notify).run(stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cladnet-controller", description="Keeps CLADNets in etcd and tells their hosts about them."
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, help="configuration (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="log more")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _fail(error: CladnetError, status: int) -> int:
    sys.stderr.write(f"cladnet-controller: {error}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
