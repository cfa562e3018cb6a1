# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A TUN device: a network interface whose wire is a file descriptor, or several, one for each queue.

Every packet comes and goes with a virtio-net header, so that the kernel may hand over segments in bulk.
Source: Linux Documentation/networking/tuntap.rst; include/uapi/linux/if_tun.h.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
import struct
from collections.abc import Callable

from cladnet.core.errors import CladnetError, Conflict, InvalidInput, Unauthorized, Unavailable
from cladnet.datapath.super_packet_limits import limit_super_packets

MIN_MTU_BYTES = 576
# What fits into a UDP datagram over IPv4 (65,535 - 20 - 8) with WireGuard's header and tag.
MAX_MTU_BYTES = 65475

_CONTROL_PATH = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_TUNGETIFF = 0x800454D2
_TUNSETOFFLOAD = 0x400454D0
_SIOCSIFMTU = 0x8922
_IFF_TUN = 0x0001
_IFF_MULTI_QUEUE = 0x0100
_IFF_NO_PI = 0x1000
_IFF_VNET_HDR = 0x4000
_IFF_TUN_EXCL = 0x8000
_TUN_F_CSUM, _TUN_F_TSO4, _TUN_F_TSO6, _TUN_F_TSO_ECN, _TUN_F_USO4, _TUN_F_USO6 = 1, 2, 4, 8, 0x20, 0x40
_TCP_OFFLOADS = _TUN_F_CSUM | _TUN_F_TSO4 | _TUN_F_TSO6 | _TUN_F_TSO_ECN
_ALL_OFFLOADS = _TCP_OFFLOADS | _TUN_F_USO4 | _TUN_F_USO6
_INTERFACE_REQUEST = struct.Struct("16sH22x")
_MTU_REQUEST = struct.Struct("16si20x")
_MAX_NAME_BYTES = 15

_log = logging.getLogger(__name__)


class TunDevice:
    """One open TUN device. It disappears with the last descriptor.

    Args:
        name: of the interface.
        queues: descriptors of the opened and attached control files, non-blocking. The kernel keeps the
            packets of a flow in one queue.
        has_uso: whether UDP segments may be handed over in bulk, too (kernels from 6.2 on).
    """

    def __init__(self, name: str, queues: list[int], *, has_uso: bool) -> None:
        self.name = name
        self.queues = queues
        self.has_uso = has_uso

    @classmethod
    def open(cls, name: str, mtu: int, queues: int = 1) -> TunDevice:
        """Creates an interface, without an address, down.

        Args:
            name: 1 to 15 bytes, as the kernel allows them.
            mtu: bytes, 576 to 65475.
            queues: how many.

        Raises:
            InvalidInput: a name or MTU that the kernel would not take.
            Conflict: an interface of that name exists.
            Unauthorized: the right to create interfaces is missing.
            Unavailable: this host has no TUN driver.
        """
        _check_name(name)
        _check_mtu(mtu)
        opened: list[int] = []
        try:
            for number in range(queues):
                opened.append(_open_control_file())
                _attach(opened[number], name, _flags(number, queues))
            has_uso = all(_offload(name, queue) for queue in opened)
            _set_mtu(name, mtu)
            _limit_super_packets(name, mtu)
        except BaseException:
            for descriptor in opened:
                os.close(descriptor)
            raise
        return cls(name, opened, has_uso=has_uso)

    def exists(self) -> bool:
        """Whether the interface is still there: others can delete it."""
        try:
            fcntl.ioctl(self.queues[0], _TUNGETIFF, bytearray(_INTERFACE_REQUEST.size))
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Removes the interface, once nobody else has its queues open."""
        for queue in self.queues:
            os.close(queue)


def _flags(number: int, queues: int) -> int:
    flags = _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR
    if queues > 1:
        flags |= _IFF_MULTI_QUEUE
    return flags | _IFF_TUN_EXCL if number == 0 else flags


def _offload(name: str, queue: int) -> bool:
    """Asks for segments in bulk, as many kinds as the kernel knows; says whether UDP's are among them."""
    for offloads in (_ALL_OFFLOADS, _TCP_OFFLOADS, 0):
        try:
            fcntl.ioctl(queue, _TUNSETOFFLOAD, offloads)
        except OSError:
            continue
        if offloads != _ALL_OFFLOADS:
            what = "UDP segmentation" if offloads else "segmentation"
            _log.warning("%s: this kernel has no %s offload for TUN devices; carrying on without", name, what)
        return offloads == _ALL_OFFLOADS
    return False


def _check_name(name: str) -> None:
    allowed = name.isascii() and name.isprintable() and not set(name) & set("/%: ")
    if not allowed or name in ("", ".", "..") or len(name) > _MAX_NAME_BYTES:
        raise InvalidInput(
            f"'{name}' is no name for a network device: use 1 to {_MAX_NAME_BYTES} letters, digits, '-', '_'."
        )


def _check_mtu(mtu: int) -> None:
    if not MIN_MTU_BYTES <= mtu <= MAX_MTU_BYTES:
        raise InvalidInput(
            f"An MTU of {mtu} bytes is out of range: give {MIN_MTU_BYTES} to {MAX_MTU_BYTES} bytes."
        )


def _open_control_file() -> int:
    try:
        return os.open(_CONTROL_PATH, os.O_RDWR | os.O_NONBLOCK)
    except FileNotFoundError as exc:
        raise Unavailable(
            f"This host has no {_CONTROL_PATH}: load the module (modprobe tun) or give it to the container."
        ) from exc
    except PermissionError as exc:
        raise Unauthorized(
            f"{_CONTROL_PATH} may not be opened: allow it with DeviceAllow=/dev/net/tun rw, or run as root."
        ) from exc
    except OSError as exc:
        raise Unavailable(f"{_CONTROL_PATH} does not open ({exc.strerror}): load the tun module.") from exc


def _attach(descriptor: int, name: str, flags: int) -> None:
    request = _INTERFACE_REQUEST.pack(name.encode(), flags)
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, request)
    except OSError as exc:
        raise _ATTACH_ERRORS.get(exc.errno or 0, _unknown_attach_error)(name, exc) from exc


def _name_taken(name: str, _cause: OSError) -> CladnetError:
    return Conflict(
        f"A network device {name} exists already: stop who uses it (see 'ip -d link show {name}'),"
        " or choose another name."
    )


def _right_missing(name: str, _cause: OSError) -> CladnetError:
    return Unauthorized(
        f"Creating the network device {name} needs CAP_NET_ADMIN: grant it (AmbientCapabilities=),"
        " or run as root."
    )


def _unknown_attach_error(name: str, cause: OSError) -> CladnetError:
    return Unavailable(f"The kernel did not create the network device {name}: {cause.strerror}.")


_ATTACH_ERRORS: dict[int, Callable[[str, OSError], CladnetError]] = {
    errno.EBUSY: _name_taken,  # a TUN device in use
    errno.EINVAL: _name_taken,  # an interface of another kind; the name itself was checked before
    errno.EEXIST: _name_taken,
    errno.EPERM: _right_missing,
}


def _limit_super_packets(name: str, mtu: int) -> None:
    try:
        limit_super_packets(name, mtu)
    except OSError as exc:
        _log.warning("%s: super-packets cannot be limited (%s); larger ones are split", name, exc.strerror)


def _set_mtu(name: str, mtu: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            fcntl.ioctl(control, _SIOCSIFMTU, _MTU_REQUEST.pack(name.encode(), mtu))
        except OSError as exc:
            raise Unavailable(f"The MTU of {name} cannot be set to {mtu} bytes: {exc.strerror}.") from exc
