# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Sockets of this process in other network namespaces: a socket stays where it was opened."""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BUFFER_SIZE_BYTES = 64 << 20
FRAME_SIZE_BYTES = 1 << 16
VNET_HEADER_SIZE_BYTES = 10

_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_PACKET_VNET_HDR = 15
_SO_RCVBUFFORCE = 33
_SO_SNDBUFFORCE = 32
_SIOCETHTOOL = 0x8946
_ETHTOOL_SWITCHES = (0x17, 0x1F, 0x24, 0x2C)  # STXCSUM, STSO, SGSO, SGRO

_libc = ctypes.CDLL(None, use_errno=True)


def inside(namespace: str, action: Callable[[], T]) -> T:
    """Runs an action on a thread that has entered a network namespace, and is gone afterwards."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(_enter, namespace).result()
        return thread.submit(action).result()


def open_socket(namespace: str, family: int, kind: int, protocol: int = 0) -> socket.socket:
    """A socket that lives in a namespace, with buffers that lose nothing."""
    opened = inside(namespace, lambda: socket.socket(family, kind, protocol))
    for option in (_SO_RCVBUFFORCE, _SO_SNDBUFFORCE):
        opened.setsockopt(socket.SOL_SOCKET, option, BUFFER_SIZE_BYTES)
    return opened


def open_udp(namespace: str, address: str, port: int = 0) -> socket.socket:
    """A bound UDP socket that does not block."""
    opened = open_socket(namespace, _family(address), socket.SOCK_DGRAM)
    opened.bind((address, port))
    opened.setblocking(False)
    return opened


def open_packet_socket(namespace: str, device: str) -> socket.socket:
    """Sends frames into a device and gets what arrives at it, whole and untouched; it does not block."""
    opened = open_socket(namespace, socket.AF_PACKET, socket.SOCK_RAW)
    opened.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    opened.bind((device, _ETH_P_ALL))
    opened.setblocking(False)
    return opened


def open_offloading_socket(namespace: str, device: str) -> socket.socket:
    """Sends into a device what offloads have to finish: frames with a virtio_net_hdr before each."""
    opened = open_socket(namespace, socket.AF_PACKET, socket.SOCK_RAW)
    opened.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    opened.bind((device, 0))
    return opened


def receive_all(source: socket.socket) -> list[bytes]:
    """What has arrived at a socket that does not block."""
    received = []
    while True:
        try:
            received.append(source.recv(FRAME_SIZE_BYTES))
        except BlockingIOError:
            return received


def switch_off_offloads(namespace: str, device: str) -> None:
    """Makes the kernel finish checksums and segments before it hands frames to a device."""
    with open_socket(namespace, socket.AF_INET, socket.SOCK_DGRAM) as control:
        for command in _ETHTOOL_SWITCHES:
            value = array.array("I", [command, 0])
            request = struct.pack("16sP", device.encode(), value.buffer_info()[0])
            fcntl.ioctl(control, _SIOCETHTOOL, request)


def _enter(namespace: str) -> None:
    descriptor = os.open(Path("/run/netns") / namespace, os.O_RDONLY)
    try:
        if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the namespace {namespace}")
    finally:
        os.close(descriptor)


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
