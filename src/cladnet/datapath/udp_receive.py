# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Receives many datagrams with one call of the kernel, each into its own part of one memory.

Source: recvmmsg(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket

from cladnet.core.forwarding.envelope import Envelope
from cladnet.datapath.ancillary import CONTROL_BYTES, SOURCE_BYTES, parse_envelope

SLOTS = 128
# Somewhat longer than the longest datagram: slots a power of two apart would share the same few cache lines.
SLOT_BYTES = 65536 + 64

_MAX_DATAGRAM_BYTES = 65535
_ANCILLARY_BYTES = SOURCE_BYTES + CONTROL_BYTES
_MAX_REMEMBERED_ENVELOPES = 4096


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("hdr", _Msghdr), ("len", ctypes.c_uint))


_recvmmsg = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_uint,
    ctypes.c_int,
    ctypes.c_void_p,
    use_errno=True,
)(("recvmmsg", ctypes.CDLL(None, use_errno=True)))

_HEADER_BYTES = ctypes.sizeof(_Mmsghdr)
_WORD_BYTES = ctypes.sizeof(ctypes.c_uint)


class UdpReceiver:
    """The slots of one socket.

    Args:
        receiving: non-blocking.

    Attributes:
        memory: `SLOTS` slots of `SLOT_BYTES` each. Datagrams begin at the beginning of a slot.
    """

    def __init__(self, receiving: socket.socket) -> None:
        self._descriptor = receiving.fileno()
        octets = bytearray(SLOTS * SLOT_BYTES)
        ancillary = bytearray(SLOTS * _ANCILLARY_BYTES)
        self.memory = memoryview(octets)
        self._ancillary = memoryview(ancillary)
        self._iovecs = (_Iovec * SLOTS)()
        self._headers = (_Mmsghdr * SLOTS)()
        self._address = ctypes.addressof(self._headers)
        self._prepare(_address_of(octets), _address_of(ancillary))
        self._header_octets = memoryview(self._headers).cast("B")
        words, first = self._header_octets.cast("I"), _Mmsghdr.len.offset // _WORD_BYTES
        self._sizes: memoryview[int] = words[first :: _HEADER_BYTES // _WORD_BYTES]
        self._prepared = memoryview(bytes(self._header_octets))
        self._no_ancillary = memoryview(bytes(SLOTS * _ANCILLARY_BYTES))
        self._envelopes: dict[bytes, Envelope | None] = {}

    def receive(self, first: int, limit: int) -> list[tuple[int, Envelope | None]]:
        """Receives what is there.

        Args:
            first: the slot of the first datagram.
            limit: how many datagrams at most; there have to be as many slots.

        Returns:
            Sizes and envelopes, in order; no envelope where the source cannot be answered. If they are fewer
            than `limit`, no more were there.

        Raises:
            OSError: the kernel reports an error.
        """
        address = self._address + first * _HEADER_BYTES
        count = _recvmmsg(self._descriptor, address, limit, socket.MSG_DONTWAIT, None)
        if count <= 0:
            return _nothing(ctypes.get_errno())
        if count == 1:
            return [self._single(first)]
        sizes = self._sizes[first : first + count].tolist()
        envelopes = self._envelopes_of(first, count)
        self._reset(first, count)
        return list(zip(sizes, envelopes, strict=True))

    def _single(self, first: int) -> tuple[int, Envelope | None]:
        begin = first * _ANCILLARY_BYTES
        ancillary = bytes(self._ancillary[begin : begin + _ANCILLARY_BYTES])
        size = self._sizes[first]
        self._reset(first, 1)
        return size, self._envelope(ancillary)

    def _envelopes_of(self, first: int, count: int) -> list[Envelope | None]:
        begin, end = first * _ANCILLARY_BYTES, (first + count) * _ANCILLARY_BYTES
        ancillary = bytes(self._ancillary[begin:end])
        if ancillary == ancillary[:_ANCILLARY_BYTES] * count:
            return [self._envelope(ancillary[:_ANCILLARY_BYTES])] * count
        places = range(0, len(ancillary), _ANCILLARY_BYTES)
        return [self._envelope(ancillary[at : at + _ANCILLARY_BYTES]) for at in places]

    def _envelope(self, ancillary: bytes) -> Envelope | None:
        try:
            return self._envelopes[ancillary]
        except KeyError:
            return self._remember(ancillary)

    def _remember(self, ancillary: bytes) -> Envelope | None:
        if len(self._envelopes) >= _MAX_REMEMBERED_ENVELOPES:
            self._envelopes.clear()
        envelope = self._envelopes[ancillary] = parse_envelope(ancillary)
        return envelope

    def _reset(self, first: int, count: int) -> None:
        """Makes slots as they were before: the kernel changes lengths, and need not write all of the rest."""
        begin, end = first * _HEADER_BYTES, (first + count) * _HEADER_BYTES
        self._header_octets[begin:end] = self._prepared[begin:end]
        begin, end = first * _ANCILLARY_BYTES, (first + count) * _ANCILLARY_BYTES
        self._ancillary[begin:end] = self._no_ancillary[begin:end]

    def _prepare(self, memory: int, ancillary: int) -> None:
        for slot in range(SLOTS):
            iovec, header = self._iovecs[slot], self._headers[slot].hdr
            iovec.base, iovec.len = memory + slot * SLOT_BYTES, _MAX_DATAGRAM_BYTES
            header.name, header.namelen = ancillary + slot * _ANCILLARY_BYTES, SOURCE_BYTES
            header.iov, header.iovlen = ctypes.addressof(iovec), 1
            header.control, header.controllen = header.name + SOURCE_BYTES, CONTROL_BYTES


def _address_of(octets: bytearray) -> int:
    """Where they are, and stay as long as there is a view of them."""
    return ctypes.addressof((ctypes.c_char * len(octets)).from_buffer(octets))


def _nothing(number: int) -> list[tuple[int, Envelope | None]]:
    if number in (errno.EAGAIN, errno.EINTR):
        return []
    raise OSError(number, os.strerror(number))
