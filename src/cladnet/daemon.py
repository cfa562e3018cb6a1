# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""What every daemon of cladnet does alike: log, signals, and the one place where its errors end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

from cladnet import __version__
from cladnet.core.errors import CladnetError, InvalidInput

EXIT_FAILURE = 1
EXIT_BAD_CONFIGURATION = 78  # EX_CONFIG of sysexits.h

Run = Callable[[asyncio.Event], Awaitable[None]]


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A command line with what all daemons take."""
    made = argparse.ArgumentParser(prog=name, description=description)
    made.add_argument("--verbose", action="store_true", help="log more")
    made.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return made


def run(name: str, prepare: Callable[[], Run], *, verbose: bool) -> int:
    """Runs a daemon until SIGTERM or SIGINT.

    Args:
        name: of the program, for its last words.
        prepare: reads the configuration and gives what to run until the event is set.
        verbose: whether to log more.

    Returns:
        The exit status.
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what matters about a connection is in our own log
    try:
        asyncio.run(_until_stopped(prepare()))
    except InvalidInput as exc:
        return _fail(name, exc, EXIT_BAD_CONFIGURATION)
    except CladnetError as exc:
        return _fail(name, exc, EXIT_FAILURE)
    return 0


async def _until_stopped(daemon: Run) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await daemon(stop)


def _fail(name: str, error: CladnetError, status: int) -> int:
    sys.stderr.write(f"{name}: {error}\n")
    return status
