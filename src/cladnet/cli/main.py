# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The command ``cladnet``: questions to the agents on this host, and leaving a network."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cladnet import __version__
from cladnet.agent.config import DEFAULT_DIRECTORY
from cladnet.atomic_file import write_atomically
from cladnet.cli.agent_client import ask_agent
from cladnet.cli.enrolment import enrolment, format_enrolment
from cladnet.cli.explain import explain, format_explanation
from cladnet.cli.metrics import format_metrics
from cladnet.cli.networks import choose_network, configured_networks
from cladnet.cli.ping import DEFAULT_TIMEOUT_S, format_ping, ping
from cladnet.cli.status import STATE_DOWN, format_status, read_status
from cladnet.core.errors import CladnetError, Unavailable

EXIT_UNREACHABLE = 1
EXIT_ERROR = 2
EXIT_AGENT_DOWN = 3
EXIT_NOT_ENROLLED = 4
METRICS_MODE = 0o644


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        return command(options)
    except CladnetError as exc:
        sys.stderr.write(f"cladnet: {exc}\n")
        return EXIT_ERROR
    except KeyboardInterrupt:
        return 128 + 2
    except BrokenPipeError:
        return 0


def _status(options: argparse.Namespace) -> int:
    status = read_status(choose_network(options.config_dir, options.network))
    _show(options, status, format_status)
    return EXIT_AGENT_DOWN if status["state"] == STATE_DOWN else 0


def _ping(options: argparse.Namespace) -> int:
    result = ping(choose_network(options.config_dir, options.network), options.timeout, options.peers)
    _show(options, result, format_ping)
    is_complete = result["address"] is not None and result["total"] >= options.peers
    is_whole = is_complete and result["reachable"] == result["total"]
    return 0 if is_whole else EXIT_UNREACHABLE


def _explain(options: argparse.Namespace) -> int:
    explanation = explain(choose_network(options.config_dir, options.network), options.peer)
    _show(options, explanation, format_explanation)
    return 0


def _enrolment(options: argparse.Namespace) -> int:
    result = enrolment(choose_network(options.config_dir, options.network), datetime.now(timezone.utc))
    _show(options, result, format_enrolment)
    return 0 if result["valid"] else EXIT_NOT_ENROLLED


def _metrics(options: argparse.Namespace) -> int:
    """Also of agents that do not run: who collects metrics is to see that."""
    names = [options.network] if options.network else configured_networks(options.config_dir)
    configs = [choose_network(options.config_dir, name) for name in names or [None]]
    metrics = format_metrics([read_status(config) for config in configs])
    if options.output is None:
        sys.stdout.write(metrics)
        return 0
    try:
        write_atomically(options.output, metrics.encode(), mode=METRICS_MODE)
    except OSError as exc:
        raise Unavailable(f"{options.output} cannot be written: {exc.strerror}.") from exc
    return 0


def _leave(options: argparse.Namespace) -> int:
    result = ask_agent(choose_network(options.config_dir, options.network), "leave")
    _show(options, result, lambda reply: f"this host has left {reply['left']}")
    return 0


def _show(
    options: argparse.Namespace, result: dict[str, Any], formatted: Callable[[dict[str, Any]], str]
) -> None:
    print(json.dumps(result, indent=2) if options.json else formatted(result))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cladnet", description="Asks the CLADNet agents on this host.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(commands, "status", _status, "show what the agent knows and does")
    pinging = _add(
        commands, "ping", _ping, "ping every peer over the overlay; exit status 1 if one is silent"
    )
    pinging.add_argument(
        "--timeout", type=_seconds, default=DEFAULT_TIMEOUT_S, metavar="S", help="try at most S seconds"
    )
    pinging.add_argument(
        "--peers", type=int, default=0, metavar="N", help="wait until the network has N peers at least"
    )
    explaining = _add(commands, "explain", _explain, "say which endpoint is used for a peer, and why")
    explaining.add_argument("peer", metavar="PEER", help="host name or overlay address")
    _add(
        commands,
        "enrolment",
        _enrolment,
        "say whether this host is enrolled; exit status 4 if it has to be again",
    )
    measuring = _add(
        commands, "metrics", _metrics, "print what the agents count, for Prometheus", prints_json=False
    )
    measuring.add_argument(
        "--output", type=Path, metavar="FILE", help="replace this file instead, for node_exporter to read"
    )
    _add(commands, "leave", _leave, "take this host out of the network; its address becomes free")
    return parser


def _add(
    commands: Any,  # noqa: ANN401  (argparse names this type only privately)
    name: str,
    run: Callable[[argparse.Namespace], int],
    description: str,
    *,
    prints_json: bool = True,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=description, description=description)
    parser.add_argument("--network", help="which network, if this host has more than one")
    if prints_json:
        parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--config-dir", type=Path, default=DEFAULT_DIRECTORY, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError("give a number of seconds from 0 to 3600")
    return value


if __name__ == "__main__":
    sys.exit(main())
