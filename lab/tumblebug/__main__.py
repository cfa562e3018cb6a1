# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``python -m lab.tumblebug``: serves a lab's hosts as CB-Tumblebug would."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from http.server import ThreadingHTTPServer
from pathlib import Path

from lab.errors import LabError
from lab.topology import Topology, load
from lab.tumblebug.api import Api
from lab.tumblebug.cloud import Cloud
from lab.tumblebug.era import ERAS
from lab.tumblebug.from_topology import Keys, estate, static_cloud
from lab.tumblebug.gate import Credentials
from lab.tumblebug.server import bind


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.tumblebug", description=__doc__)
    eras = ", ".join(f"{era.name} = {era.tag}" for era in ERAS.values())
    parser.add_argument("--topology", default="demo", help="name of a topology, or a path ending in .yml")
    parser.add_argument("--name", help="name of the lab, if it was started under another one")
    parser.add_argument("--era", choices=sorted(ERAS), default="infra", help=eras)
    parser.add_argument("--listen", default="127.0.0.1:1323", type=_listen_address, metavar="ADDRESS:PORT")
    parser.add_argument(
        "--backend", choices=("lab", "static"), default="lab", help="the running lab, or memory"
    )
    parser.add_argument("--namespace", default="default")
    parser.add_argument("--infra", help="id of the infra (default: the name of the lab)")
    parser.add_argument("--user", default="cb-user", help="the user whom Tumblebug made on the machines")
    parser.add_argument("--ssh-key", type=Path, help="private key of the machines; the public one beside it")
    parser.add_argument(
        "--transition", type=float, default=0.0, metavar="SECONDS", help="how long an action takes"
    )
    parser.add_argument("--verbose", action="store_true", help="log every request")
    return parser.parse_args(argv)


def _listen_address(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    if not address or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form ADDRESS:PORT, such as 127.0.0.1:1323")
    return address.strip("[]"), int(port)


def server(options: argparse.Namespace) -> ThreadingHTTPServer:
    """The listening server that the options ask for; raises OSError and LabError."""
    topology = load(options.topology, name=options.name)
    api = Api(
        ERAS[options.era],
        estate(
            topology,
            namespace=options.namespace,
            infra=options.infra or topology.name,
            user=options.user,
            keys=_keys(options),
        ),
        _cloud(options, topology),
        credentials=_credentials(),
        now=time.monotonic,
    )
    return bind(api, *options.listen, verbose=options.verbose)


def _credentials() -> Credentials:
    """From the variables that CB-Tumblebug itself reads; its own defaults else."""
    return Credentials(
        os.environ.get("TB_API_USERNAME", "default"), os.environ.get("TB_API_PASSWORD", "default")
    )


def _keys(options: argparse.Namespace) -> Keys:
    if options.ssh_key is None:
        return Keys("")
    public = options.ssh_key.with_name(options.ssh_key.name + ".pub")
    return Keys(options.ssh_key.read_text(), public.read_text() if public.exists() else "")


def _cloud(options: argparse.Namespace, topology: Topology) -> Cloud:
    return static_cloud(topology, transition_s=options.transition, now=time.monotonic)


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until interrupted; 2 if the options, files or the port cannot be used."""
    options = arguments(argv)
    try:
        listening = server(options)
    except (OSError, LabError) as exc:
        print(f"tumblebug simulator: {exc}", file=sys.stderr)
        return 2
    host, port = listening.server_address[:2]
    print(f"CB-Tumblebug {ERAS[options.era].tag} simulated on http://{host!s}:{port}/tumblebug", flush=True)
    with listening, suppress(KeyboardInterrupt):
        listening.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
