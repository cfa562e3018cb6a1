# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Ordinary packets of one wake-up, put together so that few UDP GSO sends carry them.

One UDP GSO send has datagrams of one length, for one peer, with one outer TOS. Packets are therefore grouped,
and padded up to the longest of their group: WireGuard allows any padding, receivers trim by the inner length.
A size class bounds it to a quarter of a packet. Packets of one flow never overtake each other.

Every packet stays in the slot of memory where it was read, and becomes a transport message there:

    | transport header 16 | packet | padding | tag 16 |
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.offload.checksum import MODULUS, complete_checksum
from cladnet.core.offload.packet_kind import PacketKind
from cladnet.core.offload.segment_rows import OVERHEAD_BYTES, EncryptInto, padded_bytes
from cladnet.core.offload.virtio_net import HEADER_BYTES
from cladnet.core.wireguard.messages import TAG_SIZE_BYTES, TRANSPORT_HEADER_SIZE_BYTES

MAX_SLOTS = 64
HEADROOM_BYTES = TRANSPORT_HEADER_SIZE_BYTES

_MAX_MEMORY_BYTES = 1 << 20
_ALIGNMENT_BYTES = 64
# From so many packets on arrays are cheaper than a loop.
_ARRAY_FROM_PACKETS = 6
_MAX_KNOWN_SIZES = 96
_ZEROS = memoryview(bytes(0x10000))
_HEADER = struct.Struct("<QQ")
_COUNTER = struct.Struct("<Q")
_STEPS = np.arange(MAX_SLOTS, dtype=np.uint64)

# Nonce, plaintext and datagram's body (with room for the tag), and the whole datagram.
_Views = tuple[memoryview, memoryview, memoryview, memoryview]


@dataclass(slots=True, eq=False)
class Group:
    """Packets that one UDP GSO send may carry.

    Args:
        order: in which groups are sent.
        peer: to whom.
        kind: of the first packet: what all have in common is the same.
        slots: where they are, in order.
        shortest_bytes: of all packets.
        longest_bytes: of all packets.
    """

    order: int
    peer: ForwardingPeer
    kind: PacketKind
    slots: list[int] = field(default_factory=list)
    shortest_bytes: int = 0x10000
    longest_bytes: int = 0


class Burst:
    """Slots for packets, and their groups.

    Args:
        mtu_bytes: of the inner device, the longest packet that fits a slot.
        overflow: where a read goes on if it is longer than a slot.

    Attributes:
        count: packets that are in.
        capacity: packets that fit.
        vectors: for each slot, where to read a packet into, with its virtio-net header in front.
        read_bytes: what fits into a slot of that.
        memory: of all slots.
        offsets: where in the memory the packet of each slot begins.
        groups: in the order in which they must be sent.
    """

    def __init__(self, mtu_bytes: int, overflow: memoryview) -> None:
        self._mtu_bytes = mtu_bytes
        self._stride = -(-(mtu_bytes + OVERHEAD_BYTES) // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
        self.capacity = min(MAX_SLOTS, max(_MAX_MEMORY_BYTES // self._stride, 1))
        self.memory = bytearray(self.capacity * self._stride)
        self.view = memoryview(self.memory)
        self.offsets = [slot * self._stride + HEADROOM_BYTES for slot in range(self.capacity)]
        self.vectors = [
            [self.view[at - HEADER_BYTES : at + self._stride - HEADROOM_BYTES], overflow]
            for at in self.offsets
        ]
        self.read_bytes = len(self.vectors[0][0])
        self.count = 0
        self.groups: list[Group] = []
        self._open: dict[tuple[ForwardingPeer, tuple[int, ...]], Group] = {}
        self._last_of_flow: dict[bytes | None, Group] = {}
        self._kinds: list[PacketKind] = []
        self._floor = 0
        self._lengths = [0] * self.capacity
        self._views: dict[int, list[_Views]] = {}
        self._nonces = bytearray(12 * self.capacity)
        self._make_arrays()

    def _make_arrays(self) -> None:
        words = self._stride // 8
        longs = np.ndarray((self.capacity, words), "<u8", self.memory)
        self._prefixes, self._counters = longs[:, 0], longs[:, 1]
        self._nonce_counters = np.ndarray((self.capacity,), "<u8", self._nonces, 4, (12,))
        self._bytes = np.ndarray((self.capacity, self._stride), "u1", self.memory)
        # In the host's own byte order, which ones' complement sums allow (RFC 1071, section 2).
        self._words = np.ndarray((self.capacity, self._stride // 2), "=u2", self.memory)

    def gso_type(self) -> int:
        """Of what was read into the next slot."""
        return self.memory[self.offsets[self.count] - HEADER_BYTES + 1]

    def place(self, read: bytes) -> bool:
        """Puts a packet with its virtio-net header into the next slot; False if it is too long."""
        slot = self.vectors[self.count][0]
        if len(read) > self.read_bytes:
            return False
        slot[: len(read)] = read
        return True

    def join(self, kind: PacketKind) -> bool:
        """Adds the packet in the next slot to the group where the last one of its kind went.

        Returns:
            False if there is none in this burst, or another packet of the flow is in a later group.
        """
        group = kind.group
        if group is None or self._last_of_flow.get(kind.flow) is not group:
            return False
        self._append(group, kind)
        return True

    def add(self, kind: PacketKind, peer: ForwardingPeer) -> None:
        """Adds the packet in the next slot."""
        earliest = self._earliest(kind)
        key = (peer, kind.group_key)
        group = self._open.get(key)
        if group is None or group.order < earliest:
            group = self._open[key] = Group(len(self.groups), peer, kind)
            self.groups.append(group)
        self._remember(kind, group)
        group.shortest_bytes = min(group.shortest_bytes, kind.size_bytes)
        group.longest_bytes = max(group.longest_bytes, kind.size_bytes)
        self._append(group, kind)

    def _append(self, group: Group, kind: PacketKind) -> None:
        group.slots.append(self.count)
        self._lengths[self.count] = kind.size_bytes
        self.count += 1

    def _earliest(self, kind: PacketKind) -> int:
        """The first group that the packet may go to without overtaking another of its flow."""
        if kind.flow is None:
            return len(self.groups) - 1
        last = self._last_of_flow.get(kind.flow)
        return self._floor if last is None else max(last.order, self._floor)

    def _remember(self, kind: PacketKind, group: Group) -> None:
        if kind.flow is None:  # of any flow, so nothing may overtake it
            self._floor = group.order
            self._forget_kinds()
            return
        self._last_of_flow[kind.flow] = group
        kind.group = group
        self._kinds.append(kind)

    def _forget_kinds(self) -> None:
        for kind in self._kinds:
            kind.group = None
        self._kinds.clear()

    def clear(self) -> None:
        """Forgets all packets."""
        self.count = self._floor = 0
        self.groups = []
        self._open.clear()
        self._last_of_flow.clear()
        self._forget_kinds()

    def packet(self, slot: int) -> memoryview:
        """The packet in a slot, without padding."""
        at = self.offsets[slot]
        return self.view[at : at + self._lengths[slot]]

    def complete(self, group: Group) -> None:
        """Finishes the checksums of all packets of a group, and clears what is behind them."""
        if len(group.slots) < _ARRAY_FROM_PACKETS:
            self._complete_each(group)
        else:
            self._complete_all(group)

    def _complete_each(self, group: Group) -> None:
        kind, end = group.kind, self.padded_bytes(group)
        for slot in group.slots:
            at, length = self.offsets[slot], self._lengths[slot]
            if length < end:
                self.view[at + length : at + end] = _ZEROS[: end - length]
            if kind.csum_start:
                complete_checksum(self.view[at : at + length], kind.csum_start, kind.csum_offset)

    def _complete_all(self, group: Group) -> None:
        kind, slots = group.kind, _selection(group.slots)
        # Sums go over whole words, so one byte more where the padding is cut off by the MTU.
        end = self.padded_bytes(group) + 1 & ~1
        if group.shortest_bytes == group.longest_bytes:
            self._bytes[slots, HEADROOM_BYTES + group.longest_bytes : HEADROOM_BYTES + end] = 0
        else:
            self._pad_each(group, end)
        if kind.csum_start:
            first = HEADROOM_BYTES + kind.csum_start
            totals = np.add.reduce(self._words[slots, first // 2 : (HEADROOM_BYTES + end) // 2], 1, np.uint32)
            self._words[slots, (first + kind.csum_offset) // 2] = MODULUS - totals % MODULUS

    def _pad_each(self, group: Group, end: int) -> None:
        for slot in group.slots:
            at, length = self.offsets[slot], self._lengths[slot]
            self.view[at + length : at + end] = _ZEROS[: end - length]

    def padded_bytes(self, group: Group) -> int:
        """The length of every packet of the group with its padding."""
        return padded_bytes(group.longest_bytes, min(self._mtu_bytes, group.peer.path_mtu_bytes))

    def seal(
        self, group: Group, encrypt_into: EncryptInto, message_prefix: int, first_counter: int
    ) -> list[memoryview]:
        """Makes transport messages of the packets of a group, in place.

        Args:
            group: complete.
            encrypt_into: of the AEAD of the session.
            message_prefix: type and receiver index, as one little-endian number.
            first_counter: of the first packet; the others follow.

        Returns:
            The datagrams, all of one length.
        """
        if len(group.slots) < _ARRAY_FROM_PACKETS:
            self._number_each(group.slots, message_prefix, first_counter)
        else:
            self._number_all(group.slots, message_prefix, first_counter)
        views = self._views_of(self.padded_bytes(group))
        datagrams = []
        for slot in group.slots:
            nonce, plaintext, body, datagram = views[slot]
            encrypt_into(nonce, plaintext, None, body)
            datagrams.append(datagram)
        return datagrams

    def _number_each(self, slots: list[int], message_prefix: int, counter: int) -> None:
        for slot in slots:
            _HEADER.pack_into(self.memory, slot * self._stride, message_prefix, counter)
            _COUNTER.pack_into(self._nonces, slot * 12 + 4, counter)
            counter += 1

    def _number_all(self, slots: list[int], message_prefix: int, first_counter: int) -> None:
        selection, counters = _selection(slots), _STEPS[: len(slots)] + first_counter
        self._prefixes[selection] = message_prefix
        self._counters[selection] = counters
        self._nonce_counters[selection] = counters

    def _views_of(self, size_bytes: int) -> list[_Views]:
        """The views of all slots for packets of one padded length."""
        found = self._views.get(size_bytes)
        if found is None:
            if len(self._views) >= _MAX_KNOWN_SIZES:
                self._views.clear()
            found = self._views[size_bytes] = [
                self._slot_views(slot, size_bytes) for slot in range(self.capacity)
            ]
        return found

    def _slot_views(self, slot: int, size_bytes: int) -> _Views:
        at, view = self.offsets[slot], self.view
        end = at + size_bytes
        return (
            memoryview(self._nonces)[slot * 12 : slot * 12 + 12],
            view[at:end],
            view[at : end + TAG_SIZE_BYTES],
            view[at - HEADROOM_BYTES : end + TAG_SIZE_BYTES],
        )


def _selection(slots: list[int]) -> slice | list[int]:
    """Slots as an index of arrays: a slice, which is much cheaper, where they are consecutive."""
    first, end = slots[0], slots[-1] + 1
    return slice(first, end) if end - first == len(slots) else slots
