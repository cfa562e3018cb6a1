# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""How ssh gets into the lab."""

from __future__ import annotations

import shlex
from ipaddress import IPv4Address
from pathlib import Path

from lab import access
from lab import situation as situations
from lab import topology as topologies
from lab.folders import Folders

DEMO = topologies.load("demo")
PATHS = Folders(state=Path("/s/a b"), runtime=Path("/run/cladnet-lab/demo"), cgroup=Path("/c"))
UNIX_SOCKET_PATH_BYTES = 107
SSH_SOCKET_SUFFIX_BYTES = len(".0123456789abcdef")  # while ssh makes the socket


def test_known_hosts_follow_the_public_addresses() -> None:
    keys = {host: f"ssh-ed25519 {host}" for host in DEMO.hosts}
    start = situations.initial(DEMO, "/image")
    moved = situations.with_new_public_ip(
        DEMO, situations.released(start, "aws-web-2"), "aws-web-1", IPv4Address("198.51.100.18")
    )

    lines = access.known_hosts(moved, keys).splitlines()

    assert lines[0] == "198.51.100.18 ssh-ed25519 aws-web-1", "an address that was another host's before"
    assert len(lines) == len(DEMO.hosts) - 1, "a suspended host has no address"
    assert not any(line.startswith("198.51.100.17 ") for line in lines)


def test_arguments_survive_a_shell() -> None:
    options = access.ssh_options(PATHS, "demo-inet")
    words = shlex.split(access.ssh_arguments(options))
    assert words[::2] == ["-o"] * len(options)
    assert words[1::2] == options
    assert options[0] == "ProxyCommand=ip netns exec demo-inet nc %h %p"


def test_logs_in_as_the_user_of_the_cloud() -> None:
    command = access.login_command(["A=b"], Path("/run/key"), "198.51.100.17")
    assert command[:3] == ["ssh", "-i", "/run/key"]
    assert command[-3:] == ["-o", "A=b", "cb-user@198.51.100.17"]


def test_two_labs_share_neither_connections_nor_known_hosts() -> None:
    other = Folders(state=Path("/s/b"), runtime=Path("/run/cladnet-lab/other"), cgroup=Path("/c"))
    mine, theirs = (
        dict(option.split("=", 1) for option in access.ssh_options(paths, "x")) for paths in (PATHS, other)
    )
    assert mine["ControlPath"] != theirs["ControlPath"]
    assert mine["UserKnownHostsFile"] != theirs["UserKnownHostsFile"]


def test_a_control_socket_fits_into_a_socket_address_for_the_longest_name() -> None:
    longest = Folders(state=Path("/s"), runtime=Path("/run/cladnet-lab") / ("x" * 15), cgroup=Path("/c"))
    path = f"{longest.ssh_sockets}/{'c' * 40}"  # %C is a SHA-1 in hex
    assert len(path) + SSH_SOCKET_SUFFIX_BYTES <= UNIX_SOCKET_PATH_BYTES
