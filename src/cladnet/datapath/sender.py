# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""The way out: from a queue of the TUN device to the UDP socket.

A read brings one packet, or a super-packet of many segments that the kernel left uncut. It goes to where it
belongs if it is what was expected: an ordinary packet in a slot, a super-packet in rows of the shape of the
last one. There it becomes transport messages. Everything that was read is sent before `run` returns.

Source: WireGuard whitepaper, sections 5.4.6 and 6.5; RFC 6040, section 4.1 (normal mode).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from cladnet.core.forwarding.forwarder import Forwarder
from cladnet.core.forwarding.peer import ForwardingPeer
from cladnet.core.forwarding.session import ForwardingSession
from cladnet.core.ip.fragmentation import fragment
from cladnet.core.ip.icmp_errors import fragmentation_needed
from cladnet.core.ip.mss import clamp_mss
from cladnet.core.ip.path_probe import is_path_probe
from cladnet.core.offload.burst import Burst, Channel, Group
from cladnet.core.offload.checksum import complete_checksum
from cladnet.core.offload.packet_kind import Likeness, PacketKind, PacketKinds, read_kind
from cladnet.core.offload.segment_rows import MEMORY_BYTES, SegmentRows, gather
from cladnet.core.offload.segmentation import DONT_FRAGMENT, SYN, TCP_FLAGS, Shape, segments, shape_of
from cladnet.core.offload.virtio_net import GSO_NONE, HEADER_BYTES, NO_OFFLOAD, VnetHeader
from cladnet.core.token_bucket import TokenBucket
from cladnet.core.wireguard.constants import REJECT_AFTER_MESSAGES
from cladnet.core.wireguard.drops import Drop
from cladnet.datapath.udp_send import UdpSender, datagrams_per_send

_OVERFLOW_BYTES = 0x10000 + HEADER_BYTES
# After so many ordinary packets in turn the next is expected to be one, too.
_PATIENCE_PACKETS = 8
_MAX_KNOWN_SHAPES = 8
_MAX_KNOWN_KINDS = 4096
_ECN = 0x03
_GSO_TYPE_AT = 1
# About a millisecond of work: then it is the receiver's turn.
MAX_SEGMENTS_PER_RUN = 512
# RFC 4443, section 2.4: errors are limited in their rate.
ICMP_ERRORS_PER_S, ICMP_ERRORS_BURST = 100.0, 50

_Reserved = tuple[ForwardingSession, int]


class Sender:
    """Sends what a TUN queue has.

    Args:
        tun: descriptor of the queue, non-blocking, with IFF_VNET_HDR.
        socket: non-blocking and bound.
        forwarder: peers and sessions.
        mtu_bytes: of the TUN device.
        copy_dscp: whether outer packets get the DSCP of inner ones; ECN is always copied.

    Attributes:
        tun: as given; may be replaced.
    """

    def __init__(
        self,
        *,
        tun: int,
        socket: socket.socket,
        forwarder: Forwarder,
        mtu_bytes: int,
        copy_dscp: bool = False,
    ) -> None:
        self.tun = tun
        self._forwarder = forwarder
        self._mtu_bytes = mtu_bytes
        self._udp = UdpSender(socket, forwarder.drops)
        self._error_rate = TokenBucket(ICMP_ERRORS_PER_S, ICMP_ERRORS_BURST)
        self._tos_mask = 0xFF if copy_dscp else _ECN
        self._overflow = memoryview(bytearray(_OVERFLOW_BYTES))
        self._burst = Burst(mtu_bytes, self._overflow)
        self._kinds = PacketKinds()
        self._channels: dict[tuple[ForwardingPeer, Likeness], Channel] = {}
        self._route_changes = forwarder.route_changes
        self._rows_memory = bytearray(MEMORY_BYTES)
        self._known_rows: dict[tuple[Shape, bytes], SegmentRows] = {}
        # Where the next super-packet is expected to land; None while ordinary packets are expected.
        self._rows: SegmentRows | None = None
        self._ordinary_in_turn = 0
        self._segments = 0
        self._is_single = False

    def run(self, budget: int, now_s: float) -> int:
        """Sends what is waiting.

        Args:
            budget: of reads; many segments end it earlier.
            now_s: time.

        Returns:
            The budget if there may be more; fewer, the reads that brought something, if there is no more now.

        Raises:
            OSError: of the TUN device, with errno EBADFD if somebody deleted it.
        """
        if self._route_changes != self._forwarder.route_changes or self._kinds.count > _MAX_KNOWN_KINDS:
            self._forget_ways()
        self._segments = 0
        self._is_single = budget == 1
        try:
            for reads in range(budget):
                if not self._read(now_s):
                    return reads
                if self._segments > MAX_SEGMENTS_PER_RUN:
                    break
            return budget
        finally:
            self._flush(now_s)

    def send_pending(self, now_s: float) -> None:
        """Sends what the forwarder has made itself: keepalives, and packets that waited for a session."""
        forwarder = self._forwarder
        if forwarder.datagrams:
            datagrams, forwarder.datagrams = forwarder.datagrams, []
            for datagram, peer in datagrams:
                self._udp.send(peer, (memoryview(datagram),), len(datagram), 0, now_s)

    def _forget_ways(self) -> None:
        """Looks again where packets go."""
        self._route_changes = self._forwarder.route_changes
        self._kinds.clear()
        self._channels.clear()

    def _read(self, now_s: float) -> bool:
        """Takes what one read brings; False if there is nothing."""
        rows, burst = self._rows, self._burst
        if burst.count == burst.capacity:
            self._flush(now_s)
        vectors = burst.vectors[burst.count] if rows is None else rows.vectors
        try:
            size = os.readv(self.tun, vectors)
        except BlockingIOError:
            return False
        if size < HEADER_BYTES:
            self._forwarder.drops[Drop.MALFORMED_PACKET] += 1
        elif rows is not None and rows.landed(size):
            self._ordinary_in_turn = 0
            self._super_packet(rows, size, now_s)
        elif rows is None and size <= burst.read_bytes and vectors[0][_GSO_TYPE_AT] == GSO_NONE:
            self._ordinary(size - HEADER_BYTES, now_s)
        else:
            self._unexpected(gather(vectors, size), now_s)
        return True

    def _unexpected(self, read: bytes, now_s: float) -> None:
        """Takes what did not land where it should have, with its virtio-net header."""
        vnet = VnetHeader.unpack(read)
        if vnet.gso_type != GSO_NONE:
            self._super_packet_of_other_shape(read, vnet, now_s)
            return
        self._ordinary_in_turn += 1
        if self._ordinary_in_turn >= _PATIENCE_PACKETS:
            self._rows = None
        self._place(read, now_s)

    def _super_packet_of_other_shape(self, read: bytes, vnet: VnetHeader, now_s: float) -> None:
        self._ordinary_in_turn = 0
        shape = shape_of(read[HEADER_BYTES:], vnet)
        if shape is None:
            self._forwarder.drops[Drop.MALFORMED_PACKET] += 1
            return
        rows = self._known_rows.get((shape, read[4:HEADER_BYTES])) or self._new_rows(
            shape, read, self._mtu_bytes
        )
        if rows.count_of(len(read) - HEADER_BYTES) > rows.capacity:
            self._one_by_one(segments(read[HEADER_BYTES:], shape), now_s)
            return
        self._rows = rows
        rows.place(read)
        self._super_packet(rows, len(read), now_s)

    def _new_rows(self, shape: Shape, read: bytes, mtu_bytes: int) -> SegmentRows:
        if len(self._known_rows) >= _MAX_KNOWN_SHAPES:
            self._known_rows.clear()
        rows = self._known_rows[shape, read[4:HEADER_BYTES]] = SegmentRows(
            self._rows_memory, shape, read, mtu_bytes=mtu_bytes, overflow=self._overflow
        )
        return rows

    def _super_packet(self, rows: SegmentRows, size: int, now_s: float) -> None:
        """Takes what is in the rows."""
        if self._burst.count:
            self._flush(now_s)
        peer = self._forwarder.owner_of(rows.destination())
        count = rows.count_of(size - HEADER_BYTES)
        self._segments += count
        if peer is None:
            self._forwarder.drops[Drop.NO_ROUTE] += count
        elif peer.path_mtu_bytes < rows.padded_bytes:
            self._super_packet_beyond_path(rows, size, peer, now_s)
        else:
            reserved = self._reserve(peer, count, now_s)
            if reserved is None:
                self._one_by_one(rows.segments(size), now_s)
            else:
                self._send_rows(rows, size - HEADER_BYTES, reserved, now_s)

    def _super_packet_beyond_path(
        self, rows: SegmentRows, size: int, peer: ForwardingPeer, now_s: float
    ) -> None:
        """Takes a super-packet whose segments do not fit the path, or only without all of their padding."""
        if rows.shape.segment_bytes > peer.path_mtu_bytes:
            self._one_by_one(rows.segments(size), now_s)
            return
        read = rows.gathered(size)
        rows = self._rows = self._new_rows(rows.shape, read, peer.path_mtu_bytes)
        rows.place(read)
        self._super_packet(rows, size, now_s)

    def _send_rows(self, rows: SegmentRows, packet_bytes: int, reserved: _Reserved, now_s: float) -> None:
        session, first_counter = reserved
        tos = rows.traffic_class() & self._tos_mask
        rows.write_headers(packet_bytes, session.message_prefix, first_counter)
        datagrams, size = rows.seal(session.sending.encrypt_into), rows.datagram_bytes
        limit = datagrams_per_send(size) * size
        for start in range(0, len(datagrams), limit):
            self._send(session.peer, (datagrams[start : start + limit],), size, tos, now_s)

    def _one_by_one(self, packets: list[bytes], now_s: float) -> None:
        """Takes complete packets."""
        for packet in packets:
            self._place(NO_OFFLOAD + packet, now_s)

    def _place(self, read: bytes, now_s: float) -> None:
        """Takes an ordinary packet that was not read into a slot, with its virtio-net header."""
        burst = self._burst
        if burst.count == burst.capacity:
            self._flush(now_s)
        if burst.place(read):
            self._ordinary(len(read) - HEADER_BYTES, now_s)
        else:
            self._beyond_device(read, now_s)

    def _beyond_device(self, read: bytes, now_s: float) -> None:
        """Takes a packet that is longer than the device carried when it was opened."""
        packet = bytearray(read[HEADER_BYTES:])
        kind = read_kind(bytes(packet), VnetHeader.unpack(read))
        if kind is None:
            self._forwarder.drops[Drop.MALFORMED_PACKET] += 1
            return
        peer = self._forwarder.owner_of(kind.destination)
        if peer is None:
            self._forwarder.drops[Drop.NO_ROUTE] += 1
            return
        self._beyond_path(kind, memoryview(packet), peer, now_s)

    def _ordinary(self, size: int, now_s: float) -> None:
        """Takes the packet in the next slot."""
        burst = self._burst
        at = burst.offsets[burst.count]
        kind = self._kinds.of(burst.memory, at, size)
        if kind is None:
            self._forwarder.drops[Drop.MALFORMED_PACKET] += 1
            return
        if kind.icmp and is_path_probe(burst.view[at : at + size]):
            self._forwarder.packet_from_tun(bytes(burst.view[at : at + size]), now_s)
            self.send_pending(now_s)
            return
        channel = kind.channel or self._channel_of(kind, at, now_s)
        if channel is None:
            return
        if kind.tcp and burst.memory[at + kind.transport_start + TCP_FLAGS] & SYN:
            self._clamp_mss(kind, at, channel.peer)
        if self._is_single and not burst.count:
            self._send_at_once(kind, channel, now_s)
        elif kind.flow_key is None:
            burst.keep_order()
            burst.add(kind, channel)
            burst.keep_order()
        else:
            burst.add(kind, channel)

    def _channel_of(self, kind: PacketKind, at: int, now_s: float) -> Channel | None:
        """The way that packets of this kind go; None, and the packet is dealt with, if there is none."""
        peer = self._forwarder.owner_of(kind.destination)
        if peer is None:
            self._forwarder.drops[Drop.NO_ROUTE] += 1
            return None
        if kind.size_bytes > peer.path_mtu_bytes:
            self._beyond_path(kind, self._burst.view[at : at + kind.size_bytes], peer, now_s)
            return None
        key = (peer, kind.likeness)
        channel = kind.channel = self._channels.get(key) or Channel(*key)
        self._channels[key] = channel
        kind.padded_bytes = self._burst.padded_bytes(kind.size_bytes, peer)
        return channel

    def _clamp_mss(self, kind: PacketKind, at: int, peer: ForwardingPeer) -> None:
        """Lowers the MSS of a SYN to what the path carries."""
        packet = self._burst.view[at : at + kind.size_bytes]
        checksum = slice(kind.csum_start + kind.csum_offset, kind.csum_start + kind.csum_offset + 2)
        before = bytes(packet[checksum])
        clamp_mss(packet, peer.path_mtu_bytes)
        if kind.csum_start:  # the rest of the sum is still to be made, over the new MSS
            packet[checksum] = before

    def _beyond_path(self, kind: PacketKind, packet: memoryview, peer: ForwardingPeer, now_s: float) -> None:
        """Cuts a packet that does not fit the path into fragments, or tells its sender."""
        limit_bytes = min(peer.path_mtu_bytes, self._mtu_bytes)
        if kind.csum_start:
            complete_checksum(packet, kind.csum_start, kind.csum_offset)
        may_be_cut = packet[0] >> 4 == 4 and not packet[6] & DONT_FRAGMENT
        fragments = fragment(packet, limit_bytes) if may_be_cut else []
        if fragments:
            self._one_by_one(fragments, now_s)
            return
        self._forwarder.drops[Drop.PACKET_TOO_BIG] += 1
        if not self._error_rate.wait_s(now_s):
            self._error_rate.spend(1)
            self._answer(fragmentation_needed(packet, limit_bytes, kind.destination))

    def _answer(self, error: bytes | None) -> None:
        if error is None:
            return
        try:
            os.write(self.tun, NO_OFFLOAD + error)
        except OSError:  # the next read tells what is wrong with the device
            self._forwarder.drops[Drop.TUN_WRITE_FAILED] += 1

    def _send_at_once(self, kind: PacketKind, channel: Channel, now_s: float) -> None:
        """Sends the packet in the first slot: nobody waits for others where there is little to send."""
        peer = channel.peer
        reserved = self._reserve(peer, 1, now_s)
        if reserved is None:
            self._burst.add(kind, channel)
            return
        session, counter = reserved
        datagram = self._burst.seal_first(kind, session.sending.encrypt_into, session.message_prefix, counter)
        sent_bytes = self._udp.send_one(peer, datagram, kind.traffic_class & self._tos_mask, now_s)
        if sent_bytes:
            self._forwarder.data_sent(peer, sent_bytes, now_s)

    def _flush(self, now_s: float) -> None:
        """Sends all ordinary packets that were taken."""
        burst = self._burst
        if burst.count:
            for group in burst.groups:
                burst.complete(group)
                reserved = self._reserve(group.channel.peer, len(group.slots), now_s)
                if reserved is None:
                    for slot in group.slots:
                        self._forwarder.stage(group.channel.peer, bytes(burst.packet(slot)))
                else:
                    self._send_group(group, reserved, now_s)
            burst.clear()

    def _send_group(self, group: Group, reserved: _Reserved, now_s: float) -> None:
        session, first_counter = reserved
        datagrams = self._burst.seal(
            group, session.sending.encrypt_into, session.message_prefix, first_counter
        )
        size, tos = len(datagrams[0]), group.channel.likeness.traffic_class & self._tos_mask
        limit = datagrams_per_send(size)
        for start in range(0, len(datagrams), limit):
            self._send(group.channel.peer, datagrams[start : start + limit], size, tos, now_s)

    def _send(
        self, peer: ForwardingPeer, datagrams: Sequence[memoryview], size: int, tos: int, now_s: float
    ) -> None:
        sent_bytes = self._udp.send(peer, datagrams, size, tos, now_s)
        if sent_bytes:
            self._forwarder.data_sent(peer, sent_bytes, now_s)

    def _reserve(self, peer: ForwardingPeer, count: int, now_s: float) -> _Reserved | None:
        """The session to send with, and the first of so many counters; None if there is no session."""
        session = peer.sending
        if session is None or now_s >= session.expires_s:
            return None
        first_counter = session.reserve(count)
        if first_counter + count > REJECT_AFTER_MESSAGES:
            peer.sending = None
            return None
        return session, first_counter
