# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which ip(8) commands and sysctls make the network of a lab. Pure: topology and situation in, text out.

```
 demo-inet  the internet: a router without state; the operator's address is its own
     |  one veth pair per cloud, named as the cloud here and "wan" there
 demo-aws   the cloud's router: 1:1 NAT between "wan" and the bridge "lan"
     |  one veth pair per host, named as the host here and "eth0" there
 demo-aws-web-1   the host
```
"""

from __future__ import annotations

import hashlib

from lab.situation import Situation
from lab.topology import Cloud, CloudMode, Topology

ROUTER_SYSCTLS = (
    "net.ipv4.ip_forward=1",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.default.send_redirects=0",
)
# The gateway of GCP answers every ARP request itself, also those for neighbours.
GCP_SYSCTLS = ("net.ipv4.conf.lan.proxy_arp=1", "net.ipv4.conf.lan.proxy_arp_pvlan=1")
# A new namespace copies ip_forward and rp_filter of the machine: set what a fresh Debian VM has.
HOST_SYSCTLS = (
    "net.ipv4.ip_forward=0",
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.ping_group_range=0 2147483647",
)


def namespace(topology: Topology, name: str) -> str:
    """Network namespace of a host, of a cloud's router, or of the internet (``inet``)."""
    return f"{topology.name}-{name}"


def namespaces(topology: Topology) -> list[str]:
    """All namespaces of the lab, hosts first: the order to remove them in."""
    return [namespace(topology, name) for name in [*topology.hosts, *topology.clouds, "inet"]]


def mac_address(topology: Topology, name: str) -> str:
    """A fixed address: without one a bridge takes a port's, and changes it when that host is power cycled."""
    digest = hashlib.sha256(f"{topology.name}/{name}".encode()).digest()
    return bytes([0x02, *digest[:5]]).hex(":")


def internet_links(topology: Topology, cloud: Cloud) -> list[str]:
    """Run in the internet: the cable to a cloud and the way to its public addresses."""
    router = namespace(topology, cloud.name)
    return [
        "link set lo up",
        f"link add {cloud.name} type veth peer name wan netns {router}",
        f"addr add {topology.internet.operator} peer {cloud.wan}/32 dev {cloud.name}",
        f"link set {cloud.name} up",
        f"route add {cloud.public_pool} via {cloud.wan}",
    ]


def router_links(topology: Topology, cloud: Cloud) -> list[str]:
    """Run in a cloud's router."""
    return [
        "link set lo up",
        f"addr add {cloud.wan} peer {topology.internet.operator}/32 dev wan",
        "link set wan up",
        f"link add lan address {mac_address(topology, cloud.name)} mtu {cloud.mtu} type bridge",
        f"addr add {cloud.gateway}/{cloud.lan.prefixlen} dev lan",
        "link set lan up",
        f"route add default via {topology.internet.operator}",
        f"route add blackhole {cloud.public_pool}",  # public addresses that no host has
    ]


def router_sysctls(cloud: Cloud) -> list[str]:
    """Run in a cloud's router, after its links are there."""
    return [*ROUTER_SYSCTLS, *(GCP_SYSCTLS if cloud.mode is CloudMode.GCP else ())]


def host_cable(topology: Topology, host: str) -> list[str]:
    """Run in the router of the host's cloud."""
    cloud = topology.cloud_of(host)
    return [
        f"link add {host} mtu {cloud.mtu} type veth peer name eth0 netns {namespace(topology, host)}",
        f"link set {host} master lan up",
    ]


def host_port(topology: Topology, host: str) -> list[str]:
    """Arguments of bridge(8), in the router: GCP guests do not see each other on the link."""
    gcp = topology.cloud_of(host).mode is CloudMode.GCP
    return ["link", "set", "dev", host, "isolated", "on" if gcp else "off"]


def host_links(topology: Topology, situation: Situation, host: str) -> list[str]:
    """Run in a host that has just got its cable: what its boot finds."""
    cloud = topology.cloud_of(host)
    bridges = [
        line for bridge in topology.hosts[host].bridges for line in _bridge(bridge.name, str(bridge.address))
    ]
    return [
        "link set lo up",
        f"link set eth0 address {mac_address(topology, host)} mtu {cloud.mtu} up",
        *bridges,
        *host_addresses(topology, situation, host),
    ]


def host_addresses(topology: Topology, situation: Situation, host: str) -> list[str]:
    """Run in a host: replaces address and routes of eth0."""
    cloud = topology.cloud_of(host)
    on_link = [f"route replace {cloud.gateway} dev eth0 scope link"] if cloud.mode is CloudMode.GCP else []
    return [
        "addr flush dev eth0 scope global",
        f"addr add {situation.addresses[host].private_ip} dev eth0",
        *on_link,
        f"route replace default via {cloud.gateway} dev eth0",
        *(
            f"route replace {route.destination} via {route.via} dev eth0"
            for route in topology.hosts[host].routes
        ),
    ]


def _bridge(name: str, address: str) -> list[str]:
    return [f"link add {name} type bridge", f"addr add {address} dev {name}", f"link set {name} up"]
