# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""STUN Binding (RFC 8489): how a host learns its endpoint as seen from outside.

Only what that needs: a request, a success response with XOR-MAPPED-ADDRESS, and FINGERPRINT, which tells STUN
from the tunnel's own datagrams on the same socket. Anything else is not for us and reads as None.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from ipaddress import ip_address

from cladnet.core.endpoint import Endpoint
from cladnet.core.errors import InvalidInput

TRANSACTION_ID_BYTES = 12

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_MAGIC_COOKIE = 0x2112A442
_BINDING_REQUEST = 0x0001
_BINDING_SUCCESS = 0x0101
_XOR_MAPPED_ADDRESS = 0x0020
_FINGERPRINT = 0x8028
_FINGERPRINT_XOR = 0x5354554E
_FINGERPRINT_BYTES = _ATTRIBUTE.size + 4
_FIRST_OPTIONAL_ATTRIBUTE = 0x8000
_ADDRESS_BYTES = {0x01: 4, 0x02: 16}
_FAMILY = {4: 0x01, 6: 0x02}


def binding_request(transaction_id: bytes) -> bytes:
    """The datagram that asks "which endpoint do you see me at?".

    Args:
        transaction_id: 12 bytes that nobody can guess, new for each request.
    """
    return _message(_BINDING_REQUEST, transaction_id, b"")


def read_binding_request(datagram: bytes) -> bytes | None:
    """The transaction id of a Binding request, or None if the datagram is anything else."""
    parsed = _parse(datagram, _BINDING_REQUEST)
    if parsed is None:
        return None
    transaction_id, attributes = parsed
    # RFC 8489, 6.3.1: a request whose mandatory attributes we do not know must not succeed.
    return None if any(kind < _FIRST_OPTIONAL_ATTRIBUTE for kind in attributes) else transaction_id


def binding_response(transaction_id: bytes, source: Endpoint) -> bytes:
    """The answer to a Binding request.

    Args:
        transaction_id: that of the request.
        source: where the request came from.
    """
    address = ip_address(source.address)
    value = struct.pack("!xBH", _FAMILY[address.version], source.port ^ (_MAGIC_COOKIE >> 16))
    value += _xor(address.packed, transaction_id)
    return _message(
        _BINDING_SUCCESS, transaction_id, _ATTRIBUTE.pack(_XOR_MAPPED_ADDRESS, len(value)) + value
    )


def read_binding_response(datagram: bytes, transaction_id: bytes) -> Endpoint | None:
    """The endpoint that a STUN server saw, or None if the datagram is no answer to this transaction."""
    parsed = _parse(datagram, _BINDING_SUCCESS)
    if parsed is None or parsed[0] != transaction_id:
        return None
    value = parsed[1].get(_XOR_MAPPED_ADDRESS)
    return None if value is None else _mapped_address(value, transaction_id)


def _message(kind: int, transaction_id: bytes, attributes: bytes) -> bytes:
    header = _HEADER.pack(kind, len(attributes) + _FINGERPRINT_BYTES, _MAGIC_COOKIE, transaction_id)
    return header + attributes + _fingerprint(header + attributes)


def _fingerprint(covered: bytes) -> bytes:
    return struct.pack("!HHI", _FINGERPRINT, 4, zlib.crc32(covered) ^ _FINGERPRINT_XOR)


def _parse(datagram: bytes, wanted: int) -> tuple[bytes, dict[int, bytes]] | None:
    """Transaction id and attributes (the first of each kind) of a well-formed message of the wanted type."""
    if len(datagram) < _HEADER.size:
        return None
    kind, length, cookie, transaction_id = _HEADER.unpack_from(datagram)
    if (kind, cookie) != (wanted, _MAGIC_COOKIE) or length % 4 or length != len(datagram) - _HEADER.size:
        return None
    attributes: dict[int, bytes] = {}
    for attribute in _attributes(datagram):
        if attribute is None:
            return None
        attributes.setdefault(*attribute)
    fingerprint = attributes.get(_FINGERPRINT)
    if fingerprint is not None and not datagram.endswith(_fingerprint(datagram[:-_FINGERPRINT_BYTES])):
        return None
    return transaction_id, attributes


def _attributes(datagram: bytes) -> Iterator[tuple[int, bytes] | None]:
    """Each attribute as (type, value); a None where the message ends inside an attribute."""
    position = _HEADER.size
    while position < len(datagram):
        kind, length = _ATTRIBUTE.unpack_from(datagram, position)
        position += _ATTRIBUTE.size
        value = datagram[position : position + length]
        yield (kind, value) if len(value) == length else None
        position += length + -length % 4


def _mapped_address(value: bytes, transaction_id: bytes) -> Endpoint | None:
    if len(value) < 4 or len(value) != 4 + _ADDRESS_BYTES.get(value[1], -1):
        return None
    (port,) = struct.unpack_from("!H", value, 2)
    address = ip_address(_xor(value[4:], transaction_id))
    try:
        return Endpoint(str(address), port ^ (_MAGIC_COOKIE >> 16))
    except InvalidInput:
        return None


def _xor(address: bytes, transaction_id: bytes) -> bytes:
    """Hides an address from middleboxes that rewrite payloads (RFC 8489, 14.2); its own inverse."""
    mask = struct.pack("!I", _MAGIC_COOKIE) + transaction_id
    return bytes(a ^ b for a, b in zip(address, mask, strict=False))
