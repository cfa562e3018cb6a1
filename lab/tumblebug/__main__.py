# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""``python -m lab.tumblebug``: serves a lab's hosts as CB-Tumblebug would."""

from __future__ import annotations

import argparse
import atexit
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import FrameType

import yaml

from lab.errors import LabError, WrongStateError
from lab.lab import Lab
from lab.topology import Topology, load
from lab.tumblebug.api import Api
from lab.tumblebug.cloud import Cloud, CloudError, Ran
from lab.tumblebug.era import ERAS
from lab.tumblebug.from_topology import Keys, estate, places, static_cloud
from lab.tumblebug.gate import Credentials
from lab.tumblebug.lab_cloud import LabCloud
from lab.tumblebug.sandbox import Sandbox
from lab.tumblebug.server import bind
from lab.tumblebug.shared import Sharing


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.tumblebug", description=__doc__)
    eras = ", ".join(f"{era.name} = {era.tag}" for era in ERAS.values())
    parser.add_argument("--topology", default="demo", help="name of a topology, or a path ending in .yml")
    parser.add_argument("--name", help="name of the lab, if it was started under another one")
    parser.add_argument("--era", choices=sorted(ERAS), default="infra", help=eras)
    parser.add_argument("--listen", default="127.0.0.1:1323", type=_listen_address, metavar="ADDRESS:PORT")
    parser.add_argument(
        "--backend", choices=("lab", "static"), default="lab", help="the lab that is up, or memory"
    )
    parser.add_argument("--namespace", default="default")
    parser.add_argument(
        "--estate",
        choices=("topology", "empty"),
        default="topology",
        help="what there is at first: one infra of all hosts of the topology, or none; hosts in no infra "
        "can be bought, and those of a lab are powered off and wiped",
    )
    parser.add_argument(
        "--free", action="append", default=[], metavar="HOST", help="leaves a host out of the infra"
    )
    parser.add_argument("--infra", help="id of the infra (default: the name of the lab)")
    parser.add_argument("--user", default="cb-user", help="the user whom Tumblebug made on the machines")
    parser.add_argument("--ssh-key", type=Path, help="private key of the machines; default: that of the lab")
    parser.add_argument(
        "--transition", type=float, default=0.0, metavar="SECONDS", help="static: time of an action"
    )
    parser.add_argument(
        "--capacity",
        action="append",
        default=[],
        type=_capacity,
        metavar="CONNECTION=N",
        help="static: how many machines a connection such as aws-us-east-1 can hold (default: no limit)",
    )
    parser.add_argument(
        "--commands",
        type=Path,
        metavar="FILE",
        help="static: YAML file, command -> {exit_status, stdout, stderr}: answered instead of being run",
    )
    parser.add_argument("--verbose", action="store_true", help="log every request")
    return parser.parse_args(argv)


def _listen_address(text: str) -> tuple[str, int]:
    address, _colon, port = text.rpartition(":")
    if not address or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form ADDRESS:PORT, such as 127.0.0.1:1323")
    return address.strip("[]"), int(port)


def _capacity(text: str) -> tuple[str, int]:
    connection, _equals, number = text.rpartition("=")
    if not connection or not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form CONNECTION=N, such as aws-us-east-1=2")
    return connection, int(number)


def server(options: argparse.Namespace) -> ThreadingHTTPServer:
    """The listening server that the options ask for; raises OSError, LabError and CloudError."""
    backend = (_static if options.backend == "static" else _lab)(options)
    topology = backend.topology
    where = places(topology, user=options.user, keys=backend.keys)
    objects = estate(
        topology,
        where,
        namespace=options.namespace,
        infra=options.infra or topology.name,
        hosts=_hosts_in_use(options, topology),
    )
    era, key = ERAS[options.era], _keys(options.ssh_key)
    sharing = Sharing(era, where, private_key=key.private, public_key=key.public)
    api = Api(era, objects, backend.cloud, credentials=_credentials(), now=time.monotonic, sharing=sharing)
    listening = bind(api, *options.listen, verbose=options.verbose)
    backend.prepare()
    return listening


def _hosts_in_use(options: argparse.Namespace, topology: Topology) -> list[str]:
    """The hosts that are in the infra from the start; the others are what can be bought."""
    if options.estate == "empty":
        return []
    free = {topology.host(name).name for name in options.free}
    return [name for name in topology.hosts if name not in free]


def _credentials() -> Credentials:
    """From the variables that CB-Tumblebug itself reads; its own defaults else."""
    return Credentials(
        os.environ.get("TB_API_USERNAME", "default"), os.environ.get("TB_API_PASSWORD", "default")
    )


@dataclass(frozen=True, slots=True)
class Backend:
    """Where machines are; ``prepare`` is called when the port is ours."""

    topology: Topology
    cloud: Cloud
    keys: Callable[[str], Keys]
    prepare: Callable[[], None] = lambda: None


def _lab(options: argparse.Namespace) -> Backend:
    """The lab that is up."""
    lab = Lab.load(options.topology, name=options.name)
    if not lab.is_up:
        raise WrongStateError(f"lab {lab.topology.name} is not up; bring it up, or choose --backend static")
    in_use = _hosts_in_use(options, lab.topology)
    clouds = LabCloud(lab, free=[host for host in lab.topology.hosts if host not in in_use])
    return Backend(
        lab.topology,
        clouds,
        lambda cloud: _keys(options.ssh_key or lab.private_key(cloud)),
        prepare=clouds.empty_free_hosts,
    )


def _static(options: argparse.Namespace) -> Backend:
    """The hosts of a topology in memory, for trials without a lab."""
    topology = load(options.topology, name=options.name)
    cloud = static_cloud(
        topology,
        hosts=_hosts_in_use(options, topology),
        transition_s=options.transition,
        now=time.monotonic,
        user=options.user,
        shell=_sandbox(options).run,
        capacity=dict(options.capacity),
    )
    return Backend(topology, cloud, lambda _cloud: _keys(options.ssh_key))


def _sandbox(options: argparse.Namespace) -> Sandbox:
    """Where static machines run commands, with the table of answers that the options name."""
    table = {}
    if options.commands:
        document = yaml.safe_load(options.commands.read_text(encoding="utf-8"))
        table = {command: Ran(**{"exit_status": 0, **answer}) for command, answer in document.items()}
    sandbox = Sandbox(table)
    atexit.register(sandbox.close)
    return sandbox


def _keys(private: Path | None) -> Keys:
    if private is None:
        return Keys()
    public = private.with_name(private.name + ".pub")
    return Keys(private.read_text(), public.read_text() if public.exists() else "")


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until interrupted; 2 if the options, files or the port cannot be used."""
    options = arguments(argv)
    signal.signal(signal.SIGTERM, _end)  # as Ctrl-C does: what commands have left behind is removed
    try:
        listening = server(options)
    except (OSError, LabError, CloudError) as exc:
        print(f"tumblebug simulator: {exc}", file=sys.stderr)
        return 2
    host, port = listening.server_address[:2]
    print(f"CB-Tumblebug {ERAS[options.era].tag} simulated on http://{host!s}:{port}/tumblebug", flush=True)
    with listening, suppress(KeyboardInterrupt):
        listening.serve_forever()
    return 0


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
