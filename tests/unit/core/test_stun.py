# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cladnet.core import stun
from cladnet.core.endpoint import Endpoint

TID = bytes.fromhex("b7e7a701bc34d686fa87dfae")
ids = st.binary(min_size=12, max_size=12)
addresses = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6).filter(lambda a: not (isinstance(a, IPv6Address) and a.ipv4_mapped)),
)
endpoints = st.builds(Endpoint, addresses.map(str), st.integers(1, 65535))

# RFC 5769, 2.2 and 2.3: responses of a foreign implementation, with SOFTWARE and MESSAGE-INTEGRITY besides.
RFC5769_IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
    "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96"
)
RFC5769_IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf1"
    "1784c97c8292c275bfe3ed4180280004c8fb0b4c"
)


@pytest.mark.parametrize(
    ("datagram", "expected"),
    [(RFC5769_IPV4, "192.0.2.1:32853"), (RFC5769_IPV6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")],
)
def test_reads_the_test_vectors_of_rfc_5769(datagram: bytes, expected: str) -> None:
    assert str(stun.read_binding_response(datagram, TID)) == expected


@given(ids, endpoints)
def test_answer_tells_the_source_of_the_question(transaction_id: bytes, source: Endpoint) -> None:
    asked = stun.read_binding_request(stun.binding_request(transaction_id))
    assert asked == transaction_id
    assert stun.read_binding_response(stun.binding_response(asked, source), transaction_id) == source


@given(ids, endpoints, ids)
def test_answer_to_another_question_is_ignored(asked: bytes, source: Endpoint, other: bytes) -> None:
    expected = source if asked == other else None
    assert stun.read_binding_response(stun.binding_response(asked, source), other) == expected


@given(st.binary(max_size=200))
def test_any_bytes_read_as_nothing(datagram: bytes) -> None:
    assert stun.read_binding_request(datagram) is None
    assert stun.read_binding_response(datagram, TID) is None


@given(st.data())
def test_a_damaged_message_never_raises_and_never_passes_the_fingerprint(data: st.DataObject) -> None:
    whole = stun.binding_response(TID, Endpoint("198.51.100.11", 8055))
    position = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[position] ^= data.draw(st.integers(1, 255))
    read = stun.read_binding_response(bytes(damaged), TID)
    fingerprint_type = range(len(whole) - 8, len(whole) - 6)
    assert read is None or position in fingerprint_type  # then it is another, optional attribute


@given(st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=20)), max_size=6), st.binary(max_size=3))
def test_any_attributes_never_raise(attributes: list[tuple[int, bytes]], rest: bytes) -> None:
    body = b"".join(struct.pack("!HH", kind, len(value)) + value for kind, value in attributes) + rest
    for kind in (0x0001, 0x0101):
        datagram = struct.pack("!HHI", kind, len(body), 0x2112A442) + TID + body
        stun.read_binding_request(datagram)
        stun.read_binding_response(datagram, TID)


def with_attribute(kind: int, value: bytes, message: int = 0x0101) -> bytes:
    return struct.pack("!HHI12sHH", message, 4 + len(value), 0x2112A442, TID, kind, len(value)) + value


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(
            with_attribute(0x0020, bytes.fromhex("000121 12e112a643".replace(" ", ""))), id="port 0"
        ),
        pytest.param(with_attribute(0x0020, bytes.fromhex("0003a147e112a643")), id="unknown family"),
        pytest.param(with_attribute(0x0020, bytes.fromhex("0002a147e112a643")), id="IPv6 of 4 bytes"),
        pytest.param(with_attribute(0x0001, bytes.fromhex("0001a147e112a643")), id="no XOR-MAPPED-ADDRESS"),
        pytest.param(RFC5769_IPV4[:-1] + b"\x00", id="wrong fingerprint"),
        pytest.param(RFC5769_IPV4 + b"\x00", id="length differs from the datagram"),
    ],
)
def test_a_response_that_says_nothing_sound_is_ignored(datagram: bytes) -> None:
    assert stun.read_binding_response(datagram, TID) is None


def test_a_request_needs_no_fingerprint() -> None:
    plain = struct.pack("!HHI12s", 0x0001, 0, 0x2112A442, TID)
    assert stun.read_binding_request(plain) == TID


def test_a_request_with_an_unknown_mandatory_attribute_is_not_answered() -> None:
    assert stun.read_binding_request(with_attribute(0x0006, b"user", message=0x0001)) is None
    assert stun.read_binding_request(with_attribute(0x8022, b"soft", message=0x0001)) == TID


def test_an_answer_is_hardly_longer_than_its_question() -> None:
    question = stun.binding_request(TID)
    for address in (str(IPv4Address(1)), str(IPv6Address(1))):
        assert len(stun.binding_response(TID, Endpoint(address, 1))) <= 2 * len(question)
