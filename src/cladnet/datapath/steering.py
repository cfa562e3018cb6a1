# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Which socket of a port gets a datagram: transport messages go to workers, all others to the first socket.

The kernel runs this program for every datagram to a group of sockets that share the port. The number in a
transport message is ours, and says which worker has the session: so a session stays in one worker wherever
the peer's datagrams come from, and a flood of handshake messages never reaches a worker.

Source: socket(7), SO_ATTACH_REUSEPORT_CBPF; Linux Documentation/networking/filter.rst.
"""

from __future__ import annotations

import ctypes
import socket
import struct

from cladnet.core.wireguard.messages import MessageType

_SO_ATTACH_REUSEPORT_CBPF = 51
_INSTRUCTION = struct.Struct("HBBI")
_PROGRAM = struct.Struct("HP")  # native alignment, as struct sock_fprog

_LOAD_BYTE, _JUMP_IF_EQUAL, _MODULO, _ADD, _RETURN_NUMBER, _RETURN_RESULT = 0x30, 0x15, 0x94, 0x04, 0x06, 0x16
_TYPE_OFFSET, _RECEIVER_INDEX_OFFSET = 0, 4


def attach(group: socket.socket, workers: int) -> None:
    """Steers the datagrams of a group of sockets: the first that was bound, then those of the workers.

    Args:
        group: any socket of the group.
        workers: how many, at most 255.

    Raises:
        OSError: the kernel does not take the program.
    """
    code = program(workers)
    memory = ctypes.create_string_buffer(code, len(code))
    count = len(code) // _INSTRUCTION.size
    group.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, _PROGRAM.pack(count, ctypes.addressof(memory))
    )


def program(workers: int) -> bytes:
    """The instructions of classic BPF; offsets are from the payload. A datagram that is too short gets 0."""
    instructions = (
        (_LOAD_BYTE, 0, 0, _TYPE_OFFSET),
        (_JUMP_IF_EQUAL, 0, 4, MessageType.TRANSPORT),
        (_LOAD_BYTE, 0, 0, _RECEIVER_INDEX_OFFSET),
        (_MODULO, 0, 0, workers),
        (_ADD, 0, 0, 1),
        (_RETURN_RESULT, 0, 0, 0),
        (_RETURN_NUMBER, 0, 0, 0),
    )
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in instructions)


def worker_of(receiver_index: int, workers: int) -> int:
    """The worker, counted from 0, to which the messages of a session go."""
    return (receiver_index & 0xFF) % workers
