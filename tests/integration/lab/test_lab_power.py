# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Power, addresses and reboots: hosts behave as VMs of a cloud."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Address, IPv4Interface

import pytest

from lab.deadline import poll_until
from lab.errors import WrongStateError
from lab.lab import HostState, Lab
from tests.integration.lab.probes import output, private_ip, public_ip, reaches

LEAVE_TRACES = "ip tuntap add dev trace0 mode tun; nft add table ip trace; sysctl -qw net.ipv4.ip_forward=1"
SHOW_TRACES = "ip -br link show trace0; nft list tables; sysctl net.ipv4.ip_forward"


def test_a_power_cut_is_silent_and_keeps_the_disk(lab: Lab) -> None:
    output(lab, "azure-db-1", "sh", "-c", "echo kept >/var/lib/kept; sync")
    address = public_ip(lab, "azure-db-1")

    lab.kill("azure-db-1")
    assert lab.hosts["azure-db-1"].state is HostState.STOPPED
    assert public_ip(lab, "azure-db-1") == address
    assert not reaches(lab, "aws-web-1", address)

    lab.start("azure-db-1")
    assert reaches(lab, "aws-web-1", address)
    assert output(lab, "azure-db-1", "cat", "/var/lib/kept") == "kept\n"
    assert reaches(lab, "azure-db-2", private_ip(lab, "azure-db-1")), "its neighbours find it again"


def test_a_resumed_host_has_another_public_address(lab: Lab) -> None:
    before = public_ip(lab, "gcp-app-1")

    lab.suspend("gcp-app-1")
    assert lab.hosts["gcp-app-1"].state is HostState.SUSPENDED
    assert lab.hosts["gcp-app-1"].public_ip is None
    assert not reaches(lab, "aws-web-1", before)

    after = lab.resume("gcp-app-1")
    assert lab.hosts["gcp-app-1"].public_ip == after != IPv4Address(before)
    assert after in lab.topology.clouds["gcp"].public_pool
    assert reaches(lab, "aws-web-1", str(after))
    assert not reaches(lab, "aws-web-1", before)
    assert _ssh(lab, "gcp-app-1", "hostname") == "gcp-app-1\n", "ssh knows it by its new address"


def test_an_address_that_changed_hands_is_no_trap_for_ssh(lab: Lab) -> None:
    first = lab.hosts["aws-web-1"].public_ip
    lab.change_public_ip("aws-web-1")
    lab.change_public_ip("aws-web-2", first)
    assert _ssh(lab, "aws-web-2", "hostname") == "aws-web-2\n"
    assert public_ip(lab, "aws-web-2") == str(first)


def test_a_new_public_address_works_for_known_flows_too(lab: Lab) -> None:
    assert reaches(lab, "aws-web-2", public_ip(lab, "azure-db-2"))
    before = public_ip(lab, "azure-db-2")
    after = str(lab.change_public_ip("azure-db-2"))
    assert not reaches(lab, "aws-web-2", before)
    assert reaches(lab, "aws-web-2", after)


@pytest.mark.parametrize(
    ("host", "address"), [("azure-db-1", "192.168.2.77/24"), ("gcp-app-2", "10.178.0.9/32")]
)
def test_a_new_private_address_leaves_the_public_one(lab: Lab, host: str, address: str) -> None:
    public = public_ip(lab, host)
    lab.readdress(host, IPv4Interface(address))
    assert f"inet {address}" in output(lab, host, "ip", "-4", "address", "show", "eth0")
    assert reaches(lab, "aws-web-1", public)
    assert reaches(lab, host, public_ip(lab, "aws-web-1"))
    lab.restart(host)
    assert reaches(lab, "aws-web-1", public), "also after a reboot"


def test_routes_survive_a_new_private_address(lab: Lab) -> None:
    lab.readdress("gcp-app-2", IPv4Interface("10.178.0.8/32"))
    assert "10.20.0.0/16 via 10.178.0.1" in output(lab, "gcp-app-2", "ip", "route")


def test_a_reboot_from_inside_loses_what_a_vm_loses(lab: Lab) -> None:
    traces = output(lab, "aws-web-2", "sh", "-c", f"{LEAVE_TRACES}; {SHOW_TRACES}")
    assert "trace0" in traces
    assert "table ip trace" in traces
    before = _boot_id(lab)

    lab.exec("aws-web-2", ["systemctl", "reboot"], timeout_s=10)

    assert poll_until(lambda: _boot_id(lab) not in ("", before), 60), "it boots again by itself"
    assert poll_until(lambda: reaches(lab, "aws-web-1", public_ip(lab, "aws-web-2")), 10)
    traces = lab.exec("aws-web-2", ["sh", "-c", SHOW_TRACES], timeout_s=10).stdout
    assert traces == "net.ipv4.ip_forward = 0\n"
    assert lab.hosts["aws-web-2"].state is HostState.RUNNING


def test_a_host_that_powers_itself_off_is_stopped(lab: Lab) -> None:
    lab.exec("azure-db-2", ["systemctl", "poweroff"], timeout_s=10)
    assert poll_until(lambda: lab.hosts["azure-db-2"].state is HostState.STOPPED, 20)
    assert not reaches(lab, "aws-web-1", public_ip(lab, "azure-db-2"))
    lab.start("azure-db-2")
    assert reaches(lab, "aws-web-1", public_ip(lab, "azure-db-2"))


def test_wrong_orders_are_refused(lab: Lab) -> None:
    with pytest.raises(WrongStateError, match="aws-web-1 is running already"):
        lab.start("aws-web-1")
    with pytest.raises(WrongStateError, match="aws-web-1 is not suspended"):
        lab.resume("aws-web-1")
    lab.suspend("aws-web-1")
    for order in (lab.start, lab.suspend, lab.change_public_ip):
        with pytest.raises(WrongStateError, match="aws-web-1 is suspended"):
            order("aws-web-1")
    for order in (lab.kill, lab.restart):
        with pytest.raises(WrongStateError, match="aws-web-1 is not running"):
            order("aws-web-1")
    with pytest.raises(WrongStateError, match="aws-web-1 is not running"):
        lab.exec("aws-web-1", ["true"])
    lab.resume("aws-web-1")
    with pytest.raises(WrongStateError, match="lab-test is up already"):
        lab.up()


def _boot_id(lab: Lab) -> str:
    try:
        return lab.exec("aws-web-2", ["cat", "/proc/sys/kernel/random/boot_id"], timeout_s=5).stdout
    except (WrongStateError, subprocess.TimeoutExpired):  # between two boots, or caught by the end of one
        return ""


def _ssh(lab: Lab, host: str, *argv: str) -> str:
    command = [*lab.login_command(host), *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
