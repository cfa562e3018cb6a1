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

import numpy as np
import numpy.typing as npt

from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.offload.checksum import MODULUS, complete_checksum
from cladnet.core.offload.packet_kind import Likeness, PacketKind
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
_Selection = slice | npt.NDArray[np.intp]


class Group:
    """Packets that one UDP GSO send may carry.

    Args:
        order: in which groups are sent.
        channel: which way.

    Attributes:
        slots: where they are, in order.
        longest_bytes: the greatest length of them.
        is_uniform: whether all have that length.
        padded_bytes: length of each with its padding, as soon as that is known.
    """

    __slots__ = ("_selection", "channel", "is_uniform", "longest_bytes", "order", "padded_bytes", "slots")

    def __init__(self, order: int, channel: Channel, longest_bytes: int) -> None:
        self.order = order
        self.channel = channel
        self.slots: list[int] = []
        self.longest_bytes = self.padded_bytes = longest_bytes
        self.is_uniform = True
        self._selection: _Selection | None = None

    def selection(self) -> _Selection:
        """The slots as an index of arrays, after the last was added: a slice where they are consecutive."""
        if self._selection is None:
            first, end = self.slots[0], self.slots[-1] + 1
            is_slice = end - first == len(self.slots)
            self._selection = slice(first, end) if is_slice else np.array(self.slots)
        return self._selection


class Channel:
    """A way for packets that are alike: as long as it is open, they go into one group.

    Args:
        peer: to whom.
        likeness: what they have in common.

    Attributes:
        group: the last one.
    """

    __slots__ = ("group", "likeness", "peer")

    def __init__(self, peer: ForwardingPeer, likeness: Likeness) -> None:
        self.peer = peer
        self.likeness = likeness
        self.group = Group(-1, self, 0)


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
        view: of the memory.
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
            [self.view[at - HEADER_BYTES : at + self._stride - OVERHEAD_BYTES], overflow]
            for at in self.offsets
        ]
        self.read_bytes = len(self.vectors[0][0])
        self.count = 0
        self.groups: list[Group] = []
        self._lengths = [0] * self.capacity
        # Orders only ever rise, so that those of earlier bursts mean nothing any more.
        self._next_order = self._earliest_order = 0
        self._views: dict[int, list[_Views]] = {}
        self._nonces = bytearray(12 * self.capacity)
        self._make_arrays()

    def _make_arrays(self) -> None:
        longs = np.ndarray((self.capacity, self._stride // 8), "<u8", self.memory)
        self._prefixes, self._counters = longs[:, 0], longs[:, 1]
        self._nonce_counters = np.ndarray((self.capacity,), "<u8", self._nonces, 4, (12,))
        self._bytes = np.ndarray((self.capacity, self._stride), "u1", self.memory)
        # In the host's own byte order, which ones' complement sums allow (RFC 1071, section 2).
        self._words = np.ndarray((self.capacity, self._stride // 2), "=u2", self.memory)

    def place(self, read: bytes) -> bool:
        """Puts a packet with its virtio-net header into the next slot; False if it is too long."""
        if len(read) > self.read_bytes:
            return False
        self.vectors[self.count][0][: len(read)] = read
        return True

    def add(self, kind: PacketKind, channel: Channel) -> None:
        """Adds the packet in the next slot, to a group where it overtakes no other of its flow."""
        group, flow, size = channel.group, kind.flow, kind.size_bytes
        if group.order < flow.last_order or group.order < self._earliest_order:
            group = self._open(channel, size)
        flow.last_order = group.order
        group.slots.append(self.count)
        self._lengths[self.count] = size
        self.count += 1
        if size != group.longest_bytes:
            group.is_uniform = False
            if size > group.longest_bytes:
                group.longest_bytes = size

    def keep_order(self) -> None:
        """Lets no later packet overtake one that is in already."""
        self._earliest_order = max(self._earliest_order, self._next_order - 1)

    def _open(self, channel: Channel, size_bytes: int) -> Group:
        group = channel.group = Group(self._next_order, channel, size_bytes)
        self.groups.append(group)
        self._next_order += 1
        return group

    def clear(self) -> None:
        """Forgets all packets."""
        self.count = 0
        self.groups = []
        self._earliest_order = self._next_order

    def packet(self, slot: int) -> memoryview:
        """The packet in a slot, without padding."""
        at = self.offsets[slot]
        return self.view[at : at + self._lengths[slot]]

    def seal_first(
        self, kind: PacketKind, encrypt_into: EncryptInto, message_prefix: int, counter: int
    ) -> memoryview:
        """Makes a transport message of the packet in the first slot, in place, while no other is in.

        Args:
            kind: of the packet.
            encrypt_into: of the AEAD of the session.
            message_prefix: type and receiver index, as one little-endian number.
            counter: of the packet.

        Returns:
            The datagram.
        """
        padded, end = kind.padded_bytes, HEADROOM_BYTES + kind.size_bytes
        if kind.size_bytes < padded:
            self.view[end : HEADROOM_BYTES + padded] = _ZEROS[: padded - kind.size_bytes]
        if kind.csum_start:
            complete_checksum(self.view[HEADROOM_BYTES:end], kind.csum_start, kind.csum_offset)
        _HEADER.pack_into(self.memory, 0, message_prefix, counter)
        _COUNTER.pack_into(self._nonces, 4, counter)
        nonce, plaintext, body, datagram = (self._views.get(padded) or self._add_views(padded))[0]
        encrypt_into(nonce, plaintext, None, body)
        return datagram

    def padded_bytes(self, size_bytes: int, peer: ForwardingPeer) -> int:
        """The length of a packet with padding that both the device and the path to a peer carry."""
        return padded_bytes(size_bytes, min(self._mtu_bytes, peer.path_mtu_bytes))

    def complete(self, group: Group) -> None:
        """Finishes the checksums of all packets of a group, and clears what is behind them."""
        group.padded_bytes = self.padded_bytes(group.longest_bytes, group.channel.peer)
        if len(group.slots) < _ARRAY_FROM_PACKETS:
            self._complete_each(group)
        else:
            self._complete_all(group)

    def _complete_each(self, group: Group) -> None:
        likeness = group.channel.likeness
        csum_start, csum_offset = likeness.csum_start, likeness.csum_offset
        self._pad_each(group.slots, group.padded_bytes)
        if csum_start:
            for slot in group.slots:
                complete_checksum(self.packet(slot), csum_start, csum_offset)

    def _complete_all(self, group: Group) -> None:
        likeness, slots = group.channel.likeness, group.selection()
        # Sums go over whole words, so one byte more where the padding is cut off by the MTU.
        padded = group.padded_bytes + 1 & ~1
        if group.is_uniform:
            self._bytes[slots, HEADROOM_BYTES + group.longest_bytes : HEADROOM_BYTES + padded] = 0
        else:
            self._pad_each(group.slots, padded)
        if likeness.csum_start:
            first = HEADROOM_BYTES + likeness.csum_start
            words = self._words[slots, first // 2 : (HEADROOM_BYTES + padded) // 2]
            totals = np.add.reduce(words, 1, np.uint32)
            self._words[slots, (first + likeness.csum_offset) // 2] = MODULUS - totals % MODULUS

    def _pad_each(self, slots: list[int], padded: int) -> None:
        view, offsets, lengths = self.view, self.offsets, self._lengths
        for slot in slots:
            length = lengths[slot]
            if length < padded:
                at = offsets[slot]
                view[at + length : at + padded] = _ZEROS[: padded - length]

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
            self._number_all(group, message_prefix, first_counter)
        views = self._views.get(group.padded_bytes) or self._add_views(group.padded_bytes)
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

    def _number_all(self, group: Group, message_prefix: int, first_counter: int) -> None:
        selection, counters = group.selection(), _STEPS[: len(group.slots)] + first_counter
        self._prefixes[selection] = message_prefix
        self._counters[selection] = counters
        self._nonce_counters[selection] = counters

    def _add_views(self, size_bytes: int) -> list[_Views]:
        """Prepares the views of all slots for packets of one padded length."""
        if len(self._views) >= _MAX_KNOWN_SIZES:
            self._views.clear()
        made = self._views[size_bytes] = [self._slot_views(slot, size_bytes) for slot in range(self.capacity)]
        return made

    def _slot_views(self, slot: int, size_bytes: int) -> _Views:
        at, view = self.offsets[slot], self.view
        end = at + size_bytes
        return (
            memoryview(self._nonces)[slot * 12 : slot * 12 + 12],
            view[at:end],
            view[at : end + TAG_SIZE_BYTES],
            view[at - HEADROOM_BYTES : end + TAG_SIZE_BYTES],
        )
