# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The kernel's network configuration over netlink: read it, change the tunnel device, hear of changes.

The only file of the agent that knows pyroute2. Its calls block for a few milliseconds, so they run in one
thread of their own; the socket that hears of changes is a plain one in the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from cladnet.agent.host_cidrs import read_host_network
from cladnet.agent.observation import PEER_ROUTE_PROTOCOL, HostObservation, observe
from cladnet.core.device_plan import (
    AddAddress,
    DeviceAction,
    DeviceRoute,
    RemoveAddress,
    RemoveRoute,
    SetDown,
    SetMtu,
    SetRoute,
    SetUp,
)
from cladnet.core.errors import Unauthorized, Unavailable

# Multicast groups of rtnetlink: see its manual page, section 7.
_RTMGRP_LINK = 0x1
_RTMGRP_IPV4_IFADDR, _RTMGRP_IPV4_ROUTE = 0x10, 0x40
_RTMGRP_IPV6_IFADDR, _RTMGRP_IPV6_ROUTE = 0x100, 0x400
_IFF_UP = 0x1
_IN6_ADDR_GEN_MODE_NONE = 1
_RTPROT_KERNEL = 2
_CHANGE_GROUPS = (
    _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV4_ROUTE | _RTMGRP_IPV6_IFADDR | _RTMGRP_IPV6_ROUTE
)
_RECEIVE_BYTES = 65536
# What a change meets that somebody else made first, or whose object is gone: the next observation tells.
_ALREADY_SO = frozenset({errno.EEXIST, errno.EADDRNOTAVAIL, errno.ESRCH, errno.ENODEV})


class Netlink:
    """Reads and changes the network configuration of the host's network namespace.

    Args:
        device: name of the tunnel device.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="netlink")

    async def observe(self) -> HostObservation:
        """The host as it is now.

        Raises:
            Unavailable: the kernel does not answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, _observe, self._device)

    async def apply(self, index: int, actions: Iterable[DeviceAction]) -> None:
        """Changes the tunnel device, given by its index.

        Raises:
            Unauthorized: CAP_NET_ADMIN is missing.
            Unavailable: the kernel refuses.
        """
        work = partial(_apply, self._device, index, tuple(actions))
        await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Ends the thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class ChangeMonitor:
    """Calls back whenever a link, an address or a route of the host changes.

    What changed is not read: the messages may be lost under load, so the caller looks at the whole anyway.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._socket.bind((0, _CHANGE_GROUPS))
        asyncio.get_running_loop().add_reader(self._socket, self._drain)

    def close(self) -> None:
        """Stops listening."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    self._socket.recv(_RECEIVE_BYTES)
                except OSError as exc:
                    if exc.errno != errno.ENOBUFS:  # messages were lost: that is a change, too
                        raise
        self._on_change()


def _observe(device: str) -> HostObservation:
    with _translated(f"reading the network configuration for {device}"), IPRoute() as ipr:
        return observe(read_host_network(ipr), device=device, is_up=_is_up(ipr, device))


def _is_up(ipr: IPRoute, device: str) -> bool:
    return any(link["flags"] & _IFF_UP for link in ipr.get_links() if link.get_attr("IFLA_IFNAME") == device)


def _apply(device: str, index: int, actions: tuple[DeviceAction, ...]) -> None:
    with _translated(f"changing {device}"), IPRoute() as ipr:
        for action in actions:
            with _translated(f"{device}: {action}"), _already_so():
                _change(ipr, index, action)


def _change(ipr: IPRoute, index: int, action: DeviceAction) -> None:
    if isinstance(action, AddAddress):
        ipr.addr(
            "add", index=index, address=str(action.address.ip), prefixlen=action.address.network.prefixlen
        )
    elif isinstance(action, RemoveAddress):
        ipr.addr(
            "del", index=index, address=str(action.address.ip), prefixlen=action.address.network.prefixlen
        )
    elif isinstance(action, SetMtu):
        ipr.link("set", index=index, mtu=action.mtu_bytes)
    elif isinstance(action, SetUp):
        _without_link_local(ipr, index)
        ipr.link("set", index=index, state="up")
    elif isinstance(action, SetDown):
        ipr.link("set", index=index, state="down")
    elif isinstance(action, SetRoute):
        _set_route(ipr, index, action)
    elif isinstance(action, RemoveRoute):
        ipr.route("del", dst=str(action.route.network), oif=index, proto=PEER_ROUTE_PROTOCOL)


def _set_route(ipr: IPRoute, index: int, action: SetRoute) -> None:
    route = action.route
    ipr.route(
        "replace",
        dst=str(route.network),
        oif=index,
        prefsrc=str(action.source),
        scope="link",
        # The network's route stays the kernel's, which takes it away with the address.
        proto=PEER_ROUTE_PROTOCOL if route.is_ours else _RTPROT_KERNEL,
        metrics=_metrics(route),
    )


def _metrics(route: DeviceRoute) -> dict[str, int]:
    return {"mtu": route.mtu_bytes, "advmss": route.advertised_mss}


def _without_link_local(ipr: IPRoute, index: int) -> None:
    """No IPv6 address of its own: its neighbour discovery would be counted as dropped packets."""
    mode = ("IFLA_INET6_ADDR_GEN_MODE", _IN6_ADDR_GEN_MODE_NONE)
    with contextlib.suppress(NetlinkError):  # a kernel without IPv6
        ipr.link("set", index=index, IFLA_AF_SPEC={"attrs": [("AF_INET6", {"attrs": [mode]})]})


@contextlib.contextmanager
def _already_so() -> Iterator[None]:
    try:
        yield
    except NetlinkError as exc:
        if exc.code not in _ALREADY_SO:
            raise


@contextlib.contextmanager
def _translated(purpose: str) -> Iterator[None]:
    try:
        yield
    except NetlinkError as exc:
        if exc.code == errno.EPERM:
            raise Unauthorized(f"{purpose}: not permitted, CAP_NET_ADMIN is missing") from exc
        raise Unavailable(f"{purpose}: {os.strerror(exc.code)}") from exc
    except OSError as exc:
        raise Unavailable(f"{purpose}: {exc.strerror or exc}") from exc
