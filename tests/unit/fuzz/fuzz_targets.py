# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Everything that reads what others wrote: what it must never do, whatever that was.

A target takes any bytes and a number of 16 bits for whatever else its function needs. It raises if the
function raises, looks at foreign memory, changes what it should not, or gives what cannot be.
"""

from __future__ import annotations

from collections.abc import Callable

from fuzz_buffers import in_foreign_memory
from fuzz_offload_targets import OFFLOAD_TARGETS
from fuzz_packets import TRANSACTION_ID

from cladnet.core import stun
from cladnet.core.endpoint import Endpoint
from cladnet.core.icmp import internet_checksum, parse_echo_reply
from cladnet.core.ip.fragmentation import fragment
from cladnet.core.ip.headers import find_transport
from cladnet.core.ip.icmp_errors import fragmentation_needed
from cladnet.core.ip.mss import clamp_mss
from cladnet.core.offload.checksum import MODULUS, checksum_of, complete_checksum, word_sum
from cladnet.core.wireguard import messages
from cladnet.core.wireguard.messages import MessageType
from cladnet.core.wireguard.packet import parse_inner_packet

Target = Callable[[bytes, int], None]
OUR_ADDRESSES = (bytes([10, 0, 0, 9]), bytes(15) + b"\x09")
MIN_MTU_BYTES = 576


def wireguard_messages(data: bytes, _number: int) -> None:
    kind = messages.message_type(data)
    if kind is None:
        return
    assert messages.looks_like_wireguard(data)
    if kind is MessageType.TRANSPORT:
        assert messages.pack_transport(messages.parse_transport(data)) == data
    elif kind is MessageType.INITIATION:
        assert messages.parse_initiation(data).pack() == data[: -messages.MACS_SIZE_BYTES]
        assert messages.sender_index(data) == messages.parse_initiation(data).sender_index
    elif kind is MessageType.RESPONSE:
        assert messages.parse_response(data).pack() == data[: -messages.MACS_SIZE_BYTES]
        assert messages.sender_index(data) == messages.parse_response(data).sender_index
    else:
        assert messages.parse_cookie_reply(data).pack() == data


def inner_packet(data: bytes, _number: int) -> None:
    found, _unused = in_foreign_memory(data, parse_inner_packet)
    assert found == parse_inner_packet(data)
    if found is None:
        return
    size_bytes = found[2]
    assert len(found[0]) == len(found[1]) == (4 if data[0] >> 4 == 4 else 16)
    assert size_bytes <= len(data)
    assert parse_inner_packet(data[:size_bytes]) == found
    assert parse_inner_packet(data[: size_bytes - 1]) is None


def stun_messages(data: bytes, _number: int) -> None:
    asked = stun.read_binding_request(data)
    assert asked is None or (len(asked) == stun.TRANSACTION_ID_BYTES and data[8:20] == asked)
    seen = stun.read_binding_response(data, TRANSACTION_ID)
    assert seen is None or isinstance(seen, Endpoint)
    assert asked is None or seen is None
    assert asked is None or not messages.looks_like_wireguard(data)


def icmp_echo_reply(data: bytes, _number: int) -> None:
    reply = parse_echo_reply(data)
    assert reply is None or reply.payload == data[len(data) - len(reply.payload) :]


def transport_header(data: bytes, _number: int) -> None:
    found, _unused = in_foreign_memory(data, find_transport)
    if found is None:
        return
    _unused, _unused, start, end, _unused = found
    assert 20 <= start <= end <= len(data)
    assert find_transport(data[:end]) == found
    assert find_transport(data[: end - 1]) is None


def clamped_mss(data: bytes, number: int) -> None:
    mtu_bytes = max(MIN_MTU_BYTES, number)
    changed, after = in_foreign_memory(data, lambda packet: clamp_mss(packet, mtu_bytes))
    different = [at for at in range(len(data)) if data[at] != after[at]]
    assert changed or not different
    found = find_transport(data)
    if not changed or found is None:
        assert not changed
        return
    options_end = min(found.start + (data[found.start + 12] >> 4) * 4, found.end)
    assert all(found.start + 16 <= at < options_end for at in different)
    transport_before, transport_after = data[found.start : found.end], after[found.start : found.end]
    assert word_sum(transport_before) == word_sum(transport_after), "the checksum does not fit the change"
    again = bytearray(after)
    assert not clamp_mss(again, mtu_bytes)


def fragments(data: bytes, number: int) -> None:
    header_bytes = (data[0] & 0x0F) * 4 if data else 0
    mtu_bytes = number if number % 4 == 1 else header_bytes + number % 61
    pieces, after = in_foreign_memory(data, lambda packet: fragment(packet, mtu_bytes))
    assert after == data
    found = find_transport(data)
    if not pieces or found is None:
        assert not pieces
        return
    assert all(len(piece) <= mtu_bytes for piece in pieces)
    carried = b"".join(piece[found.start :] for piece in pieces)
    assert carried == data[found.start : found.end]


def fragmentation_needed_error(data: bytes, number: int) -> None:
    for address in OUR_ADDRESSES:
        error, after = in_foreign_memory(
            data, lambda packet, own=address: fragmentation_needed(packet, number, own)
        )
        assert after == data
        if error is None:
            continue
        told = find_transport(error)
        assert told is not None
        assert told.end == len(error) <= (576 if len(address) == 4 else 1280)
        # An error about an error would go on for ever.
        assert fragmentation_needed(error, number, address) is None


def word_sums(data: bytes, _number: int) -> None:
    total, _unused = in_foreign_memory(data, word_sum)
    assert checksum_of(total) % MODULUS == internet_checksum(data) % MODULUS


def completed_checksum(data: bytes, number: int) -> None:
    """The two numbers are those of a virtio-net header: they may be anything."""
    start, offset = (number, 16) if number & 1 else (number >> 8, number & 0xFF)
    done, after = in_foreign_memory(data, lambda packet: complete_checksum(packet, start, offset))
    field = start + offset
    assert done is (field + 2 <= len(data))
    assert after[:field] == data[:field]
    assert after[field + 2 :] == data[field + 2 :]


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        wireguard_messages,
        inner_packet,
        stun_messages,
        icmp_echo_reply,
        transport_header,
        clamped_mss,
        fragments,
        fragmentation_needed_error,
        word_sums,
        completed_checksum,
    )
} | OFFLOAD_TARGETS
