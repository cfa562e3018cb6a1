# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Makes, changes and removes the network namespaces of a lab, as planned in network_plan and nft_plan."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

from lab import network_plan as plan
from lab import nft_plan
from lab.commands import ip_batch, nft, run, set_sysctls, succeeds
from lab.deadline import poll_until
from lab.errors import LabError
from lab.situation import Situation
from lab.topology import Cloud, Topology

NETNS_FOLDER = Path("/run/netns")
BRIDGE_NETFILTER_OFF = tuple(
    f"net.bridge.bridge-nf-call-{each}=0" for each in ("arptables", "iptables", "ip6tables")
)
STOP_DEADLINE_S = 5.0


class Network:
    """The internet, the routers and the cables of one lab."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology

    def namespace(self, name: str) -> str:
        return plan.namespace(self._topology, name)

    @property
    def exists(self) -> bool:
        """Whether this lab's internet is there."""
        return (NETNS_FOLDER / self.namespace("inet")).exists()

    def existing(self) -> list[str]:
        """Namespaces of this lab that exist, hosts first."""
        return [name for name in plan.namespaces(self._topology) if (NETNS_FOLDER / name).exists()]

    def create(self, situation: Situation) -> None:
        """Makes internet and routers, with NAT; raises LabError."""
        clouds = self._topology.clouds.values()
        self._add_namespace("inet")
        set_sysctls(self.namespace("inet"), plan.ROUTER_SYSCTLS)
        for cloud in clouds:
            self._create_router(cloud)
        self.apply_addresses(situation, clouds)
        self.apply_faults(situation)

    def create_host(self, situation: Situation, host: str) -> None:
        """Makes a host's namespace anew: a power cycle loses TUN devices, nft rules, routes and sysctls."""
        self.remove_host(host)
        self._add_namespace(host)
        router, own = self.namespace(self._topology.hosts[host].cloud), self.namespace(host)
        set_sysctls(own, plan.HOST_SYSCTLS)
        ip_batch(router, plan.host_cable(self._topology, host))
        run("ip", "netns", "exec", router, "bridge", *plan.host_port(self._topology, host))
        ip_batch(own, plan.host_links(self._topology, situation, host))

    def remove_host(self, host: str) -> None:
        """Cuts the cable first: a namespace goes on answering pings as long as a process lives in it."""
        router = self.namespace(self._topology.hosts[host].cloud)
        succeeds("ip", "-netns", router, "link", "del", host)
        succeeds("ip", "netns", "del", self.namespace(host))

    def readdress_host(self, situation: Situation, host: str) -> None:
        """Gives a running host the private address of the situation."""
        ip_batch(self.namespace(host), plan.host_addresses(self._topology, situation, host))

    def apply_addresses(self, situation: Situation, clouds: Iterable[Cloud]) -> None:
        """Makes the routers translate as the situation says."""
        for cloud in clouds:
            nft(self.namespace(cloud.name), nft_plan.nat_maps(self._topology, situation, cloud))

    def forget_connections(self, cloud: str, private_ip: str) -> None:
        """Drops what the router remembers of a host: its old translation would go on for known flows."""
        for side in ("--orig-src", "--reply-src"):
            succeeds("ip", "netns", "exec", self.namespace(cloud), "conntrack", "--delete", side, private_ip)

    def apply_faults(self, situation: Situation) -> None:
        """Makes partitions and loss as the situation says."""
        nft(self.namespace("inet"), nft_plan.internet_faults(self._topology, situation))
        for cloud in self._topology.clouds.values():
            nft(self.namespace(cloud.name), nft_plan.router_faults(self._topology, situation, cloud))

    def destroy(self) -> None:
        """Removes all namespaces with the processes that are left in them (such as the nc of an ssh)."""
        for name in self.existing():
            _end_processes(name)
            run("ip", "netns", "del", name)
        _remove_empty_netns_folder()

    def _create_router(self, cloud: Cloud) -> None:
        self._add_namespace(cloud.name)
        router = self.namespace(cloud.name)
        ip_batch(self.namespace("inet"), plan.internet_links(self._topology, cloud))
        ip_batch(router, plan.router_links(self._topology, cloud))
        set_sysctls(router, plan.router_sysctls(cloud))
        if Path("/proc/sys/net/bridge").exists():  # else bridged packets would be translated too
            set_sysctls(router, BRIDGE_NETFILTER_OFF)
        nft(router, nft_plan.NAT_CHAINS)

    def _add_namespace(self, name: str) -> None:
        run("ip", "netns", "add", self.namespace(name))


def _end_processes(namespace: str) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        pids = _processes(namespace)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if poll_until(lambda: not _processes(namespace), STOP_DEADLINE_S):
            return
    raise LabError(f"processes in namespace {namespace} do not end: {_processes(namespace)}")


def _processes(namespace: str) -> list[int]:
    return [int(pid) for pid in run("ip", "netns", "pids", namespace).split()]


def _remove_empty_netns_folder() -> None:
    """ip(8) mounts the folder with the first namespace, and again when it is needed next time."""
    with contextlib.suppress(OSError):
        if not any(NETNS_FOLDER.iterdir()) and succeeds("umount", str(NETNS_FOLDER)):
            NETNS_FOLDER.rmdir()
