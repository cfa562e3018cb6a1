# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How to log in to the hosts of a lab: keys, known hosts, and the ssh options that lead into its internet."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from lab import disk
from lab.commands import run, succeeds
from lab.folders import Folders
from lab.image import USER
from lab.situation import Situation
from lab.topology import Topology


def create_keys(topology: Topology, paths: Folders) -> None:
    """Makes one login key pair per cloud and one identity per host; both live as long as the lab."""
    for cloud in topology.clouds.values():
        _keygen(paths.private_key(cloud.ssh_key_id), comment=cloud.ssh_key_id)
    for host in topology.hosts:
        create_disk(topology, paths, host)


def create_disk(topology: Topology, paths: Folders, host: str) -> None:
    """Makes the disk of a host that has never booted, with an identity of its own."""
    key = paths.private_key(topology.cloud_of(host).ssh_key_id)
    public_key = key.with_name(f"{key.name}.pub").read_text(encoding="utf-8")
    disk.create(paths.host(host), host, public_key)
    _keygen(disk.host_key(paths.host(host)), comment=f"root@{host}")


def host_public_key(paths: Folders, host: str) -> str:
    """As in known_hosts: key type and base64, without comment."""
    key = disk.host_key(paths.host(host))
    return " ".join(key.with_name(f"{key.name}.pub").read_text(encoding="utf-8").split()[:2])


def known_hosts(situation: Situation, public_keys: Mapping[str, str]) -> str:
    """The text of a known_hosts file for the public addresses as they are now."""
    addresses = situation.addresses.items()
    return "".join(f"{each.public_ip} {public_keys[host]}\n" for host, each in addresses if each.public_ip)


def write_known_hosts(paths: Folders, situation: Situation) -> None:
    """Makes ssh know every host by its present public address, also when an address has changed hands."""
    keys = {host: host_public_key(paths, host) for host in situation.addresses}
    draft = paths.known_hosts.with_suffix(".new")
    draft.write_text(known_hosts(situation, keys), encoding="utf-8")
    draft.replace(paths.known_hosts)


def ssh_options(paths: Folders, internet: str) -> list[str]:
    """The -o options of ssh that lead from this machine into the lab's internet.

    Args:
        paths: folders of the lab.
        internet: network namespace of its internet.
    """
    return [
        f"ProxyCommand=ip netns exec {internet} nc %h %p",
        "StrictHostKeyChecking=accept-new",
        f"UserKnownHostsFile={paths.known_hosts}",
        "GlobalKnownHostsFile=/dev/null",
        "HashKnownHosts=no",
        "ConnectTimeout=10",
        "ServerAliveInterval=3",  # a host that lost its power says no goodbye
        "ServerAliveCountMax=3",
        f"ControlPath={paths.ssh_sockets}/%C",  # of this lab alone: labs share addresses
    ]


def ssh_arguments(options: Iterable[str]) -> str:
    """One shell-quoted line, as ANSIBLE_SSH_COMMON_ARGS wants it."""
    return shlex.join(word for option in options for word in ("-o", option))


def login_command(options: Iterable[str], private_key: Path, public_ip: str, user: str = USER) -> list[str]:
    """The ssh command that logs in to a host."""
    all_options = ["IdentitiesOnly=yes", "ControlMaster=no", *options]
    words = [word for option in all_options for word in ("-o", option)]
    return ["ssh", "-i", str(private_key), *words, f"{user}@{public_ip}"]


def close_connections(paths: Folders) -> None:
    """Ends ssh masters that wait for their next use."""
    for control_socket in paths.ssh_sockets.glob("*"):
        succeeds("ssh", "-o", f"ControlPath={control_socket}", "-O", "exit", "lab")


def _keygen(path: Path, comment: str) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))
