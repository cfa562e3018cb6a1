# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The command line of the lab: several clouds with real systemd hosts on this machine."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, NetmaskValueError
from types import FrameType
from typing import NoReturn, TypeVar

from lab.errors import LabError
from lab.inventory import inventory
from lab.lab import HostStatus, Lab

Value = TypeVar("Value")
Run = Callable[[Lab, argparse.Namespace], int]
Command = Callable[[str, Run, str], argparse.ArgumentParser]
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)  # ends as Ctrl-C does: what is half up is taken down
    try:
        lab = Lab.load(options.topology, name=options.name, progress=_progress)
        status: int = options.run(lab, options)
    except LabError as exc:
        print(f"lab: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _progress(line: str) -> None:
    print(f"lab: {line}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument(
        "--topology", default="demo", help="demo, molecule, e2e or a .yml file (default: demo)"
    )
    parser.add_argument("--name", help="another name than the topology's, to run several side by side")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[Lab, argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    _add_lab_commands(command)
    _add_host_commands(command)
    _add_fault_commands(command)
    return parser


def _add_lab_commands(command: Command) -> None:
    up = command("up", _up, "make the clouds and boot the hosts")
    up.add_argument("--if-needed", action="store_true", help="a lab that is up already is no error")
    command("down", _down, "remove everything, whatever state it is in")
    status = command("status", _status, "show the hosts with their state and addresses")
    status.add_argument("--json", action="store_true", help="for programs")
    command("inventory", _inventory, "print the lab as an Ansible inventory")
    command("ssh-args", _ssh_args, "print the value of ANSIBLE_SSH_COMMON_ARGS")


def _add_host_commands(command: Command) -> None:
    execute = command("exec", _exec, "run a command on a host's console, also while its network is cut")
    execute.add_argument("host")
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- CMD ...")
    ssh = command("ssh", _ssh, "log in to a host at its public address")
    ssh.add_argument("host")
    ssh.add_argument("argv", nargs=argparse.REMAINDER, metavar="[-- CMD ...]")
    for name, method, text in (
        ("kill", Lab.kill, "cut the power of a host"),
        ("start", Lab.start, "power a stopped host on"),
        ("restart", Lab.restart, "shut a host down and power it on again"),
        ("suspend", Lab.suspend, "shut a host down and give its public address back"),
        ("resume", Lab.resume, "power a suspended host on with another public address"),
    ):
        command(name, _on_host(method), text).add_argument("host")
    readdress = command("readdress", _readdress, "give a host another private address")
    readdress.add_argument("host")
    readdress.add_argument("address", type=_parse(IPv4Interface, "an address with its prefix length"))
    eip = command("eip", _eip, "give a running host another public address")
    eip.add_argument("host")
    eip.add_argument(
        "address", nargs="?", type=_parse(IPv4Address, "an IPv4 address"), help="default: the next free"
    )


def _add_fault_commands(command: Command) -> None:
    partition = command("partition", _partition, "cut a host or cloud off from others, or from everybody")
    partition.add_argument("one", metavar="HOST|CLOUD")
    partition.add_argument("others", nargs="*", metavar="HOST|CLOUD|operator")
    loss = command("loss", _loss, "lose so many of 100 packets between hosts")
    loss.add_argument("percent", type=int)
    command("heal", _heal, "end all partitions and all loss")


def _parse(kind: Callable[[str], Value], wanted: str) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        try:
            return kind(text)
        except (AddressValueError, NetmaskValueError) as exc:
            raise argparse.ArgumentTypeError(f"{text} is not {wanted}") from exc

    return parse


def _up(lab: Lab, options: argparse.Namespace) -> int:
    if options.if_needed and lab.is_up:
        _progress(f"{lab.topology.name} is up already")
        return 0
    lab.up()
    return _status(lab, argparse.Namespace(json=False))


def _down(lab: Lab, _options: argparse.Namespace) -> int:
    lab.down()
    return 0


def _status(lab: Lab, options: argparse.Namespace) -> int:
    hosts = [_row(host) for host in lab.hosts.values()]
    if options.json:
        print(json.dumps(hosts, indent=1))
        return 0
    for row in [{key: key.upper() for key in hosts[0]}, *hosts]:
        print("{host:<16}{cloud:<12}{state:<11}{private_ip:<20}{public_ip}".format(**row))
    return 0


def _row(host: HostStatus) -> dict[str, str]:
    return {
        "host": host.name,
        "cloud": host.cloud,
        "state": host.state.value,
        "private_ip": str(host.private_ip),
        "public_ip": str(host.public_ip or ""),
    }


def _inventory(lab: Lab, _options: argparse.Namespace) -> int:
    print(json.dumps(inventory(lab), indent=1))
    return 0


def _ssh_args(lab: Lab, _options: argparse.Namespace) -> int:
    print(lab.ssh_args())
    return 0


def _exec(lab: Lab, options: argparse.Namespace) -> int:
    argv = _without_dashes(options.argv) or ["bash", "-l"]
    _become(lab.console_command(options.host, argv))


def _ssh(lab: Lab, options: argparse.Namespace) -> int:
    _become([*lab.login_command(options.host), *_without_dashes(options.argv)])


def _become(command: list[str]) -> NoReturn:
    """Hands terminal, signals and exit status over to the command."""
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606


def _on_host(method: Callable[[Lab, str], object]) -> Run:
    def run(lab: Lab, options: argparse.Namespace) -> int:
        result = method(lab, options.host)
        if result is not None:
            print(result)
        return 0

    return run


def _readdress(lab: Lab, options: argparse.Namespace) -> int:
    lab.readdress(options.host, options.address)
    return 0


def _eip(lab: Lab, options: argparse.Namespace) -> int:
    print(lab.change_public_ip(options.host, options.address))
    return 0


def _partition(lab: Lab, options: argparse.Namespace) -> int:
    lab.partition(options.one, *options.others)
    return 0


def _loss(lab: Lab, options: argparse.Namespace) -> int:
    lab.lose(options.percent)
    return 0


def _heal(lab: Lab, _options: argparse.Namespace) -> int:
    lab.heal()
    return 0


def _without_dashes(argv: list[str]) -> list[str]:
    return argv[1:] if argv[:1] == ["--"] else argv
