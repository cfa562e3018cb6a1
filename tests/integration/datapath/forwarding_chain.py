# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Two routers between two ends: what one end sends must come out at the other as if a cable were in between.

The link between the routers is a tunnel or, to compare with, a cable with the same MTU. The ends are bare
packet sockets, so nothing answers and no network stack of theirs changes anything; offloads are off on the
last leg, so what arrives there is what would be on a real wire.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ip_packets import IpPacket, ethernet, packet_of
from namespace_sockets import (
    VNET_HEADER_SIZE_BYTES,
    open_offloading_socket,
    open_packet_socket,
    receive_all,
    switch_off_offloads,
)
from namespaces import Namespace, eventually, remove_namespace, run_ip
from tunnel_process import MTU, TunnelProcess

LEFT, RIGHT = 0, 1
END_ADDRESSES = ("10.81.0.2", "10.82.0.2")
END_ADDRESSES_IPV6 = ("fd81::2", "fd82::2")
_NETWORKS = (("10.81.0.0/24", "fd81::/64"), ("10.82.0.0/24", "fd82::/64"))
_ROUTER_ADDRESSES = (("10.81.0.1/24", "fd81::1/64"), ("10.82.0.1/24", "fd82::1/64"))
_LINK_ADDRESSES = (("10.77.0.1/24", "fd77::1/64"), ("10.77.0.2/24", "fd77::2/64"))
_END_MAC, _ROUTER_MAC = bytes.fromhex("020000000101"), bytes.fromhex("020000000102")
_NEIGHBOUR_DISCOVERY = range(130, 144)
_SETTINGS = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv4.icmp_msgs_per_sec=1000000",
    "net.ipv4.icmp_msgs_burst=1000000",
    "net.ipv6.icmp.ratelimit=0",
    "net.ipv4.conf.all.accept_source_route=1",
    "net.ipv4.conf.default.accept_source_route=1",
)


@dataclass(frozen=True)
class Chain:
    """What `forwarding_chain` makes.

    Args:
        routers: left and right.
        ends: packet sockets, left and right.
        offloading: the same for sending alone, with a virtio_net_hdr before each frame.
    """

    routers: tuple[Namespace, Namespace]
    ends: tuple[socket.socket, socket.socket]
    offloading: tuple[socket.socket, socket.socket]

    def send(self, end: int, packet: bytes) -> None:
        """Puts an IP packet on the wire at an end."""
        self.ends[end].send(ethernet(_END_MAC, _ROUTER_MAC, packet))

    def send_super_packet(self, end: int, packet: bytes) -> None:
        """Gives an IP packet that follows its virtio_net_hdr to the first router, before it is cut."""
        header, packet = packet[:VNET_HEADER_SIZE_BYTES], packet[VNET_HEADER_SIZE_BYTES:]
        self.offloading[end].send(header + ethernet(_END_MAC, _ROUTER_MAC, packet))

    def receive(self, end: int) -> list[IpPacket]:
        """What has arrived at an end, apart from the routers' own talk."""
        packets = [packet_of(frame) for frame in receive_all(self.ends[end])]
        return [packet for packet in packets if packet is not None and not _is_neighbour_discovery(packet)]


@contextmanager
def forwarding_chain(*, tunnelled: bool) -> Iterator[Chain]:
    """A chain with a tunnel or with a cable in the middle."""
    prefix = f"cladch{os.getpid()}{'t' if tunnelled else 'c'}"
    routers = (
        Namespace(f"{prefix}l", "cable", "192.0.2.1", "2001:db8::1"),
        Namespace(f"{prefix}r", "cable", "192.0.2.2", "2001:db8::2"),
    )
    with ExitStack() as stack:
        for side, router in enumerate(routers):
            for name in (router.name, f"{router.name}e"):
                stack.callback(remove_namespace, name)
                run_ip("netns", "add", name)
            _make_router(router, side)
        _connect(routers, MTU if not tunnelled else 1500)
        links = _tunnel(routers, stack) if tunnelled else ("cable", "cable")
        for side, router in enumerate(routers):
            _route(router, links[side], side)
        for address in _LINK_ADDRESSES[RIGHT]:
            far_side = address.partition("/")[0]
            eventually(
                "the routers reach each other", lambda far_side=far_side: routers[LEFT].pings(far_side)
            )
        ends = [stack.enter_context(open_packet_socket(f"{router.name}e", "end")) for router in routers]
        offloading = [
            stack.enter_context(open_offloading_socket(f"{router.name}e", "end")) for router in routers
        ]
        yield Chain(routers, (ends[LEFT], ends[RIGHT]), (offloading[LEFT], offloading[RIGHT]))


def _make_router(router: Namespace, side: int) -> None:
    end = f"{router.name}e"
    run_ip("netns", "exec", end, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
    router.run("sysctl", "-qw", *_SETTINGS)
    addresses = ["address", _ROUTER_MAC.hex(":"), "type", "veth", "peer", "end", "address", _END_MAC.hex(":")]
    run_ip("-n", router.name, "link", "add", "inner", *addresses, "netns", end)
    run_ip("-n", end, "link", "set", "end", "up")
    switch_off_offloads(router.name, "inner")
    router.set_up("lo")
    router.set_up("inner", *_ROUTER_ADDRESSES[side])
    for address in (END_ADDRESSES[side], END_ADDRESSES_IPV6[side]):
        words = ["neigh", "replace", address, "lladdr", _END_MAC.hex(":"), "dev", "inner", "nud", "permanent"]
        run_ip("-n", router.name, *words)


def _connect(routers: tuple[Namespace, Namespace], mtu: int) -> None:
    left, right = routers
    words = ["mtu", str(mtu), "type", "veth", "peer", "cable", "mtu", str(mtu), "netns", right.name]
    run_ip("-n", left.name, "link", "add", "cable", *words)
    for router in routers:
        router.set_up("cable", f"{router.outer_ipv4}/24", f"{router.outer_ipv6}/64")


def _tunnel(routers: tuple[Namespace, Namespace], stack: ExitStack) -> tuple[str, str]:
    tunnels = [TunnelProcess(router) for router in routers]
    for tunnel in tunnels:
        stack.callback(tunnel.stop)
    for side, tunnel in enumerate(tunnels):
        other = tunnels[1 - side]
        inner = [*(address.partition("/")[0] for address in _LINK_ADDRESSES[1 - side]), *_NETWORKS[1 - side]]
        endpoint = f"{other.host.outer_ipv4}:{other.port}"
        tunnel.add_peer(other.identity.public, inner, endpoint=endpoint)
    return tunnels[0].device, tunnels[1].device


def _route(router: Namespace, link: str, side: int) -> None:
    router.set_up(link, *_LINK_ADDRESSES[side])
    for network, via in zip(_NETWORKS[1 - side], _LINK_ADDRESSES[1 - side], strict=True):
        run_ip("-n", router.name, "route", "add", network, "via", via.partition("/")[0], "dev", link)


def _is_neighbour_discovery(packet: IpPacket) -> bool:
    multicast = packet.whole[0] >> 4 == 6 and packet.destination[0] == 0xFF
    return multicast or (
        packet.protocol == socket.IPPROTO_ICMPV6 and packet.transport[0] in _NEIGHBOUR_DISCOVERY
    )
