# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A TUN device: the kernel's network interface whose wire is a file descriptor.

Source: Linux Documentation/networking/tuntap.rst.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable

from cladnet.core.errors import CladnetError, Conflict, InvalidInput, Unauthorized, Unavailable

MIN_MTU_BYTES = 576
# What fits into a UDP datagram over IPv4 (65,535 - 20 - 8) with WireGuard's header and tag.
MAX_MTU_BYTES = 65475

_CONTROL_PATH = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_SIOCSIFMTU = 0x8922
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_INTERFACE_REQUEST = struct.Struct("16sH22x")
_MTU_REQUEST = struct.Struct("16si20x")
_MAX_NAME_BYTES = 15
_READ_SIZE_BYTES = 65535


class TunDevice:
    """One open TUN device. It disappears with the last descriptor.

    Args:
        name: of the interface.
        descriptor: of the opened and attached control file, non-blocking.
    """

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor

    @classmethod
    def open(cls, name: str, mtu: int) -> TunDevice:
        """Creates an interface, without an address, down.

        Args:
            name: 1 to 15 bytes, as the kernel allows them.
            mtu: bytes, 576 to 65475.

        Raises:
            InvalidInput: a name or MTU that the kernel would not take.
            Conflict: an interface of that name exists.
            Unauthorized: the right to create interfaces is missing.
            Unavailable: this host has no TUN driver.
        """
        _check_name(name)
        _check_mtu(mtu)
        descriptor = _open_control_file()
        try:
            _attach(descriptor, name)
            _set_mtu(name, mtu)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(name, descriptor)

    def fileno(self) -> int:
        """Descriptor to wait on."""
        return self._descriptor

    def read(self) -> bytes | None:
        """The next packet that this host sends into the tunnel; None if there is none now.

        Raises:
            OSError: with errno EBADFD if somebody deleted the interface.
        """
        try:
            return os.read(self._descriptor, _READ_SIZE_BYTES)
        except BlockingIOError:
            return None

    def write(self, packet: bytes) -> None:
        """Hands a packet to this host.

        Raises:
            OSError: with errno EIO while the interface is down, EBADFD if somebody deleted it.
        """
        os.write(self._descriptor, packet)

    def close(self) -> None:
        """Removes the interface."""
        os.close(self._descriptor)


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


def _attach(descriptor: int, name: str) -> None:
    request = _INTERFACE_REQUEST.pack(name.encode(), _IFF_TUN | _IFF_NO_PI)
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


def _set_mtu(name: str, mtu: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            fcntl.ioctl(control, _SIOCSIFMTU, _MTU_REQUEST.pack(name.encode(), mtu))
        except OSError as exc:
            raise Unavailable(f"The MTU of {name} cannot be set to {mtu} bytes: {exc.strerror}.") from exc
