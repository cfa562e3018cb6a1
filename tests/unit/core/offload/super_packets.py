# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Super-packets as a kernel hands them over, and the packets that they stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from cladnet.core.offload.checksum import pseudo_header_sum
from cladnet.core.offload.virtio_net import (
    GSO_ECN,
    GSO_TCPV4,
    GSO_TCPV6,
    GSO_UDP_L4,
    NEEDS_CSUM,
    VnetHeader,
)
from tests.unit.core.offload.coalesced_packets import ACK, CWR, FIN, PSH, TCP, UDP, Packet

MTU_BYTES = 1420
DONT_FRAGMENT = 0x4000


@dataclass(frozen=True)
class SuperPacket:
    """One super-packet.

    Args:
        whole: with the payload of all segments.
        gso_size: payload of each segment but the last.
        hdr_len: as the kernel says, which may be wrong.
    """

    whole: Packet
    gso_size: int
    hdr_len: int = 0

    @property
    def transport_start(self) -> int:
        return 40 if self.whole.version == 6 else 20 + len(self.whole.ip_options)

    def vnet(self) -> VnetHeader:
        if self.whole.protocol == UDP:
            kind, offset = GSO_UDP_L4, 6
        else:
            kind, offset = GSO_TCPV6 if self.whole.version == 6 else GSO_TCPV4, 16
            kind |= GSO_ECN if self.whole.flags & CWR else 0
        return VnetHeader(NEEDS_CSUM, kind, self.hdr_len, self.gso_size, self.transport_start, offset)

    def packet(self) -> bytes:
        """With a checksum over the pseudo-header only."""
        return with_partial_checksum(self.whole.bytes(), self.vnet())

    def read(self) -> bytes:
        """What a read from the device brings."""
        return self.vnet().pack() + self.packet()

    def segments(self) -> list[bytes]:
        """The packets that it stands for, made one by one."""
        payload = self.whole.payload
        starts = range(0, len(payload), self.gso_size)
        return [self._segment(at, is_last=at == starts[-1]).bytes() for at in starts]

    def _segment(self, at: int, *, is_last: bool) -> Packet:
        whole = self.whole
        flags = whole.flags if is_last else whole.flags & ~(FIN | PSH)
        number = 0 if whole.fragment & DONT_FRAGMENT else at // self.gso_size
        return replace(
            whole,
            payload=whole.payload[at : at + self.gso_size],
            sequence=(whole.sequence + at) % 2**32,
            identification=(whole.identification + number) % 2**16,
            flags=flags & ~CWR if at else flags,
        )


def with_partial_checksum(packet: bytes, vnet: VnetHeader) -> bytes:
    """A packet as it is before the device has finished its checksum."""
    addresses = packet[12:20] if packet[0] >> 4 == 4 else packet[8:40]
    protocol = packet[9] if packet[0] >> 4 == 4 else packet[6]
    partial = pseudo_header_sum(addresses, protocol, len(packet) - vnet.csum_start)
    at = vnet.csum_start + vnet.csum_offset
    return packet[:at] + partial.to_bytes(2, "big") + packet[at + 2 :]


def same_checksum_of_zero(packet: bytes, transport_start: int) -> bytes:
    """The two forms of a checksum of zero, which are both right, made one."""
    is_ipv4 = packet[0] >> 4 == 4
    protocol = packet[9] if is_ipv4 else packet[6]
    made = bytearray(packet)
    for at in ([10] if is_ipv4 else []) + [transport_start + (16 if protocol == TCP else 6)]:
        if made[at : at + 2] == b"\xff\xff":
            made[at : at + 2] = b"\0\0"
    return bytes(made)


@st.composite
def super_packets(draw: st.DrawFn, *, most_segments: int = 70) -> SuperPacket:
    """Of any kind that the kernel may hand over to a device with an MTU of `MTU_BYTES`."""
    version, protocol = draw(st.sampled_from([(4, TCP), (6, TCP), (4, UDP), (6, UDP)]))
    tcp_options = draw(st.sampled_from([0, 12, 20, 40])) if protocol == TCP else 0
    ip_options = draw(st.sampled_from([0, 0, 4, 40])) if version == 4 else 0
    headers = (40 if version == 6 else 20 + ip_options) + (20 + tcp_options if protocol == TCP else 8)
    most = MTU_BYTES - headers
    gso_size = draw(st.one_of(st.integers(1, 40), st.integers(500, most), st.just(most)))
    count = draw(st.one_of(st.integers(1, 5), st.integers(6, most_segments)))
    size = min(gso_size * (count - 1) + draw(st.integers(1, gso_size)), 60_000)
    seed = draw(st.binary(min_size=1, max_size=50))
    whole = Packet(
        payload=(seed * (size // len(seed) + 1))[:size],
        version=version,
        protocol=protocol,
        sequence=draw(st.one_of(st.integers(0, 2**32 - 1), st.integers(2**32 - 70_000, 2**32 - 1))),
        flags=ACK | draw(st.sampled_from([0, PSH, FIN | PSH, CWR, CWR | PSH | FIN])),
        options=bytes(tcp_options),
        tos=draw(st.integers(0, 255)),
        identification=draw(st.sampled_from([0, 1, 0xFFF0, 0xFFFF])),
        fragment=draw(st.sampled_from([0, DONT_FRAGMENT])),
        flow_label=draw(st.integers(0, 2**20 - 1)) if version == 6 else 0,
        ip_options=bytes(ip_options),
    )
    return SuperPacket(whole, gso_size, draw(st.sampled_from([0, 20, 54, 9999])))
